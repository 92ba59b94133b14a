/**
 * An app: services that use each other, and where each of them is (spec/app.md). Keyed by contracts' names; what is not
 * placed elsewhere runs in this process. Invariant: an app that was made has nothing missing and no circle.
 */
import type { AnyContract } from '../contract/index.ts'
import { misuse, NanowireError } from '../errors.ts'
import type { LimitOptions } from '../limits.ts'
import {
  type Authorize,
  type ClientOf,
  type CloseOptions,
  type Connect,
  type Connection,
  didYouMean,
  drainMsOf,
  isContract,
  isPlace,
  type Logger,
  type Provider,
  type Routable,
  readyFor,
  requireOptions,
  router,
  type ServeEarly,
  type ServeOptions,
  type Server,
  type ServerMiddleware,
  type Service,
} from '../rpc/index.ts'
import { type Clock, systemClock } from '../session/index.ts'
import { type AppPlace, requirePlaces, requireServices, requireWired, urlOf } from './wiring.ts'

/** What may be said of an app's server; what services use is said by the app, and closing the app ends a start. */
export type AppServeOptions = Omit<ServeOptions, 'uses' | 'clock' | 'signal'>

export interface AppOptions {
  /** Services that are elsewhere, by the names of their contracts. What is not named runs in this process. */
  readonly places?: Readonly<Record<string, AppPlace | undefined>> | undefined
  /** Middleware around every handler that runs in this process, the first outermost. */
  readonly use?: readonly ServerMiddleware[] | undefined
  /** Who may call what, of the app's clients and of those that connect. Services of the app may call what they use. */
  readonly authorize?: Authorize | undefined
  /** Who the app's own clients are, as `ctx.principal`. */
  readonly principal?: unknown
  /** What `serve` goes by where its own options say nothing. */
  readonly serve?: AppServeOptions | undefined
  readonly limits?: LimitOptions | undefined
  /** Default: warnings and errors to stderr, one line each. */
  readonly log?: Logger | undefined
  /** Where time and chance come from. Default: the process's. */
  readonly clock?: Clock | undefined
}

export interface App extends AsyncDisposable {
  /** The services, as they were passed. */
  readonly services: readonly Service[]
  /** The names of the contracts that are elsewhere, each with its address. */
  readonly places: ReadonlyMap<string, string>
  /**
   * A client of one of the contracts.
   * @throws NanowireError `invalid_argument` for a contract that the app does not know
   */
  client<C extends AnyContract>(contract: C): ClientOf<C>
  /**
   * Starts what runs in this process, each service after those that it uses, and connects to what is elsewhere. The first call
   * starts too.
   * @throws NanowireError `unavailable` where a service does not start, or a place cannot be reached; `unimplemented` where the
   *   server at a place tells its contracts, and the one that is expected there is not among them
   */
  ready(): Promise<void>
  /**
   * Serves some of the services at an address: they run in this process, whatever their places, and so does what they use and
   * is not placed elsewhere.
   * @param names of contracts
   * @throws NanowireError as `serve` does, and `invalid_argument` for a name that is not there
   */
  serve(names: string | readonly string[], at: string, options?: AppServeOptions): Promise<Server>
  /** Drains the app's servers, clients and services, each before what it uses, and stops them in the reverse order. */
  close(options?: CloseOptions): Promise<void>
}

/** What `connect` and `serve` do, for the address schemes that there are. */
export interface AppParts {
  readonly connect: Connect
  readonly serve: ServeEarly
}

export type MakeApp = (services: readonly Service[], options?: AppOptions) => App

/** `app` for the address schemes that there are. */
export function appWith(parts: AppParts): MakeApp {
  return (services, options = {}) => new ServiceApp(services, options, parts)
}

const OPTIONS = ['places', 'use', 'authorize', 'principal', 'serve', 'limits', 'log', 'clock']
const SERVE_OPTIONS = ['authenticate', 'tls', 'reflection', 'limits']

class ServiceApp implements App {
  readonly services: readonly Service[]
  readonly places: ReadonlyMap<string, string>
  readonly #options: AppOptions
  readonly #parts: AppParts
  readonly #clock: Clock
  readonly #byName: ReadonlyMap<string, Service>
  /** To what is elsewhere. */
  readonly #outside = new Map<string, Connection>()
  /** To what runs in this process; absent where nothing does. */
  readonly #inside: Connection | undefined
  /** Of services that others use in a role. */
  readonly #routers = new Map<Service, Routable>()
  readonly #servers = new Set<Server>()
  #closing: Promise<void> | undefined

