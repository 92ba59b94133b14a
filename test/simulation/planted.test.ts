/** The simulator sees: each planted bug is found within some hundred seeds, and named for what it is. */
import { expect, it } from 'vitest'
import { NanowireError } from '../../src/index.ts'
import { simulate } from '../../src/testing/index.ts'
import { type Bug, bugs } from './bugs.ts'
import { exercise, exerciseOptions } from './services.ts'
import { streamBugs } from './stream-bugs.ts'

const MAX_SEEDS = 300

/** What the simulator says first, and at which seed. */
async function findBug(bug: Bug): Promise<{ readonly seed: number; readonly check: string } | undefined> {
  const remove = bug.plant([exercise])
  try {
    await simulate({ ...exerciseOptions, seed: 1, seeds: MAX_SEEDS })
    return undefined
  } catch (error) {
    if (!(error instanceof NanowireError)) throw error
    return error.data as { seed: number; check: string } // as simulate says
  } finally {
    remove()
  }
}

it.each([...bugs, ...streamBugs].map((bug) => [bug.name, bug] as const))('sees that %s', async (_, bug) => {
  const found = await findBug(bug)
  expect(found?.check).toMatch(bug.seenAs)
})

it('sees nothing any more when the bugs are gone', async () => {
  const report = await simulate({ ...exerciseOptions, seed: 1, seeds: 20 })
  expect(report.seeds).toBe(20)
})
