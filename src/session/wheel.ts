/**
 * One wheel of deadlines for all calls on a clock: adding and removing cost a few assignments, where a timer for each
 * call would cost many times that (spec/session.md). Never early, late by at most one tick, the clock's own lag, and the turns that a
 * crowd of them takes.
 */
import { type Clock, perClock } from './clock.ts'

const TICK_MS = 8
const SLOTS = 256
/** Of a turn of the event loop, so that a crowd of them holds nobody up. */
const MOST_AT_ONCE = 256

/** Something with a deadline. It is its own link in the wheel's lists, so that waiting allocates nothing. */
export abstract class Deadline {
  /** On the clock's scale, in milliseconds. */
  at = 0
  next: Deadline | undefined
  previous: Deadline | undefined
  /** Called once when the time has come, never after `remove`. */
  abstract expire(): void
}

/** The head of a slot's list. */
class Slot extends Deadline {
  override expire(): void {}
}

export class DeadlineWheel {
  readonly #clock: Clock
  readonly #slots = Array.from({ length: SLOTS }, () => new Slot())
  /** Those of a slot whose time has come. */
  readonly #due = new Slot()
  #size = 0
  /** The first tick that was not looked at. */
  #tick = 0
  /** The earliest tick that somebody waits for, as far as is known: it may have gone since. */
  #dueTick = Number.POSITIVE_INFINITY
  #timerTick = 0
  #cancelTimer: (() => void) | undefined
  #settleIsDue = false
  readonly #settle = (): void => this.#settleTimer()
  readonly #goOn = (): void => this.#expireSome()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  /** Starts to wait until `at`, in the clock's milliseconds. */
  add(deadline: Deadline, at: number): void {
    this.#add(deadline, at, this.#size === 0 ? this.#clock.now() : 0)
  }

  /** Starts to wait for so many milliseconds. */
  addAfter(deadline: Deadline, delayMs: number): void {
    const now = this.#clock.now()
    this.#add(deadline, now + delayMs, now)
  }

  /** @param now of the clock, which costs more to read than all else here; looked at where nothing waits yet */
  #add(deadline: Deadline, at: number, now: number): void {
    if (this.#size === 0) this.#tick = Math.floor(now / TICK_MS)
    this.#size++
    deadline.at = at
    const tick = Math.max(tickAfter(at), this.#tick)
    link(this.#slotOf(tick), deadline)
    if (tick < this.#dueTick) this.#dueTick = tick
    if (!this.#cancelTimer || tick < this.#timerTick) this.#settleSoon()
  }

  /** Stops waiting. Does nothing when it already has. */
  remove(deadline: Deadline): void {
    if (!deadline.previous) return
    unlink(deadline)
    if (--this.#size === 0 && this.#cancelTimer) this.#settleSoon()
  }

  /** Most calls end within the turn, or another begins where one has ended: a timer for each would cost more than they do. */
  #settleSoon(): void {
    if (this.#settleIsDue) return
    this.#settleIsDue = true
    this.#clock.turn(this.#settle)
  }

  /** Sees to it that there is a timer exactly where something waits, and early enough. */
  #settleTimer(): void {
    this.#settleIsDue = false
    if (this.#due.next) return // a turn comes that sees to it
    const tick = Math.min(this.#dueTick, this.#tick + SLOTS)
    if (this.#cancelTimer && this.#size > 0 && this.#timerTick <= tick) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#size === 0) this.#dueTick = Number.POSITIVE_INFINITY
    else this.#wakeAt(tick)
  }

  #wakeAt(tick: number): void {
    this.#timerTick = tick
    this.#cancelTimer = this.#clock.after(Math.max(0, tick * TICK_MS - this.#clock.now()), () => this.#turn(), true)
  }

  /** Looks at every slot whose time has come. */
  #turn(): void {
    this.#cancelTimer = undefined
    this.#dueTick = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    const last = Math.floor(now / TICK_MS)
    const from = Math.max(this.#tick, last - SLOTS + 1)
    this.#tick = last + 1
    for (let tick = from; tick <= last; tick++) this.#takeDue(this.#slotOf(tick), now)
    this.#expireSome()
  }

  /** What expires may remove others, due or not. */
  #expireSome(): void {
    for (let left = MOST_AT_ONCE; left > 0 && this.#due.next; left--) {
      const due = this.#due.next
      this.remove(due)
      due.expire()
    }
    if (this.#due.next) this.#clock.turn(this.#goOn)
    else if (this.#size > 0) this.#sleep()
  }

  /** Until the next slot with something in it. */
  #sleep(): void {
    let next = this.#tick
    while (!this.#slotOf(next).next) next++ // something is waiting, so one of them has it
    this.#dueTick = Math.min(next, this.#dueTick)
    this.#cancelTimer?.()
    this.#wakeAt(this.#dueTick)
  }

  #slotOf(tick: number): Slot {
    return this.#slots[tick % SLOTS] as Slot // below SLOTS, and all are there
  }

  #takeDue(head: Slot, now: number): void {
    for (let waiting = head.next; waiting; ) {
      const { next } = waiting
      if (waiting.at <= now) {
        unlink(waiting)
        link(this.#due, waiting)
      }
      waiting = next
    }
  }
}

/** Puts it first. */
function link(head: Slot, deadline: Deadline): void {
  deadline.next = head.next
  deadline.previous = head
  if (head.next) head.next.previous = deadline
  head.next = deadline
}

function unlink(deadline: Deadline): void {
  const { next, previous } = deadline
  if (previous) previous.next = next
  if (next) next.previous = previous
  deadline.next = undefined
  deadline.previous = undefined
}

/** The first tick that is not before `at`, which a division that rounds down would miss. */
function tickAfter(at: number): number {
  const tick = Math.ceil(at / TICK_MS)
  return tick * TICK_MS < at ? tick + 1 : tick
}

/** The wheel of a clock: one for all that runs on it. */
export const wheelOf = perClock((clock) => new DeadlineWheel(clock))
