/**
 * The sources as plain modules for the fuzzer, which instruments what it loads and knows no TypeScript: each file by itself, so that
 * coverage counts the library (`src/`) and not its oracles. Invariant: what runs is `src/` as it is, not what was built before.
 */
import { constants } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { ownFolder } from '../test/support/own-folder.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))
/** Everything that fuzzing makes: the modules, corpora that grow, inputs that break something. */
export const outputFolder = join(root, 'node_modules/.fuzz')
/** Of this process alone, for another run may have been built of other sources, and may have the same targets. */
export const modulesFolder = ownFolder(join(outputFolder, 'modules'))
/** What the fuzzer instruments: the library, without the tools of tests. */
export const instrumented = ['contract', 'wire', 'session', 'transport', 'tools'].map((chapter) =>
  join(modulesFolder, 'src', chapter, '/'),
)

const names: Readonly<Record<string, string>> = {
  nanowire: 'src/index.ts',
  'nanowire/codec': 'src/codec.ts',
  'nanowire/testing': 'src/testing/index.ts',
}

/** Imports of own files stay imports, of what the file has become. */
const ownFiles: Plugin = {
  name: 'own-files',
  setup({ onResolve }) {
    onResolve({ filter: /^(\.|nanowire(\/|$))/ }, ({ path, kind, importer }) => {
      if (kind === 'entry-point') return null
      const own = path.startsWith('.') ? resolve(dirname(importer), path) : join(root, names[path] ?? path)
      const made = join(modulesFolder, relative(root, own)).replace(/\.ts$/, '.js')
      const specifier = relative(join(modulesFolder, relative(root, dirname(importer))), made)
      return { path: specifier.startsWith('.') ? specifier : `./${specifier}`, external: true }
    })
  },
}

/** Translates everything that a target may import, until this process ends. */
export async function buildModules(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal])) // ctrl-C leaves nothing behind either
  await build({
    absWorkingDir: root,
    entryPoints: ['src/**/*.ts', 'fuzz/**/*.ts', 'test/support/*.ts', 'test/wire/**/*.ts', 'test/contract/compat-*.ts'],
    outbase: root,
    outdir: modulesFolder,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    bundle: true,
    packages: 'external',
    plugins: [ownFiles],
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'error',
  })
}
