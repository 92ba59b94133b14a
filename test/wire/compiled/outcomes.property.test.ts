/** Whatever the compiled path decides, the reference path decides alike, over generated schemas, values and bytes (spec/codecs.md). */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PATIENCE_MS, runs } from '../../support/runs.ts'
import { addSchema, noCounts } from './outcomes.ts'
import { isOn } from './subject.ts'

const { numRuns } = runs(400)
const first = fc.readConfigureGlobal()?.seed ?? Date.now() % 2 ** 31

it('a compiled codec has the outcome of the reference wherever it decides, and decides most', {
  timeout: PATIENCE_MS,
}, () => {
  const counts = noCounts()
  for (let seed = first; counts.schemas < numRuns; seed++) addSchema(seed, 25, 1, counts)
  expect(counts.failures).toEqual([])
  if (!isOn) return
  // It would be no use if hardly anything were covered, or if what is covered were left to the reference.
  const { schemas, covered, pairs, encoded, decoded, passed, leftEncoding, leftDecoding, mutations, decidedMutations } =
    counts
  expect(covered).toBeGreaterThan(schemas / 2)
  expect(encoded).toBeGreaterThan(pairs / 3)
  expect(decoded).toBeGreaterThan(pairs / 3)
  expect(passed).toBeGreaterThan(pairs / 3)
  expect(leftEncoding).toBeLessThan(encoded / 20)
  expect(leftDecoding).toBeLessThan(decoded / 20)
  expect(decidedMutations).toBeGreaterThan(mutations / 6)
})
