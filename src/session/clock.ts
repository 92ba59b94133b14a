/**
 * Time, turns and chance: the only file that touches them (spec/architecture.md). A simulator passes another `Clock`
 * and drives everything from one seed.
 */

/** Where time and chance come from. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number
  /**
   * Calls `callback` once after `delayMs`, 2^31-1 at most. Returns what cancels it.
   * @param keepsProcess whether the process stays alive for it. Default `false`.
   */
  after(delayMs: number, callback: () => void, keepsProcess?: boolean): () => void
  /** Calls `callback` once in the next turn of the event loop, after input that is already there. */
  turn(callback: () => void): void
  /** A number from 0 up to, not including, 1. Not for secrets. */
  random(): number
}

/** Kept here, for each look at the global one runs a getter of Node's. */
const { performance } = globalThis

/** The clock of the process. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  after(delayMs: number, callback: () => void, keepsProcess = false) {
    const timer = setTimeout(callback, delayMs)
    if (!keepsProcess) timer.unref()
    return () => clearTimeout(timer)
  },
  turn(callback: () => void) {
    setImmediate(callback)
  },
  random: () => Math.random(),
})

/** Makes one thing for each clock, when it is first asked for: always the same one. */
export function perClock<Made extends object>(make: (clock: Clock) => Made): (clock: Clock) => Made {
  const made = new WeakMap<Clock, Made>()
  return (clock) => {
    const known = made.get(clock)
    if (known) return known
    const one = make(clock)
    made.set(clock, one)
    return one
  }
}

/** `count` bytes of chance. */
export function randomBytes(clock: Clock, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => Math.floor(clock.random() * 256))
}

/** Twelve hexadecimal digits that name one error in a log. */
export function randomId(clock: Clock): string {
  return Array.from(randomBytes(clock, 6), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
