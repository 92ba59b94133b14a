/** What `npm run bench --` takes. Invariant: an unknown name is wrong use, and the known ones are listed. */
import { namesOption, script, whole } from '../support/command-line.ts'
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

interface Flags {
  readonly parts: readonly Part[]
  readonly only: readonly SystemName[]
  readonly work: readonly Work[]
  readonly inFlight: readonly number[]
  readonly rounds?: number | undefined
  readonly quick?: true | undefined
  readonly write?: true | undefined
}

const MOST = 10_000

/** Ends the process where they are none, or ask for help. */
export function readSettings(args: readonly string[]): Settings {
  const flags = script('npm run bench --', 'Nanowire, validation included, beside what people would use instead')
    .addOption(namesOption('--parts <names>', 'what is measured', PARTS))
    .addOption(namesOption('--only <systems>', 'with whom', SYSTEMS))
    .addOption(namesOption('--work <names>', 'what they carry', WORKS))
    .option('--in-flight <counts>', 'calls in flight; of bytes 64 at most', counts, [1, 16, 64, 128, 512])
    .option('--rounds <count>', 'of which medians are taken: 5, or 1 with --quick', whole(1, MOST))
    .option('--quick', 'short rounds: does everything run?')
    .option('--write', 'write test/bench/results.md and test/bench/charts/')
    .parse(args, { from: 'user' })
    .opts<Flags>()
  const { quick = false } = flags
  return {
    parts: flags.parts,
    systems: flags.only,
    works: flags.work,
    inFlight: flags.inFlight,
    rounds: flags.rounds ?? (quick ? 1 : 5),
    roundSeconds: quick ? 0.1 : 0.6,
    warmCalls: quick ? 1_000 : 20_000,
    connections: quick ? 500 : 10_000,
    heldStreams: quick ? 500 : 10_000,
    heldSeconds: quick ? 3 : 20,
    slowSeconds: quick ? 3 : 60,
    write: flags.write ?? false,
  }
}

const counts = (text: string): readonly number[] => text.split(',').map(whole(1, MOST))
