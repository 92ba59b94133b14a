/** What `npm run soak --` takes. Invariant: what is not understood is wrong use, and it is said what would be understood. */
import { Option } from 'commander'
import { number, script, whole } from '../support/command-line.ts'

export interface SoakSettings {
  readonly seconds: number
  readonly clients: number
  /** Of what was measured in the beginning. */
  readonly load: number
  readonly measureSeconds: number
  readonly windowSeconds: number
  readonly restSeconds: number
  readonly cutMs: number
  readonly chart: boolean
  /** Whether test/soak/results.md and test/bench/charts/soak.svg are written. */
  readonly write: boolean
}

interface Flags {
  readonly hours?: number | undefined
  readonly minutes?: number | undefined
  readonly seconds?: number | undefined
  readonly clients: number
  readonly load: number
  readonly chart: boolean
  readonly write?: true | undefined
}

const duration = number(0.001, 100_000)
const LEAST_SECONDS = 5

/** Ends the process where they are none, or ask for help. */
export function readSettings(args: readonly string[]): SoakSettings {
  const command = script('npm run soak --', 'A server and clients under load and faults, for hours')
    .option('--hours <number>', 'how long it takes: 1 by default', duration)
    .addOption(new Option('--minutes <number>', 'the same').argParser(duration).conflicts('hours'))
    .addOption(new Option('--seconds <number>', 'the same').argParser(duration).conflicts(['hours', 'minutes']))
    .option('--clients <count>', 'processes that call', whole(1, 8), 2)
    .option('--load <share>', 'of what the clients can do, which is measured first', number(0.01, 1), 0.7)
    .option('--no-chart', 'counts only, and no picture')
    .option('--write', 'write test/soak/results.md and test/bench/charts/soak.svg')
    .parse(args, { from: 'user' })
  const { hours, minutes, seconds: given, clients, load, chart, write = false } = command.opts<Flags>()
  const seconds = given ?? (minutes === undefined ? 3_600 * (hours ?? 1) : 60 * minutes)
  if (seconds < LEAST_SECONDS) command.error(`error: a soak takes ${LEAST_SECONDS} seconds or more`)
  const between = (least: number, value: number, most: number) => Math.min(most, Math.max(least, value))
  return {
    seconds,
    clients,
    load,
    measureSeconds: between(1, seconds / 10, 60),
    windowSeconds: between(0.5, seconds / 360, 10),
    restSeconds: between(1, seconds / 15, 300),
    cutMs: between(200, (1_000 * seconds) / 60, 2_000),
    chart,
    write,
  }
}
