/**
 * The build: one bundle for each entry of the package, with what they share in common chunks, so that a class or a
 * symbol exists once however it is imported. Dependencies and peers stay outside; commander goes into the command line.
 */
import { copyFile } from 'node:fs/promises'
import type { Plugin } from 'esbuild'
import { defineConfig } from 'tsup'

/** commander is CommonJS, and its `require('node:…')` would throw: a module has no `require`. */
const requireOfNode: Plugin = {
  name: 'require-of-node',
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ kind, path }) =>
      kind === 'require-call' ? { path, namespace: 'require-of-node' } : null,
    )
    build.onLoad({ filter: /.*/, namespace: 'require-of-node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }))
  },
}

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    codec: 'src/codec.ts',
    testing: 'src/testing/index.ts',
    cli: 'src/tools/cli.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  splitting: true,
  treeshake: { moduleSideEffects: false }, // drops the bare imports of shared chunks that esbuild leaves
  clean: true,
  // tsup hands the compiler a `baseUrl`, which TypeScript 6 deprecates.
  dts: {
    entry: { index: 'src/index.ts', codec: 'src/codec.ts', testing: 'src/testing/index.ts' },
    compilerOptions: { ignoreDeprecations: '6.0' },
  },
  removeNodeProtocol: false,
  esbuildPlugins: [requireOfNode],
  async onSuccess() {
    await copyFile('node_modules/commander/LICENSE', 'dist/commander.LICENSE')
  },
})
