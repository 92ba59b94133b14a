/**
 * What is known of every call at both ends, and the first thing that may not be (spec/testing.md). It is told what happens
 * by the middleware of both sides, and knows nothing of frames. Invariant: it only ever judges; it changes nothing.
 */
import type { MethodRef, SlowPolicy } from '../../contract/index.ts'
import type { NanowireError, Processed } from '../../errors.ts'
import { Feeds } from './feeds.ts'
import { ItemTrack } from './items.ts'
import type { SimulatedConnection } from './network.ts'
import { type CallRecord, type HandlerRecord, type LedgerOptions, wrongCode } from './records.ts'

/** What a call ends with in the ledger when its caller has left its stream, and may have been told no end of it. */
export const LEFT = 'left'

/** The wheel's tick: no deadline is later (spec/session.md, S13). */
const MAX_LATE_MS = 8

/** What a sender may send without credit, in either direction of a stream (spec/streams.md, F10). */
const FIRST_CREDIT_BYTES = 16_384

/** A reply of so many bytes fits into one frame, and waits for nothing. */
const SHORT_BYTES = 16_000

/** Ends that a client has made itself, and tells its server of by a CANCEL. */
const TOLD: ReadonlySet<string> = new Set(['cancelled', LEFT, 'invalid_argument', 'resource_exhausted', 'internal'])

/** A deadline that is not short for a network of this kind. */
const LONG_MS = 5_000

export class Ledger {
  readonly calls: CallRecord[] = []
  /** The first check that did not hold. */
  broken: string | undefined
  readonly #options: LedgerOptions
  /** Running handlers. */
  readonly running = new Set<CallRecord>()
  readonly open = new Set<CallRecord>()
  /** Subscriptions that stand. */
  readonly feeds = new Feeds((call, what) => this.#require(call, false, what))

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
      toldItems: undefined,
      askedAt: madeAt,
      input: method.input ? this.#track('the items of its caller', 'block', 'server', () => call) : undefined,
      output: method.output
        ? this.#track('its items', this.#options.policyOf(method), 'client', () => call)
        : undefined,
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

  metadataCame(call: CallRecord, number: string | undefined, items: string | undefined): void {
    call.metadataCount++
    call.toldItems = items
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

  /** Its handler was told that there will be no more of what its caller gives. */
  inputFailed(call: CallRecord, code: string, mayFail: boolean): void {
    const { mayLose, mayRefuse } = this.#options
    const isLate = code === 'deadline_exceeded' && mayLose() // the rest of an item did not come (spec/streams.md, F16)
    const isRefused = code === 'resource_exhausted' && mayRefuse
    this.#require(call, mayFail || isLate || isRefused, `the items of its caller ended with ${code}`)
  }

  /** Its caller was told that the subscription stands. */
  stands({ method, number, output, end }: CallRecord): void {
    if (!output?.hasBegun && !end)
      this.fail(`call ${number} (${method.name}): it was told that it stands, and it did not`)
  }

  /** Its caller waits for the next item. */
  asked(call: CallRecord): void {
    call.askedAt = this.#options.now()
  }

  took(call: CallRecord, digest: string | undefined, dropped: number): void {
    this.#requireInTime(call, 'an item came')
    call.output?.took(digest, dropped)
  }

  /** Its caller was told that there are no more items. */
  streamEnded(call: CallRecord): void {
    this.#end(call, 'ok', 'yes')
    const { handler, output } = call
    output?.ended()
    this.#require(call, handler?.how === 'ok', `it was told an end, and its handler ${this.#fateOf(handler)}`)
    const { given = 0 } = output ?? {}
    this.#require(
      call,
      call.toldItems === String(given),
      `${given} items were given, and it was told of ${call.toldItems}`,
    )
  }

  /** Its caller wants no more items. */
  left(call: CallRecord): void {
    call.deadlineAt = Number.POSITIVE_INFINITY // it does not wait for it
    call.cancelledAt = undefined
    this.#end(call, LEFT, 'maybe')
  }

  failed(call: CallRecord, error: NanowireError, digest: string | undefined): void {
    const { code, processed } = error
    this.#end(call, code, processed)
    const { handler } = call
    if (processed === 'yes') call.output?.failed(code)
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
    const wrong = wrongCode(call, code, processed, this.#options)
    if (wrong) this.#require(call, false, wrong)
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
    const giving = this.findGiving()
    if (giving) this.#require(giving, false, 'what gives the items of its caller was never told to return')
  }

  /** A call of which something still gives items. */
  findGiving(): CallRecord | undefined {
    return this.calls.find(({ input }) => input?.isWatched === true && input.givenEnd === undefined)
  }

  #end(call: CallRecord, code: string, processed: Processed): void {
    const at = this.#options.now()
    this.#options.story.tell(`call ${call.number} ends: ${code}, ${processed}`)
    this.#require(call, call.end === undefined, 'it ended twice')
    this.#requireInTime(call, 'it ended')
    call.end ??= { at, code, processed }
    this.open.delete(call)
  }

  /** Whoever asks late is answered at once. */
  #requireInTime(call: CallRecord, what: string): void {
    const { askedAt, deadlineAt, cancelledAt } = call
    const at = this.#options.now()
    const lateMs = at - Math.max(deadlineAt, askedAt)
    this.#require(call, lateMs <= MAX_LATE_MS, `${what} ${lateMs} ms after its deadline`)
    const afterMs = cancelledAt === undefined ? 0 : at - Math.max(cancelledAt, askedAt)
    this.#require(call, afterMs === 0, `${what} ${afterMs} ms after its cancellation`)
  }

