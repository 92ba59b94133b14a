/** Drives a run: virtual time passes, one step after the other, until something holds or never will. */
import { systemClock } from '../../session/index.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** After this, in virtual milliseconds, what has not ended never will. */
const NEVER_MS = 3_600_000
/** Steps of one wait, and of one moment of it, far above any that ends. */
const MAX_STEPS = 1_000_000
const MAX_STEPS_AT_ONCE = 200_000

/** A check did not hold. */
export class BrokenCheck extends Error {
  /** Which check, and how it failed, where its message says more than that. */
  readonly kind: string | undefined

  constructor(message: string, { cause, kind }: { readonly cause?: unknown; readonly kind?: string | undefined } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

/** It goes on and on. To run it again takes as long. */
export class NeverQuiet extends BrokenCheck {}

export interface DriverOptions {
  readonly clock: VirtualClock
  /** The first check that did not hold. */
  readonly broken: () => string | undefined
  /** Whether calls go on and on that wait for nothing. */
  readonly isEndless: () => boolean
  /** In what, just now, where that is not the workload. */
  readonly where: () => string
  /** What is open just now. */
  readonly describe: () => string
}

interface RequireOptions {
  /** What is said behind what did not hold. */
  readonly detail?: () => string
  /** Of the check, where its message says more than that. */
  readonly kind?: string
}

export class Driver {
  readonly #options: DriverOptions

  constructor(options: DriverOptions) {
    this.#options = options
  }

  /** Lets time pass until `done`, or for `maxMs`. Returns whether it is done. @throws BrokenCheck */
  async until(done: () => boolean, maxMs = NEVER_MS): Promise<boolean> {
    const { clock, broken: findBroken, isEndless, where, describe } = this.#options
    const endMs = clock.now() + maxMs
    let at = clock.now()
    for (let steps = 0, atOnce = 0; steps < MAX_STEPS && atOnce < MAX_STEPS_AT_ONCE; steps++, atOnce++) {
      await new Promise<void>((resolve) => systemClock.turn(resolve)) // promises go first
      const broken = findBroken()
      if (broken !== undefined) throw new BrokenCheck(broken)
      if (done()) return true
      if (isEndless()) break
      if (!clock.step(endMs)) return false
      if (clock.now() !== at) atOnce = 0
      at = clock.now()
    }
    throw new NeverQuiet(
      `it goes on and on${where()}: does a loop wait for no time, is a stream read that never ends?${describe()}`,
    )
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(() => false, ms)
  }

  /** @throws BrokenCheck where it never holds */
  async require(holds: () => boolean, what: string, { detail = () => '', kind }: RequireOptions = {}): Promise<void> {
    if (!(await this.until(holds))) throw new BrokenCheck(`${what}${detail()}`, { kind })
  }

  /** Runs until a promise settles. @throws what it rejects with */
  async wait(promise: Promise<unknown>, what: string, options?: RequireOptions): Promise<void> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    settled.catch(() => {}) // it is awaited below
    await this.require(() => isSettled, `${what} never ended`, options)
    await settled
  }
}
