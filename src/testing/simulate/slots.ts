/**
 * The processes of a run, each in all its lives: clients, which run the workload, and servers, which have services and may call
 * each other. Invariant: at any time one life of each is the current one.
 */
import type { AnyContract } from '../../contract/index.ts'
import type { LimitOptions } from '../../limits.ts'
import {
  type Connection,
  type ConnectOptions,
  type Logger,
  type Router,
  router,
  type Service,
} from '../../rpc/index.ts'
import type { Chance } from './chance.ts'
import { watchCredentials } from './credentials.ts'
import type { SimulatedNetwork } from './network.ts'
import { type ObserveOptions, observeCaller, observeHandler } from './observe.ts'
import { placedServices } from './placement.ts'
import { VirtualProcess } from './process.ts'
import { ProcessClock } from './process-clock.ts'
import { Outgoing, serveAt } from './sides.ts'
import type { SimulateOptions } from './simulation.ts'
import { type Life, ProcessView, type ViewOptions } from './view.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What all processes of a run share. */
export interface Surroundings {
  readonly options: SimulateOptions
  readonly network: SimulatedNetwork
  readonly clock: VirtualClock
  readonly chance: Chance
  readonly limits: { readonly client: LimitOptions; readonly server: LimitOptions }
  /** Where each contract is. */
  readonly hostOf: (contract: string) => string
  readonly view: Omit<ViewOptions, 'index'>
  readonly observe: (process: VirtualProcess) => ObserveOptions
  /** Told what does not hold. */
  readonly broken: (what: string) => void
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

abstract class Slot {
  readonly index: number
  readonly name: string
  readonly processes: VirtualProcess[] = []
  protected readonly around: Surroundings
  #life: Life | undefined

  constructor(around: Surroundings, name: string, index: number) {
    this.around = around
    this.name = name
    this.index = index
  }

  get life(): Life {
    if (!this.#life) throw new Error(`${this.name} has not begun`)
    return this.#life
  }

  get process(): VirtualProcess {
    return this.life.process
  }

  protected observed(process: VirtualProcess): ObserveOptions {
    return this.around.observe(process)
  }

  /** Its next life begins. */
  protected begin(options: ConnectOptions): Life {
    const { chance, clock, hostOf, network, limits } = this.around
    const life = this.processes.length
    const seed = chance.fork(`${this.name} ${life}`).between(0, 2 ** 31)
    const process = new VirtualProcess(this.name, life, new ProcessClock(clock, seed))
    // Innermost: whoever calls is the user's middleware, which may ask again, ask for something else, or answer by itself.
    const observed = this.observed(process)
    const use = [...(options.use ?? []), observeCaller(observed)]
    const { rounds } = observed.ledger
    const outgoing = new Outgoing({
      network,
      process,
      rounds,
      hostOf,
      options: { ...options, use, limits: limits.client },
    })
    this.processes.push(process)
    this.#life = { process, outgoing }
    return this.#life
  }
}

export class ClientSlot extends Slot {
  /** Nothing more is to be done. */
  isDone = false
  #view!: ProcessView // made by `start`
  #startedAgain = (): void => {}

  constructor(around: Surroundings, name: string, index: number) {
    super(around, name, index)
    this.start()
  }

  get view(): ProcessView {
    return this.#view
  }

  start(): void {
    const { broken, options } = this.around
    const { connect = {} } = options
    const life = this.begin({ ...connect, credentials: watchCredentials(connect.credentials, broken) })
    this.#view = new ProcessView({ ...this.around.view, index: this.index }, () => life)
    life.outgoing.to(this.around.view.firstHost)
    this.#startedAgain()
  }

  /** Runs something to its end, and anew in each life until it gets there. */
  async work(run: (view: ProcessView, life: Life) => Promise<unknown>): Promise<void> {
    while (!this.isDone) {
      const { process } = this
      const next = new Promise<void>((resolve) => {
        this.#startedAgain = resolve
      })
      const ended = process.alive(run(this.#view, this.life))
      if (await Promise.race([ended.then(() => true), process.death.then(() => false)])) this.isDone = true
      else await next
    }
  }
}

export class ServerSlot extends Slot {
  #services: readonly Service[] = []
  #router!: Router // made by `start`

  constructor(around: Surroundings, name: string, index: number) {
    super(around, name, index)
    this.start()
  }

  get services(): readonly Service[] {
    return this.#services
  }

  /** What its services open, they or the library have to end. */
  protected override observed(process: VirtualProcess): ObserveOptions {
    return { ...super.observed(process), streams: new Set() }
  }

  /** Its process begins, and serves nothing yet. */
  start(): void {
    const { options, view } = this.around
    const { process } = this.begin({})
    if (this.#services.length === 0 || options.state === 'lost') {
      const seen = new ProcessView({ ...view, index: this.index }, () => this.life)
      this.#services = placedServices(options, this.name, seen)
    }
    const { use = [], log = silent, ...rest } = options.router ?? {}
    this.#router = router(this.#services, { ...rest, log, use: [observeHandler(this.observed(process)), ...use] })
  }

  /** @throws NotServed */
  async serve(): Promise<void> {
    const { network, limits, options } = this.around
    const { process } = this
    const uses = options.servers ? (contract: AnyContract) => this.#elsewhere(contract) : undefined
    await serveAt({
      network,
      process,
      host: this.name,
      router: this.#router,
      options: { ...options.serve, limits: limits.server, uses },
    })
  }

  /** Where something is that a service here uses, unless it is here as well. */
  #elsewhere({ name }: AnyContract): Connection | undefined {
    const host = this.around.hostOf(name)
    return host === this.name ? undefined : this.life.outgoing.to(host)
  }
}
