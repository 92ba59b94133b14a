/** Everything of one run: its processes, the network between them, time and chance, put together from a seed. */
import type { MethodRef, SlowOption, SlowPolicy } from '../../contract/index.ts'
import { defaultLimits, type LimitOptions } from '../../limits.ts'
import type { Service } from '../../rpc/index.ts'
import { Chance } from './chance.ts'
import { Ledger } from './ledger.ts'
import { SimulatedNetwork } from './network.ts'
import type { ObserveOptions } from './observe.ts'
import { hostOf, hostsOf } from './placement.ts'
import { allFaultKinds, drawPlan, type FaultKind, type Plan } from './plan.ts'
import type { VirtualProcess } from './process.ts'
import type { SimulateOptions } from './simulation.ts'
import { ClientSlot, ServerSlot, type Surroundings } from './slots.ts'
import { Story } from './story.ts'
import { VirtualClock } from './virtual-clock.ts'

/** Where the calls are generated: so many clients, at most. */
const USUAL_CLIENTS = 3

/** Faults by which a connection may end, or seem to, at any moment. */
const cutting: readonly FaultKind[] = [
  'cut',
  'stall',
  'silence',
  'halfOpen',
  'refuse',
  'clientCrash',
  'serverCrash',
  'pause',
  'clockJump',
]

/** And those by which it ends when its calls have, or the time for them is over. */
const losing: readonly FaultKind[] = [...cutting, 'clientClose', 'serverClose']

export class World {
  readonly seed: number
  readonly story: Story
  readonly ledger: Ledger
  readonly network: SimulatedNetwork
  readonly clients: readonly ClientSlot[]
  readonly servers: readonly ServerSlot[]
  readonly plan: Plan
  readonly faults: Record<FaultKind, number>
  readonly clock: VirtualClock
  readonly chance: Chance
  readonly #startMs: number
  /** Streams that have not ended for their callers. */
  readonly streams = new Set<{ return(): Promise<unknown> }>()
  /** Whether things still go wrong. */
  isFaulty = true
  #release!: () => void // set by the promise's executor, which runs at once
  readonly #released: Promise<void>
  /** When the time for draining is over, of what was closed and has the least of it. */
  #drainedAt = Number.POSITIVE_INFINITY

  constructor(options: SimulateOptions, seed: number) {
    const chance = new Chance(seed)
    this.seed = seed
    this.chance = chance
    this.#startMs = Math.floor(chance.random() * 1e7) / 8
    this.clock = new VirtualClock(seed, this.#startMs)
    this.story = new Story(() => this.clock.now())
    this.faults = Object.fromEntries(allFaultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number> // all of them
    const { faults = allFaultKinds, faultMs = Number.POSITIVE_INFINITY } = options
    this.plan = drawPlan(chance.fork('plan'), { kinds: new Set(faults), faultMs, limits: options.limits })
    this.#released = new Promise((resolve) => {
      this.#release = resolve
    })
    if (Object.values(this.plan.limits).some((drawn) => Object.keys(drawn).length > 0)) this.injected('smallLimits')
    const { clock, story, plan, injected } = this
    const broken = (what: string): void => this.ledger.fail(what)
    this.network = new SimulatedNetwork({ clock, story, plan, injected, chance: chance.fork('network'), broken })
    const { clients = options.workload ? 1 : USUAL_CLIENTS } = options
    const hosts = hostsOf(options)
    const count = options.workload ? clients : chance.fork('clients').between(1, clients)
    const limits = {
      client: { ...options.limits?.client, ...plan.limits.client },
      server: { ...options.limits?.server, ...limitsBeside(count + hosts.length - 1, plan.limits.server) },
    }
    this.ledger = this.#makeLedger(options, limits)
    const around = this.#surroundings(options, limits)
    this.servers = hosts.map((name, index) => new ServerSlot(around, name, index))
    const nameOf = (index: number): string => (count === 1 ? 'client' : `client${index + 1}`)
    this.clients = Array.from({ length: count }, (_, index) => new ClientSlot(around, nameOf(index), index))
  }

  /** Every life of every process. */
  get processes(): readonly VirtualProcess[] {
    return [...this.clients, ...this.servers].flatMap(({ processes }) => processes)
  }

  /** The processes that there are. */
  get alive(): readonly VirtualProcess[] {
    return this.processes.filter(({ isDead }) => !isDead)
  }

