/**
 * A connection to wherever services are. It owns a session that can be replaced: the first call makes one, and the first
 * call after one has ended makes the next (spec/places.md).
 */
import type { AnyContract, MethodRef } from '../contract/index.ts'
import { markReceived, NanowireError } from '../errors.ts'
import { type LimitOptions, type Limits, limitMessage, resolveLimits } from '../limits.ts'
import { type Clock, wheelOf } from '../session/index.ts'
import type { Credentials, Hello } from '../wire/index.ts'
import { type CredentialsSource, readCredentialsSource, requireCredentials } from './authenticate.ts'
import { type CallOptions, type Channel, rejectCall, rejectStream } from './call.ts'
import { type ClientOf, clientOf } from './client.ts'
import { ClientSession } from './client-session.ts'
import { closeSource } from './close-source.ts'
import type { CloseOptions, Connection, ConnectionStats } from './connection.ts'
import { type KnownVerdicts, lackingContract } from './contract-check.ts'
import { CallCounters } from './counters.ts'
import { tellLimit } from './diagnostics.ts'
import type { Host } from './host.ts'
import type { Items } from './item-stream.ts'
import { requireSource } from './iteration.ts'
import type { ClientMiddleware } from './middleware.ts'
import { drainMsOf } from './options.ts'
import type { Place } from './place.ts'
import { RemoteCall, type RemoteSide } from './remote.ts'
import { RemoteStream } from './remote-stream.ts'

export interface RemoteConnectionOptions {
  readonly place: () => Promise<Place>
  /** What the place is called, before it is loaded. */
  readonly url: string
  readonly clock: Clock
  readonly limits: LimitOptions | undefined
  readonly use: readonly ClientMiddleware[]
  readonly credentials?: CredentialsSource | undefined
  /** What runs behind the place, where that is in this process: it ends with the connection. */
  readonly host?: Pick<Host, 'abandon' | 'close'> | undefined
}

export class RemoteConnection implements Connection, Channel {
  readonly #options: RemoteConnectionOptions
  readonly #limits: Limits
  readonly #counters = new CallCounters()
  readonly #known: KnownVerdicts = new Map()
  readonly #side: RemoteSide
  /** Calls that wait for a session. */
  readonly #waiting = new Set<RemoteCall>()
  readonly #open = new Set<ClientSession>()
  #current: ClientSession | undefined
  #dialing: Promise<NanowireError | undefined> | undefined
  #closing: Promise<void> | undefined
  /** It was closed, and did not wait for its dial any longer. */
  #isGivenUp = false
  /** Ends the wait for the credentials of a dial. */
  #giveUpCredentials = (): void => {}
  #credentials: CredentialsSource | undefined
  #renewing: Promise<void> = Promise.resolve()
  #url: string
  #past = { bytesReceived: 0, bytesSent: 0, lateReplies: 0, unknownIds: 0 }

