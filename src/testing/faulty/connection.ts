/** What `faultyLink` and `faultyProxy` show of a connection, and the connections of each. */
import type { Clock } from '../../session/index.ts'
import { Chance } from '../simulate/chance.ts'
import { type ConnectionFaults, type FaultPlan, requireConnectionFaults, requirePlan } from './faults.ts'

/** An open connection of a faulty link or proxy. */
export interface FaultyConnection {
  /** 0 for the first one that was made. */
  readonly index: number
  /** Bytes that came through to the server so far, which may have gone meanwhile. */
  readonly bytesToServer: number
  /** Bytes that came through to the client so far, which may have gone meanwhile. */
  readonly bytesToClient: number
  /**
   * From now on these faults and no others, for this connection.
   * @throws NanowireError `invalid_argument`
   */
  setFaults(faults: ConnectionFaults): void
  /** Resets it now, both ways; what is on its way is lost. */
  cut(): void
}

/** The connections that are open, and what is to go wrong with each. */
export class FaultyConnections<One extends FaultyConnection> {
  readonly open = new Set<One>()
  readonly #who: string
  readonly #chance: Chance
  #plan: FaultPlan
  #made = 0

  constructor(who: string, plan: FaultPlan, seed: number) {
    requirePlan(who, plan)
    this.#who = who
    this.#plan = plan
    this.#chance = new Chance(seed)
  }

  /** The next connection's index, faults and chance. */
  next(): { readonly index: number; readonly faults: ConnectionFaults; readonly chance: Chance } {
    const index = this.#made++
    return { index, faults: this.#faultsOf(index), chance: this.#chance.fork(`connection ${index}`) }
  }

  /** From now on this plan, also for those that are open. */
  setPlan(plan: FaultPlan): void {
    requirePlan(this.#who, plan)
    const drawn = [...this.open].map((one) => ({ one, faults: this.#faultsOf(one.index, plan) })) // before any has them
    this.#plan = plan
    for (const { one, faults } of drawn) one.setFaults(faults)
  }

  cut(): void {
    for (const one of [...this.open]) one.cut()
  }

  #faultsOf(index: number, plan = this.#plan): ConnectionFaults {
    if (typeof plan !== 'function') return plan
    const faults = plan(index, this.#chance.fork(`faults ${index}`).random)
    requireConnectionFaults(`${this.#who}: connection ${index}`, faults)
    return faults
  }
}

/** What is the same for the directions of a connection. */
export interface DirectionContext {
  readonly clock: Clock
  readonly chance: Chance
  readonly faults: ConnectionFaults
}
