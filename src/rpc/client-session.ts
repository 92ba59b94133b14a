/** A session of a remote connection, with its link and what is known of its server's contracts (spec/places.md). */
import { Reflection } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { type LimitName, limitMessage } from '../limits.ts'
import { type Effects, Session } from '../session/index.ts'
import type { Credentials, Hello, WireError } from '../wire/index.ts'
import { ContractCheck, type KnownVerdicts } from './contract-check.ts'
import { CallCounters } from './counters.ts'
import { tellConnectionClose, tellConnectionOpen, tellLimit, tellViolation } from './diagnostics.ts'
import { incarnationOf } from './incarnation.ts'
import type { OpenLink } from './place.ts'
import { type CallCarrier, RemoteCall, type RemoteSide } from './remote.ts'
import { type FrameTrace, traceLink } from './trace.ts'

export interface ClientSessionOptions {
  readonly link: OpenLink
  readonly side: RemoteSide
  readonly credentials: Credentials | undefined
  readonly known: KnownVerdicts
  readonly closed: (one: ClientSession) => void
}

export class ClientSession implements Effects, CallCarrier {
  readonly session: Session
  readonly link: OpenLink
  /** Settles when calls can be made, or when it is clear that they cannot. */
  readonly opening: Promise<NanowireError | undefined>
  readonly #options: ClientSessionOptions
  readonly #trace: FrameTrace | undefined
  #peer: Hello | undefined
  readonly #check: ContractCheck
  readonly #over: Promise<void>
  #settleOpening!: (failure: NanowireError | undefined) => void // set by the promise's executor, which runs at once
  #settleOver!: () => void // likewise

  constructor(options: ClientSessionOptions) {
    const { link, side, credentials, known } = options
    const { clock, limits, url } = side
    this.#options = options
    this.link = link
    this.opening = new Promise((resolve) => {
      this.#settleOpening = resolve
    })
    this.#over = new Promise((resolve) => {
      this.#settleOver = resolve
    })
    this.#check = new ContractCheck({
      session: () => this.session,
      describe: (contract) => this.#describe(contract),
      known,
      url,
      maxQueued: limits.maxCallsQueued,
      queueFull: () => this.#queueFull(),
    })
    this.#trace = traceLink(link, { side: 'client', clock })
    const incarnation = incarnationOf(clock)
    this.session = new Session({ role: 'client', link, clock, limits, effects: this, incarnation, credentials })
    link.attach(this.session)
  }

  /** What the server has said of itself, once it has. */
  get peer(): Hello | undefined {
    return this.#peer
  }

  get takesCalls(): boolean {
    return this.session.takesCalls
  }

  /** Calls that wait for a verdict or for a place in flight. */
  get waiting(): number {
    return this.#check.waiting + this.session.waiting
  }

  startInPlace(call: RemoteCall): boolean {
    if (!this.#check.passes(call)) return false
    this.#trace?.called(call.method)
    const { timeoutMs } = call
    return this.session.startInPlace(call, timeoutMs === Number.POSITIVE_INFINITY ? 0 : timeoutMs)
  }

  start(call: RemoteCall): void {
    this.#trace?.called(call.method)
    this.#check.start(call)
  }

  abandon(call: RemoteCall, tells: boolean): void {
    if (!this.#check.leave(call)) this.session.abandon(call, tells)
  }

  takeHash(method: RemoteCall['method']): Uint8Array | undefined {
    return this.#check.takeHash(method)
  }

  refused(call: RemoteCall, error: WireError): boolean {
    return this.#check.refused(call, error)
  }

  explain(call: RemoteCall, error: WireError): WireError {
    return this.#check.explain(call, error)
  }

  async close(drainMs: number): Promise<void> {
    const cancelTimer = this.#options.side.clock.after(drainMs, () => this.session.end(), true)
    await this.opening
    this.session.drain(drainMs, '')
    await this.#over
    cancelTimer()
  }

  opened(peer: Hello): void {
    this.#peer = peer
    tellConnectionOpen('client', this.link.peer, this.#options.side.url())
    this.#check.opened(peer)
    this.#settleOpening(undefined)
  }

  closed(cause: NanowireError | undefined): void {
    this.#settleOpening(
      cause ?? new NanowireError('unavailable', `the connection to ${this.link.peer} was closed`, { processed: 'no' }),
    )
    this.#settleOver()
    this.#check.closed()
    this.#options.closed(this)
    tellConnectionClose('client', this.link.peer, this.#options.side.url(), this.#peer !== undefined, cause)
  }

  limitFired(name: LimitName, message: string): void {
    this.#options.side.counters.limitFired(name)
    tellLimit('client', name, this.link.peer, message)
  }

  peerViolated(rule: string, message: string): void {
    tellViolation('client', rule, this.link.peer, message)
  }

  // A client is not called, and its calls say themselves what became of them.
  draining(): void {}
  requestReceived(): void {}
  requestRefused(): void {}

  #queueFull(): WireError {
    const { limits } = this.#options.side
    const what = 'too many calls wait for their contract to be judged'
    const message = limitMessage('maxCallsQueued', limits, what, this.link.peer)
    this.limitFired('maxCallsQueued', message)
    return { code: 'resource_exhausted', message, processed: 'no' }
  }

  /** Asks the server for its description of a contract; not among the user's calls. */
  #describe(contract: string): Promise<unknown> {
    const side = { ...this.#options.side, counters: new CallCounters(), leaveQueue: () => false }
    const call = new RemoteCall(Reflection.methods.describe, { contract }, {}, side)
    call.prepare()
    this.session.start(call)
    return call.promise
  }
}
