/**
 * Real processes that are killed, stopped and cut off, and whether `processed` told the truth (spec/testing.md):
 * `npm run chaos -- --faults 20000 --kills 1000 --seed 1`. One line for each round and each finding, and the sums at the end.
 */
import { script, whole } from '../support/command-line.ts'
import { buildPrograms } from './children.ts'
import { type RoundReport, runRound } from './round.ts'

/** Of a round. The journals of a round are judged together, so it is kept short. */
const FAULTS_OF_ROUND = 500
const FAULTS_PER_STOP = 50

interface Flags {
  readonly faults: number
  readonly kills: number
  readonly seed: number
}

const flags = script(
  'npm run chaos --',
  'Real servers and clients behind faulty proxies, and whether what callers are told is true',
)
  .option('--faults <count>', 'faults of connections', whole(1), 2_000)
  .option('--kills <count>', 'processes that are killed', whole(1), 100)
  .option('--seed <seed>', 'of the first round; each has the next one', whole(1), 1)
  .parse()
  .opts<Flags>()

const sums: { faults: Record<string, number>; outcomes: Record<string, number> } = { faults: {}, outcomes: {} }
const totals = { rounds: 0, faults: 0, kills: 0, stops: 0, calls: 0, findings: 0 }
const started = performance.now()

function add(into: Record<string, number>, from: Readonly<Record<string, number>>): number {
  for (const [key, count] of Object.entries(from)) into[key] = (into[key] ?? 0) + count
  return Object.values(from).reduce((sum, count) => sum + count, 0)
}

function addRound({ findings, calls, outcomes, faults, kills, stops }: RoundReport): void {
  add(sums.outcomes, outcomes)
  totals.rounds++
  totals.faults += add(sums.faults, faults)
  totals.kills += kills
  totals.stops += stops
  totals.calls += calls
  totals.findings += findings.length
}

const programs = await buildPrograms()
for (let seed = flags.seed; totals.faults < flags.faults || totals.kills < flags.kills; seed++) {
  const faults = Math.max(1, Math.min(FAULTS_OF_ROUND, flags.faults - totals.faults))
  const kills = Math.max(0, Math.min(Math.ceil((faults * flags.kills) / flags.faults), flags.kills - totals.kills))
  const report = await runRound(programs, { seed, faults, kills, stops: Math.ceil(faults / FAULTS_PER_STOP) })
  for (const finding of report.findings) console.log(`seed ${seed}: ${finding} (journals: ${report.journals})`)
  addRound(report)
  const seconds = (performance.now() - started) / 1_000
  const rate = `${(totals.faults / seconds).toFixed(0)} faults/s, ${(totals.calls / seconds).toFixed(0)} calls/s`
  console.log(
    `seed ${seed}: ${totals.faults} faults, ${totals.kills} kills, ${totals.stops} stops, ${totals.calls} calls, ` +
      `${totals.findings} findings; ${rate}, ${seconds.toFixed(0)} s`,
  )
}
console.log(JSON.stringify({ ...totals, ...sums }, undefined, 2))
process.exitCode = totals.findings === 0 ? 0 : 1
