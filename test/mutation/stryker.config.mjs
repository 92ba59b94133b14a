/**
 * How Stryker plants its bugs: one at a time, in copies of the sources, and each is judged by the tests that reach it
 * (vitest.config.ts). `npm run mutation` starts it.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export default {
  packageManager: 'npm',
  mutate: ['src/{wire,session}/**/*.ts'],
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  testRunnerNodeArgs: ['--expose-gc'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 10_000, // above what its tests take: on a machine that has nothing else to do
  incremental: true,
  incrementalFile: 'test/mutation/dist/incremental.json',
  tempDirName: join(tmpdir(), 'nanowire-mutation'),
  ignorePatterns: ['dist', 'examples', 'fuzz', 'test/bench', 'test/mutation/dist'],
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { logTests: false, reportTests: false, reportMutants: false, allowEmojis: false },
  jsonReporter: { fileName: 'test/mutation/dist/mutation.json' },
  thresholds: { high: 95, low: 85, break: 85 },
}
