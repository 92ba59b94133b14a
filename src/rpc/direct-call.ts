/** One call in memory: what its caller waits for, and its handler's run. */
import type { Gate } from '../contract/index.ts'
import type { NanowireError, Processed } from '../errors.ts'
import { passInMemory, type WireError } from '../wire/index.ts'
import { type CallOptions, type CallSide, PendingCall, packMetadata } from './call.ts'
import type { CallContext } from './context.ts'
import type { CallCounters } from './counters.ts'
import { type ToldCall, tellCallEnd } from './diagnostics.ts'
import { HandlerRun, type RunSide } from './handle.ts'
import { arriveAtCaller } from './outcome.ts'
import type { Route } from './route.ts'

const NO_METADATA = Object.freeze({})

export class DirectCall extends PendingCall {
  route!: Route // set by `start`, as is all that has no value here
  /** Checked. */
  request: unknown
  principal: unknown
  metadata: Readonly<Record<string, string>> = NO_METADATA
  /** Its place among the calls that run, -1 for none. */
  place = -1
  /** The queue that the call may stand in. */
  #waiting!: Set<DirectCall> // likewise
  #ctx: CallContext | undefined

  start(
    route: Route,
    request: unknown,
    principal: unknown,
    waiting: Set<DirectCall>,
    options: CallOptions,
    side: CallSide,
  ): void {
    this.open(route.method, options, side)
    this.route = route
    this.request = request
    this.principal = principal
    this.metadata = options.metadata ? { ...options.metadata } : NO_METADATA // the caller's own may change
    this.#waiting = waiting
    this.begin()
  }

  /** The handler runs from now on. */
  started(ctx: CallContext): void {
    this.#ctx = ctx
    ctx.at = this.at
  }

  /** The connection ends before the handler has. */
  cutOff(error: NanowireError): void {
    this.#ctx?.cancel(error)
    this.fail(error)
  }

  /** Its handler has replied and its caller has heard so: nobody knows of it any more, and it may stand for another call. */
  recycle(): void {
    this.close()
    this.route = undefined as never // `start` sets it anew
    this.request = undefined
    this.principal = undefined
    this.#ctx = undefined
    if (idleCalls.length < MAX_IDLE) idleCalls.push(this)
  }

  protected override abandoned(reason: NanowireError): Processed {
    if (this.#waiting.delete(this)) return 'no'
    this.#ctx?.cancel(reason)
    return 'maybe'
  }
}

/** Calls and runs that have ended, for those to come. */
const idleCalls: DirectCall[] = []
const idle: DirectRun[] = []
const MAX_IDLE = 1_024

export function takeDirectCall(): DirectCall {
  return idleCalls.pop() ?? new DirectCall()
}

export interface DirectRunSide extends RunSide {
  /** Of the connection. */
  readonly counters: CallCounters
  /** The handler of a call has ended; the call is settled next. */
  readonly ended: (call: DirectCall) => void
}

/** Runs a call's handler, and settles the call when it has ended. */
export function runDirectly(side: DirectRunSide, call: DirectCall, ctx: CallContext, told: ToldCall | undefined): void {
  const run = idle.pop() ?? new DirectRun()
  run.begin(side, call, ctx, told)
}

class DirectRun extends HandlerRun<DirectRunSide> {
  #call!: DirectCall // set by `begin`, and nothing is asked before
  #told: ToldCall | undefined

  begin(side: DirectRunSide, call: DirectCall, ctx: CallContext, told: ToldCall | undefined): void {
    this.#call = call
    this.#told = told
    this.run(side, call.route, call.request, ctx)
  }

  protected override reply(value: unknown): void {
    const { ctx, side } = this
    const { limits } = side.router
    const reply = passInMemory(this.route.method.reply, value, limits)
    const { replyMetadata } = ctx
    if (replyMetadata) packMetadata(replyMetadata, limits, 'yes', ctx.peer) // for its checks: it must travel elsewhere
    const call = this.#call
    const isWaitedFor = !call.isSettled
    this.#ended('ok', 'yes')
    call.succeed(reply, replyMetadata)
    if (isWaitedFor) call.recycle()
  }

  protected override refuse(error: WireError): void {
    const { side } = this
    const { method } = this.route
    const call = this.#call
    this.#ended(error.code, error.processed ?? 'yes')
    if (call.isSettled && method.definition.kind === 'notify') side.counters.callEnded(method.name, error.code)
    call.fail(arriveAtCaller(error, method, passData), error.metadata)
  }

  protected override data(gate: Gate, data: unknown): unknown {
    return gate.inMemory(data, this.side.router.limits)
  }

  #ended(code: string, processed: Processed): void {
    const { side } = this
    const call = this.#call
    tellCallEnd(this.#told, code, processed, side.clock)
    side.wheel.remove(this.ctx)
    this.forget()
    side.ended(call)
  }

  protected override forget(): void {
    super.forget()
    this.#call = undefined as never // `begin` sets it anew
    this.#told = undefined
    if (idle.length < MAX_IDLE) idle.push(this)
  }
}

/** The data have been through their gate already. */
export const passData = (_gate: Gate, data: unknown): unknown => data
