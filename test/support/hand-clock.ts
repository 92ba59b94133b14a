/**
 * A clock that a test moves by hand, while turns stay real, so that deadlines can be met over real sockets without
 * waiting for them. Invariant: what is due runs in the order of its time, within `advance`.
 */
import type { Clock } from '../../src/session/index.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

export class HandClock implements Clock {
  #now = 1_000
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  turn(callback: () => void): void {
    setImmediate(callback)
  }

  random(): number {
    return Math.random()
  }

  /** Timers that were neither cancelled nor called. */
  get timers(): number {
    return this.#timers.size
  }

  /** Lets `ms` pass, and calls what is due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#nextUntil(end); next; next = this.#nextUntil(end)) {
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = end
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
  return new Promise((resolve) => setImmediate(resolve))
}

/** Resolves in the first turn in which `condition` holds. The test's own timeout is its bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}
