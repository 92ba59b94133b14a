/** The processes of `npm run hostile` as plain JavaScript, of the sources. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'
import { bundle } from '../support/bundle.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** What reads files beside itself finds them. */
const besideItself: Plugin = {
  name: 'beside-itself',
  setup({ onLoad }) {
    onLoad({ filter: /support[\\/]certificates\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      return { contents: source.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path))), loader: 'ts' }
    })
  },
}

export async function prepare(): Promise<void> {
  await bundle({
    entryPoints: ['server', 'honest', 'attacker'].map((name) => at(`world/${name}.ts`)),
    outdir: at('dist'),
    alias: { nanowire: at('../../src/index.ts') },
    plugins: [besideItself],
  })
}