  constructor(services: readonly Service[], options: AppOptions, parts: AppParts) {
    requireOptions('app', options, OPTIONS)
    if (options.serve !== undefined) requireOptions('app: serve', options.serve, SERVE_OPTIONS)
    this.#byName = requireServices(services)
    this.services = Object.freeze([...services])
    this.#options = options
    this.#parts = parts
    this.#clock = options.clock ?? systemClock
    const places = requirePlaces(services, options.places ?? {})
    requireWired(this.#byName, new Set(places.keys()))
    this.places = new Map([...places].map(([name, place]) => [name, urlOf(place)]))
    for (const [name, place] of places) this.#outside.set(name, this.#connectTo(place))
    const here = services.filter(({ contract }) => !places.has(contract.name))
    if (here.length > 0) this.#inside = this.#connectHere(here)
  }

  client<C extends AnyContract>(contract: C): ClientOf<C> {
    if (!isContract(contract)) throw misuse('app: client takes a contract, as contract(name, methods) makes it')
    const { name } = contract
    const connection = this.#outside.get(name) ?? (this.#byName.has(name) ? this.#inside : undefined)
    if (connection) return connection.client(contract)
    throw this.#unknown('the app', name)
  }

  async ready(): Promise<void> {
    this.#requireOpen()
    await this.#inside?.ready()
    await Promise.all([...this.#outside].map(([name, connection]) => readyFor(connection, name)))
  }

  async serve(names: string | readonly string[], at: string, options: AppServeOptions = {}): Promise<Server> {
    requireOptions('app.serve', options, SERVE_OPTIONS)
    this.#requireOpen()
    const chosen = this.#named(typeof names === 'string' ? [names] : names)
    const settled = {
      ...this.#options.serve,
      ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
      uses: ({ name }: AnyContract) =>
        chosen.has(name) ? undefined : (this.#outside.get(name) ?? this.#provider(name)),
      clock: this.#clock,
    }
    let server: Server | undefined
    try {
      return await this.#parts.serve(this.#routerOf([...chosen.values()]), at, settled, (made) => {
        this.#requireOpen()
        server = made
        this.#servers.add(made) // from now on `close` ends it
      })
    } catch (error) {
      if (server) this.#servers.delete(server)
      this.#requireOpen(error)
      throw error
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const drainMs = drainMsOf(options)
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(drainMs: number): Promise<void> {
    const until = this.#clock.now() + drainMs
    const fromOutside = [...this.#servers, ...(this.#inside ? [this.#inside] : [])]
    await Promise.all(fromOutside.map((one) => one.close({ drainMs })))
    const leftMs = Math.max(0, Math.ceil(until - this.#clock.now()))
    await Promise.all([...this.#outside.values()].map((one) => one.close({ drainMs: leftMs })))
  }

  #connectTo(place: AppPlace): Connection {
    const { limits } = this.#options
    const common = { limits, clock: this.#clock }
    if (typeof place === 'string' || isPlace(place)) return this.#parts.connect(place, common)
    const { at, tls, credentials } = place
    return this.#parts.connect(at, { ...common, tls, credentials })
  }

  #connectHere(services: readonly Service[]): Connection {
    const { principal } = this.#options
    const uses = ({ name }: AnyContract): Provider | undefined => this.#outside.get(name)
    return this.#parts.connect(this.#routerOf(services), { uses, principal, clock: this.#clock })
  }

  #routerOf(services: readonly Service[]): Routable {
    const { use, authorize, limits, log } = this.#options
    return router(services, { use, authorize, limits, log })
  }

  #provider(name: string): Provider | undefined {
    const service = this.#byName.get(name)
    if (!service) return undefined
    const known = this.#routers.get(service) ?? this.#routerOf([service])
    this.#routers.set(service, known)
    return known
  }

  #named(names: readonly string[]): ReadonlyMap<string, Service> {
    if (!Array.isArray(names) || names.length === 0)
      throw misuse('app.serve takes the name of a contract, or a list of them')
    const chosen = new Map<string, Service>()
    for (const name of names) {
      const service = this.#byName.get(name)
      if (!service) throw this.#unknown('app.serve: the app', name)
      chosen.set(name, service)
    }
    return chosen
  }

  #unknown(who: string, name: unknown): NanowireError {
    const names = [...new Set([...this.#byName.keys(), ...this.#outside.keys()])]
    return misuse(
      `${who} has no service ${JSON.stringify(name)}${didYouMean(String(name), names)}; it has ${names.join(', ')}`,
    )
  }

  /** @param cause what happened, where it may be for that */
  #requireOpen(cause?: unknown): void {
    if (this.#closing !== undefined)
      throw new NanowireError('unavailable', 'this app was closed', { processed: 'no', cause })
  }
}
