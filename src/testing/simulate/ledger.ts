/**
 * What is known of every call at both ends, and the first thing that may not be (spec/testing.md). It is told what happens
 * by the middleware of both sides, and knows nothing of frames. Invariant: it only ever judges; it changes nothing.
 */
import type { MethodRef } from '../../contract/index.ts'
import type { NanowireError, Processed } from '../../errors.ts'
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
  readonly deadlineAt: number
  /** Of the request; `undefined` for one that cannot travel. */
  readonly digest: string | undefined
  cancelledAt: number | undefined
  end: { readonly at: number; readonly code: string; readonly processed: Processed } | undefined
  handler: HandlerRecord | undefined
  /** How often the caller was told the reply's metadata. */
  metadataCount: number
}

/** The wheel's tick: no deadline is later (spec/session.md, S13). */
const MAX_LATE_MS = 8

/** A deadline that is not short for a network of this kind. */
const LONG_MS = 5_000

export interface LedgerOptions {
  readonly now: () => number
  readonly network: SimulatedNetwork
  readonly story: Story
  /** Whether anything has happened that may make a connection end. */
  readonly mayLose: () => boolean
  /** Whether a limit may refuse a call. */
  readonly mayRefuse: boolean
  /** Whether the server asks who its clients are, and may refuse them with any code. */
  readonly isGuarded: boolean
}

export class Ledger {
  readonly calls: CallRecord[] = []
  /** The first check that did not hold. */
  broken: string | undefined
  readonly #options: LedgerOptions
  /** Running handlers. */
  readonly running = new Set<CallRecord>()
  readonly open = new Set<CallRecord>()

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  made(method: MethodRef, timeoutMs: number, digest: string | undefined): CallRecord {
    const madeAt = this.#options.now()
    const call: CallRecord = {
      number: this.calls.length,
      method,
      madeAt,
      deadlineAt: madeAt + timeoutMs,
      digest,
      cancelledAt: undefined,
      end: undefined,
      handler: undefined,
      metadataCount: 0,
    }
    this.calls.push(call)
    this.open.add(call)
    this.#options.story.tell(`call ${call.number} ${method.name} within ${timeoutMs} ms`)
    return call
  }

  cancelled(call: CallRecord): void {
    if (call.end || call.cancelledAt !== undefined) return
    call.cancelledAt = this.#options.now()
    this.#options.story.tell(`call ${call.number} is cancelled`)
  }

  ran(number: number, method: MethodRef, digest: string | undefined, handler: HandlerRecord): CallRecord | undefined {
    const call = this.calls[number]
    this.#options.story.tell(`handler of ${number} begins, from ${handler.peer}`)
    if (!call) {
      this.fail(`a handler of ${method.name} got the request of a call that was never made: ${number}`)
      return undefined
    }
    this.#require(call, call.handler === undefined, 'its handler ran twice')
    this.#require(call, method.name === call.method.name, `its request reached ${method.name}`)
    this.#require(call, call.digest !== undefined, 'its request cannot travel, and reached a handler')
    this.#require(call, digest === call.digest, 'its request is not the one that was sent')
    this.#require(call, call.end?.processed !== 'no', 'its handler ran after its caller was told that it did not')
    call.handler ??= handler
    this.running.add(call)
    return call
  }

  handlerEnded(call: CallRecord, handler: HandlerRecord, how: string, digest: string | undefined): void {
    handler.endedAt = this.#options.now()
    handler.how = how
    handler.digest = digest
    this.running.delete(call)
    this.#options.story.tell(`handler of ${call.number} ends: ${how}`)
  }

  metadataCame(call: CallRecord, number: string | undefined): void {
    call.metadataCount++
    this.#require(call, call.metadataCount === 1, 'its caller was told twice')
    this.#require(call, number === undefined || number === String(call.number), `it got the reply of call ${number}`)
  }

  replied(call: CallRecord, digest: string | undefined): void {
    this.#end(call, 'ok', 'yes')
    const { handler } = call
    if (call.method.definition.kind === 'notify') return
    this.#require(call, handler?.how === 'ok', `it was replied, and its handler ${this.#fateOf(handler)}`)
    this.#require(call, digest === handler?.digest, 'its reply is not what its handler returned')
  }

