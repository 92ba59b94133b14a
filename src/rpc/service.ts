/** A service: a contract and the handlers that keep it. It does not know where it runs, nor where what it uses runs. */
import {
  type AnyContract,
  type Contract,
  type EventSlowPolicy,
  type Method,
  type MethodRef,
  type Methods,
  type RequestOf,
  type ResultOf,
  readSlow,
  type SlowOption,
  type SlowPolicy,
  type SlowRule,
} from '../contract/index.ts'
import { misuse } from '../errors.ts'
import type { ClientOf, Iterated } from './client.ts'
import type { Context, NoClients } from './context.ts'
import { EventHub } from './events.ts'
import type { Logger } from './log.ts'
import { requireOptions } from './options.ts'

type MaybePromise<T> = T | Promise<T>

/**
 * The handler of one method. It gets the request, or the items that its client sends, and returns the reply, or what the
 * items that answer are taken from: mostly it is a generator.
 */
export type HandlerOf<in out M extends Method, in Clients extends object = NoClients> = (
  request: M['kind'] extends 'clientStream' | 'bidiStream' ? AsyncIterable<RequestOf<M>> : RequestOf<M>,
  ctx: Context<M, Clients>,
) => MaybePromise<M['kind'] extends Answering ? Iterated<ResultOf<M>> : ResultOf<M>>

type Answering = 'serverStream' | 'bidiStream' | 'event'

/**
 * One handler for each method of a contract. A client of the contract can stand here too. An event needs none: its
 * subscribers get what `publish` is given; a handler answers them instead, as a proxy does.
 */
export type HandlersOf<C extends AnyContract, Clients extends object = NoClients> =
  C extends Contract<string, infer M extends Methods>
    ? { readonly [K in Exclude<keyof M & string, EventNames<M>>]: HandlerOf<M[K], Clients> } & {
        readonly [K in EventNames<M>]?: HandlerOf<M[K], Clients> | undefined
      }
    : never

/** Names of the methods of some kind. */
type EventNames<M extends Methods> = NamesOf<M, 'event'>
type NamesOf<M extends Methods, Kind extends Method['kind']> = {
  [K in keyof M & string]: M[K]['kind'] extends Kind ? K : never
}[keyof M & string]

/** A function for each event of a contract, which tells its subscribers. */
export type PublishersOf<C extends AnyContract> =
  C extends Contract<string, infer M extends Methods>
    ? { readonly [K in EventNames<M>]: (body: ResultOf<M[K]>) => void }
    : never

type SlowPolicyOf<M extends Method> = M['kind'] extends 'event' ? EventSlowPolicy : SlowPolicy

/** What is said of a contract's streams and events over the contract's own option `slow`. */
export type SlowOf<C extends AnyContract> =
  C extends Contract<string, infer M extends Methods>
    ? { readonly [K in NamesOf<M, Answering>]?: SlowOption<SlowPolicyOf<M[K]>> | undefined }
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
export interface ServiceOptions<U extends Uses = Uses, C extends AnyContract = AnyContract> {
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
  /** What is done with items of a stream or event while their receiver does not keep up, where the contract says something else. */
  readonly slow?: SlowOf<C> | undefined
}

export interface Service<C extends AnyContract = AnyContract> {
  readonly contract: C
  readonly handlers: HandlersOf<C>
  /** What was said of it; empty where nothing was. */
  readonly options: ServiceOptions
  /**
   * Tells the subscribers of an event, in whatever place they are: `orders.publish.placed({ orderId, cents })`. Returns when each
   * has been given the body, or has it waiting for it; what nobody subscribes to is gone.
   * @throws NanowireError `invalid_argument` for a body that does not fit, and for an event that has a handler of its own
   */
  readonly publish: PublishersOf<C>
}

/** What a service is made of besides what can be seen. */
interface Inside {
  /** The subscribers of each event that has no handler of its own. */
  readonly hubs: ReadonlyMap<string, EventHub>
  /** What the service says over its contract. */
  readonly slow: ReadonlyMap<string, SlowRule>
}

