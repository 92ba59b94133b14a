/** One connection at its server: requests in, through the router, replies out (spec/architecture.md). */
import { type AnyContract, hashOf, type MethodRef } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import type { LimitName } from '../limits.ts'
import {
  type Clock,
  type DeadlineWheel,
  type Effects,
  type IncomingCall,
  type IncomingRequest,
  type Refusal,
  Session,
} from '../session/index.ts'
import { type Credentials, decodeBody, type WireError } from '../wire/index.ts'
import { type Authenticate, judgeCredentials } from './authenticate.ts'
import { type Bindings, CallContext, type ContextSide } from './context.ts'
import {
  tellCallRefused,
  tellCallStart,
  tellConnectionClose,
  tellConnectionOpen,
  tellLimit,
  tellViolation,
} from './diagnostics.ts'
import { kindError } from './handle.ts'
import { incarnationOf } from './incarnation.ts'
import type { Logger, QuietLog } from './log.ts'
import { internal, misfitError } from './outcome.ts'
import type { OpenLink } from './place.ts'
import type { Route, Router } from './route.ts'
import { runForCall, type ServerRunSide } from './server-run.ts'
import { traceLink } from './trace.ts'

/** What all connections of a server share. */
export interface ServingSide {
  readonly router: Router
  /** Where the server listens. */
  readonly url: string
  readonly clock: Clock
  /** Of the clock. */
  readonly wheel: DeadlineWheel
  /** The contracts that are told, with their hashes. */
  readonly contracts: ReadonlyMap<string, Uint8Array>
  /** Who calls, where nobody is asked. */
  readonly principal: unknown
  readonly authenticate: Authenticate | undefined
  /** For what a peer can cause at will; one for all connections, so that reconnecting begins nothing anew. */
  readonly quiet: QuietLog
  /** A connection's session is over. */
  closed(serving: Serving): void
}

const MAX_TIMER_MS = 2 ** 31 - 1
const UNKNOWN = 'unknown method'

/** One connection; it is what its calls and their handlers share, so that an idle one holds little. */
export class Serving implements Effects, ContextSide, ServerRunSide {
  readonly session: Session
  readonly link: OpenLink
  /** There was no room for it. */
  isTurnedAway = false
  readonly #side: ServingSide
  #wasOpen = false
  #principal: unknown
  /** Of events, while they run. */
  #subscriptions: Set<CallContext> | undefined
  /** Contracts whose hash at the client is another. */
  #differing: Set<AnyContract> | undefined

