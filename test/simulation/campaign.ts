/**
 * Seeds by the hundred thousand, on both cores: `npx tsx test/simulation/campaign.ts --hours 2`, or `--seeds 10000`; `--first`,
 * `--calls`, `--workers` and `--only relayed` say the rest. It prints a rate each minute, one line for each finding, which
 * `kept.ts` keeps, and the sums at the end.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { Option } from 'commander'
import type { SimulationReport } from '../../src/testing/index.ts'
import { number, script, whole } from '../support/command-line.ts'
import type { Block, BlockEnd } from './campaign-worker.ts'
import { type CampaignName, campaigns } from './campaigns.ts'

const BLOCK_SEEDS = 100
const PRINT_EVERY_MS = 60_000

/** Of so many blocks, how many are of which campaign. */
const MIX: readonly CampaignName[] = [
  'exercise',
  'exercise',
  'exercise',
  'relayed',
  'credentials',
  'exercise',
  'exercise',
  'relayed',
  'exercise',
  'differing',
]

interface Flags {
  readonly hours?: number | undefined
  readonly seeds?: number | undefined
  readonly first: number
  readonly calls: number
  readonly workers: number
  readonly only?: string | undefined
  readonly findings?: string | undefined
}

const values = script('npm run simulate --', 'Seeds by the hundred thousand, and what they find')
  .option('--hours <number>', 'how long', number(0.001))
  .option('--seeds <count>', 'how many: 10000, or what the time is enough for', whole(1))
  .option('--first <seed>', 'the first one', whole(0), 1)
  .option('--calls <count>', 'of each seed', whole(1), 25)
  .option('--workers <count>', 'processes', whole(1), 2)
  .addOption(new Option('--only <campaign>', 'instead of some of each').choices(Object.keys(campaigns)))
  .option('--findings <file>', 'to which findings are added, whole')
  .parse()
  .opts<Flags>()
const { hours = Number.POSITIVE_INFINITY, first, calls, workers } = values
const { seeds = values.hours === undefined ? 10_000 : Number.POSITIVE_INFINITY } = values

const started = performance.now()
const sums: Record<string, Record<string, number>> = { all: {} }
let given = 0
let blocks = 0
let findings = 0
let slabs = 0
let heapMiB = 0

function nextBlock(): Block | undefined {
  if (given >= seeds || performance.now() - started > hours * 3_600_000) return undefined
  const count = Math.min(BLOCK_SEEDS, seeds - given)
  const campaign = values.only ?? MIX[blocks++ % MIX.length] ?? 'exercise'
  const block = { campaign, seed: first + given, seeds: count, calls }
  given += count
  return block
}

function add(campaign: string, { codes, processed, faults, digest: _, ...counts }: SimulationReport): void {
  for (const [group, numbers] of Object.entries({ all: counts, [campaign]: counts, codes, processed, faults })) {
    sums[group] ??= {}
    for (const [key, value] of Object.entries(numbers)) sums[group][key] = (sums[group][key] ?? 0) + value
  }
}

const total = (numbers: Record<string, number> = {}) => Object.values(numbers).reduce((sum, one) => sum + one, 0)

function line(): string {
  const seconds = (performance.now() - started) / 1_000
  const { seeds: done = 0, calls: made = 0 } = sums['all'] ?? {}
  const rate = `${Math.round(done / seconds)} seeds/s, ${Math.round(made / seconds)} calls/s`
  return `${Math.round(seconds)} s: ${done} seeds, ${made} calls, ${total(sums['faults'])} faults, ${rate}; ${findings} checks broken, ${slabs} slabs held, heap ${heapMiB} MiB`
}

function ended({ block, reports, findings: found, slabs: held, heapMiB: kept }: BlockEnd): void {
  heapMiB = kept
  for (const report of reports) add(block.campaign, report)
  slabs += held
  for (const { campaign, message, again } of found) {
    findings++
    const [what = ''] = message.split('\n')
    console.info(`${campaign}: ${what}\n  npx tsx test/simulation/kept.ts ${campaign} '${JSON.stringify(again)}' '...'`)
    if (values.findings) appendFileSync(values.findings, `${campaign}: ${message}\n\n`)
  }
}

/** Gives a worker block after block. */
function work(): Promise<void> {
  const path = new URL('./campaign-worker.ts', import.meta.url)
  const worker: ChildProcess = fork(path, { execArgv: ['--import', 'tsx', '--expose-gc', '--max-semi-space-size=32'] })
  return new Promise((resolve, reject) => {
    const give = (): void => {
      const block = nextBlock()
      if (block) worker.send(block)
      else worker.disconnect()
    }
    worker.on('message', (end: BlockEnd) => {
      ended(end)
      give()
    })
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
    give()
  })
}

const printing = setInterval(() => console.info(line()), PRINT_EVERY_MS)
await Promise.all(Array.from({ length: workers }, work))
clearInterval(printing)
console.info(line())
console.info(
  JSON.stringify({ first, hours: (performance.now() - started) / 3_600_000, findings, ...sums }, undefined, 2),
)
process.exitCode = findings + slabs === 0 ? 0 : 1
