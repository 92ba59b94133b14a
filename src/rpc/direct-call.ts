/**
 * One call in memory, from its caller's wait to its handler's end (spec/places.md). Invariants: it settles exactly once; a call
 * that has ended keeps nothing and may stand for another one. Whose handler answers at once needs neither a deadline nor
 * functions to settle a promise by, and has none.
 */
import type { Gate } from '../contract/index.ts'
import { isStatusCode, markReceived, NanowireError, type Processed } from '../errors.ts'
import type { Deadline } from '../session/index.ts'
import { type Metadata, passInMemory, type WireError } from '../wire/index.ts'
import { onAbort } from './abort.ts'
import { type CallOptions, packMetadata, tellMetadata, timeoutOf } from './call.ts'
import { CallContext, type ContextSide } from './context.ts'
import type { CallCounters } from './counters.ts'
import { type ToldCall, tellCallEnd, tellCallStart } from './diagnostics.ts'
import { HandlerRun, type RunSide } from './handle.ts'
import { arriveAtCaller } from './outcome.ts'
import type { Route } from './route.ts'
import type { OutputSink } from './run-output.ts'
import { takenReject, takenResolve, takeSettlers } from './settlers.ts'

/** What the calls of one connection share. */
export interface DirectSide extends RunSide {
  readonly contexts: ContextSide
  /** How calls ended, as their callers saw it. */
  readonly counters: CallCounters
  /** Takes a call out of the queue. Returns whether it stood there. */
  leaveQueue(call: DirectCall): boolean
  /** The handler of a call has ended; the call is settled next. */
  ended(call: DirectCall): void
}

const NO_METADATA: Metadata = Object.freeze({})
const NO_OPTIONS: CallOptions = Object.freeze({})

/** Calls that have ended, for those to come. */
const idle: DirectCall[] = []
const MAX_IDLE = 1_024

/** A call that has not begun. */
export function takeDirectCall(): DirectCall {
  return idle.pop() ?? new DirectCall()
}

export class DirectCall extends HandlerRun<DirectSide> implements Deadline {
  at = 0
  next: Deadline | undefined
  previous: Deadline | undefined
  /** Its place among the calls that run, -1 for none. */
  place = -1
  /** Its caller waits no more. */
  #isSettled = false
  /** Its caller has the promise. */
  #isHandedOver = false
  /** Its handler has ended. */
  #isOver = false
  /** From the call's begin to its deadline; `Infinity` for none. */
  #timeoutMs = 0
  #options = NO_OPTIONS
  #metadata = NO_METADATA
  #stopListening: (() => void) | undefined
  #toldByClient: ToldCall | undefined
  #toldByServer: ToldCall | undefined
  /** Of a call whose caller waits. */
  #resolve: ((value: unknown) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  /** What a call has ended with before its caller had the promise. */
  #outcome: unknown
  #hasFailed = false

  /**
   * From now on the caller's signal counts.
   * @throws NanowireError `invalid_argument` for a timeout that is none
   */
  open(side: DirectSide, route: Route, options: CallOptions): void {
    const { method } = route
    const timeoutMs = timeoutOf(method, options, side.router.limits)
    this.side = side
    this.route = route
    this.at = 0
    this.#isSettled = false
    this.#isHandedOver = false
    this.#isOver = false
    this.#hasFailed = false
    this.#timeoutMs = timeoutMs
    this.#options = options
    if (options.metadata) this.#metadata = { ...options.metadata } // the caller's own may change
    if (options.signal) this.#stopListening = onAbort(options.signal, this)
    this.#toldByClient = tellCallStart(method, 'client', side.contexts.peer, side.clock)
  }

