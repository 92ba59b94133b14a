/**
 * What may go wrong on the way of `faultyLink` and `faultyProxy`, in words of the wire (spec/testing.md). Invariant: faults
 * that were looked at are whole, and a mistake in them is told before anything runs.
 */
import { misuse } from '../../errors.ts'
import { requireOptions } from '../../rpc/index.ts'
import { describeGiven } from '../require.ts'

/** What goes wrong in a direction. Bytes come in their order, each once, up to where a fault ends them. */
export interface Faults {
  /** Bytes, and the end, come so much later. Default 0. */
  readonly latencyMs?: number | undefined
  /** Up to so much later still, by chance. Default 0. */
  readonly jitterMs?: number | undefined
  /** No more than so many bytes in a second. Default: no limit. */
  readonly bytesPerSecond?: number | undefined
  /** Bytes come in pieces of so many at most, each in a turn of its own. Default: as they were sent. */
  readonly sliceBytes?: number | undefined
  /** So much time passes between two of those pieces. Needs `sliceBytes`. Default 0. */
  readonly slicePauseMs?: number | undefined
  /** What was sent within so much time comes as one piece. Default 0: as it was sent. */
  readonly joinMs?: number | undefined
  /** Nothing comes through, not even the end of the connection; what was sent waits. Default `false`. */
  readonly stall?: boolean | undefined
  /** Nothing comes through, and after so much time the connection is closed. Default: never. */
  readonly timeoutMs?: number | undefined
  /** So many bytes come through from now on, then the connection is closed. Default: no limit. */
  readonly limitBytes?: number | undefined
  /** After so much time the connection is reset, whatever is on its way. Default: never. */
  readonly resetMs?: number | undefined
  /** The end of this direction comes so much later than the bytes before it. Default 0. */
  readonly slowCloseMs?: number | undefined
}

/** Faults of a connection: those for both directions, and over them those for one. */
export interface ConnectionFaults extends Faults {
  readonly toServer?: Faults | undefined
  readonly toClient?: Faults | undefined
  /** Who connects is turned away. Default `false`. */
  readonly refuse?: boolean | undefined
}

/**
 * The faults of all connections, or a function that draws those of each.
 * @param connection 0 for the first one that was made
 * @param random numbers from 0 up to 1 that follow from the seed and the connection
 */
export type FaultPlan = ConnectionFaults | ((connection: number, random: () => number) => ConnectionFaults)

/** The direction from a client to its server, and the other one. */
export type DirectionName = 'toServer' | 'toClient'

/** The numbers among the faults: the least that each may be, and whether it has a fraction. */
const NUMBERS = {
  latencyMs: { min: 0, whole: false },
  jitterMs: { min: 0, whole: false },
  bytesPerSecond: { min: 1, whole: false },
  sliceBytes: { min: 1, whole: true },
  slicePauseMs: { min: 0, whole: false },
  joinMs: { min: 0, whole: false },
  timeoutMs: { min: 0, whole: false },
  limitBytes: { min: 0, whole: true },
  resetMs: { min: 0, whole: false },
  slowCloseMs: { min: 0, whole: false },
} as const

const OF_DIRECTION = [...Object.keys(NUMBERS), 'stall']
const OF_CONNECTION = [...OF_DIRECTION, 'toServer', 'toClient', 'refuse']
const MAX_TIMER_MS = 2 ** 31 - 1

/** @throws NanowireError `invalid_argument` for what are no faults */
export function requirePlan(who: string, plan: FaultPlan): void {
  if (typeof plan === 'function') return // what it draws is looked at when it does
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan))
    throw misuse(
      `${who}: faults are an object such as { latencyMs: 50 }, or a function that makes one, not ${describeGiven(plan)}`,
    )
  requireConnectionFaults(who, plan)
}

/** @throws NanowireError `invalid_argument` */
export function requireConnectionFaults(who: string, faults: ConnectionFaults): void {
  requireRecord(`${who}: faults`, faults)
  requireOptions(`${who}: faults`, faults, OF_CONNECTION)
  requireFlag(who, 'refuse', faults.refuse)
  requireFaults(who, faults)
  for (const name of ['toServer', 'toClient'] as const) {
    const own = faults[name]
    if (own === undefined) continue
    requireRecord(`${who}: ${name}`, own)
    requireOptions(`${who}: ${name}`, own, OF_DIRECTION)
    requireFaults(`${who}: ${name}`, own)
    requirePieces(`${who}: ${name}`, faultsOf(faults, name))
  }
  if (faults.toServer === undefined || faults.toClient === undefined) requirePieces(who, faults)
}

/** What has no names of its own looks as if there were no faults in it. */
function requireRecord(what: string, given: object): void {
  if (Array.isArray(given) || given instanceof Map || given instanceof Promise)
    throw misuse(`${what} are an object such as { latencyMs: 50 }, not a ${given.constructor.name}`)
}

/** What counts for one direction. */
export function faultsOf(faults: ConnectionFaults, name: DirectionName): Faults {
  const { toServer: _toServer, toClient: _toClient, refuse: _refuse, ...both } = faults
  return { ...both, ...faults[name] }
}

function requireFaults(who: string, faults: Faults): void {
  requireFlag(who, 'stall', faults.stall)
  for (const [name, { min, whole }] of Object.entries(NUMBERS)) {
    const value: unknown = faults[name as keyof typeof NUMBERS] // one of its keys
    if (value === undefined) continue
    const max = name.endsWith('Ms') ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER
    const fits = typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))
    if (!fits)
      throw misuse(`${who}: ${name} is a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not ${String(value)}`)
  }
}

function requirePieces(who: string, { sliceBytes, slicePauseMs }: Faults): void {
  if (slicePauseMs !== undefined && sliceBytes === undefined)
    throw misuse(`${who}: slicePauseMs is the time between the pieces of sliceBytes, which is missing`)
}

function requireFlag(who: string, name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw misuse(`${who}: ${name} is true or false, not ${String(value)}`)
}