  constructor(options: RemoteConnectionOptions) {
    this.#options = options
    this.#url = options.url
    this.#limits = resolveLimits(options.limits)
    this.#credentials = options.credentials
    const leaveQueue = (call: RemoteCall): boolean => this.#waiting.delete(call)
    const url = (): string => this.#url
    const { clock } = options
    const [wheel, limits, counters] = [wheelOf(clock), this.#limits, this.#counters]
    this.#side = { clock, wheel, limits, counters, leaveQueue, url, subscriptions: new Set() }
  }

  client<C extends AnyContract>(contract: C): ClientOf<C> {
    return clientOf(contract, this, this.#options.use)
  }

  call(method: MethodRef, request: unknown, options: CallOptions): Promise<unknown> {
    try {
      const call = method.input
        ? this.#openStream(method, request, options)
        : new RemoteCall(method, request, options, this.#side)
      return this.#start(call).promise
    } catch (error) {
      if (method.input) closeSource(request)
      return rejectCall(error, method, this.#counters, this.#url)
    }
  }

  open(method: MethodRef, request: unknown, options: CallOptions): Items {
    try {
      return this.#start(this.#openStream(method, request, options)).items
    } catch (error) {
      if (method.input) closeSource(request)
      return rejectStream(error, method, this.#counters, this.#url)
    }
  }

  #openStream(method: MethodRef, request: unknown, options: CallOptions): RemoteStream {
    if (method.input) requireSource(method.name, request)
    return new RemoteStream(method, request, options, this.#side)
  }

  /** Sends a call, or lets it wait for a session. */
  #start<Call extends RemoteCall>(call: Call): Call {
    if (this.#closing !== undefined) {
      throw new NanowireError('unavailable', 'this connection was closed', { processed: 'no' })
    }
    const current = this.#current
    if (current !== undefined && call.leaveNow(current)) return call
    call.prepare()
    if (current?.takesCalls) {
      call.startIn(current)
    } else if (this.#waiting.size >= this.#limits.maxCallsQueued) {
      const message = limitMessage('maxCallsQueued', this.#limits, 'too many calls wait for a connection', this.#url)
      this.#counters.limitFired('maxCallsQueued')
      tellLimit('client', 'maxCallsQueued', this.#url, message)
      call.refused({ code: 'resource_exhausted', message, processed: 'no' })
    } else {
      call.wait()
      this.#waiting.add(call)
      void this.#dial()
    }
    return call
  }

  async ready(): Promise<void> {
    if (this.#closing !== undefined)
      throw new NanowireError('unavailable', 'this connection was closed', { processed: 'no' })
    const failure = (await this.#dial()) ?? (await this.#current?.opening)
    if (failure) throw markReceived(failure)
  }

  /**
   * As `ready`, and the server has the contract, as far as it tells. Whether its contract of that name is the same is judged
   * by calls.
   */
  async readyFor(contract: string): Promise<void> {
    await this.ready()
    const theirs = this.peer?.contracts
    if (theirs === undefined || theirs.has(contract)) return
    const { code, message, processed } = lackingContract(this.#url, contract, theirs)
    throw markReceived(new NanowireError(code, message, { processed }))
  }

  /** What the server of the open session has said of itself. */
  get peer(): Hello | undefined {
    return this.#current?.peer
  }

  async renewCredentials(credentials?: Credentials): Promise<void> {
    if (credentials !== undefined) this.#credentials = requireCredentials(credentials)
    const renewed = this.#renewing.then(() => this.#renew()) // the last word is that of the last who asked
    this.#renewing = renewed.catch(() => {})
    return renewed
  }

  async #renew(): Promise<void> {
    await this.#dialing // which may have asked for the old ones already
    const current = this.#current
    if (!current) return // the next connection asks by itself
    const { clock } = this.#options
    const renewed = await readCredentialsSource(this.#credentials, clock, this.#limits.handshakeTimeoutMs)
    const failure = await current.opening
    if (renewed !== undefined && !failure) current.session.renewCredentials(renewed)
  }

  stats(): ConnectionStats {
    const totals = { ...this.#past }
    let inFlight = 0
    let waiting = this.#waiting.size
    for (const one of this.#open) {
      inFlight += one.session.inFlight
      waiting += one.waiting
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
    if (this.#current?.takesCalls) return Promise.resolve(undefined)
    this.#dialing ??= this.#connect()
    return this.#dialing
  }

  async #connect(): Promise<NanowireError | undefined> {
    const { clock } = this.#options
    try {
      const place = await this.#options.place()
      this.#url = place.url
      const told = (giveUp: () => void): void => {
        this.#giveUpCredentials = giveUp
      }
      const credentials = await readCredentialsSource(this.#credentials, clock, this.#limits.handshakeTimeoutMs, told)
      const link = this.#isGivenUp ? undefined : await place.dial({ clock, limits: this.#limits })
      if (!link || this.#isGivenUp) {
        link?.destroy()
        throw new NanowireError('unavailable', 'this connection was closed', { processed: 'no' })
      }
      const closed = (one: ClientSession): void => this.#sessionClosed(one)
      const current = new ClientSession({ link, side: this.#side, credentials, known: this.#known, closed })
      this.#open.add(current)
      this.#current = current
      this.#dialing = undefined // before calls are told, for they may make others
      for (const call of this.#takeWaiting()) call.startIn(current)
      return undefined
    } catch (error) {
      const failure =
        error instanceof NanowireError
          ? error
          : new NanowireError('unavailable', `${this.#url}: ${String(error)}`, { processed: 'no', cause: error })
      this.#dialing = undefined
      this.#loseWaiting(failure)
      return failure
    }
  }

  /** Calls that wait for a session have not run. */
  #loseWaiting({ code, message, cause }: NanowireError): void {
    for (const call of this.#takeWaiting()) call.lost(new NanowireError(code, message, { processed: 'no', cause }))
  }

  #takeWaiting(): RemoteCall[] {
    const calls = [...this.#waiting]
    this.#waiting.clear()
    return calls
  }

  async #close(drainMs: number): Promise<void> {
    const { clock, host } = this.#options
    const until = clock.now() + drainMs
    host?.abandon(until)
    for (const subscription of [...this.#side.subscriptions]) subscription.closed()
    if (this.#dialing !== undefined) await this.#waitForDial(this.#dialing, drainMs)
    const leftMs = Math.max(0, until - clock.now())
    await Promise.all([...this.#open].map((one) => one.close(leftMs)))
    await host?.close(until)
  }

  /** Gives up what is not connected in time: the calls that wait did not run, and a link that comes later is not used. */
  #waitForDial(dialing: Promise<unknown>, drainMs: number): Promise<void> {
    return new Promise((resolve) => {
      const giveUp = (): void => {
        this.#isGivenUp = true
        this.#giveUpCredentials()
        this.#loseWaiting(new NanowireError('unavailable', 'this connection was closed', { processed: 'no' }))
        resolve()
      }
      const cancelTimer = this.#options.clock.after(drainMs, giveUp, true)
      void dialing.then(() => {
        cancelTimer()
        resolve()
      })
    })
  }

  #sessionClosed(one: ClientSession): void {
    this.#open.delete(one)
    if (this.#current === one) this.#current = undefined
    addTraffic(this.#past, one)
  }
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
