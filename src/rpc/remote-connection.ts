/**
 * A connection to wherever services are. It owns a session that can be replaced: the first call makes one, and the first
 * call after one has ended makes the next (spec/places.md).
 */
import type { AnyContract, MethodRef } from '../contract/index.ts'
import { markReceived, NanowireError } from '../errors.ts'
import { type LimitName, type LimitOptions, type Limits, limitMessage, resolveLimits } from '../limits.ts'
import { type Clock, type Effects, randomBytes, Session } from '../session/index.ts'
import { type CallOptions, type Channel, rejectCall } from './call.ts'
import { type ClientOf, clientOf } from './client.ts'
import type { CloseOptions, Connection, ConnectionStats } from './connection.ts'
import { CallCounters } from './counters.ts'
import type { ClientMiddleware } from './middleware.ts'
import { drainMsOf } from './options.ts'
import type { OpenLink, Place } from './place.ts'
import { RemoteCall, type RemoteSide } from './remote.ts'

export interface RemoteConnectionOptions {
  readonly place: () => Promise<Place>
  readonly clock: Clock
  readonly limits: LimitOptions | undefined
  readonly use: readonly ClientMiddleware[]
}

export class RemoteConnection implements Connection, Channel {
  readonly #options: RemoteConnectionOptions
  readonly #limits: Limits
  readonly #incarnation: Uint8Array
  readonly #counters = new CallCounters()
  readonly #side: RemoteSide
  /** Calls that wait for a session. */
  readonly #waiting = new Set<RemoteCall>()
  readonly #open = new Set<ClientSession>()
  #current: ClientSession | undefined
  #dialing: Promise<NanowireError | undefined> | undefined
  #closing: Promise<void> | undefined
  #url = 'the address'
  #past = { bytesReceived: 0, bytesSent: 0, lateReplies: 0, unknownIds: 0 }

  constructor(options: RemoteConnectionOptions) {
    this.#options = options
    this.#limits = resolveLimits(options.limits)
    this.#incarnation = randomBytes(options.clock, 16)
    const leaveQueue = (call: RemoteCall): boolean => this.#waiting.delete(call)
    const url = (): string => this.#url
    this.#side = { clock: options.clock, limits: this.#limits, counters: this.#counters, leaveQueue, url }
  }

