/** Drives a run: virtual time passes, one step after the other, until something holds or never will. */
import { systemClock } from '../../session/index.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** After this, in virtual milliseconds, what has not ended never will. */
const NEVER_MS = 3_600_000
/** Steps of one wait, far above any that ends. */
const MAX_STEPS = 3_000_000

/** A check did not hold. */
export class BrokenCheck extends Error {}

export class Driver {
  readonly #clock: VirtualClock
  readonly #broken: () => string | undefined

  /** @param broken the first check that did not hold */
  constructor(clock: VirtualClock, broken: () => string | undefined) {
    this.#clock = clock
    this.#broken = broken
  }

  /** Lets time pass until `done`, or for `maxMs`. Returns whether it is done. @throws BrokenCheck */
  async until(done: () => boolean, maxMs = NEVER_MS): Promise<boolean> {
    const endMs = this.#clock.now() + maxMs
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      await new Promise<void>((resolve) => systemClock.turn(resolve)) // promises go first
      const broken = this.#broken()
      if (broken !== undefined) throw new BrokenCheck(broken)
      if (done()) return true
      if (!this.#clock.step(endMs)) return false
    }
    throw new BrokenCheck('the run never gets quiet')
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
