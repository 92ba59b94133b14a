/**
 * What is known of every call at both ends, and the first thing that may not be (spec/testing.md). It is told what happens
 * by the middleware of both sides, and knows nothing of frames. Invariant: it only ever judges; it changes nothing.
 */
import type { MethodRef, SlowPolicy } from '../../contract/index.ts'
import type { NanowireError, Processed } from '../../errors.ts'
import type { MetadataReader } from '../../rpc/index.ts'
import { Feeds } from './feeds.ts'
import { Hearing, LEFT } from './hearing.ts'
import { ItemTrack } from './items.ts'
import type { FaultKind } from './plan.ts'
import type { VirtualProcess } from './process.ts'
import {
  type CallRecord,
  fateOf,
  findCrowded,
  type HandlerEnd,
  type HandlerRecord,
  type LedgerOptions,
  lateness,
  whyGiven,
  wrongCode,
} from './records.ts'
import { Rounds } from './rounds.ts'
import { FIRST_CREDIT_BYTES } from './wire-rules.ts'

/** What a call ends with in the ledger when its caller's process has died. */
export const KILLED = 'killed'

/** The wheel's tick: no deadline is later (spec/session.md, S13). */
const MAX_LATE_MS = 8

export class Ledger {
  readonly calls: CallRecord[] = []
  /** The first check that did not hold. */
  broken: string | undefined
  readonly #options: LedgerOptions
  readonly #hearing: Hearing
  /** Running handlers. */
  readonly running = new Set<CallRecord>()
  readonly open = new Set<CallRecord>()
  readonly rounds = new Rounds(() => this.#options.now())
  /** Subscriptions that stand. */
  readonly feeds = new Feeds((call, what) => this.#require(call, false, what))

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#hearing = new Hearing({ options, running: this.running, open: this.open, maxLateMs: MAX_LATE_MS })
  }

  made(
    process: VirtualProcess,
    method: MethodRef,
    { timeoutMs, digest, metadata }: Pick<CallRecord, 'digest' | 'metadata'> & { readonly timeoutMs: number },
  ): CallRecord {
    const madeAt = process.clock.now()
    const call: CallRecord = {
      number: this.calls.length,
      process,
      method,
      madeAt,
      deadlineAt: madeAt + timeoutMs,
      digest,
      metadata,
      cancelledAt: undefined,
      end: undefined,
      handler: undefined,
      metadataCount: 0,
      isNumbered: false,
      toldItems: undefined,
      askedAt: madeAt,
      askedTrulyAt: this.#options.now(),
      input: method.input ? this.#track('the items of its caller', 'block', 'server', () => call) : undefined,
      output: method.output
        ? this.#track('its items', this.#options.policyOf(method), 'client', () => call)
        : undefined,
    }
    this.calls.push(call)
    this.open.add(call)
    this.rounds.made(call)
    this.#options.story.tell(`call ${call.number} of ${process.name}: ${method.name} within ${timeoutMs} ms`)
    return call
  }

  cancelled(call: CallRecord): void {
    if (call.end || call.cancelledAt !== undefined) return
    call.cancelledAt = call.process.clock.now()
    this.#options.story.tell(`call ${call.number} is cancelled`)
  }

  ran(number: number, method: MethodRef, digest: string | undefined, handler: HandlerRecord): CallRecord | undefined {
    const call = this.calls[number]
    this.#options.story.tell(`handler of ${number} begins at ${handler.process.name}, from ${handler.peer}`)
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
    const crowded = findCrowded(this.running, handler, this.#options)
    if (crowded) this.#require(call, false, crowded)
    return call
  }

  /** The simulator does something to its handler. */
  goesWrong(call: CallRecord, kinds: readonly FaultKind[]): void {
    this.#options.story.tell(`handler of ${call.number} goes wrong: ${kinds.join(', ')}`)
  }

  /** What its handler may read of it. */
  metadataReached(call: CallRecord, { get }: MetadataReader): void {
    for (const [name, value] of Object.entries(call.metadata))
      this.#require(call, get(name) === value, `its metadata ${JSON.stringify(name)} did not reach its handler`)
  }

  handlerEnded(call: CallRecord, handler: HandlerRecord, { how, digest, threw }: HandlerEnd): void {
    handler.endedAt = this.#options.now()
    handler.how = how
    handler.digest = digest
    this.running.delete(call)
    const untrue = this.#hearing.findWronglyTold(call, handler)
    if (untrue) this.#require(call, false, untrue)
    this.#options.story.tell(`handler of ${call.number} ends: ${how}${threw === undefined ? '' : ` (${threw})`}`)
  }

  metadataCame(call: CallRecord, number: string | undefined, items: string | undefined): void {
    call.metadataCount++
    call.isNumbered = number !== undefined
    call.toldItems = items
    this.#require(call, call.metadataCount === 1, 'its caller was told twice')
    this.#require(call, number === undefined || number === String(call.number), `it got the reply of call ${number}`)
  }

  replied(call: CallRecord, digest: string | undefined): void {
    this.#end(call, 'ok', 'yes')
    const { handler } = call
    if (call.method.definition.kind === 'notify') return
    this.#require(call, handler?.how === 'ok', `it was replied, and its handler ${fateOf(handler)}`)
    this.#require(call, digest === handler?.digest, 'its reply is not what its handler returned')
    this.#require(call, call.isNumbered, 'the metadata of its reply were lost')
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
    call.askedAt = call.process.clock.now()
    call.askedTrulyAt = this.#options.now()
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
    this.#require(call, handler?.how === 'ok', `it was told an end, and its handler ${fateOf(handler)}`)
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
        `its caller was told an end, and its handler ${fateOf(handler)}`,
      )
      if (call.method.errors.has(code)) {
        this.#require(call, handler?.how === code, `it ended with ${code}, and its handler ${fateOf(handler)}`)
        this.#require(call, digest === handler?.digest, `the data of ${code} are not what its handler threw`)
        this.#require(call, call.isNumbered, `the metadata of ${code} were lost`)
      }
    }
    const wrong = wrongCode(call, code, processed, this.#options)
    if (wrong) this.#require(call, false, wrong)
    if (processed !== 'yes' && (code === 'cancelled' || code === 'deadline_exceeded')) this.#requireNotLost(call)
  }

  /** Of a process: its callers wait no more, and its handlers run no more. */
  died(process: VirtualProcess): void {
    const at = process.clock.now()
    for (const call of [...this.open].filter((one) => one.process === process)) {
      call.end = { at, code: KILLED, processed: 'maybe' }
      this.open.delete(call)
    }
    for (const call of [...this.running].filter(({ handler }) => handler?.process === process)) {
      if (call.handler) call.handler.how = KILLED
      this.running.delete(call)
      this.feeds.remove(call)
    }
  }

  fail(what: string): void {
    this.broken ??= what
  }

  /** A handler that still runs although nobody wants its reply must know so, once all that was sent has come. */
  requireSignals(): void {
    for (const call of this.running) {
      const untold = this.#hearing.findUntold(call)
      if (untold) this.#require(call, false, untold)
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
    if (giving) this.#require(giving, false, whyGiven(giving))
  }

  /** A call of which something still gives items. */
  findGiving(): CallRecord | undefined {
    return this.calls.find(
      ({ input, process }) => !process.isDead && input?.isWatched === true && input.givenEnd === undefined,
    )
  }

  #end(call: CallRecord, code: string, processed: Processed): void {
    const at = call.process.clock.now()
    this.#options.story.tell(`call ${call.number} ends: ${code}, ${processed}`)
    this.#requireInTime(call, 'it ended')
    call.end = { at, code, processed }
    this.open.delete(call)
    if (processed === 'no') this.rounds.failed(call)
  }

  #requireInTime(call: CallRecord, what: string): void {
    const late = lateness(call, MAX_LATE_MS)
    if (late) this.#require(call, false, `${what} ${late}`)
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
    const lost = this.#hearing.findLost(call)
    if (lost) this.#require(call, false, lost)
  }

  #require(call: CallRecord, holds: boolean, what: string): void {
    if (!holds) this.fail(`call ${call.number} (${call.method.name}): ${what}`)
  }
}
