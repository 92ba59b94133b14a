/**
 * A call in memory: nothing is encoded or copied, and everything else is as over a wire - checks, deadlines, cancellation,
 * middleware, limits and errors (spec/places.md).
 */
import type { MethodRef } from '../contract/index.ts'
import { NanowireError, type Processed } from '../errors.ts'
import { limitMessage } from '../limits.ts'
import { type Clock, wheelOf } from '../session/index.ts'
import { passInMemory, type WireError } from '../wire/index.ts'
import { type CallOptions, type CallSide, type Channel, packMetadata, rejectCall, requireCallOptions } from './call.ts'
import { CallContext, type ContextSide } from './context.ts'
import type { CallCounters } from './counters.ts'
import { tellCallRefused, tellCallStart, tellLimit } from './diagnostics.ts'
import { type DirectCall, type DirectRunSide, passData, runDirectly, takeDirectCall } from './direct-call.ts'
import { kindError } from './handle.ts'
import { arriveAtCaller, refuseRequest } from './outcome.ts'
import type { Router } from './route.ts'

const PEER = 'memory'

/** What must have started before the first call. */
export interface Startable {
  readonly isReady: boolean
  /** @throws NanowireError why it did not start */
  ready(): Promise<void>
}

export class DirectChannel implements Channel {
  readonly #router: Router
  readonly #clock: Clock
  /** How calls ended, as their callers saw it. */
  readonly #counters: CallCounters
  readonly #side: CallSide
  readonly #waiting = new Set<DirectCall>()
  /** Each knows its place, so that it leaves without being looked for. */
  readonly #running: DirectCall[] = []
  readonly #host: Startable | undefined
  #beginning: Promise<void> | undefined
  #whenIdle: (() => void) | undefined
  readonly #contexts: ContextSide
  readonly #runs: DirectRunSide

  constructor(router: Router, clock: Clock, counters: CallCounters, host?: Startable) {
    this.#host = host
    this.#router = router
    this.#clock = clock
    this.#counters = counters
    const wheel = wheelOf(clock)
    this.#side = { clock, wheel, limits: router.limits, counters, url: () => PEER }
    const { log, bindings } = router
    this.#contexts = { clock, log, peer: PEER, bindings }
    const warn = (fields: object, message: string): void => log.warn(fields, message)
    const ended = (call: DirectCall): void => this.#ended(call)
    this.#runs = { router, clock, wheel, warn, counters, ended }
  }

  /** Calls whose handlers have not ended. */
  get inFlight(): number {
    return this.#running.length
  }

  get waiting(): number {
    return this.#waiting.size
  }

