/**
 * One run (spec/testing.md): things go wrong for a while; then all calls must end within a bound, both sides are closed, and
 * nothing may be left. Invariant: it follows from the seed alone.
 */
import { defaultLimits } from '../../limits.ts'
import { BrokenCheck, Driver } from './driver.ts'
import { Endings } from './endings.ts'
import { ONLY_SLEEP } from './process.ts'
import { findLeftovers } from './quiet.ts'
import type { CallRecord } from './records.ts'
import type { SimulateOptions } from './simulation.ts'
import { textOf } from './story.ts'
import { drawValues, type ValuePool, Workload } from './workload.ts'
import { World } from './world.ts'

/** What was sent has come, and deadlines are over the wire's lag, when things have gone right for so long. */
const SETTLE_MS = 500

/** Of a workload that waits, and not for a call. */
const FOR_TIME = ', an hour after the last fault: it waits by sim.sleep, and for no call'
const FOR_NOTHING = `, an hour after the last fault, and waits for no call: ${ONLY_SLEEP}`

/** Of what an invariant returns. It may be the answer of `.try`, which says that it does not hold. */
const NO_ANSWER = 'neither true nor nothing: let it return true or false, or throw where it does not hold'

/** Calls of a run, where they are generated and nobody says how many. */
export const USUAL_CALLS = 25

export class Run {
  readonly world: World
  readonly #options: SimulateOptions
  readonly #pool: ValuePool
  readonly #driver: Driver
  readonly #endings: Endings
  #workloads: readonly Workload[] = []
  /** The invariant that is being judged. */
  #judged: string | undefined

