/** The simulator sees: each planted bug is found within some hundred seeds, and named for what it is. */
import { expect, it } from 'vitest'
import { simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { bugs } from './bugs.ts'
import { findBug } from './find-bug.ts'
import { processBugs } from './process-bugs.ts'
import { ruleBugs } from './rule-bugs.ts'
import { exerciseOptions } from './services.ts'
import { streamBugs } from './stream-bugs.ts'

const MAX_SEEDS = 1_000

it.each([...bugs, ...streamBugs, ...processBugs, ...ruleBugs].map((bug) => [bug.name, bug] as const))(
  'sees that %s',
  async (_, bug) => {
    const found = await findBug(bug, MAX_SEEDS)
    expect(found?.check).toMatch(bug.seenAs)
  },
  PATIENCE_MS,
)

it('sees nothing any more when the bugs are gone', { timeout: PATIENCE_MS }, async () => {
  const report = await simulate({ ...exerciseOptions, seed: 1, seeds: 20 })
  expect(report.seeds).toBe(20)
})
