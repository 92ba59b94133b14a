/** What the ledger keeps of a call and of its handler, and what it must know to judge them (spec/testing.md). */
import type { MethodRef, SlowPolicy } from '../../contract/index.ts'
import type { Processed } from '../../errors.ts'
import type { ItemTrack } from './items.ts'
import type { SimulatedNetwork } from './network.ts'
import type { VirtualProcess } from './process.ts'
import type { Story } from './story.ts'

/** What became of a handler. */
export interface HandlerRecord {
  readonly process: VirtualProcess
  /** The connection that its request came by. */
  readonly peer: string
  readonly isAborted: () => boolean
  /** By its process's clock. */
  readonly beganAt: number
  endedAt: number | undefined
  /** `ok`, `misfit` for a reply that cannot travel, the code of what it threw, or `killed`. */
  how: string | undefined
  /** Of the reply, or of a declared error's data. */
  digest: string | undefined
}

/** How a handler ended, as `HandlerRecord` has it. */
export interface HandlerEnd extends Pick<HandlerRecord, 'digest'> {
  readonly how: string
  /** What it threw by accident, in words. */
  readonly threw?: string | undefined
}

/** Moments are those of its caller's clock, where nothing else is said. */
export interface CallRecord {
  readonly number: number
  /** Of its caller. */
  readonly process: VirtualProcess
  readonly method: MethodRef
  readonly madeAt: number
  /** Or `Infinity`. */
  deadlineAt: number
  /** Of the request; `undefined` for one that cannot travel. */
  readonly digest: string | undefined
  /** What its caller said of it. */
  readonly metadata: Readonly<Record<string, string>>
  cancelledAt: number | undefined
  end: { readonly at: number; readonly code: string; readonly processed: Processed } | undefined
  handler: HandlerRecord | undefined
  /** How often the caller was told the reply's metadata. */
  metadataCount: number
  /** It was told by them that the reply is its own. */
  isNumbered: boolean
  /** How many items the metadata behind them says that there were. */
  toldItems: string | undefined
  /** When its caller asked for the answer, or for the next item of it. */
  askedAt: number
  /** Likewise, by the time that all share. */
  askedTrulyAt: number
  /** What the caller gives, and what the handler answers with, where that is items. */
  readonly input: ItemTrack | undefined
  readonly output: ItemTrack | undefined
}

export interface LedgerOptions {
  /** The time that all share. */
  readonly now: () => number
  readonly network: SimulatedNetwork
  readonly story: Story
  /** Whether anything has happened that may make a connection end. */
  readonly mayLose: () => boolean
  /** From when on, by the time that all share, a connection may be lost with calls whose handlers have begun. */
  readonly mayCutFrom: () => number
  /** Whether a clock may be ahead: a server gives up a request then of which nothing more came (spec/streams.md, F16). */
  readonly mayHurry: () => boolean
  /** Whether a limit may refuse a call. */
  readonly mayRefuse: boolean
  /** Whether the server has another contract than the caller, and may refuse what fits the caller's. */
  readonly isForeign: (method: MethodRef) => boolean
  /** What is done with a method's items while nobody takes them. */
  readonly policyOf: (method: MethodRef) => SlowPolicy
  /** How many calls the server runs at once for one connection. */
  readonly maxCallsInFlight: number
  /** What the streams of a connection may hold at each side, as its limits say. */
  readonly maxStreamBytes: { readonly client: number; readonly server: number }
  /** Whether the server asks who its clients are, and may refuse them with any code. */
  readonly isGuarded: boolean
  /** Whether something judges each call, and may fail at it. */
  readonly isAuthorized: boolean
}

/** What a code says that has not happened, if anything. */
export function wrongCode(
  { cancelledAt, deadlineAt, digest, handler, input, method, process }: CallRecord,
  code: string,
  processed: Processed,
  { isAuthorized, isForeign, isGuarded, mayCutFrom, mayHurry, mayLose, mayRefuse, now }: LedgerOptions,
): string | undefined {
  if (processed === 'yes' || isGuarded) return undefined // a handler, or who guards the door, may say what they like
  const hasCancelled = cancelledAt !== undefined || input?.givenEnd === 'threw' // likewise what gives the items of a caller
  const isMisfit = digest === undefined || input?.isMisfit === true || isForeign(method)
  if (code === 'cancelled') return hasCancelled ? undefined : 'it was cancelled, and not by its caller'
  if (code === 'deadline_exceeded') {
    const isDue = process.clock.now() >= deadlineAt || (processed === 'no' && mayHurry())
    return isDue ? undefined : 'its deadline came too early'
  }
  if (code === 'unavailable') {
    if (!mayLose()) return 'its connection was lost, and nothing had happened'
    return handler && !method.event && now() < mayCutFrom()
      ? 'its connection was lost while it drained, and there was time left'
      : undefined
  }
  if (code === 'resource_exhausted') return mayRefuse ? undefined : 'a limit fired that is far away'
  if (code === 'invalid_argument') return isMisfit ? undefined : 'its request fits, and was refused'
  if (code === 'internal' && isAuthorized) return undefined
  return code === 'internal' || code === 'unknown' ? `it ended with ${code}, and no handler said so` : undefined
}

/** What is said where an answer comes too late, by the clock of whoever waits; that may have leapt. */
export function lateness(
  { askedAt, cancelledAt, deadlineAt, process }: CallRecord,
  maxLateMs: number,
): string | undefined {
  const { clock } = process
  const at = clock.now()
  const lateMs = at - Math.max(deadlineAt, askedAt) // whoever asks late is answered at once
  if (lateMs > maxLateMs + clock.leapMs) return `${lateMs} ms after its deadline`
  const afterMs = cancelledAt === undefined ? 0 : at - Math.max(cancelledAt, askedAt)
  return afterMs > clock.leapMs ? `${afterMs} ms after its cancellation` : undefined
}

/** A connection has so many slots, and a handler one of them until it has ended (spec/session.md, S8). */
export function findCrowded(
  running: ReadonlySet<CallRecord>,
  { peer }: HandlerRecord,
  { maxCallsInFlight }: LedgerOptions,
): string | undefined {
  if (running.size <= maxCallsInFlight) return undefined
  const count = [...running].filter(({ handler }) => handler?.peer === peer).length
  return count > maxCallsInFlight ? `it is one of ${count} that run of ${peer}, and ${maxCallsInFlight} may` : undefined
}

/** Why something still gives what nobody wants any more. An async generator that waits hears of it behind what it waits for. */
export function whyGiven({ input }: CallRecord): string {
  return input?.isTold
    ? 'what gives the items of its caller was told to return and has not: does it wait for something that never comes?'
    : 'what gives the items of its caller was never told to return'
}

export function fateOf(handler: HandlerRecord | undefined): string {
  return handler === undefined ? 'never ran' : handler.how === undefined ? 'still runs' : `ended with ${handler.how}`
}
