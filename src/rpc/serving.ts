/** One connection at its server: requests in, through the router, replies out (spec/architecture.md). */
import { type AnyContract, hashOf, type MethodRef } from '../contract/index.ts'
import type { NanowireError } from '../errors.ts'
import type { LimitName } from '../limits.ts'
import {
  type Clock,
  type Effects,
  type IncomingCall,
  type IncomingRequest,
  type Refusal,
  Session,
  wheelOf,
} from '../session/index.ts'
import { type Credentials, decodeBody, type WireError } from '../wire/index.ts'
import { type Authenticate, judgeCredentials } from './authenticate.ts'
import { CallContext, type ContextSide } from './context.ts'
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
import type { QuietLog } from './log.ts'
import { internal, misfitError } from './outcome.ts'
import type { OpenLink } from './place.ts'
import type { Route, Router } from './route.ts'
import { runForCall, type ServerRunSide } from './server-run.ts'
import { traceLink } from './trace.ts'

export interface ServingOptions {
  readonly router: Router
  readonly link: OpenLink
  /** Where the server listens. */
  readonly url: string
  readonly clock: Clock
  /** The contracts that are told, with their hashes. */
  readonly contracts: ReadonlyMap<string, Uint8Array>
  /** Who calls, where nobody is asked. */
  readonly principal: unknown
  readonly authenticate: Authenticate | undefined
  /** For what a peer can cause at will; one for all connections, so that reconnecting begins nothing anew. */
  readonly quiet: QuietLog
  /** The session is over. */
  readonly closed: (serving: Serving) => void
}

const MAX_TIMER_MS = 2 ** 31 - 1
const UNKNOWN = 'unknown method'

export class Serving implements Effects {
  readonly session: Session
  readonly link: OpenLink
  /** There was no room for it. */
  isTurnedAway = false
  readonly #router: Router
  readonly #clock: Clock
  readonly #url: string
  #wasOpen = false
  #principal: unknown
  /** Contracts whose hash at the client is another. */
  #differing: Set<AnyContract> | undefined
  readonly #quiet: QuietLog
  readonly #contexts: ContextSide
  readonly #runs: ServerRunSide
  readonly #closed: (serving: Serving) => void

  constructor(options: ServingOptions) {
    const { router, link, clock, contracts, authenticate } = options
    this.#router = router
    this.#clock = clock
    this.#url = options.url
    this.#principal = options.principal
    this.#quiet = options.quiet
    this.#closed = options.closed
    this.link = link
    const admit = authenticate && ((credentials: Credentials | undefined) => this.#admit(authenticate, credentials))
    const { limits } = router
    traceLink(link, { side: 'server', clock, nameOf: (tag) => router.routeOf(tag)?.method.name })
    const incarnation = incarnationOf(clock)
    this.session = new Session({ role: 'server', link, clock, limits, effects: this, incarnation, contracts, admit })
    const { log, bindings } = router
    this.#contexts = { clock, log, peer: link.peer, bindings }
    const warn = (fields: object, message: string): void => this.#quiet.warn('notify failed', fields, message)
    this.#runs = { router, clock, wheel: wheelOf(clock), warn, session: this.session }
  }

  opened(): void {
    this.#wasOpen = true
    tellConnectionOpen('server', this.link.peer, this.#url)
  }

  draining(): void {}

  closed(cause: NanowireError | undefined): void {
    if (cause)
      this.#router.log.debug({ peer: this.link.peer, code: cause.code, detail: cause.message }, 'connection ended')
    this.#closed(this)
    tellConnectionClose('server', this.link.peer, this.#url, this.#wasOpen, cause)
  }

  peerViolated(rule: string, message: string): void {
    tellViolation('server', rule, this.link.peer, message)
    const fields = { peer: this.link.peer, rule, detail: message }
    this.#quiet.warn(`rule ${rule}`, fields, 'the peer broke the protocol; its connection is closed')
  }

  limitFired(name: LimitName, message: string): void {
    this.#router.counters.limitFired(name)
    tellLimit('server', name, this.link.peer, message)
    this.#quiet.warn(`limit ${name}`, { limit: name }, message)
  }

  requestRefused(tag: number, error: WireError): void {
    const route = this.#router.routeOf(tag)
    if (route) this.#router.counters.callEnded(route.method.name, error.code)
    this.#tellRefused(route?.method, error)
  }

  requestReceived(call: IncomingCall, request: IncomingRequest): void {
    const route = this.#router.routeOf(request.tag)
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
    const mismatch = kindError(method, request.oneWay)
    if (mismatch) return this.#refuse(call, method, mismatch)
    let body: unknown
    try {
      body = decodeBody(method.request, request.buffer, request.start, request.end, this.#router.limits)
    } catch (error) {
      return this.#refuse(
        call,
        method,
        misfitError(error, method) ??
          internal('the request could not be read', error, method, this.#router.log, this.#clock),
      )
    }
    this.#run(call, route, request, body)
  }

  async #admit(authenticate: Authenticate, credentials: Credentials | undefined): Promise<Refusal | undefined> {
    const { peer: address, tls } = this.link
    const verdict = await judgeCredentials(authenticate, { credentials, tls, address }, this.#quiet)
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
    const { limits, counters } = this.#router
    const ctx = new CallContext(this.#contexts, method, metadata, this.#principal)
    call.runner = ctx
    const leftMs = timeoutMs === 0 && oneWay ? limits.callTimeoutMs : Math.min(timeoutMs, MAX_TIMER_MS)
    if (leftMs > 0) this.#runs.wheel.addAfter(ctx, leftMs)
    counters.inFlight++
    const told = tellCallStart(method, 'server', this.link.peer, this.#clock)
    runForCall(this.#runs, call, route, body, ctx, told)
  }

  /** A request that reaches no handler. Of a notify only the log and the counters tell. */
  #refuse(call: IncomingCall, method: MethodRef | undefined, error: WireError): void {
    this.#router.counters.callEnded(method?.name ?? UNKNOWN, error.code)
    this.#tellRefused(method, error)
    if (call.oneWay)
      this.#quiet.warn(
        `notify ${method?.name}`,
        { peer: this.link.peer, method: method?.name, code: error.code, detail: error.message },
        'a notify was refused',
      )
    this.session.refuse(call, error)
  }

  #tellRefused(method: MethodRef | undefined, { code, processed = 'maybe' }: WireError): void {
    tellCallRefused(method?.name ?? UNKNOWN, 'server', this.link.peer, code, processed)
  }
}
