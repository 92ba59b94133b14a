/**
 * The calls in memory whose handlers have not ended, and when their deadlines begin to be waited for. Invariant: a call leaves
 * without being looked for, however many there are; streams, which may run for long, are passed by none of the others.
 */
import type { Clock } from '../session/index.ts'
import type { DirectCall } from './direct-call.ts'
import { DirectStream } from './direct-stream.ts'

export class RunningCalls {
  readonly #clock: Clock
  /** Each knows its place. */
  readonly #calls: DirectCall[] = []
  readonly #streams = new Set<DirectStream>()
  #timersAreDue = false
  readonly #startTimers = (): void => {
    this.#timersAreDue = false
    const now = this.#clock.now()
    for (const call of this.#calls) if (call.needsTimer) call.startTimer(now)
  }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#calls.length + this.#streams.size
  }

  /** All that run now. */
  all(): readonly DirectCall[] {
    return [...this.#calls, ...this.#streams]
  }

  /** Those that run now and have no end of their own. */
  subscriptions(): readonly DirectCall[] {
    return [...this.#streams].filter((call) => call.isSubscription)
  }

  /** Runs the handler. It may have ended when this returns. */
  run(call: DirectCall, request: unknown, principal: unknown): void {
    if (call instanceof DirectStream) return this.#runStream(call, request, principal)
    call.place = this.#calls.push(call) - 1
    call.runHandler(request, principal)
    if (call.needsTimer && !this.#timersAreDue) this.#startTimersFrom(call)
  }

  /** The handler has ended. */
  remove(call: DirectCall): void {
    if (call instanceof DirectStream) {
      this.#streams.delete(call)
      return
    }
    const last = this.#calls.pop()
    if (last !== undefined && last !== call) {
      this.#calls[call.place] = last
      last.place = call.place
    }
    call.place = -1
  }

  #runStream(call: DirectStream, request: unknown, principal: unknown): void {
    this.#streams.add(call)
    call.runHandler(request, principal)
    if (call.needsTimer) call.startTimer(this.#clock.now())
  }

  /**
   * The first call in a turn that does not end at once has its deadline at once. Those after it have theirs in the next turn, if
   * they still run: to look at the clock and to wait costs as much as the rest of a call.
   */
  #startTimersFrom(call: DirectCall): void {
    this.#timersAreDue = true
    this.#clock.turn(this.#startTimers)
    call.startTimer(this.#clock.now())
  }
}
