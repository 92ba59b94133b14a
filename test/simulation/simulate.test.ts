/**
 * Seeds by the thousand: no promise is broken, and things really go wrong (spec/testing.md). More of them:
 * `NANOWIRE_RUNS=100 npx vitest run test/simulation/simulate.test.ts` runs 100,000, `NANOWIRE_SEED=100001` others.
 */
import { expect, it } from 'vitest'
import { statusCodes } from '../../src/index.ts'
import { type FaultKind, faultKinds, type SimulationReport, simulate } from '../../src/testing/index.ts'
import { slabsTaken } from '../../src/transport/slab.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { campaignOf } from './campaigns.ts'
import { keptSeeds } from './kept.ts'
import { exerciseOptions } from './services.ts'

const { numRuns } = runs(1_000)
const given = process.env['NANOWIRE_SEED'] ?? '1'
const firstSeed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given)

/** Fewer than usual: so many seeds take a while. test/simulation/campaign.ts has them all. */
const CALLS = 15

/** Of so many calls or seeds, one at least must have met it. */
const RARE = 1_000
const atLeast = (count: number) => Math.max(1, Math.floor(count / RARE))

/** What happens to every chunk, and so far more often. */
const ofChunks: readonly FaultKind[] = ['delay', 'split', 'join']

it(
  `E1, S3 to S28, F1 to F22: in ${numRuns} seeds no promise is broken, and every fault and every code occurs`,
  async () => {
    const report = await simulate({ ...exerciseOptions, calls: CALLS, seed: firstSeed, seeds: numRuns })
    if (process.env['NANOWIRE_RUNS']) console.info(JSON.stringify(report))
    requireVariety(report)
    expect(slabsTaken()).toBe(0)
  },
  2 * PATIENCE_MS,
)

/** A campaign in which nothing goes wrong says nothing. */
function requireVariety(report: SimulationReport): void {
  const { calls, handled, items, dropped, connections, codes, processed, faults, seeds } = report
  expect(seeds).toBe(numRuns)
  expect(calls).toBeGreaterThan(seeds * CALLS)
  expect(handled).toBeGreaterThan(calls / 2)
  expect(connections).toBeGreaterThan(seeds)
  expect(items).toBeGreaterThan(2 * calls)
  expect(dropped).toBeGreaterThan(calls / 10)
  for (const code of ['ok', 'left', 'Banned', 'Gone', 'Stopped', ...Object.keys(statusCodes)])
    expect(codes[code] ?? 0, code).toBeGreaterThanOrEqual(atLeast(calls))
  for (const how of ['no', 'maybe', 'yes']) expect(processed[how] ?? 0, how).toBeGreaterThan(calls / 50)
  for (const kind of Object.keys(faultKinds) as FaultKind[]) // its own keys
    expect(faults[kind], kind).toBeGreaterThan(ofChunks.includes(kind) ? calls / 5 : seeds / 50)
}

it('what once found a fault finds it mended', { timeout: PATIENCE_MS }, async () => {
  const kept = keptSeeds()
  for (const { campaign, again } of kept) await simulate({ ...campaignOf(campaign), ...again })
  expect(new Set(kept.map(({ campaign, again }) => `${campaign} ${again.seed}`)).size).toBe(kept.length)
})
