/** Drives a run: virtual time passes, one step after the other, until something holds or never will. */
import { systemClock } from '../../session/index.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** After this, in virtual milliseconds, what has not ended never will. */
const NEVER_MS = 3_600_000
/** Steps of one wait, and of one moment of it, far above any that ends. */
const MAX_STEPS = 1_000_000
const MAX_STEPS_AT_ONCE = 200_000

/** A check did not hold. */
export class BrokenCheck extends Error {}

/** It goes on and on. To run it again takes as long. */
export class NeverQuiet extends BrokenCheck {}

export class Driver {
  readonly #clock: VirtualClock
  readonly #broken: () => string | undefined
  readonly #describe: () => string

  /**
   * @param broken the first check that did not hold
   * @param describe what is open just now
   */
  constructor(clock: VirtualClock, broken: () => string | undefined, describe: () => string) {
    this.#clock = clock
    this.#broken = broken
    this.#describe = describe
  }

  /** Lets time pass until `done`, or for `maxMs`. Returns whether it is done. @throws BrokenCheck */
  async until(done: () => boolean, maxMs = NEVER_MS): Promise<boolean> {
    const endMs = this.#clock.now() + maxMs
    let at = this.#clock.now()
    for (let steps = 0, atOnce = 0; steps < MAX_STEPS && atOnce < MAX_STEPS_AT_ONCE; steps++, atOnce++) {
      await new Promise<void>((resolve) => systemClock.turn(resolve)) // promises go first
      const broken = this.#broken()
      if (broken !== undefined) throw new BrokenCheck(broken)
      if (done()) return true
      if (!this.#clock.step(endMs)) return false
      if (this.#clock.now() !== at) atOnce = 0
      at = this.#clock.now()
    }
    throw new NeverQuiet(
      `it goes on and on: does a loop wait for no time, is a stream read that never ends?${this.#describe()}`,
    )
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(() => false, ms)
  }

  /** @throws BrokenCheck where it never holds */
  async require(holds: () => boolean, what: string, detail: () => string = () => ''): Promise<void> {
    if (!(await this.until(holds))) throw new BrokenCheck(`${what}${detail()}`)
  }

  /** Runs until a promise settles. @throws what it rejects with */
  async wait(promise: Promise<unknown>, what: string, detail?: () => string): Promise<void> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    settled.catch(() => {}) // it is awaited below
    await this.require(() => isSettled, `${what} never ended`, detail)
    await settled
  }
}