  constructor(link: OpenLink, side: ServingSide) {
    const { router, clock, contracts, authenticate } = side
    this.#side = side
    this.#principal = side.principal
    this.link = link
    const admit = authenticate && ((credentials: Credentials | undefined) => this.#admit(authenticate, credentials))
    const { limits } = router
    traceLink(link, { side: 'server', clock, nameOf: (tag) => router.routeOf(tag)?.method.name })
    const incarnation = incarnationOf(clock)
    this.session = new Session({ role: 'server', link, clock, limits, effects: this, incarnation, contracts, admit })
  }

  get router(): Router {
    return this.#side.router
  }

  get clock(): Clock {
    return this.#side.clock
  }

  get wheel(): DeadlineWheel {
    return this.#side.wheel
  }

  get log(): Logger {
    return this.router.log
  }

  get bindings(): Bindings | undefined {
    return this.router.bindings
  }

  get peer(): string {
    return this.link.peer
  }

  warn(fields: object, message: string): void {
    this.#side.quiet.warn('notify failed', fields, message)
  }

  opened(): void {
    this.#wasOpen = true
    tellConnectionOpen('server', this.peer, this.#side.url)
  }

  /** A subscription has no end of its own. */
  draining(): void {
    const reason = new NanowireError('unavailable', `the server ${this.#side.url} is closing`)
    for (const ctx of [...(this.#subscriptions ?? [])]) ctx.cancel(reason)
  }

  closed(cause: NanowireError | undefined): void {
    if (cause) this.router.log.debug({ peer: this.peer, code: cause.code, detail: cause.message }, 'connection ended')
    this.#side.closed(this)
    tellConnectionClose('server', this.peer, this.#side.url, this.#wasOpen, cause)
  }

  peerViolated(rule: string, message: string): void {
    tellViolation('server', rule, this.peer, message)
    const fields = { peer: this.peer, rule, detail: message }
    this.#side.quiet.warn(`rule ${rule}`, fields, 'the peer broke the protocol; its connection is closed')
  }

  limitFired(name: LimitName, message: string): void {
    this.router.counters.limitFired(name)
    tellLimit('server', name, this.peer, message)
    this.#side.quiet.warn(`limit ${name}`, { limit: name }, message)
  }

  requestRefused(tag: number, error: WireError): void {
    const route = this.router.routeOf(tag)
    if (route) this.router.counters.callEnded(route.method.name, error.code)
    this.#tellRefused(route?.method, error)
  }

  requestReceived(call: IncomingCall, request: IncomingRequest): void {
    const route = this.router.routeOf(request.tag)
    if (!route)
      return this.#refuse(call, undefined, {
        code: 'unimplemented',
        message: `no service here has a method with the number ${request.tag}`,
        processed: 'no',
      })
    const { contract, method } = route
    if (request.hash) this.#compare(contract, request.hash)
    if (this.#differing?.has(contract) === true && !request.judged && !call.oneWay) {
      const message = `the contract ${contract.name} of this server is another than the client's`
      return this.#refuse(call, method, { code: 'failed_precondition', message, processed: 'no', rule: 'contract' })
    }
    const mismatch = kindError(method, request)
    if (mismatch) return this.#refuse(call, method, mismatch)
    let body: unknown
    try {
      if (!method.input)
        body = decodeBody(method.request, request.buffer, request.start, request.end, this.router.limits)
    } catch (error) {
      return this.#refuse(
        call,
        method,
        misfitError(error, method) ??
          internal('the request could not be read', error, method, this.router.log, this.clock),
      )
    }
    this.#run(call, route, request, body)
  }

  async #admit(authenticate: Authenticate, credentials: Credentials | undefined): Promise<Refusal | undefined> {
    const { peer: address, tls } = this.link
    const verdict = await judgeCredentials(authenticate, { credentials, tls, address }, this.#side.quiet)
    if (!('principal' in verdict)) return verdict
    this.#principal = verdict.principal
    return undefined
  }

  #compare(contract: AnyContract, hash: Uint8Array): void {
    const own = hashOf(contract)
    if (own.every((byte, index) => byte === hash[index])) return
    this.#differing ??= new Set()
    this.#differing.add(contract)
  }

  #run(call: IncomingCall, route: Route, request: IncomingRequest, body: unknown): void {
    const { method } = route
    const { oneWay, timeoutMs, metadata } = request
    const { limits, counters } = this.router
    const ctx = new CallContext(this, method, metadata, this.#principal)
    call.runner = ctx
    const leftMs = timeoutMs === 0 && oneWay ? limits.callTimeoutMs : Math.min(timeoutMs, MAX_TIMER_MS)
    if (leftMs > 0) this.wheel.addAfter(ctx, leftMs)
    if (leftMs > 0 && call.flow) call.flow.endsBy = this.clock.now() + leftMs
    counters.inFlight++
    const told = tellCallStart(method, 'server', this.peer, this.clock)
    if (method.event) this.#subscribed(ctx)
    runForCall(this, call, route, body, ctx, told)
  }

  unsubscribed(ctx: CallContext): void {
    this.#subscriptions?.delete(ctx)
  }

  #subscribed(ctx: CallContext): void {
    this.#subscriptions ??= new Set()
    this.#subscriptions.add(ctx)
  }

  /** A request that reaches no handler. Of a notify only the log and the counters tell. */
  #refuse(call: IncomingCall, method: MethodRef | undefined, error: WireError): void {
    this.router.counters.callEnded(method?.name ?? UNKNOWN, error.code)
    this.#tellRefused(method, error)
    if (call.oneWay)
      this.#side.quiet.warn(
        `notify ${method?.name}`,
        { peer: this.peer, method: method?.name, code: error.code, detail: error.message },
        'a notify was refused',
      )
    this.session.refuse(call, error)
  }

  #tellRefused(method: MethodRef | undefined, { code, processed = 'maybe' }: WireError): void {
    tellCallRefused(method?.name ?? UNKNOWN, 'server', this.peer, code, processed)
  }
}