  call(method: MethodRef, request: unknown, options: CallOptions, principal?: unknown): Promise<unknown> {
    try {
      return this.#start(method, request, options, principal)
    } catch (error) {
      return rejectCall(error, method, this.#counters, PEER)
    }
  }

  #start(method: MethodRef, request: unknown, options: CallOptions, principal: unknown): Promise<unknown> {
    const route = this.#router.routeOf(method.tag)
    const isNotify = method.definition.kind === 'notify'
    if (!route || route.method.name !== method.name) {
      const message = `no service here has the method ${method.name}`
      return this.#turnAway(method, { code: 'unimplemented', message, processed: 'no' })
    }
    const mismatch = kindError(route.method, isNotify)
    if (mismatch) return this.#turnAway(method, mismatch)
    requireCallOptions(method, options)
    const { limits } = this.#router
    packMetadata(options.metadata, limits, 'no', PEER) // for its checks: the same metadata must travel elsewhere
    const checked = this.#checkRequest(route.method, request)
    const call = takeDirectCall()
    call.start(route, checked, principal, this.#waiting, options, this.#side)
    const { promise } = call
    const isHeld = this.#host !== undefined && !this.#host.isReady
    if (this.#running.length < limits.maxCallsInFlight && !isHeld) this.#run(call)
    else if (this.#waiting.size < limits.maxCallsQueued) this.#waiting.add(call)
    else this.#refuse(call)
    if (isHeld) this.begin().catch(() => {}) // the calls that wait are told
    return promise
  }

  /**
   * Resolves when calls can be made. Calls that are made meanwhile wait; their deadlines run.
   * @throws NanowireError why what must start has not
   */
  begin(): Promise<void> {
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined
    })
    return this.#beginning
  }

  async #begin(): Promise<void> {
    try {
      await this.#host?.ready()
      this.#runWaiting()
    } catch (error) {
      const failure = error instanceof NanowireError ? error : closedError('no')
      const { code, message } = failure
      for (const call of this.#takeWaiting())
        call.fail(new NanowireError(code, message, { processed: 'no', cause: failure.cause }))
      throw failure
    }
  }

  #takeWaiting(): DirectCall[] {
    const calls = [...this.#waiting]
    this.#waiting.clear()
    return calls
  }

  /** Resolves when every handler has ended; after `drainMs` those that have not are cancelled and their calls lost. */
  async drain(drainMs: number): Promise<void> {
    for (const call of this.#takeWaiting()) call.fail(closedError('no'))
    if (this.#running.length === 0) return
    await new Promise<void>((resolve) => {
      const cancelTimer = this.#clock.after(drainMs, () => this.#cutOff(resolve), true)
      this.#whenIdle = () => {
        cancelTimer()
        resolve()
      }
    })
  }

  #cutOff(done: () => void): void {
    for (const call of [...this.#running]) call.cutOff(closedError('maybe'))
    done()
  }

  /** A call that reaches no handler. Of a notify only the log and the counters tell, as elsewhere. */
  #turnAway(method: MethodRef, error: WireError): Promise<void> {
    tellCallRefused(method.name, 'server', PEER, error.code, 'no')
    if (method.definition.kind !== 'notify') throw arriveAtCaller(error, method, passData)
    const { code, message } = error
    this.#counters.callEnded(method.name, code)
    tellCallRefused(method.name, 'client', PEER, 'ok', 'maybe')
    this.#router.log.warn({ peer: PEER, method: method.name, code, detail: message }, 'a notify was refused')
    return Promise.resolve()
  }

  #checkRequest(method: MethodRef, request: unknown): unknown {
    try {
      return passInMemory(method.request, request, this.#router.limits)
    } catch (error) {
      throw refuseRequest(error, method)
    }
  }

  #run(call: DirectCall): void {
    call.place = this.#running.push(call) - 1
    const { method, metadata, principal } = call
    const ctx = new CallContext(this.#contexts, method, metadata, principal)
    call.started(ctx)
    const told = tellCallStart(method, 'server', PEER, this.#clock)
    if (method.definition.kind === 'notify') {
      if (ctx.at !== 0) this.#side.wheel.add(ctx, ctx.at)
      call.succeed(undefined, undefined)
    }
    runDirectly(this.#runs, call, ctx, told)
  }

  /** The handler has ended, and only now its slot is free. */
  #ended(call: DirectCall): void {
    const last = this.#running.pop()
    if (last !== undefined && last !== call) {
      this.#running[call.place] = last
      last.place = call.place
    }
    call.place = -1
    this.#runWaiting()
    if (this.#running.length === 0) this.#whenIdle?.()
  }

  #runWaiting(): void {
    for (const next of this.#waiting) {
      if (this.#running.length >= this.#router.limits.maxCallsInFlight) break
      this.#waiting.delete(next)
      this.#run(next)
    }
  }

  #refuse(call: DirectCall): void {
    const { limits } = this.#router
    const message = limitMessage('maxCallsQueued', limits, 'too many calls wait for a place', PEER)
    this.#counters.limitFired('maxCallsQueued')
    tellLimit('client', 'maxCallsQueued', PEER, message)
    call.fail(new NanowireError('resource_exhausted', message, { processed: 'no' }))
  }
}

function closedError(processed: Processed): NanowireError {
  return new NanowireError('unavailable', 'the connection to memory was closed', { processed })
}