  client<C extends AnyContract>(contract: C): ClientOf<C> {
    return clientOf(contract, this, this.#options.use)
  }

  call(method: MethodRef, request: unknown, options: CallOptions): Promise<unknown> {
    try {
      return this.#start(method, request, options)
    } catch (error) {
      return rejectCall(error, method, this.#counters)
    }
  }

  #start(method: MethodRef, request: unknown, options: CallOptions): Promise<unknown> {
    if (this.#closing !== undefined) {
      throw new NanowireError('unavailable', 'this connection was closed', { processed: 'no' })
    }
    const call = new RemoteCall(method, request, options, this.#side)
    const current = this.#current
    if (current?.session.takesCalls) {
      call.startIn(current.session)
    } else if (this.#waiting.size >= this.#limits.maxCallsQueued) {
      this.#counters.limitFired('maxCallsQueued')
      const message = limitMessage('maxCallsQueued', this.#limits, 'too many calls wait for a connection', this.#url)
      call.refused({ code: 'resource_exhausted', message, processed: 'no' })
    } else {
      this.#waiting.add(call)
      void this.#dial()
    }
    return call.promise
  }

  async ready(): Promise<void> {
    if (this.#closing !== undefined)
      throw new NanowireError('unavailable', 'this connection was closed', { processed: 'no' })
    const failure = (await this.#dial()) ?? (await this.#current?.opening)
    if (failure) throw markReceived(failure)
  }

  stats(): ConnectionStats {
    const totals = { ...this.#past }
    let inFlight = 0
    let waiting = this.#waiting.size
    for (const one of this.#open) {
      inFlight += one.session.inFlight
      waiting += one.session.waiting
      addTraffic(totals, one)
    }
    return { connections: this.#open.size, inFlight, waiting, ...this.#counters.counts(), ...totals }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const drainMs = drainMsOf(options)
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Makes a session where there is none that takes calls. Resolves to what went wrong. */
  #dial(): Promise<NanowireError | undefined> {
    if (this.#current?.session.takesCalls) return Promise.resolve(undefined)
    this.#dialing ??= this.#connect()
    return this.#dialing
  }

  async #connect(): Promise<NanowireError | undefined> {
    const { clock } = this.#options
    try {
      const place = await this.#options.place()
      this.#url = place.url
      const link = await place.dial({ clock, limits: this.#limits })
      const current = new ClientSession(link, clock, this.#limits, this.#incarnation, this.#counters, (one) =>
        this.#sessionClosed(one),
      )
      this.#open.add(current)
      this.#current = current
      this.#dialing = undefined // before calls are told, for they may make others
      for (const call of this.#takeWaiting()) call.startIn(current.session)
      return undefined
    } catch (error) {
      const failure =
        error instanceof NanowireError
          ? error
          : new NanowireError('unavailable', `${this.#url}: ${String(error)}`, { processed: 'no', cause: error })
      this.#dialing = undefined
      for (const call of this.#takeWaiting())
        call.lost(new NanowireError(failure.code, failure.message, { processed: 'no', cause: failure.cause }))
      return failure
    }
  }

  #takeWaiting(): RemoteCall[] {
    const calls = [...this.#waiting]
    this.#waiting.clear()
    return calls
  }

  async #close(drainMs: number): Promise<void> {
    await this.#dialing
    await Promise.all([...this.#open].map((one) => one.close(drainMs)))
  }

  #sessionClosed(one: ClientSession): void {
    this.#open.delete(one)
    if (this.#current === one) this.#current = undefined
    addTraffic(this.#past, one)
  }
}

/** A session with its link, and what the connection waits for. */
class ClientSession implements Effects {
  readonly session: Session
  readonly link: OpenLink
  /** Settles when calls can be made, or when it is clear that they cannot. */
  readonly opening: Promise<NanowireError | undefined>
  readonly #over: Promise<void>
  readonly #clock: Clock
  readonly #counters: CallCounters
  readonly #closed: (one: ClientSession) => void
  #settleOpening!: (failure: NanowireError | undefined) => void // set by the promise's executor, which runs at once
  #settleOver!: () => void // likewise

  constructor(
    link: OpenLink,
    clock: Clock,
    limits: Limits,
    incarnation: Uint8Array,
    counters: CallCounters,
    closed: (one: ClientSession) => void,
  ) {
    this.link = link
    this.#clock = clock
    this.#counters = counters
    this.#closed = closed
    this.opening = new Promise((resolve) => {
      this.#settleOpening = resolve
    })
    this.#over = new Promise((resolve) => {
      this.#settleOver = resolve
    })
    this.session = new Session({ role: 'client', link, clock, limits, effects: this, incarnation })
    link.attach(this.session)
  }

  async close(drainMs: number): Promise<void> {
    const cancelTimer = this.#clock.after(drainMs, () => this.session.end(), true)
    await this.opening
    this.session.drain(drainMs, '')
    await this.#over
    cancelTimer()
  }

  opened(): void {
    this.#settleOpening(undefined)
  }

  closed(cause: NanowireError | undefined): void {
    this.#settleOpening(
      cause ?? new NanowireError('unavailable', `the connection to ${this.link.peer} was closed`, { processed: 'no' }),
    )
    this.#settleOver()
    this.#closed(this)
  }

  limitFired(name: LimitName): void {
    this.#counters.limitFired(name)
  }

  // A client is not called, and its calls say themselves what became of them.
  draining(): void {}
  peerViolated(): void {}
  requestReceived(): void {}
  requestRefused(): void {}
}

function addTraffic(
  totals: { bytesReceived: number; bytesSent: number; lateReplies: number; unknownIds: number },
  one: ClientSession,
): void {
  const { lateReplies, unknownIds } = one.session.counters
  totals.bytesReceived += one.link.receivedBytes
  totals.bytesSent += one.link.flushedBytes
  totals.lateReplies += lateReplies
  totals.unknownIds += unknownIds
}
