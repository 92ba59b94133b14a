/** One process of campaign.ts: it runs the blocks of seeds that it is given, and tells what came of each. */
import { type SimulationReport, simulate } from '../../src/testing/index.ts'
import { slabsTaken } from '../../src/transport/slab.ts'
import { campaignOf } from './campaigns.ts'

export interface Block {
  readonly campaign: string
  readonly seed: number
  readonly seeds: number
  readonly calls: number
}

export interface BlockEnd {
  readonly block: Block
  readonly reports: readonly SimulationReport[]
  readonly findings: readonly Finding[]
  readonly slabs: number
  /** Of the heap, in MiB, after a collection. */
  readonly heapMiB: number
}

/** A check that did not hold. */
export interface Finding {
  readonly campaign: string
  readonly message: string
  readonly again: unknown
}

/** Runs seeds from one number up; after one that fails it goes on with the next. */
async function run(block: Block): Promise<BlockEnd> {
  const { campaign, seeds, calls } = block
  const options = { ...campaignOf(campaign), calls }
  const reports: SimulationReport[] = []
  const findings: Finding[] = []
  const slabsBefore = slabsTaken() // a run that fails leaves some
  const end = block.seed + seeds
  for (let seed = block.seed; seed < end; ) {
    try {
      reports.push(await simulate({ ...options, seed, seeds: end - seed }))
      seed = end
    } catch (error) {
      const { message, data } = error as Error & { readonly data?: { readonly seed: number; readonly again: unknown } } // as simulate throws it
      if (!data) throw error
      findings.push({ campaign, message, again: data.again })
      if (data.seed > seed) reports.push(await simulate({ ...options, seed, seeds: data.seed - seed }))
      seed = data.seed + 1
    }
  }
  globalThis.gc?.()
  const heapMiB = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
  return { block, reports, findings, slabs: findings.length === 0 ? slabsTaken() - slabsBefore : 0, heapMiB }
}

Error.stackTraceLimit = 0 // calls that fail are many, and nobody reads where

process.on('message', (block: Block) => {
  void run(block).then((end) => process.send?.(end))
})
