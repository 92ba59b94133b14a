/**
 * The router is what every place runs: services, middleware, limits and log. It finds a method's handler by number or
 * name, and knows nothing of how the call came (spec/architecture.md).
 */
import { type MethodRef, requireDistinctTags } from '../contract/index.ts'
import { misuse } from '../errors.ts'
import { type LimitOptions, type Limits, resolveLimits } from '../limits.ts'
import { type Clock, systemClock } from '../session/index.ts'
import { callOptionNames } from './call.ts'
import { CallContext, type Context } from './context.ts'
import { CallCounters } from './counters.ts'
import { DirectChannel } from './direct.ts'
import { hosted, needsHost } from './host.ts'
import { LocalConnection } from './local-connection.ts'
import { childLog, defaultLog, type Logger, requireLogger } from './log.ts'
import { type Authorize, onion, type ServerCall, type ServerMiddleware } from './middleware.ts'
import { requireMiddleware, requireOptions, unknownOption } from './options.ts'
import { outerStream } from './outer-stream.ts'
import { requireGiven } from './provide.ts'
import { type DispatchOptions, type GivenUses, isRoutable, type Routable, type Route, type Router } from './route.ts'
import { handlerOf, isContract, isService, type Service, slowRuleOf } from './service.ts'

export interface RouterOptions {
  /** Middleware around every handler, the first outermost. */
  readonly use?: readonly ServerMiddleware[] | undefined
  /** Who may call which method, in every place. Default: whoever reaches the router. */
  readonly authorize?: Authorize | undefined
  /**
   * Where what the services use is: `{ users: 'tcp://users:7000' }`. Services of one router provide for each other; what is
   * missing is asked for where the router runs, and may be given there.
   */
  readonly uses?: GivenUses | undefined
  /** Limits for every place that runs this router. */
  readonly limits?: LimitOptions | undefined
  /** Default: warnings and errors to stderr, one line each. */
  readonly log?: Logger | undefined
}

/**
 * Puts services together.
 * @throws NanowireError `invalid_argument` for two methods with one tag, two contracts with one name, an unknown option
 * @example `const r = router([greeter, users], { use: [timing], limits: { maxCallsInFlight: 256 } })`
 */
export function router<const S extends readonly Service[]>(
  services: S,
  options: RouterOptions = {},
): Router<S[number]['contract']> {
  requireOptions('router', options, ['use', 'authorize', 'limits', 'uses', 'log'])
  return new ServiceRouter(services, options) as Router<S[number]['contract']> // a message is looked up by its tag
}

class ServiceRouter implements Router {
  readonly services: readonly Service[]
  readonly limits: Limits
  readonly log: Logger
  readonly counters = new CallCounters()
  readonly authorize: Authorize | undefined
  readonly uses: GivenUses | undefined
  readonly #byTag = new Map<number, Route>()
  readonly #byName = new Map<string, Route>()
  /** What `dispatch` calls through, for each clock. */
  readonly #channels = new WeakMap<Clock, DirectChannel>()

