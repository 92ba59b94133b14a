/** A service: a contract and the handlers that keep it. It does not know where it runs, nor where what it uses runs. */
import type { AnyContract, Contract, Method, Methods, RequestOf, ResultOf } from '../contract/index.ts'
import { misuse } from '../errors.ts'
import type { ClientOf } from './client.ts'
import type { Context, NoClients } from './context.ts'
import type { Logger } from './log.ts'
import { requireOptions } from './options.ts'

type MaybePromise<T> = T | Promise<T>

/** The handler of one method. */
export type HandlerOf<in out M extends Method, in Clients extends object = NoClients> = (
  request: RequestOf<M>,
  ctx: Context<M, Clients>,
) => MaybePromise<ResultOf<M>>

/** One handler for each method of a contract. A client of the contract can stand here too. */
export type HandlersOf<C extends AnyContract, Clients extends object = NoClients> =
  C extends Contract<string, infer M extends Methods>
    ? { readonly [K in keyof M & string]: HandlerOf<M[K], Clients> }
    : never

/** Contracts that a service calls, by the names that its handlers have for them. */
export type Uses = { readonly [Name in string]: AnyContract }

/** A client of each. */
export type ClientsOf<U extends Uses> = { readonly [Name in keyof U & string]: ClientOf<U[Name]> }

/** What a service knows while it starts and stops. */
export interface StartContext<Clients extends object = NoClients> {
  /** Clients of what the service uses, bound to no call: for work in the background too, until the service stops. */
  readonly uses: Clients
  /** Aborted when nobody waits for the start any more: it has taken too long, or the place is closed. */
  readonly signal: AbortSignal
  /** The log of the place, with the service's name in every line. */
  readonly log: Logger
}

/** What may be said of a service besides its handlers. */
export interface ServiceOptions<U extends Uses = Uses> {
  /** Contracts that its handlers call, as `ctx.uses`. Where they are is said by `connect`, `serve`, `router` or `app`. */
  readonly uses?: U | undefined
  /** Names of metadata that calls through `ctx.uses` carry on. Default: none. */
  readonly forward?: readonly string[] | undefined
  /**
   * Awaited before the first call, after everything that the service uses has started. What it throws is the cause of the
   * `unavailable` that calls then end with. At most `limits.startTimeoutMs`.
   */
  readonly start?: ((context: StartContext<ClientsOf<U>>) => unknown) | undefined
  /** Called when the last place that runs the service is closed, after its calls have ended. At most `limits.startTimeoutMs`. */
  readonly stop?: ((context: StartContext<ClientsOf<U>>) => unknown) | undefined
}

export interface Service<C extends AnyContract = AnyContract> {
  readonly contract: C
  readonly handlers: HandlersOf<C>
  /** What was said of it; empty where nothing was. */
  readonly options: ServiceOptions
}

/**
 * Binds handlers to a contract. Does not compile when a handler is missing or returns what does not fit.
 * @throws NanowireError `invalid_argument` for a handler that is missing or has no method, and for options that do not fit
 * @example
 * ```ts
 * const greeter = service(Greeter, { async hello({ name }) { return { text: `Hello, ${name}` } } })
 * const orders = service(
 *   Orders,
 *   { place: async ({ userId }, ctx) => ({ name: (await ctx.uses.users.get({ id: userId })).name }) },
 *   { uses: { users: Users }, forward: ['tenant'] },
 * )
 * ```
 */
export function service<C extends AnyContract, const U extends Uses = NoClients>(
  contract: C,
  handlers: HandlersOf<C, ClientsOf<NoInfer<U>>>,
  options: ServiceOptions<U> = {},
): Service<C> {
  if (!isContract(contract)) throw misuse('service takes a contract first')
  if (typeof handlers !== 'object' || handlers === null)
    throw misuse(`${contract.name}: service takes an object of handlers`)
  const names = new Set(Object.keys(contract.methods))
  for (const name of names) {
    if (typeof Reflect.get(handlers, name) !== 'function') throw misuse(`${contract.name}/${name} has no handler`)
  }
  const extra = Object.keys(handlers).find(
    (name) => !names.has(name) && typeof Reflect.get(handlers, name) === 'function',
  )
  if (extra !== undefined) throw misuse(`${contract.name} has no method ${JSON.stringify(extra)}, but a handler for it`)
  requireServiceOptions(contract.name, options)
  return Object.freeze({
    contract,
    handlers: handlers as HandlersOf<C>, // whoever runs them makes contexts with the clients that the options name
    options: Object.freeze({ ...options }) as ServiceOptions, // likewise
  })
}

/** @throws NanowireError `invalid_argument` */
function requireServiceOptions(name: string, options: { readonly [Option in keyof ServiceOptions]?: unknown }): void {
  requireOptions(`service ${name}`, options, ['uses', 'forward', 'start', 'stop'])
  const { uses = {}, forward = [] } = options
  if (typeof uses !== 'object' || uses === null) throw misuse(`service ${name}: uses is an object of contracts`)
  for (const [key, contract] of Object.entries(uses)) {
    if (isContract(contract)) continue
    const hint = isService(contract) ? ', not a service: where it runs is said by whoever runs this one' : ''
    throw misuse(`service ${name}: uses.${key} is a contract${hint}`)
  }
  if (!Array.isArray(forward) || !forward.every((one) => typeof one === 'string' && one !== ''))
    throw misuse(`service ${name}: forward is a list of names of metadata`)
  for (const hook of ['start', 'stop'] as const)
    if (options[hook] !== undefined && typeof options[hook] !== 'function')
      throw misuse(`service ${name}: ${hook} is a function`)
}

export function isContract(value: unknown): value is AnyContract {
  if (typeof value !== 'object' || value === null || !('methods' in value && 'tags' in value)) return false
  return typeof value.methods === 'object' && value.methods !== null // a client may have methods of these names
}

export function isService(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && 'contract' in value && 'handlers' in value && 'options' in value
}
