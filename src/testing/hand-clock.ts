/**
 * A clock that a test moves by hand, while turns stay real, so that deadlines can be met over real sockets without
 * waiting for them. Invariants: what is due runs in the order of its time, within `advance`; the turns that were asked for before
 * `advance` are over before time passes.
 */
import { misuse } from '../errors.ts'
import { type Clock, systemClock } from '../session/index.ts'
import { describeGiven, requireMs, requireSeed } from './require.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/**
 * Time that stands still until `advance`: for the option `clock` of `connect`, `serve`, `app`, `faultyLink` and `faultyProxy`. Only time is
 * moved by hand: what is sent arrives meanwhile, in turns of the event loop.
 *
 *   const clock = new HandClock()
 *   const wire = connect(place, { clock })
 *   clock.advance(5_000)
 */
export class HandClock implements Clock {
  #now = 1_000
  #seed: number
  /** In the order of their making. */
  readonly #timers = new Set<Timer>()
  #turns: (() => void)[] = []

  /**
   * @param seed of the numbers that `random` gives
   * @throws NanowireError `invalid_argument` for a seed that is no whole number
   */
  constructor(seed = 1) {
    requireSeed(seed)
    this.#seed = seed >>> 0
  }

  /** Milliseconds; 1,000 at first. */
  now(): number {
    return this.#now
  }

  /**
   * Calls `callback` once when `delayMs` have passed by hand. Returns what cancels it.
   * @throws NanowireError `invalid_argument` for what is no number
   */
  after(delayMs: number, callback: () => void): () => void {
    if (typeof delayMs !== 'number' || Number.isNaN(delayMs))
      throw misuse(`a timer waits for milliseconds, not ${describeGiven(delayMs)}`)
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Calls `callback` once in the next turn of the event loop, or before time passes. */
  turn(callback: () => void): void {
    this.#turns.push(callback)
    if (this.#turns.length === 1) this.#turnLater()
  }

  #turnLater(): void {
    systemClock.turn(() => this.#runTurn())
  }

  #runTurn(): void {
    const callbacks = this.#turns
    this.#turns = []
    let called = 0
    try {
      for (const callback of callbacks) {
        called++
        callback()
      }
    } finally {
      if (called < callbacks.length) this.#callBefore(callbacks.slice(called))
    }
  }

  /** One has thrown; the others of its turn are called all the same, in the next one. */
  #callBefore(callbacks: readonly (() => void)[]): void {
    if (this.#turns.length === 0) this.#turnLater()
    this.#turns.unshift(...callbacks)
  }

  /** Mulberry32: a number from 0 up to 1, the same ones for the same seed. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), this.#seed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Timers that were neither cancelled nor called. */
  get timers(): number {
    return this.#timers.size
  }

  /** When the next timer is due; `Infinity` where none waits. */
  get nextAt(): number {
    return this.#nextUntil(Number.POSITIVE_INFINITY)?.at ?? Number.POSITIVE_INFINITY
  }

  /**
   * Lets `ms` pass, and calls what is due on the way, in the order of time.
   * @throws NanowireError `invalid_argument` for less than 0, or no number
   */
  advance(ms: number): void {
    requireMs('a clock is moved by 0 ms or more', ms)
    const end = this.#now + ms
    this.#runTurn()
    for (let next = this.#nextUntil(end); next; next = this.#nextUntil(end)) {
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = Math.max(this.#now, end) // what was called may have moved it further
  }

  #nextUntil(end: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer
    }
    return first
  }
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.turn(resolve))
}

/** Waits for something that happens at once, but for the time that must pass: lets it pass until then, or until `isGivenUp`. */
export async function passing<T>(
  clocks: readonly HandClock[],
  work: Promise<T>,
  isGivenUp: () => boolean = () => false,
): Promise<void> {
  let isDone = false
  const done = (): void => {
    isDone = true
  }
  work.then(done, done)
  while (!isDone && !isGivenUp()) {
    for (const clock of clocks) clock.advance(1_000)
    await nextTurn()
  }
  if (isDone) await work
}
