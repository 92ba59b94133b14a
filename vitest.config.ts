import { defineConfig } from 'vitest/config'

/** Tests of what is shipped: they need `dist`, so the build comes first. All other tests run the sources. */
const built = 'test/**/*.built.test.ts'
/** The packages of test/bench bring tests of their own. */
const peers = '**/node_modules/**'

export default defineConfig({
  resolve: { tsconfigPaths: true }, // `nanowire` means the sources, as in tsconfig.json
  test: {
    pool: 'forks', // a process of its own for each file: exit codes, handles and the heap are tested
    maxWorkers: 2,
    testTimeout: 300_000, // for what hangs: two busy cores may be slow, and no test waits for time
    hookTimeout: 300_000,
    setupFiles: 'test/support/seed.ts',
    execArgv: ['--expose-gc'],
    coverage: {
      include: ['src/**'],
      reporter: ['text'],
      reportOnFailure: true,
      reportsDirectory: 'node_modules/.coverage',
    },
    projects: [
      { extends: true, test: { name: 'sources', include: ['test/**/*.test.ts'], exclude: [built, peers] } },
      { extends: true, test: { name: 'built', include: [built], globalSetup: 'test/package/build.ts' } },
    ],
  },
})
