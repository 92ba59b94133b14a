/**
 * The tests that judge a mutant: those of the wire and the session, and what judges compiled codecs and the words for
 * frames. They run in one thread without a fresh one for each file, because a mutant runs most of them; and the quick ones first,
 * because the first that fails is enough.
 */
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes a tenth of a second or more, most of it for many runs of a property. */
const SLOW =
  /(findings|leaves|misfits|outcomes\.property|tokens|unknown|map-entries|strict|msgpack|pieces|reassembly|parity|round-trip|cut|cut-streams|model|send-window|half-items|turns|id-table|credit)\.test\.ts$/

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification) => Number(SLOW.test(moduleId))
    return [...files].sort((one, other) => isSlow(one) - isSlow(other) || one.moduleId.localeCompare(other.moduleId))
  }
}

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: [
      'test/{wire,session,spec}/**/*.test.ts',
      'test/testing/{parity,round-trip}.test.ts',
      'test/tools/{decode,describe}.test.ts',
    ],
    exclude: ['**/node_modules/**', 'test/wire/compiled/off.test.ts'], // in processes of their own, where no mutant is
    isolate: false,
    sequence: { sequencer: QuickFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    setupFiles: 'test/support/seed.ts',
  },
})
