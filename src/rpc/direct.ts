/**
 * A call in memory: nothing is encoded or copied, and everything else is as over a wire - checks, deadlines, cancellation,
 * middleware, limits and errors (spec/places.md).
 */
import type { MethodRef } from '../contract/index.ts'
import { NanowireError, type Processed } from '../errors.ts'
import { limitMessage } from '../limits.ts'
import { type Clock, wheelOf } from '../session/index.ts'
import { passInMemory, type WireError } from '../wire/index.ts'
import { type CallOptions, type Channel, packMetadata, rejectCall, rejectStream, requireCallOptions } from './call.ts'
import { closeSource } from './close-source.ts'
import type { CallCounters } from './counters.ts'
import { tellCallRefused, tellLimit } from './diagnostics.ts'
import { type DirectCall, type DirectSide, passData, takeDirectCall } from './direct-call.ts'
import { DirectStream } from './direct-stream.ts'
import { kindError } from './handle.ts'
import type { Items } from './item-stream.ts'
import { requireSource } from './iteration.ts'
import { arriveAtCaller, refuseRequest } from './outcome.ts'
import type { Route, Router } from './route.ts'
import { RunningCalls } from './running-calls.ts'

const PEER = 'memory'

/** What must have started before the first call. */
export interface Startable {
  readonly isReady: boolean
  /** @throws NanowireError why it did not start */
  ready(): Promise<void>
}

/** What a call needs that waits for a slot. */
interface WaitingCall {
  /** Checked. */
  readonly request: unknown
  readonly principal: unknown
}

export class DirectChannel implements Channel {
  readonly #router: Router
  readonly #clock: Clock
  /** How calls ended, as their callers saw it. */
  readonly #counters: CallCounters
  readonly #side: DirectSide
  /** Of methods that were called. */
  readonly #routes = new WeakMap<MethodRef, Route>()
  readonly #waiting = new Map<DirectCall, WaitingCall>()
  /** Goes through them once: another one would have to pass all that have left since the map was last made smaller. */
  #turns: Iterator<[DirectCall, WaitingCall]> | undefined
  #isStarting = false
  readonly #running: RunningCalls
  readonly #host: Startable | undefined
  #beginning: Promise<void> | undefined
  #whenIdle: (() => void) | undefined