const insides = new WeakMap<Service, Inside>()

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
  options: ServiceOptions<U, NoInfer<C>> = {},
): Service<C> {
  if (!isContract(contract)) throw misuse('service takes a contract first')
  if (typeof handlers !== 'object' || handlers === null)
    throw misuse(`${contract.name}: service takes an object of handlers`)
  const names = new Set(Object.keys(contract.methods))
  for (const name of names) {
    const handler: unknown = Reflect.get(handlers, name)
    if (handler === undefined && methodOf(contract, name).event) continue
    if (typeof handler !== 'function') throw misuse(`${contract.name}/${name} has no handler`)
  }
  const extra = Object.keys(handlers).find(
    (name) => !names.has(name) && typeof Reflect.get(handlers, name) === 'function',
  )
  if (extra !== undefined) throw misuse(`${contract.name} has no method ${JSON.stringify(extra)}, but a handler for it`)
  requireServiceOptions(contract.name, options)
  const { slow = {} } = options
  const inside = insideOf(contract, handlers, slow)
  const made: Service<C> = Object.freeze({
    contract,
    handlers: handlers as HandlersOf<C>, // whoever runs them makes contexts with the clients that the options name
    options: Object.freeze({ ...options }) as ServiceOptions, // likewise
    publish: publishersOf(contract, inside.hubs),
  })
  insides.set(made, inside)
  return made
}

/** What runs a method of a service: its handler, or what is built in for an event without one. */
export function handlerOf(service: Service, name: string): (request: unknown, ctx: Context) => unknown {
  const hub = insides.get(service)?.hubs.get(name)
  if (hub) return (filter, ctx) => hub.feed(filter, ctx)
  const handlers = service.handlers as Readonly<Record<string, (request: unknown, ctx: unknown) => unknown>> // each was looked at by service()
  return (request, ctx) => handlers[name]?.(request, ctx)
}

/** What is done with a method's items while their receiver does not keep up. */
export function slowRuleOf(service: Service, name: string): SlowRule {
  return insides.get(service)?.slow.get(name) ?? methodOf(service.contract, name).slow
}

function methodOf(contract: AnyContract, name: string): MethodRef {
  return contract.methods[name] as MethodRef // whoever asks has the name from the contract
}

function insideOf(contract: AnyContract, handlers: object, given: Readonly<Record<string, unknown>>): Inside {
  const slow = readSlowRules(contract, given)
  const hubs = new Map<string, EventHub>()
  for (const name of Object.keys(contract.methods)) {
    const method = methodOf(contract, name)
    if (method.event && Reflect.get(handlers, name) === undefined)
      hubs.set(name, new EventHub(method, slow.get(name) ?? method.slow))
  }
  return { hubs, slow }
}

/** @throws NanowireError `invalid_argument` */
function readSlowRules(contract: AnyContract, given: Readonly<Record<string, unknown>>): Map<string, SlowRule> {
  const where = `service ${contract.name}`
  if (typeof given !== 'object' || given === null)
    throw misuse(`${where}: slow is an object with a policy for each method, { ticks: 'dropOldest' }`)
  const rules = new Map<string, SlowRule>()
  for (const [name, option] of Object.entries(given)) {
    if (option === undefined) continue
    const method = Object.hasOwn(contract.methods, name) ? methodOf(contract, name) : undefined
    if (!method?.output) throw misuse(`${where}: slow.${name} is of no method that answers with items`)
    const rule = readSlow(`${where}, ${name}`, option)
    if (method.event && rule.policy === 'block')
      throw misuse(`${where}: slow.${name} cannot be block, for who publishes an event waits for nobody`)
    rules.set(name, rule)
  }
  return rules
}

function publishersOf<C extends AnyContract>(contract: C, hubs: ReadonlyMap<string, EventHub>): PublishersOf<C> {
  const events = Object.keys(contract.methods).filter((name) => methodOf(contract, name).event)
  const entries = events.map((name) => {
    const hub = hubs.get(name)
    if (hub) return [name, (body: unknown) => hub.publish(body)]
    const message = `${contract.name}/${name} has a handler of its own, which says what its subscribers get; publish is for events without one`
    const refuse = (): never => {
      throw misuse(message)
    }
    return [name, refuse]
  })
  return Object.freeze(Object.fromEntries(entries)) as PublishersOf<C> // one for each event
}

/** @throws NanowireError `invalid_argument` */
function requireServiceOptions(name: string, options: { readonly [Option in keyof ServiceOptions]?: unknown }): void {
  requireOptions(`service ${name}`, options, ['uses', 'forward', 'start', 'stop', 'slow'])
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
