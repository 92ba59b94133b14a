/** What `npm run bench --` takes. Invariant: an unknown name is an error that lists the known ones. */
import { parseArgs } from 'node:util'
import { SYSTEMS, type SystemName } from './systems.ts'
import { WORKS, type Work } from './work.ts'

export const PARTS = [
  'rpc',
  'open',
  'codecs',
  'memory',
  'idle',
  'streams',
  'mixed',
  'held',
  'slow',
  'neighbours',
] as const
export type Part = (typeof PARTS)[number]

export interface Settings {
  readonly parts: readonly Part[]
  readonly systems: readonly SystemName[]
  readonly works: readonly Work[]
  readonly inFlight: readonly number[]
  readonly rounds: number
  /** How long one system's share of a round is to take, about. */
  readonly roundSeconds: number
  /** Calls that each system gets before its work is measured. */
  readonly warmCalls: number
  readonly connections: number
  /** Streams that are open at once, and for how many seconds they are looked at. */
  readonly heldStreams: number
  readonly heldSeconds: number
  /** How long a stream is hardly read. */
  readonly slowSeconds: number
  /** Whether results.md and the charts are written. */
  readonly write: boolean
}

export const USAGE = `npm run bench -- [options]
  --parts ${PARTS.join(',')}
  --only ${SYSTEMS.join(',')}
  --work ${WORKS.join(',')}
  --in-flight 1,16,64,128,512   calls in flight (bytes: 64 at most)
  --rounds 5                    rounds, of which medians are taken
  --quick                       one short round: does everything run?
  --write                       write test/bench/results.md and test/bench/charts/`

export class UsageError extends Error {}

function listOf<T extends string>(option: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !known.some((one) => one === name))
  if (unknown.length > 0) {
    throw new UsageError(`--${option} does not know ${unknown.join(', ')}. It knows ${known.join(', ')}.`)
  }
  return known.filter((one) => names.includes(one))
}

function countOf(option: string, text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text.trim()) || count < 1 || count > 10_000) {
    throw new UsageError(`--${option} takes whole numbers from 1 to 10000, not ${text}.`)
  }
  return count
}

function readOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        parts: { type: 'string' },
        only: { type: 'string' },
        work: { type: 'string' },
        'in-flight': { type: 'string' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
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
 * @throws UsageError for options and names that there are not
 */
export function readSettings(args: readonly string[]): Settings | undefined {
  const options = readOptions(args)
  if (options.help) return undefined
  const inFlight = options['in-flight'] ?? '1,16,64,128,512'
  return {
    parts: listOf('parts', options.parts, PARTS),
    systems: listOf('only', options.only, SYSTEMS),
    works: listOf('work', options.work, WORKS),
    inFlight: inFlight.split(',').map((text) => countOf('in-flight', text)),
    rounds: options.rounds === undefined ? (options.quick ? 1 : 5) : countOf('rounds', options.rounds),
    roundSeconds: options.quick ? 0.1 : 0.6,
    warmCalls: options.quick ? 1_000 : 20_000,
    connections: options.quick ? 500 : 10_000,
    heldStreams: options.quick ? 500 : 10_000,
    heldSeconds: options.quick ? 3 : 20,
    slowSeconds: options.quick ? 3 : 60,
    write: options.write,
  }
}