  /** Runs the handler. It may have ended when this returns, and the call with it. */
  runHandler(request: unknown, principal: unknown): void {
    const { side, route } = this
    const { method } = route
    const ctx = new CallContext(side.contexts, method, this.#metadata, principal)
    if (this.#timeoutMs !== Number.POSITIVE_INFINITY) ctx.timeoutMs = this.#timeoutMs
    ctx.at = this.at
    this.#toldByServer = tellCallStart(method, 'server', side.contexts.peer, side.clock)
    if (method.oneWay) this.#dispatched()
    this.run(side, route, request, ctx)
  }

  /** The caller of a notify waits no more; its deadline is now its handler's. */
  #dispatched(): void {
    this.succeed(undefined, undefined)
    if (this.at !== 0) this.side.wheel.add(this, this.at)
  }

  /** Whether there is a deadline that nobody waits for yet. */
  get needsTimer(): boolean {
    if (this.at !== 0 || this.#timeoutMs === Number.POSITIVE_INFINITY) return false
    return !this.#isSettled || (!this.#isOver && this.#isNotify)
  }

  /** From now on the deadline runs, from `now` on unless the handler has asked for it before. */
  startTimer(now: number): void {
    const ctx = this.#context
    const at = ctx?.at || now + this.#timeoutMs
    this.side.wheel.add(this, at)
    if (ctx) ctx.at = at
  }

  /** The promise, for the caller. */
  handOver(): Promise<unknown> {
    this.#isHandedOver = true
    if (!this.#isSettled) {
      const promise = new Promise(takeSettlers)
      this.#resolve = takenResolve
      this.#reject = takenReject
      return promise
    }
    const outcome = this.#outcome
    const hasFailed = this.#hasFailed
    if (this.#isOver) this.#recycle()
    return hasFailed ? Promise.reject(outcome) : Promise.resolve(outcome)
  }

  /** The caller has what the call ends with. */
  protected markHandedOver(): void {
    this.#isHandedOver = true
    this.#recycleIfDone()
  }

  fail(error: NanowireError, metadata?: Metadata): void {
    const { code, processed } = error
    const isKnown = isStatusCode(code) || this.route.method.errors.has(code)
    if (this.#settle(isKnown ? code : 'unknown', processed, metadata)) this.reject(markReceived(error))
    if (this.#isOver) this.#recycleIfDone()
  }

  /** The caller's signal was aborted. */
  cancel(cause: unknown): void {
    if (this.#isSettled) return
    this.#leave('cancelled', `${this.route.method.name} was cancelled by its caller`, cause)
  }

  /** The deadline has passed; that of a notify is its handler's alone. */
  expire(): void {
    if (this.#isSettled) this.ctx.expire()
    else this.#leave('deadline_exceeded', `${this.route.method.name}: no reply before the deadline`, undefined)
  }

  /** The connection ends before the handler has. */
  cutOff(error: NanowireError): void {
    this.giveUp(error, error)
  }

  /** Absent until the handler begins. */
  get #context(): CallContext | undefined {
    return this.ctx
  }

  get #isNotify(): boolean {
    return this.route.method.oneWay
  }

  #leave(code: 'cancelled' | 'deadline_exceeded', message: string, cause: unknown): void {
    const waited = this.side.leaveQueue(this)
    const error = new NanowireError(code, message, { processed: waited ? 'no' : 'maybe', cause })
    this.giveUp(error, new NanowireError(code, message))
  }

  /** The call ends for its caller, and then for its handler, which may end by that at once. */
  protected giveUp(error: NanowireError, reason: NanowireError): void {
    const ctx = this.#context
    this.fail(error)
    ctx?.cancel(reason)
  }

  /** The call has been answered well. */
  protected succeed(value: unknown, metadata: Metadata | undefined): void {
    const processed = this.#isNotify ? 'maybe' : 'yes'
    if (this.#settle('ok', processed, metadata)) this.resolve(value)
    if (this.#isOver) this.#recycleIfDone()
  }

  /** The caller gets what the call ends with: this, or `reject`, once. */
  protected resolve(value: unknown): void {
    if (this.#resolve) this.#resolve(value)
    else this.#outcome = value
  }

  protected reject(error: unknown): void {
    if (this.#reject) return this.#reject(error)
    this.#outcome = error
    this.#hasFailed = true
  }

  /** Returns whether it was not settled before. */
  #settle(code: string, processed: Processed, metadata: Metadata | undefined): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    const { method } = this.route
    const { clock, counters, wheel } = this.side
    counters.callEnded(method.name, code)
    if (this.#toldByClient) tellCallEnd(this.#toldByClient, code, processed, clock)
    if (this.at !== 0) wheel.remove(this)
    this.#stopListening?.()
    return (
      this.#options.onMetadata === undefined || tellMetadata(this.#options, metadata, (error) => this.reject(error))
    )
  }

  protected override reply(value: unknown): void {
    this.#answer(passInMemory(this.route.method.reply, value, this.side.router.limits))
  }

  protected override output(): OutputSink {
    throw new Error('items are for a DirectStream')
  }

  protected override endOutput(): void {
    this.#answer(undefined)
  }

  #answer(reply: unknown): void {
    const { ctx, side } = this
    const { replyMetadata } = ctx
    if (replyMetadata) packMetadata(replyMetadata, side.router.limits, 'yes', ctx.peer) // for its checks: it must travel elsewhere
    this.#handlerEnded('ok', 'yes')
    this.succeed(reply, replyMetadata)
    this.handlerOver()
  }

  protected override refuse(error: WireError): void {
    const { method } = this.route
    this.#handlerEnded(error.code, error.processed ?? 'yes')
    if (this.#isSettled && this.#isNotify) this.side.counters.callEnded(method.name, error.code)
    this.fail(arriveAtCaller(error, method, passData), error.metadata)
    this.handlerOver()
  }

  protected override data(gate: Gate, data: unknown): unknown {
    return gate.inMemory(data, this.side.router.limits)
  }

  #handlerEnded(code: string, processed: Processed): void {
    const { side } = this
    if (this.#toldByServer) tellCallEnd(this.#toldByServer, code, processed, side.clock)
    if (this.at !== 0 && this.#isSettled) side.wheel.remove(this)
    side.ended(this)
  }

  /** Its handler has ended; its caller may still have to take what it ends with. */
  protected handlerOver(): void {
    this.#isOver = true
    this.#recycleIfDone()
  }

  #recycleIfDone(): void {
    if (this.#isOver && this.#isSettled && this.#isHandedOver) this.#recycle()
  }

  /** Keeps nothing of the call, but for what says that it has ended. */
  #recycle(): void {
    this.forget()
    this.#options = NO_OPTIONS
    this.#metadata = NO_METADATA
    this.#stopListening = undefined
    this.#toldByClient = undefined
    this.#toldByServer = undefined
    this.#resolve = undefined
    this.#reject = undefined
    this.#outcome = undefined
    this.keepForLater()
  }

  /** Nothing refers to it any more. */
  protected keepForLater(): void {
    if (idle.length < MAX_IDLE) idle.push(this)
  }
}

/** The data have been through their gate already. */
export const passData = (_gate: Gate, data: unknown): unknown => data
