/**
 * A call in memory: nothing is encoded or copied, and everything else is as over a wire - checks, deadlines, cancellation,
 * middleware, limits and errors (spec/places.md).
 */
import type { Gate, MethodRef } from '../contract/index.ts'
import { NanowireError, type Processed } from '../errors.ts'
import { limitMessage } from '../limits.ts'
import { type Clock, wheelOf } from '../session/index.ts'
import { type CallOptions, type Channel, PendingCall, packMetadata, requireCallOptions } from './call.ts'
import { CallContext } from './context.ts'
import { arriveAtCaller, internal, leaveHandler, misfitError } from './outcome.ts'
import type { Route, Router } from './route.ts'

const PEER = 'memory'

export interface DirectOptions {
  readonly clock: Clock
  readonly principal: unknown
}

export class DirectChannel implements Channel {
  readonly #router: Router
  readonly #options: DirectOptions
  readonly #waiting = new Set<DirectCall>()
  readonly #running = new Set<DirectCall>()
  #whenIdle: (() => void) | undefined

  constructor(router: Router, options: DirectOptions) {
    this.#router = router
    this.#options = options
  }

  /** Calls whose handlers have not ended. */
  get inFlight(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  async call(method: MethodRef, request: unknown, options: CallOptions): Promise<unknown> {
    const route = this.#router.routeOf(method.tag)
    if (!route || route.method.name !== method.name) {
      throw new NanowireError('unimplemented', `no service here has the method ${method.name}`, { processed: 'no' })
    }
    requireCallOptions(method, options)
    const { limits } = this.#router
    packMetadata(options.metadata, limits, 'no', PEER) // for its checks: the same metadata must travel elsewhere
    const checked = this.#checkRequest(route.method, request)
    const call = new DirectCall(route, checked, options, this.#options.clock, limits.callTimeoutMs, this.#waiting)
    if (this.#running.size < limits.maxCallsInFlight) this.#run(call)
    else if (this.#waiting.size < limits.maxCallsQueued) this.#waiting.add(call)
    else
      call.fail(
        new NanowireError('resource_exhausted', this.#limitFired('maxCallsQueued', 'too many calls wait for a place'), {
          processed: 'no',
        }),
      )
    return call.promise
  }

  /** Resolves when every handler has ended; after `drainMs` those that have not are cancelled and their calls lost. */
  async drain(drainMs: number): Promise<void> {
    for (const call of this.#waiting) call.fail(closedError('no'))
    this.#waiting.clear()
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => {
      const cancelTimer = this.#options.clock.after(drainMs, () => this.#cutOff(resolve), true)
      this.#whenIdle = () => {
        cancelTimer()
        resolve()
      }
    })
  }

  #cutOff(done: () => void): void {
    for (const call of this.#running) call.cutOff(closedError('maybe'))
    done()
  }

  #checkRequest(method: MethodRef, request: unknown): unknown {
    try {
      return method.request.inMemory(request, this.#router.limits)
    } catch (error) {
      const misfit = misfitError(error, method)
      if (!misfit) throw error
      this.#router.counters.callEnded(method.name, misfit.code)
      throw arriveAtCaller(misfit, method, passData)
    }
  }

  #run(call: DirectCall): void {
    this.#running.add(call)
    const { method } = call
    const { log } = this.#router
    const { principal, clock } = this.#options
    const ctx = new CallContext({ method, clock, log, metadata: call.metadata, principal, peer: PEER })
    call.started(ctx)
    if (method.definition.kind === 'notify') {
      if (ctx.at !== 0) wheelOf(clock).add(ctx, ctx.at)
      call.succeed(undefined, undefined)
    }
    call.route
      .run({ method, request: call.request, ctx })
      .then((value) => this.#succeed(call, ctx, value))
      .catch((error: unknown) => this.#fail(call, ctx, error))
      .finally(() => this.#ended(call, ctx))
  }

  #succeed(call: DirectCall, ctx: CallContext, value: unknown): void {
    const { method } = call
    const { log, limits, counters } = this.#router
    try {
      const reply = method.definition.kind === 'notify' ? undefined : method.reply.inMemory(value, limits)
      packMetadata(ctx.replyMetadata, limits, 'yes', PEER)
      counters.callEnded(method.name, 'ok')
      call.succeed(reply, ctx.replyMetadata)
    } catch (error) {
      const failure = error instanceof NanowireError ? error : undefined
      const wireError = failure
        ? { code: failure.code, message: failure.message, processed: 'yes' as const }
        : internal('the reply does not fit', error, method, log, this.#options.clock)
      counters.callEnded(method.name, wireError.code)
      call.fail(arriveAtCaller(wireError, method, passData), undefined)
    }
  }

  #fail(call: DirectCall, ctx: CallContext, error: unknown): void {
    const { method } = call
    const { log, counters } = this.#router
    const wireError = leaveHandler(error, method, (gate, data) => this.#passError(gate, data), log, this.#options.clock)
    counters.callEnded(method.name, wireError.code)
    call.fail(arriveAtCaller(wireError, method, passData), ctx.replyMetadata)
  }

  #passError(gate: Gate, data: unknown): unknown {
    return gate.inMemory(data, this.#router.limits)
  }

  /** The handler has ended, and only now its slot is free. */
  #ended(call: DirectCall, ctx: CallContext): void {
    wheelOf(this.#options.clock).remove(ctx)
    this.#running.delete(call)
    for (const next of this.#waiting) {
      if (this.#running.size >= this.#router.limits.maxCallsInFlight) break
      this.#waiting.delete(next)
      this.#run(next)
    }
    if (this.#running.size === 0) this.#whenIdle?.()
  }

  #limitFired(name: 'maxCallsQueued', what: string): string {
    this.#router.counters.limitFired(name)
    return limitMessage(name, this.#router.limits, what, PEER)
  }
}

function closedError(processed: Processed): NanowireError {
  return new NanowireError('unavailable', 'the connection to memory was closed', { processed })
}

const passData = (_gate: Gate, data: unknown): unknown => data

class DirectCall extends PendingCall {
  readonly route: Route
  readonly request: unknown
  readonly metadata: Readonly<Record<string, string>>
  readonly #waiting: Set<DirectCall>
  #ctx: CallContext | undefined

  constructor(
    route: Route,
    request: unknown,
    options: CallOptions,
    clock: Clock,
    callTimeoutMs: number,
    waiting: Set<DirectCall>,
  ) {
    super(route.method, options, clock, callTimeoutMs)
    this.route = route
    this.request = request
    this.metadata = options.metadata ?? {}
    this.#waiting = waiting
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
