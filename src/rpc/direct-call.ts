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

export interface DirectCallSetup {
  readonly route: Route
  /** Checked. */
  readonly request: unknown
  readonly principal: unknown
  /** The queue that the call may stand in. */
  readonly waiting: Set<DirectCall>
}

const NO_METADATA = Object.freeze({})

export class DirectCall extends PendingCall {
  readonly route: Route
  readonly request: unknown
  readonly principal: unknown
  readonly metadata: Readonly<Record<string, string>>
  readonly #waiting: Set<DirectCall>
  #ctx: CallContext | undefined

  constructor(setup: DirectCallSetup, options: CallOptions, side: CallSide) {
    super(setup.route.method, options, side)
    this.route = setup.route
    this.request = setup.request
    this.principal = setup.principal
    this.metadata = options.metadata ? { ...options.metadata } : NO_METADATA // the caller's own may change
    this.#waiting = setup.waiting
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

  protected override abandoned(reason: NanowireError): Processed {
    if (this.#waiting.delete(this)) return 'no'
    this.#ctx?.cancel(reason)
    return 'maybe'
  }
}

export interface DirectRunSide extends RunSide {
  /** Of the connection. */
  readonly counters: CallCounters
  /** The handler of a call has ended; the call is settled next. */
  readonly ended: (call: DirectCall) => void
}

/** Runs that have ended, for those to come. */
const idle: DirectRun[] = []
const MAX_IDLE = 1_024

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
    this.#ended('ok', 'yes')
    call.succeed(reply, replyMetadata)
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