  failed(call: CallRecord, error: NanowireError, digest: string | undefined): void {
    const { code, processed } = error
    this.#end(call, code, processed)
    const { handler } = call
    if (processed === 'no')
      this.#require(call, !handler, 'its caller was told that its handler did not run, and it did')
    if (processed === 'yes') {
      this.#require(
        call,
        handler?.endedAt !== undefined,
        `its caller was told an end, and its handler ${this.#fateOf(handler)}`,
      )
      if (call.method.errors.has(code)) {
        this.#require(call, handler?.how === code, `it ended with ${code}, and its handler ${this.#fateOf(handler)}`)
        this.#require(call, digest === handler?.digest, `the data of ${code} are not what its handler threw`)
      }
    }
    this.#judgeCode(call, code, processed)
    if (processed !== 'yes' && (code === 'cancelled' || code === 'deadline_exceeded')) this.#requireNotLost(call)
  }

  fail(what: string): void {
    this.broken ??= what
  }

  /** A handler that still runs although nobody wants its reply must know so, once all that was sent has come. */
  requireSignals(): void {
    for (const call of this.running) {
      const { handler } = call
      const connection = handler && this.#options.network.connectionOf(handler.peer)
      if (!connection || handler.isAborted()) continue
      const { server, toServer, toClient } = connection
      // A server whose places are taken by notifies does not read (spec/session.md, S9).
      const hasRead = toServer.isEmpty && toClient.isEmpty && !this.#runsNotify(handler.peer)
      const isGone = hasRead && this.#hasLeft(call, handler)
      this.#require(call, !server.isGone, 'its connection is over, and its handler was not told')
      this.#require(call, !isGone, 'its caller has gone away, and its handler was not told')
    }
  }

  /** Everything is over. */
  requireEnds(): void {
    for (const call of this.open) this.#require(call, false, 'it never ended')
    for (const call of this.calls) {
      const { end, handler } = call
      if (end?.processed === 'no')
        this.#require(call, !handler, 'its caller was told that its handler did not run, and it did')
    }
  }

  #end(call: CallRecord, code: string, processed: Processed): void {
    const at = this.#options.now()
    this.#options.story.tell(`call ${call.number} ends: ${code}, ${processed}`)
    this.#require(call, call.end === undefined, 'it ended twice')
    this.#require(call, at <= call.deadlineAt + MAX_LATE_MS, `it ended ${at - call.deadlineAt} ms after its deadline`)
    const cancelledAt = call.cancelledAt ?? at
    this.#require(call, at === cancelledAt, `it ended ${at - cancelledAt} ms after its cancellation`)
    call.end ??= { at, code, processed }
    this.open.delete(call)
  }

  #judgeCode(call: CallRecord, code: string, processed: Processed): void {
    const { isGuarded, mayLose, mayRefuse, now } = this.#options
    if (processed === 'yes' || isGuarded) return // a handler, or who guards the door, may say what they like
    if (code === 'cancelled')
      this.#require(call, call.cancelledAt !== undefined, 'it was cancelled, and not by its caller')
    else if (code === 'deadline_exceeded') this.#require(call, now() >= call.deadlineAt, 'its deadline came too early')
    else if (code === 'unavailable') this.#require(call, mayLose(), 'its connection was lost, and nothing had happened')
    else if (code === 'resource_exhausted') this.#require(call, mayRefuse, 'a limit fired that is far away')
    else if (code === 'invalid_argument')
      this.#require(call, call.digest === undefined, 'its request fits, and was refused')
    else if (code === 'internal' || code === 'unknown')
      this.#require(call, false, `it ended with ${code}, and no handler said so`)
  }

  /** Nobody waits in vain for what has come. */
  #requireNotLost(call: CallRecord): void {
    const { mayLose, mayRefuse, network, now } = this.#options
    const { handler } = call
    if (!handler) {
      const isLong = call.end?.code === 'deadline_exceeded' && call.deadlineAt - call.madeAt >= LONG_MS
      this.#require(call, !isLong || mayLose() || mayRefuse, 'its request was lost, and nothing had happened')
      return
    }
    const connection = network.connectionOf(handler.peer)
    if (!connection || handler.endedAt === undefined || handler.endedAt >= now()) return
    const { client, server, toClient } = connection
    const isLost = !client.isOver && !server.isOver && toClient.underwaySince > handler.endedAt
    this.#require(call, !isLost, `its handler ended ${now() - handler.endedAt} ms ago, and its reply was lost`)
  }

  /** Its caller has gone away, and its server should know: told by a CANCEL, or by its own deadline. */
  #hasLeft({ end, madeAt, deadlineAt }: CallRecord, { beganAt }: HandlerRecord): boolean {
    const now = this.#options.now()
    if (end?.code === 'cancelled') return now > end.at
    return end?.code === 'deadline_exceeded' && now > beganAt + (deadlineAt - madeAt) + MAX_LATE_MS
  }

  #runsNotify(peer: string): boolean {
    return [...this.running].some(
      ({ method, handler }) => method.definition.kind === 'notify' && handler?.peer === peer,
    )
  }

  #fateOf(handler: HandlerRecord | undefined): string {
    return handler === undefined ? 'never ran' : handler.how === undefined ? 'still runs' : `ended with ${handler.how}`
  }

  #require(call: CallRecord, holds: boolean, what: string): void {
    if (!holds) this.fail(`call ${call.number} (${call.method.name}): ${what}`)
  }
}