  #track(whose: string, policy: SlowPolicy, receiver: 'client' | 'server', call: () => CallRecord): ItemTrack {
    const heldBytes = policy === 'block' ? this.#options.maxStreamBytes[receiver] : Number.POSITIVE_INFINITY
    const mayDrop = policy === 'dropOldest' || policy === 'latest'
    const maxAheadBytes = heldBytes + 2 * FIRST_CREDIT_BYTES // what is sent without asking, and as much that waits to be
    return new ItemTrack({
      whose,
      mayDrop,
      maxAheadBytes,
      require: (holds, what) => this.#require(call(), holds, what),
    })
  }

  /** Nobody waits in vain for what has come. */
  #requireNotLost(call: CallRecord): void {
    const { mayLose, mayRefuse, network, now } = this.#options
    const { handler } = call
    if (!handler) {
      const isLong = call.end?.code === 'deadline_exceeded' && call.deadlineAt - call.madeAt >= LONG_MS
      const mayMove = mayLose() || mayRefuse || !network.connections.every((one) => this.#isQuiet(one))
      this.#require(call, !isLong || mayMove, 'its request was lost, and nothing had happened')
      return
    }
    const connection = network.connectionOf(handler.peer)
    if (!connection || handler.endedAt === undefined || handler.endedAt >= now()) return
    const { client, server, toClient } = connection
    // What is long, and items, wait for credit, and for others.
    const isShort = !call.output && Number.parseInt(handler.digest ?? '0', 10) <= SHORT_BYTES
    const hasPassed = isShort ? toClient.underwaySince > handler.endedAt : this.#isQuiet(connection)
    const isLost = !client.isOver && !server.isOver && hasPassed && !(call.output && call.askedAt > handler.endedAt)
    this.#require(call, !isLost, `its handler ended ${now() - handler.endedAt} ms ago, and its reply was lost`)
  }

  /** Nothing is under way, and nothing has come just now that is to be answered. */
  #isQuiet({ name, toServer, toClient }: SimulatedConnection): boolean {
    if (this.#runsNotify(name)) return false // its server may not read
    return [toServer, toClient].every((lane) => lane.isEmpty && lane.deliveredAt < this.#options.now())
  }

  /** Its caller has gone away, and its server should know: told by a CANCEL, or by its own deadline. */
  #hasLeft({ end, madeAt, deadlineAt }: CallRecord, { beganAt }: HandlerRecord): boolean {
    const now = this.#options.now()
    if (end?.processed === 'maybe' && TOLD.has(end.code)) return now > end.at
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
