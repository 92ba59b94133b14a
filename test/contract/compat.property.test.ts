/** What is called compatible never fails, over generated pairs; compat-campaign.ts runs many more. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { addPair, noCounts } from './compat-property.ts'

const { numRuns } = runs(3_000)
const first = fc.readConfigureGlobal()?.seed ?? Date.now() % 2 ** 31

it('K10: whatever passes at its sender passes where it is called compatible', { timeout: PATIENCE_MS }, () => {
  const counts = noCounts()
  for (let seed = first; counts.checked < numRuns; seed++) addPair(seed, counts)
  expect(counts.failures).toEqual([])
  // It would be no use if hardly anything were called compatible, or if what is called breaking never broke.
  const { schemaPairs, compatible, breaking, witnessed } = counts
  expect(compatible).toBeGreaterThan(schemaPairs / 5)
  expect(witnessed).toBeGreaterThan(breaking / 4)
})
