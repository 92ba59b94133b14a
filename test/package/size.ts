/**
 * The bundle-size check: what an application that imports everything of an entry adds to its bundle, minified, without
 * the dependencies. `--set` writes what is measured, with a margin of 15 %, as the new limits (size-limits.json).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { script } from '../support/command-line.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const limitsFile = fileURLToPath(new URL('size-limits.json', import.meta.url))
const entries = ['index', 'codec', 'testing']
const margin = 1.15

const { set } = script('npm run check:size --', 'What each entry adds to a bundle, held against its limit')
  .option('--set', 'makes new limits of what is measured')
  .parse()
  .opts<{ readonly set?: true | undefined }>()

async function measureBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from './dist/${entry}.js'`, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
  })
  return outputFiles.reduce((sum, { contents }) => sum + contents.byteLength, 0)
}

const sizes = await Promise.all(entries.map(async (entry) => [entry, await measureBytes(entry)] as const))
if (set) {
  const limits = Object.fromEntries(sizes.map(([entry, bytes]) => [entry, Math.ceil(bytes * margin)]))
  writeFileSync(limitsFile, `${JSON.stringify(limits, null, 2)}\n`)
}
const limits: Readonly<Record<string, number>> = JSON.parse(readFileSync(limitsFile, 'utf8'))
for (const [entry, bytes] of sizes) {
  const limit = limits[entry] ?? 0
  console.log(`${entry}: ${bytes} bytes of at most ${limit}`)
  if (bytes > limit) process.exitCode = 1
}
if (process.exitCode === 1) console.log('If the growth is worth it: npm run build && npm run check:size -- --set')
