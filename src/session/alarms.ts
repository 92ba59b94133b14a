/**
 * One timer of a clock for all that waits long and seldom: with a timer of its own, each idle connection would hold twice
 * the memory (spec/session.md, S14). As exact as the clock's timers. Invariant: there is a timer exactly where something
 * waits, and it keeps no process alive.
 */
import { type Clock, perClock } from './clock.ts'

/** The longest that a clock waits; what is farther away is looked at again then. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Something that waits. It knows its own place, so that waiting allocates nothing. */
export abstract class Alarm {
  /** On the clock's scale, in milliseconds. */
  at = 0
  /** Among those that wait; -1 where it does not. */
  place = -1
  /** Called once when the time has come, never after `remove`. */
  abstract ring(): void
}

export class Alarms {
  readonly #clock: Clock
  /** A heap: none is before the one at half its place. */
  readonly #waiting: Alarm[] = []
  #timerAt = 0
  #cancelTimer: (() => void) | undefined
  #isRinging = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Starts to wait until `at`; anew, if it waits already. */
  add(alarm: Alarm, at: number): void {
    this.remove(alarm)
    alarm.at = at
    this.#waiting.push(alarm)
    this.#rise(alarm, this.#waiting.length - 1)
    if (!this.#isRinging) this.#setTimer()
  }

  /** Stops waiting. Does nothing when it already has. */
  remove(alarm: Alarm): void {
    const { place } = alarm
    if (place < 0) return
    alarm.place = -1
    const last = this.#waiting.pop()
    if (last && last !== alarm) this.#sink(last, this.#rise(last, place))
    if (this.#waiting.length > 0) return // where it was the first, the timer finds out
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  /** Sees to it that there is a timer for the first of them. */
  #setTimer(): void {
    const first = this.#waiting[0]
    if (!first || (this.#cancelTimer && this.#timerAt <= first.at)) return
    this.#cancelTimer?.()
    this.#timerAt = first.at
    const leftMs = Math.min(MAX_TIMER_MS, Math.max(0, first.at - this.#clock.now()))
    this.#cancelTimer = this.#clock.after(leftMs, () => this.#ringDue())
  }

  #ringDue(): void {
    this.#cancelTimer = undefined
    this.#isRinging = true
    const now = this.#clock.now()
    try {
      for (let first = this.#waiting[0]; first && first.at <= now; first = this.#waiting[0]) {
        this.remove(first)
        first.ring()
      }
    } finally {
      this.#isRinging = false
      this.#setTimer() // whatever was thrown, the others are rung
    }
  }

  /** Puts an alarm at `place`, or above it as far as it belongs. Returns where. */
  #rise(alarm: Alarm, place: number): number {
    let at = place
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = this.#waiting[above]
      if (!other || other.at <= alarm.at) break
      this.#put(other, at)
      at = above
    }
    this.#put(alarm, at)
    return at
  }

  /** Moves an alarm from `place` down as far as it belongs. */
  #sink(alarm: Alarm, place: number): void {
    let at = place
    for (;;) {
      const below = this.#firstBelow(at)
      if (!below || below.at >= alarm.at) break
      const { place: free } = below
      this.#put(below, at)
      at = free
    }
    this.#put(alarm, at)
  }

  #firstBelow(place: number): Alarm | undefined {
    const left = this.#waiting[2 * place + 1]
    const right = this.#waiting[2 * place + 2]
    return left && right && right.at < left.at ? right : left
  }

  #put(alarm: Alarm, place: number): void {
    this.#waiting[place] = alarm
    alarm.place = place
  }
}

/** The alarms of a clock: one timer for all that runs on it. */
export const alarmsOf = perClock((clock) => new Alarms(clock))