  constructor(options: SimulateOptions, seed: number, pool: ValuePool) {
    this.#options = options
    this.#pool = pool
    this.world = new World(options, seed)
    if (!options.workload) drawValues(this.world, pool)
    const { clock, ledger } = this.world
    this.#driver = new Driver({
      clock,
      broken: () => ledger.broken,
      isEndless: () => ledger.rounds.areEndless,
      where: () => (this.#judged === undefined ? '' : ` in the invariant "${this.#judged}"`),
      describe: () => this.#describeOpen() || (ledger.rounds.areEndless ? describeCalls(ledger.calls.slice(-1)) : ''),
    })
    this.#endings = new Endings(this.world, this.#driver)
  }

  /** @throws BrokenCheck, NotServed, or whatever the workload rejects with */
  async run(): Promise<void> {
    const world = this.world
    const driver = this.#driver
    const { ledger, plan } = world
    world.story.tell(`seed ${world.seed}: ${[...plan.kinds].join(', ') || 'no faults'}`)
    for (const [side, limits] of Object.entries(plan.limits)) {
      if (Object.keys(limits).length > 0) world.story.tell(`limits of the ${side}: ${JSON.stringify(limits)}`)
    }
    await driver.wait(Promise.all(world.servers.map((slot) => slot.serve())), 'serving')
    this.#endings.plan()
    let isDone = false
    const work = this.#work().finally(() => {
      isDone = true
    })
    work.catch(() => {}) // it is waited for below
    await driver.until(() => isDone, plan.faultMs)
    world.heal()
    await driver.pass(SETTLE_MS)
    ledger.requireSignals()
    world.release()
    await this.#requireProgress(() => isDone)
    await driver.wait(work, 'the workload', { detail: () => this.#describeOpen() || this.#describeWait() })
    for (const stream of world.streams) void stream.return() // which the workload has not read to its end
    await driver.require(() => ledger.open.size === 0, 'calls never ended', { detail: () => this.#describeOpen() })
    await driver.require(() => this.#isIdle, 'calls are in flight that have ended', {
      detail: () => this.#describeFlight(),
    })
    await driver.until(() => ledger.findGiving() === undefined)
    await driver.pass(0) // a connection that one end gives up is closed at the other a turn later
    await this.#checkInvariants()
    await this.#endings.closeAll()
    await driver.until(() => this.#isIdle) // handlers that ran on, and that nobody waits for any more
    ledger.requireEnds()
    this.#bury()
    await this.#requireQuiet()
  }

  /** Generated calls do not wait for nothing: what is silent is given up, and connected anew, within the times of the limits. */
  async #requireProgress(isDone: () => boolean): Promise<void> {
    const { limits, workload } = this.#options
    const { ledger, story } = this.world
    const { callTimeoutMs, handshakeTimeoutMs, idleTimeoutMs } = defaultLimits
    const mostMs = 2 * (callTimeoutMs + handshakeTimeoutMs + idleTimeoutMs)
    while (!limits && !workload && !isDone()) {
      const { length } = story
      if ((await this.#driver.until(isDone, mostMs)) || ledger.running.size > 0) return // a handler may take its time
      if (story.length === length) throw new BrokenCheck(`the workload never ended${this.#describeOpen()}`)
    }
  }

  async #work(): Promise<void> {
    const { world } = this
    const { workload, calls = USUAL_CALLS } = this.#options
    const { clients } = world
    if (workload) {
      await Promise.all(clients.map((slot) => slot.work((view) => workload(view))))
      return
    }
    this.#workloads = clients.map((_, index) => {
      const share = Math.ceil((calls - index) / clients.length)
      return new Workload({ world, index, calls: share, pool: this.#pool })
    })
    await Promise.all(clients.map((slot, index) => slot.work(async (_, life) => this.#workloads[index]?.run(life))))
  }

  get #isIdle(): boolean {
    const { alive, ledger } = this.world
    if (ledger.running.size > 0) return false
    return alive
      .flatMap(({ connections, servers }) => [...connections, ...servers])
      .every((side) => {
        const stats = side.stats()
        return stats.inFlight === 0 && !('waiting' in stats && stats.waiting > 0)
      })
  }

  /** What the dead have held is given back, so that one can see whether anything else is left. */
  #bury(): void {
    const { network, processes } = this.world
    for (const process of processes.filter(({ isDead }) => isDead)) {
      network.bury(process)
      for (const connection of process.connections) void connection.close({ drainMs: 0 })
    }
  }

  async #checkInvariants(): Promise<void> {
    const view = this.world.clients[0]?.view
    if (!view) return
    for (const [name, holds] of Object.entries(this.#options.invariants ?? {})) {
      const what = `the invariant "${name}" does not hold`
      const kindOf = (how: string): string => `invariant ${how}: ${name}`
      const judge = async (): Promise<void> => {
        let outcome: unknown
        try {
          outcome = await holds(view)
        } catch (cause) {
          const text = cause instanceof Error ? cause.message : textOf(cause)
          throw new BrokenCheck(`${what}: ${text}`, { cause, kind: kindOf('throws') })
        }
        if (outcome === false) throw new BrokenCheck(what, { kind: kindOf('is false') })
        if (outcome !== true && outcome !== undefined && !isAssertion(outcome))
          throw new BrokenCheck(`${what}: it returned ${describe(outcome)}, which is ${NO_ANSWER}`, {
            kind: kindOf('says neither'),
          })
      }
      this.#judged = name
      await this.#driver.wait(judge(), `the invariant "${name}"`, { kind: kindOf('never ends') })
    }
    this.#judged = undefined
  }

  async #requireQuiet(): Promise<void> {
    const { world } = this
    const signals = this.#workloads.flatMap((workload) => workload.signals)
    await this.#driver.pass(0) // what is tidied up at the end of a turn
    const found = findLeftovers(world, signals)
    if (found !== undefined) throw new BrokenCheck(found)
    const { digest } = world.story
    for (const signal of signals) signal.abort()
    await this.#driver.pass(0)
    if (world.story.digest !== digest || world.alive.some(({ clock }) => clock.timers > 0))
      throw new BrokenCheck('a signal that was aborted after the end made something happen')
  }

  #describeOpen(): string {
    return describeCalls([...this.world.ledger.open])
  }

  /** Why a workload is late that has no open call. */
  #describeWait(): string {
    return this.world.clients.some(({ process }) => process.sleeps) ? FOR_TIME : FOR_NOTHING
  }

  #describeFlight(): string {
    const { alive, ledger } = this.world
    const clients = alive.flatMap(({ connections }) => connections.map((one) => one.stats()))
    const client = clients.map(({ inFlight, waiting }) => [inFlight, waiting])
    const server = alive.flatMap(({ servers }) => servers.map((one) => one.stats().inFlight))
    const [first] = ledger.running
    const hint = alive.some(({ sleeps }) => sleeps) ? '' : `: ${ONLY_SLEEP}`
    const running = first
      ? `; of ${ledger.running.size} handlers that never end the first is of call ${first.number} (${first.method.name})${hint}`
      : ''
    return `: in flight and waiting at the client ${JSON.stringify(client)}, at the server ${JSON.stringify(server)}${running}`
  }
}

function describeCalls(calls: readonly CallRecord[]): string {
  return calls.map(({ number, method }) => `: call ${number} (${method.name})`).join('')
}

/** What `expect` of vitest and chai returns where it has not thrown: its types say nothing, so that arrow functions return it. */
function isAssertion(outcome: unknown): boolean {
  return typeof outcome === 'object' && outcome !== null && '__flags' in outcome
}

function describe(outcome: unknown): string {
  return typeof outcome === 'object' && outcome !== null ? 'an object' : textOf(outcome)
}
