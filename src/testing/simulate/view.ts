/** A run as one of its processes sees it (spec/testing.md). Invariant: what its code waits for never comes once it has died. */
import type { AnyContract } from '../../contract/index.ts'
import { misuse } from '../../errors.ts'
import { type ClientOf, type Connection, isContract } from '../../rpc/index.ts'
import { requireMs } from '../require.ts'
import type { VirtualProcess } from './process.ts'
import { MAX_DELAY_MS } from './process-clock.ts'
import type { Outgoing } from './sides.ts'
import type { Simulation } from './simulation.ts'

/** One life of a process with what it calls. */
export interface Life {
  readonly process: VirtualProcess
  readonly outgoing: Outgoing
}

export interface ViewOptions {
  readonly seed: number
  readonly index: number
  /** The host that `connection` leads to. */
  readonly firstHost: string
  readonly random: () => number
  readonly note: (line: string) => void
}

export class ProcessView implements Simulation {
  readonly seed: number
  readonly index: number
  readonly #options: ViewOptions
  readonly #life: () => Life

  /** @param life whose view it is; of services that outlive their process always the one that there is */
  constructor(options: ViewOptions, life: () => Life) {
    this.seed = options.seed
    this.index = options.index
    this.#options = options
    this.#life = life
  }

  get process(): string {
    return this.#life().process.name
  }

  get restarts(): number {
    return this.#life().process.life
  }

  get connection(): Connection {
    return this.#life().outgoing.to(this.#options.firstHost)
  }

  client<C extends AnyContract>(contract: C): ClientOf<C> {
    if (!isContract(contract)) throw misuse('client takes a contract, as contract(name, methods) makes it')
    return this.#life().outgoing.client(contract)
  }

  sleep(ms: number): Promise<void> {
    requireMs('sleep takes milliseconds from 0', ms)
    if (ms > MAX_DELAY_MS) throw misuse(`sleep takes milliseconds from 0 to ${MAX_DELAY_MS}, not ${ms}`)
    return this.#life().process.sleep(ms)
  }

  now(): number {
    const { clock, dayMs } = this.#life().process
    return clock.now() + dayMs
  }

  random(): number {
    return this.#options.random()
  }

  note(line: string): void {
    this.#options.note(line)
  }
}
