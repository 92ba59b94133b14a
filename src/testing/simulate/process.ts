/**
 * One life of a process: its clock, and what the library made in it (spec/testing.md). Invariant: once it has died nothing of it
 * goes on; what its code waits for never comes.
 */
import type { Connection, Server } from '../../rpc/index.ts'
import type { ProcessClock } from './process-clock.ts'

export class VirtualProcess {
  readonly name: string
  /** How many lives it had before. */
  readonly life: number
  readonly clock: ProcessClock
  /** Every connection that it ever opened. */
  readonly connections: Connection[] = []
  /** Every server that it ever was. */
  readonly servers: Server[] = []
  /** Resolves when it dies. */
  readonly death: Promise<void>
  isDead = false
  /** By how much its time of day is ahead of its clock. */
  dayMs = 0
  #sleeps = 0
  #die!: () => void // set by the promise's executor, which runs at once

  constructor(name: string, life: number, clock: ProcessClock) {
    this.name = name
    this.life = life
    this.clock = clock
    this.death = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  kill(): void {
    this.isDead = true
    this.clock.stop()
    this.#die()
  }

  /** What came of something that its code waits for, and nothing once it has died. */
  async alive<Value>(promise: PromiseLike<Value>): Promise<Value> {
    try {
      const value = await promise
      return this.isDead ? await never() : value
    } catch (error) {
      return this.isDead ? await never() : Promise.reject(error)
    }
  }

  /** Lets its time pass. */
  sleep(ms: number): Promise<void> {
    this.#sleeps++
    return new Promise((resolve) =>
      this.clock.wait(ms, () => {
        this.#sleeps--
        resolve()
      }),
    )
  }

  /** Something in it waits for time to pass. */
  get sleeps(): boolean {
    return this.#sleeps > 0
  }
}

/** What is told of code that waits, and not for anything that is simulated. */
export const ONLY_SLEEP = 'only sim.sleep lets virtual time pass, a real timer or socket does not'

/** For code whose process has died. */
export function never(): Promise<never> {
  return new Promise(() => {})
}