  constructor(router: Router, clock: Clock, counters: CallCounters, host?: Startable) {
    this.#host = host
    this.#router = router
    this.#clock = clock
    this.#running = new RunningCalls(clock)
    this.#counters = counters
    const wheel = wheelOf(clock)
    const { log, bindings } = router
    this.#side = {
      ...{ router, clock, wheel, counters, contexts: { clock, log, peer: PEER, bindings } },
      warn: (fields, message) => log.warn(fields, message),
      leaveQueue: (call) => this.#waiting.delete(call),
      ended: (call) => this.#ended(call),
    }
  }

  /** Calls whose handlers have not ended. */
  get inFlight(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  call(method: MethodRef, request: unknown, options: CallOptions, principal?: unknown): Promise<unknown> {
    try {
      const route = this.#routes.get(method) ?? this.#routeOf(method)
      if (!('run' in route)) return this.#turnAway(method, route)
      if (route.method.input) return this.#startStream(route, request, options, principal).handOver()
      return this.#start(route, request, options, principal)
    } catch (error) {
      if (method.input) closeSource(request)
      return rejectCall(error, method, this.#counters, PEER)
    }
  }

  open(method: MethodRef, request: unknown, options: CallOptions, principal?: unknown): Items {
    try {
      const route = this.#routes.get(method) ?? this.#routeOf(method)
      if (!('run' in route)) throw this.#turnedAway(method, route)
      return this.#startStream(route, request, options, principal).handOverItems()
    } catch (error) {
      if (method.input) closeSource(request)
      return rejectStream(error, method, this.#counters, PEER)
    }
  }

  #start(route: Route, request: unknown, options: CallOptions, principal: unknown): Promise<unknown> {
    const { method } = route
    requireCallOptions(method, options)
    packMetadata(options.metadata, this.#router.limits, 'no', PEER) // for its checks: the same metadata must travel elsewhere
    const checked = this.#checkRequest(method, request)
    const call = takeDirectCall()
    this.#place(call, route, options, checked, principal)
    return call.handOver()
  }

  #startStream(route: Route, request: unknown, options: CallOptions, principal: unknown): DirectStream {
    const { method } = route
    requireCallOptions(method, options)
    packMetadata(options.metadata, this.#router.limits, 'no', PEER)
    if (method.input) requireSource(method.name, request)
    const checked = method.input ? undefined : this.#checkRequest(method, request)
    const call = new DirectStream(this.#side, method, request)
    this.#place(call, route, options, checked, principal)
    return call
  }

  /** The call runs, waits or ends. */
  #place(call: DirectCall, route: Route, options: CallOptions, checked: unknown, principal: unknown): void {
    const { limits } = this.#router
    call.open(this.#side, route, options)
    const isHeld = this.#host !== undefined && !this.#host.isReady
    if (this.#running.size < limits.maxCallsInFlight && !isHeld) this.#running.run(call, checked, principal)
    else if (this.#waiting.size < limits.maxCallsQueued) this.#wait(call, checked, principal)
    else this.#refuse(call)
    if (isHeld) this.begin().catch(() => {}) // the calls that wait are told
  }

  /** The route of a method that is called for the first time, or why there is none. */
  #routeOf(method: MethodRef): Route | WireError {
    const route = this.#router.routeOf(method.tag)
    if (!route || route.method.name !== method.name) {
      const message = `no service here has the method ${method.name}`
      return { code: 'unimplemented', message, processed: 'no' }
    }
    const mismatch = kindError(route.method, method)
    if (mismatch) return mismatch
    this.#routes.set(method, route)
    return route
  }

  #wait(call: DirectCall, request: unknown, principal: unknown): void {
    this.#waiting.set(call, { request, principal })
    if (call.needsTimer) call.startTimer(this.#clock.now())
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
    const calls = [...this.#waiting.keys()]
    this.#waiting.clear()
    return calls
  }

  /** Resolves when every handler has ended; after `drainMs` those that have not are cancelled and their calls lost. */
  async drain(drainMs: number): Promise<void> {
    for (const call of this.#takeWaiting()) call.fail(closedError('no'))
    for (const call of this.#running.subscriptions()) call.cutOff(closedError('maybe'))
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => {
      const cancelTimer = this.#clock.after(drainMs, () => this.#cutOff(resolve), true)
      this.#whenIdle = () => {
        cancelTimer()
        resolve()
      }
    })
  }

  #cutOff(done: () => void): void {
    for (const call of this.#running.all()) call.cutOff(closedError('maybe'))
    done()
  }

  #turnedAway(method: MethodRef, error: WireError): NanowireError {
    tellCallRefused(method.name, 'server', PEER, error.code, 'no')
    return arriveAtCaller(error, method, passData)
  }

  /** A call that reaches no handler. Of a notify only the log and the counters tell, as elsewhere. */
  #turnAway(method: MethodRef, error: WireError): Promise<void> {
    const refusal = this.#turnedAway(method, error)
    if (!method.oneWay) throw refusal
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

  /** The handler has ended, and only now its slot is free. */
  #ended(call: DirectCall): void {
    this.#running.remove(call)
    if (this.#waiting.size > 0) this.#runWaiting()
    if (this.#running.size === 0) this.#whenIdle?.()
  }

  #runWaiting(): void {
    if (this.#isStarting) return // a handler that ends at once comes by here
    this.#isStarting = true
    try {
      while (this.#waiting.size > 0 && this.#running.size < this.#router.limits.maxCallsInFlight) this.#runNext()
    } finally {
      this.#isStarting = false
    }
  }

  #runNext(): void {
    this.#turns ??= this.#waiting.entries()
    const next = this.#turns.next().value
    if (!next) {
      this.#turns = undefined // it has come to the end, and goes no further
      return
    }
    const [call, { request, principal }] = next
    this.#waiting.delete(call)
    this.#running.run(call, request, principal)
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
