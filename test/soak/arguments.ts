/** What `npm run soak --` takes. Invariant: what is not understood is an error that says what would be. */
import { parseArgs } from 'node:util'

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

export const USAGE = `npm run soak -- [options]
  --hours 1       how long it takes, or --minutes, or --seconds
  --clients 2     processes that call, 1 to 8
  --load 0.7      of what the clients can do, which is measured first
  --no-chart      counts only, and no picture
  --write         write test/soak/results.md and test/bench/charts/soak.svg`

export class UsageError extends Error {}

function numberOf(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (text.trim() === '' || !(number >= least && number <= most))
    throw new UsageError(`--${option} takes a number from ${least} to ${most}, not ${text}.`)
  return number
}

function readOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        hours: { type: 'string' },
        minutes: { type: 'string' },
        seconds: { type: 'string' },
        clients: { type: 'string', default: '2' },
        load: { type: 'string', default: '0.7' },
        'no-chart': { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/**
 * @returns undefined when the user asked for help
 * @throws UsageError for options and numbers that there are not
 */
export function readSettings(args: readonly string[]): SoakSettings | undefined {
  const options = readOptions(args)
  if (options.help) return undefined
  const given = (['hours', 'minutes', 'seconds'] as const).filter((unit) => options[unit] !== undefined)
  if (given.length > 1) throw new UsageError(`--${given.join(' and --')} say the same: give one of them.`)
  const [unit = 'hours'] = given
  const seconds = { hours: 3_600, minutes: 60, seconds: 1 }[unit] * numberOf(unit, options[unit] ?? '1', 0.001, 100_000)
  if (seconds < 5) throw new UsageError('a soak takes 5 seconds or more')
  const clients = numberOf('clients', options.clients, 1, 8)
  if (!Number.isInteger(clients)) throw new UsageError('--clients takes a whole number.')
  const between = (least: number, value: number, most: number) => Math.min(most, Math.max(least, value))
  return {
    seconds,
    clients,
    load: numberOf('load', options.load, 0.01, 1),
    measureSeconds: between(1, seconds / 10, 60),
    windowSeconds: between(0.5, seconds / 360, 10),
    restSeconds: between(1, seconds / 15, 300),
    cutMs: between(200, (1_000 * seconds) / 60, 2_000),
    chart: !options['no-chart'],
    write: options.write,
  }
}
