/** What the router is to the places that run it. */
import type { AnyContract, MessageOf, MethodRef, SlowRule } from '../contract/index.ts'
import type { Limits } from '../limits.ts'
import type { Clock } from '../session/index.ts'
import type { CallOptions } from './call.ts'
import type { Connection } from './connection.ts'
import type { Bindings, Context } from './context.ts'
import type { CallCounters } from './counters.ts'
import type { Logger } from './log.ts'
import type { Authorize } from './middleware.ts'
import type { Place } from './place.ts'
import { isService, type Service } from './service.ts'

/** A method with its handler and the middleware around it. */
export interface Route {
  readonly method: MethodRef
  readonly contract: AnyContract
  /** Returns what the handler returns, as it is where there is no middleware. */
  run(request: unknown, ctx: Context): unknown
  /** What is done with its items while their receiver does not keep up. */
  readonly slow: SlowRule
}

export interface Router<C extends AnyContract = AnyContract> {
  readonly services: readonly Service[]
  readonly limits: Limits
  readonly log: Logger
  readonly counters: CallCounters
  /** Who may call what; absent where everybody may. */
  readonly authorize: Authorize | undefined
  /** Where what the services use is, as far as the router was told. */
  readonly uses: GivenUses | undefined
  /** Of a router that is placed: the clients of what its services use. */
  readonly bindings?: Bindings | undefined
  /** The route of a number on the wire. */
  routeOf(tag: number): Route | undefined
  /**
   * Runs a message that came from a file, a queue or a test, as a call in memory would.
   * @throws NanowireError what the call ends with
   */
  dispatch(message: MessageOf<C>, options?: DispatchOptions): Promise<unknown>
}

export interface DispatchOptions extends CallOptions {
  /** Who calls. */
  readonly principal?: unknown
  readonly clock?: Clock | undefined
}

/** What stands for a router wherever one is asked for. */
export type Routable = Router | Service | readonly Service[]

export function isRoutable(value: unknown): value is Routable {
  return (
    isService(value) ||
    Array.isArray(value) ||
    (typeof value === 'object' && value !== null && 'routeOf' in value && typeof value.routeOf === 'function')
  )
}

type Answer = Promise<unknown> | AsyncIterable<unknown>

/** A client of any contract. */
// biome-ignore lint/suspicious/noExplicitAny: a client is contravariant in its requests
export type AnyClient = { readonly [Method in string]: (request: any, options?: any) => Answer }

/**
 * Where a used contract is: a service, `stub(…)`, list or router to run in memory; an address or place to connect to; a
 * connection, or a client, that is there already and stays its owner's to close.
 */
export type Provider = Routable | string | Place | Connection | AnyClient

/**
 * Providers by the names that services have for what they use, `{ users: stub(Users, {…}) }`, or a function that gives the
 * provider of a contract, `undefined` where it knows none.
 */
export type GivenUses =
  | { readonly [Name in string]: Provider | undefined }
  | ((contract: AnyContract) => Provider | undefined)

/** The router with something changed for one place. */
export function routerView(
  router: Router,
  changes: Partial<Pick<Router, 'limits' | 'counters' | 'authorize' | 'bindings'>>,
): Router {
  const { services, limits, log, counters, authorize, uses, bindings } = router
  return {
    ...{ services, limits, log, counters, authorize, uses, bindings },
    ...changes,
    routeOf: (tag) => router.routeOf(tag),
    dispatch: (message, options) => router.dispatch(message, options),
  }
}
