/** Calls across contracts that differ, in a world where the reflection that judges them is slow, lost or asked anew. */
import { expect, it } from 'vitest'
import { simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { CALLS, differing } from './differing.ts'

it(
  'S31, S32 and S3 to S28 with a newer server: compatible calls go, breaking ones never run, and every call ends once',
  async () => {
    const { options, outcomes } = differing()
    const { seeds, calls } = await simulate({ ...options, seed: 1, seeds: runs(300).numRuns })
    expect(calls).toBeGreaterThanOrEqual(seeds * CALLS) // a client that crashes begins anew
    expect(outcomes.wrong).toBe(0)
    expect(outcomes.judged).toBeGreaterThan(calls / 8)
    expect(outcomes.refused).toBeGreaterThan(calls / 20)
    expect(outcomes.lacking).toBeGreaterThan(calls / 40)
  },
  PATIENCE_MS,
)
