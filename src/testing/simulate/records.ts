/** What the ledger keeps of a call and of its handler, and what it must know to judge them (spec/testing.md). */
import type { MethodRef, SlowPolicy } from '../../contract/index.ts'
import type { Processed } from '../../errors.ts'
import type { ItemTrack } from './items.ts'
import type { SimulatedNetwork } from './network.ts'
import type { Story } from './story.ts'

/** What became of a handler. */
export interface HandlerRecord {
  /** The connection that its request came by. */
  readonly peer: string
  readonly isAborted: () => boolean
  readonly beganAt: number
  endedAt: number | undefined
  /** `ok`, `misfit` for a reply that cannot travel, or the code of what it threw. */
  how: string | undefined
  /** Of the reply, or of a declared error's data. */
  digest: string | undefined
}

export interface CallRecord {
  readonly number: number
  readonly method: MethodRef
  readonly madeAt: number
  /** Or `Infinity`. */
  deadlineAt: number
  /** Of the request; `undefined` for one that cannot travel. */
  readonly digest: string | undefined
  cancelledAt: number | undefined
  end: { readonly at: number; readonly code: string; readonly processed: Processed } | undefined
  handler: HandlerRecord | undefined
  /** How often the caller was told the reply's metadata. */
  metadataCount: number
  /** How many items the metadata behind them says that there were. */
  toldItems: string | undefined
  /** When its caller asked for the answer, or for the next item of it. */
  askedAt: number
  /** What the caller gives, and what the handler answers with, where that is items. */
  readonly input: ItemTrack | undefined
  readonly output: ItemTrack | undefined
}

export interface LedgerOptions {
  readonly now: () => number
  readonly network: SimulatedNetwork
  readonly story: Story
  /** Whether anything has happened that may make a connection end. */
  readonly mayLose: () => boolean
  /** Whether a limit may refuse a call. */
  readonly mayRefuse: boolean
  /** What is done with a method's items while nobody takes them. */
  readonly policyOf: (method: MethodRef) => SlowPolicy
  /** What the streams of a connection may hold at each side, as its limits say. */
  readonly maxStreamBytes: { readonly client: number; readonly server: number }
  /** Whether the server asks who its clients are, and may refuse them with any code. */
  readonly isGuarded: boolean
}

/** What a code says that has not happened, if anything. */
export function wrongCode(
  { cancelledAt, deadlineAt, digest, input }: CallRecord,
  code: string,
  processed: Processed,
  { isGuarded, mayLose, mayRefuse, now }: LedgerOptions,
): string | undefined {
  if (processed === 'yes' || isGuarded) return undefined // a handler, or who guards the door, may say what they like
  const hasCancelled = cancelledAt !== undefined || input?.givenEnd === 'threw' // likewise what gives the items of a caller
  const isMisfit = digest === undefined || input?.isMisfit === true
  if (code === 'cancelled') return hasCancelled ? undefined : 'it was cancelled, and not by its caller'
  if (code === 'deadline_exceeded') return now() >= deadlineAt ? undefined : 'its deadline came too early'
  if (code === 'unavailable') return mayLose() ? undefined : 'its connection was lost, and nothing had happened'
  if (code === 'resource_exhausted') return mayRefuse ? undefined : 'a limit fired that is far away'
  if (code === 'invalid_argument') return isMisfit ? undefined : 'its request fits, and was refused'
  return code === 'internal' || code === 'unknown' ? `it ended with ${code}, and no handler said so` : undefined
}
