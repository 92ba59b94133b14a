/**
 * Seeds by the hundred thousand, in blocks of which most are of the services of test/simulation/services.ts, some of a server
 * that asks for credentials and some of contracts that differ: `npx tsx test/simulation/campaign.ts [seeds] [first seed]`.
 */
import type { SimulateOptions, SimulationReport } from '../../src/testing/index.ts'
import { simulate } from '../../src/testing/index.ts'
import { slabsTaken } from '../../src/transport/slab.ts'
import { differing } from './differing.ts'
import { guarded } from './guarded.ts'
import { exerciseOptions } from './services.ts'

const BLOCK = 1_000
/** Of each block: so many seeds with credentials, so many with contracts that differ. */
const SHARE = 100

const [seeds = 100_000, first = 1] = process.argv.slice(2).map(Number)
if (!(Number.isInteger(seeds) && seeds > 0 && Number.isInteger(first) && first >= 0))
  throw new Error('campaign.ts takes whole numbers: how many seeds, and the first of them')

const { options: guardedOptions, seen } = guarded()
const { options: differingOptions, outcomes } = differing()
const started = process.hrtime.bigint()
const seconds = () => Number((process.hrtime.bigint() - started) / 1_000_000_000n)
const sums: Record<string, Record<string, number>> = {}
let failures = 0

function add(name: string, { codes, processed, faults, digest: _, ...counts }: SimulationReport): void {
  for (const [group, numbers] of Object.entries({ [name]: counts, codes, processed, faults })) {
    sums[group] ??= {}
    for (const [key, value] of Object.entries(numbers)) sums[group][key] = (sums[group][key] ?? 0) + value
  }
}

/** Runs seeds from one number up; after one that fails it goes on with the next. */
async function run(name: string, options: SimulateOptions, from: number, count: number): Promise<void> {
  const end = from + count
  for (let seed = from; seed < end; ) {
    try {
      add(name, await simulate({ ...options, seed, seeds: end - seed }))
      return
    } catch (error) {
      failures++
      console.info(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      const { seed: failed } = (error as { data?: { seed?: number } }).data ?? {} // as simulate throws it
      if (failed === undefined) throw error
      if (failed > seed) add(name, await simulate({ ...options, seed, seeds: failed - seed }))
      seed = failed + 1
    }
  }
}

for (let done = 0; done < seeds; done += BLOCK) {
  const count = Math.min(BLOCK, seeds - done)
  const share = Math.min(SHARE, Math.floor(count / 3))
  await run('exercise', exerciseOptions, first + done, count - 2 * share)
  await run('credentials', guardedOptions, first + done + count - 2 * share, share)
  await run('differing', differingOptions, first + done + count - share, share)
  if (((done + count) / BLOCK) % 5 === 0)
    console.info(`${done + count} seeds, ${seconds()} s, ${failures} checks broken, ${slabsTaken()} slabs held`)
}

const { principals, renewals, strangers } = seen
const identity = { principals: principals.size, renewals, strangers }
console.info(JSON.stringify({ seeds, first, seconds: seconds(), failures, ...sums, identity, outcomes }, undefined, 2))
process.exitCode = failures === 0 ? 0 : 1
