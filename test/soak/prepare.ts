/**
 * The soak's processes as plain JavaScript, of the sources: no loader has a part in the figures. Of the client's copy one number is
 * changed: the first id of a connection, so that each soon comes to the last id and goes on with the first.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'
import { bundle } from '../support/bundle.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const here = fileURLToPath(new URL('./', import.meta.url))

/** So many calls before the last id. */
const BEFORE_WRAP = 500
const DEFAULT = 'firstId = 1 }'

const nearTheWrap: Plugin = {
  name: 'near-the-wrap',
  setup({ onLoad }) {
    onLoad({ filter: /src[\\/]session[\\/]session\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const parts = source.split(DEFAULT)
      if (parts.length !== 2)
        throw new Error(`'${DEFAULT}' should be once in ${path}: look where sessions get their first id`)
      return { contents: parts.join(`firstId = ${2 ** 32 - BEFORE_WRAP} }`), loader: 'ts' }
    })
  },
}

export async function prepare(): Promise<void> {
  await bundle({
    entryPoints: [`${here}server.ts`, `${here}client.ts`],
    outdir: `${here}dist`,
    alias: { nanowire: `${root}src/index.ts` },
    plugins: [nearTheWrap],
  })
}