  constructor(services: readonly Service[], options: RouterOptions) {
    if (!Array.isArray(services) || services.length === 0)
      throw misuse('a router takes a list of services, one at least')
    if (options.use !== undefined) requireMiddleware('router', options.use)
    if (options.authorize !== undefined && typeof options.authorize !== 'function')
      throw misuse('router: authorize is a function')
    this.services = services
    this.authorize = options.authorize
    if (options.uses !== undefined) requireGiven(options.uses)
    this.uses = options.uses
    this.limits = resolveLimits(options.limits)
    this.log = childLog(requireLogger(options.log ?? defaultLog), {}) // a logger that throws hurts nobody
    const methods = services.flatMap((one) => {
      if (!isService(one)) throw misuse('a router takes services, as service(contract, handlers) makes them')
      return Object.values(one.contract.methods) as MethodRef[] // a contract's methods are references
    })
    const names = services.map((one) => one.contract.name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw misuse(`two services have the contract name ${JSON.stringify(twice)}`)
    requireDistinctTags(methods)
    for (const one of services) this.#add(one, options.use ?? [])
  }

  routeOf(tag: number): Route | undefined {
    return this.#byTag.get(tag)
  }

  dispatch(message: { readonly tag: string; readonly body: unknown }, options: DispatchOptions = {}): Promise<unknown> {
    const { principal, clock = systemClock, ...callOptions } = options
    const unknown = Object.keys(callOptions).find((name) => !callOptionNames.has(name))
    if (unknown !== undefined) return Promise.reject(unknownOption('dispatch', unknown, callOptionNames))
    const route = this.#byName.get(message?.tag)
    if (!route) return Promise.reject(misuse(`no service here has the method ${JSON.stringify(message?.tag)}`))
    if (this.services.some(needsHost)) return this.#dispatchHosted(route.method, message.body, options, clock)
    const channel = this.#channelOf(clock)
    return route.method.output
      ? Promise.resolve(channel.open(route.method, message.body, callOptions, principal))
      : channel.call(route.method, message.body, callOptions, principal)
  }

  /** Starts what must start, and stops it again unless another place runs it. */
  async #dispatchHosted(method: MethodRef, body: unknown, options: DispatchOptions, clock: Clock): Promise<unknown> {
    const { principal, clock: _, ...callOptions } = options
    const connectInside = (inner: Router) => new LocalConnection(inner, { clock, principal: undefined, use: [] })
    const { router, host } = hosted({
      ...{ router: this, uses: undefined, asRouter, clock, connectInside },
      connectOutside: undefined,
    })
    const wire = new LocalConnection(router, { clock, principal, use: [], host })
    const ended = (): void => void wire.close()
    if (method.output)
      return outerStream(wire.open(method, body, callOptions), { method, failed: (error) => error, ended }).items
    try {
      return await wire.call(method, body, callOptions)
    } finally {
      await wire.close()
    }
  }

  #channelOf(clock: Clock): DirectChannel {
    const known = this.#channels.get(clock)
    if (known) return known
    const channel = new DirectChannel(this, clock, this.counters)
    this.#channels.set(clock, channel)
    return channel
  }

  #add(one: Service, use: readonly ServerMiddleware[]): void {
    for (const [key, method] of Object.entries<MethodRef>(one.contract.methods)) {
      const handle = handlerOf(one, key)
      const layers = use.map(
        (layer) => (call: ServerCall, next: (call?: ServerCall) => Promise<unknown>) => layer(call, () => next(call)),
      )
      const within = onion<ServerCall>(layers, ({ request, ctx }) => {
        const value = handle(request, ctx)
        return method.output ? noted(value, ctx) : value
      })
      const run: Route['run'] = layers.length === 0 ? handle : (request, ctx) => within({ method, request, ctx })
      const route: Route = { method, contract: one.contract, run, slow: slowRuleOf(one, key) }
      this.#byTag.set(method.tag, route)
      this.#byName.set(method.name, route)
    }
  }
}

/** What a handler returns for items is ended with its call, also where middleware puts something around it that never begins. */
async function noted(returned: unknown, ctx: Context): Promise<unknown> {
  const items = await returned
  if (ctx instanceof CallContext) ctx.handlerReturned(items)
  return items
}

/** The router that a router, service or list of services stands for; `like` says the log and the limits of a new one. */
export function asRouter(routable: Routable, like?: Router): Router {
  if (!isRoutable(routable)) {
    const hint = isContract(routable) ? ', not a contract: service(contract, handlers) makes one' : ''
    throw misuse(`a service, a list of services or a router is wanted${hint}`)
  }
  const options = like && { log: like.log, limits: like.limits }
  if (isService(routable)) return router([routable], options)
  if (Array.isArray(routable)) return router(routable as readonly Service[], options) // each is looked at
  return routable as Router // the only form that is left
}
