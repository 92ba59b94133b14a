/**
 * The services that run in one place, with what they use (spec/app.md): wired when the place is made, started in the order
 * of their needs before the first call, stopped in the reverse order after the last. Invariant: a start that fails stops
 * what it had started.
 */
import { misuse, NanowireError } from '../errors.ts'
import type { Clock } from '../session/index.ts'
import type { Connection } from './connection.ts'
import type { Bindings } from './context.ts'
import { acquire, hasLifecycle, type LifecyclePlace, release } from './lifecycle.ts'
import { isPlace, type Place } from './place.ts'
import { isConnection, type PlannedService, type PlanOptions, planServices, type Use } from './provide.ts'
import { type AnyClient, type Router, routerView } from './route.ts'
import type { Service } from './service.ts'
import { BoundUses, type UsedClient } from './uses.ts'

export interface HostOptions extends PlanOptions {
  readonly clock: Clock
  /** Connects to a service of this place, for those that use it. */
  readonly connectInside: (router: Router) => Connection
  /** Connects to an address or a place; absent where that cannot be done. */
  readonly connectOutside: ((where: string | Place) => Connection) | undefined
}

/** A service that runs here. */
interface HostedService {
  readonly planned: PlannedService
  readonly uses: BoundUses
  readonly lifecycle: LifecyclePlace
  /** How others here call it; absent where none does. */
  inside: Connection | undefined
}

export class Host {
  /** What the services of the place's own router use. */
  readonly bindings: Bindings
  readonly #options: HostOptions
  /** Each after those that it uses. */
  readonly #hosted: HostedService[] = []
  readonly #byPlan = new Map<PlannedService, HostedService>()
  readonly #outside = new Map<string | Place, Connection>()
  readonly #closed = new AbortController()
  readonly #left = new AbortController()
  /** Those that have started, in that order. */
  readonly #started: HostedService[] = []
  #starting: Promise<void> | undefined
  #cutOff = (): void => {}
  #closing: Promise<void> | undefined
  #isReady: boolean

  /** @throws NanowireError `invalid_argument` where something that is used is not there */
  constructor(options: HostOptions) {
    const { router } = options
    this.#options = options
    const planned = planServices(options)
    for (const one of planned) this.#host(one)
    const own = this.#hosted.filter((one) => router.services.includes(one.planned.service))
    this.bindings = new Map(own.map(({ planned: { service }, uses }) => [service.contract.name, uses]))
    this.#isReady = !planned.some(({ service }) => hasLifecycle(service))
  }

  /** Calls can be made. */
  get isReady(): boolean {
    return this.#isReady
  }

  /**
   * Starts what has not started. After a failure it can be tried again.
   * @throws NanowireError `unavailable`, naming the service
   */
  ready(): Promise<void> {
    if (this.#isReady) return Promise.resolve()
    this.#starting ??= new Promise<void>((resolve, reject) => {
      this.#cutOff = () => {
        this.#left.abort()
        reject(closedError())
      }
      this.#start().then(resolve, reject)
    }).finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  /** Nobody wants a start any more: it is told so, and has until then to end. */
  abandon(until: number): void {
    if (this.#isReady || this.#closed.signal.aborted) return
    this.#closed.abort(closedError())
    const { clock } = this.#options
    const cancelTimer = clock.after(leftMs(until, clock), () => this.#cutOff(), true)
    const ended = this.#starting ?? Promise.resolve()
    ended.then(cancelTimer, cancelTimer)
  }

  /**
   * Drains and stops everything in the reverse order. Calls from outside have ended before.
   * @param until on the clock's scale: when calls inside are cut off
   */
  close(until: number): Promise<void> {
    this.#closing ??= this.#close(until)
    return this.#closing
  }

  #host(planned: PlannedService): void {
    const used = planned.uses.map((use) => [use.name, this.#clientOf(use)] as const)
    const uses = new BoundUses(new Map(used), planned.service.options.forward ?? [])
    const { limits, log } = planned.router
    const lifecycle = { clock: this.#options.clock, limits, log, uses: uses.clients }
    const hosted: HostedService = { planned, uses, lifecycle, inside: undefined }
    this.#hosted.push(hosted)
    this.#byPlan.set(planned, hosted)
  }

  #clientOf({ name, contract, from }: Use): UsedClient {
    const clientFrom = (connection: Connection): UsedClient => ({
      contract,
      client: connection.client(contract) as AnyClient, // a client of any contract is one
    })
    if (typeof from === 'string' || isPlace(from)) return clientFrom(this.#outsideOf(name, from))
    if (isConnection(from)) return clientFrom(from)
    if ('client' in from) return { contract, client: from.client }
    return clientFrom(this.#insideOf(from))
  }

  #outsideOf(name: string, where: string | Place): Connection {
    const { connectOutside } = this.#options
    if (!connectOutside)
      throw misuse(`uses.${name} is an address, to which dispatch does not connect: give it connect(address) instead`)
    const known = this.#outside.get(where)
    if (known) return known
    const connection = connectOutside(where)
    this.#outside.set(where, connection)
    return connection
  }

  /** Authorization judges who comes from outside; a service that another one here uses is called past it. */
  #insideOf(planned: PlannedService): Connection {
    const hosted = this.#byPlan.get(planned)
    if (!hosted) throw new Error('a service is planned before those that use it')
    const { service, router } = planned
    const bindings = new Map([[service.contract.name, hosted.uses]])
    hosted.inside ??= this.#options.connectInside(routerView(router, { authorize: undefined, bindings }))
    return hosted.inside
  }

  async #start(): Promise<void> {
    const signals = { closed: this.#closed.signal, left: this.#left.signal }
    try {
      for (const one of this.#hosted) {
        if (!hasLifecycle(one.planned.service)) continue
        await acquire(one.planned.service, one.lifecycle, signals)
        this.#started.push(one)
      }
      if (this.#closed.signal.aborted) throw closedError()
      this.#isReady = true
    } catch (error) {
      await this.#stopStarted()
      throw error
    }
  }

  async #close(until: number): Promise<void> {
    this.abandon(until)
    await this.#starting?.catch(() => {}) // it has stopped what it had started, or does so when it ends
    const drainMs = (): number => leftMs(until, this.#options.clock)
    for (const one of [...this.#hosted].reverse()) {
      await one.inside?.close({ drainMs: drainMs() })
      if (this.#started.at(-1) === one) await this.#stopLast()
    }
    await Promise.all([...this.#outside.values()].map((connection) => connection.close({ drainMs: drainMs() })))
  }

  async #stopStarted(): Promise<void> {
    while (this.#started.length > 0) await this.#stopLast()
  }

  async #stopLast(): Promise<void> {
    const one = this.#started.pop()
    if (one) await release(one.planned.service, one.lifecycle)
  }
}

function leftMs(until: number, clock: Clock): number {
  return Math.max(0, Math.ceil(until - clock.now()))
}

function closedError(): NanowireError {
  return new NanowireError('unavailable', 'the place was closed before its services had started', { processed: 'no' })
}

/** A service that cannot run by itself: it uses others, or has to be started. */
export function needsHost(service: Service): boolean {
  return service.options.uses !== undefined || hasLifecycle(service)
}

/** The router as a place runs it, with its host where one is needed: where services use others, start or stop. */
export function hosted(options: HostOptions): { readonly router: Router; readonly host: Host | undefined } {
  const { router, uses } = options
  if (!router.services.some(needsHost) && uses === undefined && router.uses === undefined)
    return { router, host: undefined }
  const host = new Host(options)
  return { router: routerView(router, { bindings: host.bindings }), host }
}
