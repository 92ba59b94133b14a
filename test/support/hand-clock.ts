/** The clock of the conformance suite, for other tests that move time by hand. */
import { nextTurn } from '../../src/testing/hand-clock.ts'

export { HandClock, nextTurn } from '../../src/testing/hand-clock.ts'

/** Resolves in the first turn in which `condition` holds. The test's own timeout is its bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}
