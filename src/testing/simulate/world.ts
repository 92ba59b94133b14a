/** Everything of one run: both sides, the network between them, time and chance, put together from a seed. */
import type { MethodRef, SlowOption, SlowPolicy } from '../../contract/index.ts'
import { misuse } from '../../errors.ts'
import { defaultLimits, type LimitOptions } from '../../limits.ts'
import { type Connection, isContract, type Logger, router, type Service } from '../../rpc/index.ts'
import { Chance } from './chance.ts'
import { Ledger } from './ledger.ts'
import { SimulatedNetwork } from './network.ts'
import { type ObserveOptions, observeCaller, observeHandler } from './observe.ts'
import { servicesOf } from './options.ts'
import { allFaultKinds, drawPlan, type FaultKind, type Plan } from './plan.ts'
import { ClientSide, ServerSide } from './sides.ts'
import type { SimulateOptions, Simulation } from './simulation.ts'
import { Story } from './story.ts'
import { ProcessClock, VirtualClock } from './virtual-clock.ts'

export class World implements Simulation {
  readonly seed: number
  readonly story: Story
  readonly ledger: Ledger
  readonly network: SimulatedNetwork
  readonly client: Simulation['client']
  readonly clientSide: ClientSide
  readonly serverSide: ServerSide
  readonly plan: Plan
  readonly faults: Record<FaultKind, number>
  readonly clock: VirtualClock
  readonly chance: Chance
  readonly #startMs: number
  readonly #usersChance: Chance
  readonly services: readonly Service[]
  /** Streams that have not ended for their callers. */
  readonly streams = new Set<{ return(): Promise<unknown> }>()
  /** Whether things still go wrong. */
  isFaulty = true
  #release!: () => void // set by the promise's executor, which runs at once
  readonly #released: Promise<void>

  constructor(options: SimulateOptions, seed: number) {
    const chance = new Chance(seed)
    this.seed = seed
    this.chance = chance
    this.#usersChance = chance.fork('user')
    this.#startMs = Math.floor(chance.random() * 1e7) / 8
    this.clock = new VirtualClock(seed, this.#startMs)
    this.story = new Story(() => this.clock.now())
    this.faults = Object.fromEntries(allFaultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number> // all of them
    this.plan = drawPlan(chance.fork('plan'), new Set(options.faults ?? allFaultKinds))
    this.#released = new Promise((resolve) => {
      this.#release = resolve
    })
    const { limits = {} } = options
    const clientLimits: LimitOptions = { ...this.plan.limits.client, ...limits.client }
    const serverLimits: LimitOptions = { ...this.plan.limits.server, ...limits.server }
    if (this.isOn('smallLimits')) this.injected('smallLimits')
    const common = { clock: this.clock, story: this.story, plan: this.plan, injected: this.injected }
    const broken = (what: string): void => this.ledger.fail(what)
    this.network = new SimulatedNetwork({ ...common, chance: chance.fork('network'), broken })
    const isLimited = this.isOn('smallLimits') || options.limits !== undefined
    const isGuarded = options.serve?.authenticate !== undefined || options.connect?.credentials !== undefined
    this.ledger = new Ledger({
      now: () => this.clock.now(),
      network: this.network,
      story: this.story,
      mayLose: () => isLimited || isGuarded || this.#hasLost,
      mayRefuse: isLimited || isGuarded,
      isGuarded,
      policyOf: (method) => policyOf(this.services, method),
      maxStreamBytes: {
        client: clientLimits.maxStreamBytes ?? defaultLimits.maxStreamBytes,
        server: serverLimits.maxStreamBytes ?? defaultLimits.maxStreamBytes,
      },
    })
    const observed: ObserveOptions = {
      ...common,
      ledger: this.ledger,
      chance: chance.fork('handlers'),
      readers: chance.fork('readers'),
      streams: this.streams,
      isFaulty: () => this.isFaulty,
      callTimeoutMs: clientLimits.callTimeoutMs ?? defaultLimits.callTimeoutMs,
      sleep: (ms) => this.sleep(ms),
      released: this.#released,
      now: () => this.clock.now(),
    }
    this.services = servicesOf(typeof options.services === 'function' ? options.services(this) : options.services)
    const { use = [], log = silent, ...rest } = options.router ?? {}
    const routed = router(this.services, { ...rest, log, use: [observeHandler(observed), ...use] })
    const { network } = this
    const clocks = ['client', 'server'].map(
      (side) => new ProcessClock(this.clock, chance.fork(side).between(0, 2 ** 31)),
    )
    const [clientClock, serverClock] = clocks as [ProcessClock, ProcessClock] // one for each side
    const serveOptions = { ...options.serve, limits: serverLimits }
    this.serverSide = new ServerSide({ network, clock: serverClock, router: routed, options: serveOptions })
    const connectOptions = {
      ...options.connect,
      use: [observeCaller(observed), ...(options.connect?.use ?? [])],
      limits: clientLimits,
    }
    this.clientSide = new ClientSide({ network, clock: clientClock, options: connectOptions })
    this.client = (contract) => {
      if (!isContract(contract)) throw misuse('client takes a contract, as contract(name, methods) makes it')
      return this.clientSide.client(contract)
    }
  }

  get connection(): Connection {
    return this.clientSide.current
  }

  sleep(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) throw misuse(`sleep takes milliseconds from 0, not ${String(ms)}`)
    return new Promise((resolve) => void this.clock.after(ms, resolve))
  }

  now(): number {
    return this.clock.now()
  }

  random(): number {
    return this.#usersChance.random()
  }

  note(line: string): void {
    this.story.tell(line)
  }

  get virtualMs(): number {
    return this.clock.now() - this.#startMs
  }

  readonly injected = (kind: FaultKind): void => {
    this.faults[kind]++
  }

  /** Whether a fault has happened, small limits aside: they stand before anything runs. */
  get hasGoneWrong(): boolean {
    return allFaultKinds.some((kind) => kind !== 'smallLimits' && this.faults[kind] > 0)
  }

  isOn(kind: FaultKind): boolean {
    return this.plan.kinds.has(kind)
  }

  /** From now on nothing goes wrong. Handlers that hang still do. */
  heal(): void {
    this.story.tell('nothing goes wrong from now on')
    this.isFaulty = false
    this.network.heal()
  }

  /** Lets the handlers go that hang. */
  release(): void {
    this.#release()
  }

  get #hasLost(): boolean {
    const { cut, stall, silence, refuse, clientClose, serverClose } = this.faults
    return cut + stall + silence + refuse + clientClose + serverClose > 0
  }
}

/** What is said of slow consumers: by the service, or else by the contract. */
function policyOf(services: readonly Service[], { name, slow }: MethodRef): SlowPolicy {
  const [contract, key = ''] = name.split('/')
  const options = services.find((one) => one.contract.name === contract)?.options.slow ?? {}
  const option = (options as Readonly<Record<string, SlowOption | undefined>>)[key] ?? slow // one for each method
  return typeof option === 'string' ? option : option.policy
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