  get services(): readonly Service[] {
    return this.servers.flatMap(({ services }) => services)
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
    for (const process of this.alive) {
      process.clock.run(1)
      this.resume(process)
    }
  }

  /** Lets the handlers go that hang. */
  release(): void {
    this.#release()
  }

  /** Something is closed, and what is in flight there has so much time. */
  drains(drainMs: number): void {
    this.#drainedAt = Math.min(this.#drainedAt, this.clock.now() + drainMs)
  }

  /** A process is stopped: it does nothing, and hears nothing. */
  pause(process: VirtualProcess): void {
    process.clock.pause()
    this.network.pause(process)
  }

  resume(process: VirtualProcess): void {
    process.clock.resume()
    this.network.resume(process)
  }

  /** A process dies as it stands. @param toldMs when those that it was connected to hear of it */
  kill(process: VirtualProcess, toldMs: number): void {
    process.kill()
    this.network.died(process, toldMs)
    this.ledger.died(process)
  }

  #makeLedger(options: SimulateOptions, limits: Surroundings['limits']): Ledger {
    const isLimited = this.isOn('smallLimits') || options.limits !== undefined
    const isGuarded = options.serve?.authenticate !== undefined || options.connect?.credentials !== undefined
    const happened = (kinds: readonly FaultKind[]): boolean => kinds.some((kind) => this.faults[kind] > 0)
    const mayEnd = isLimited || isGuarded
    const streamBytes = ({ maxStreamBytes = defaultLimits.maxStreamBytes }: LimitOptions): number => maxStreamBytes
    return new Ledger({
      now: () => this.clock.now(),
      network: this.network,
      story: this.story,
      mayLose: () => mayEnd || happened(losing),
      mayCutFrom: () => (mayEnd || happened(cutting) ? Number.NEGATIVE_INFINITY : this.#drainedAt),
      mayHurry: () => this.faults.clockJump + this.faults.pause > 0,
      mayRefuse: mayEnd,
      isGuarded,
      isAuthorized: options.router?.authorize !== undefined,
      isForeign: (method) => isForeign(this.services, method),
      policyOf: (method) => policyOf(this.services, method),
      maxCallsInFlight: limits.server.maxCallsInFlight ?? defaultLimits.maxCallsInFlight,
      maxStreamBytes: { client: streamBytes(limits.client), server: streamBytes(limits.server) },
    })
  }

  #surroundings(options: SimulateOptions, limits: Surroundings['limits']): Surroundings {
    const { chance, clock, injected, ledger, network, plan, seed, story, streams } = this
    const usersChance = chance.fork('user')
    const observed: Omit<ObserveOptions, 'process' | 'sleep'> = {
      plan,
      injected,
      ledger,
      streams,
      chance: chance.fork('handlers'),
      readers: chance.fork('readers'),
      isFaulty: () => this.isFaulty,
      callTimeoutMs: limits.client.callTimeoutMs ?? defaultLimits.callTimeoutMs,
      released: this.#released,
      now: () => clock.now(),
    }
    return {
      options,
      network,
      clock,
      chance,
      limits,
      hostOf: (contract) => hostOf(options, contract),
      view: {
        seed,
        firstHost: hostsOf(options)[0] ?? '',
        random: () => usersChance.random(),
        note: (line) => story.tell(line),
      },
      broken: (what) => ledger.fail(what),
      observe: (process) => ({ ...observed, process, sleep: (ms) => process.sleep(ms) }),
    }
  }
}

/** Each of the others may hold a connection for as long as it lives. */
function limitsBeside(others: number, { maxConnections, ...limits }: LimitOptions): LimitOptions {
  return maxConnections === undefined ? limits : { ...limits, maxConnections: maxConnections + others - 1 }
}

function isForeign(services: readonly Service[], method: MethodRef): boolean {
  const [name] = method.name.split('/')
  const contract = services.find((one) => one.contract.name === name)?.contract
  return !Object.values<MethodRef>(contract?.methods ?? {}).includes(method)
}

/** What is said of slow consumers: by the service, or else by the contract. */
function policyOf(services: readonly Service[], { name, slow }: MethodRef): SlowPolicy {
  const [contract, key = ''] = name.split('/')
  const options = services.find((one) => one.contract.name === contract)?.options.slow ?? {}
  const option = (options as Readonly<Record<string, SlowOption | undefined>>)[key] ?? slow // one for each method
  return typeof option === 'string' ? option : option.policy
}
