/** Plants a bug, and lets the simulator look for it. */
import { NanowireError } from '../../src/index.ts'
import { simulate } from '../../src/testing/index.ts'
import type { Bug } from './bugs.ts'
import { relayed } from './relayed.ts'
import { exercise, exerciseOptions } from './services.ts'

/** What the simulator says first, and at which seed. */
export async function findBug(
  bug: Bug,
  maxSeeds: number,
): Promise<{ readonly seed: number; readonly check: string } | undefined> {
  const options = bug.isRelayed ? relayed().options : exerciseOptions
  const remove = bug.plant([exercise])
  try {
    await simulate({ ...options, seed: 1, seeds: maxSeeds, shrink: false })
    return undefined
  } catch (error) {
    if (!(error instanceof NanowireError)) throw error
    return error.data as { seed: number; check: string } // as simulate says
  } finally {
    remove()
  }
}
