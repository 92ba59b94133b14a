/**
 * Calls that follow each other at one moment, each made when one of that moment has failed without having run: a loop of them may
 * leave the driver no turn (spec/testing.md). Invariant: calls that are made side by side are one round, however many they are.
 */

/** Far above what a caller asks in vain, one after the other, before it waits for anything. */
const MOST_ROUNDS = 10_000

export class Rounds {
  /** The time that all share. */
  readonly #now: () => number
  /** Of each call, or whatever else is asked for and may fail at once. */
  readonly #ofCalls = new Map<object, number>()
  #at = Number.NEGATIVE_INFINITY
  /** The last round of which a call has failed. */
  #failed = 0

  constructor(now: () => number) {
    this.#now = now
  }

  made(call: object): void {
    const now = this.#now()
    if (now !== this.#at) {
      this.#ofCalls.clear()
      this.#failed = 0
      this.#at = now
    }
    this.#ofCalls.set(call, this.#failed + 1)
  }

  failed(call: object): void {
    this.#failed = Math.max(this.#failed, this.#ofCalls.get(call) ?? 0)
  }

  /** There is no end to them: no call is made any more. */
  get areEndless(): boolean {
    return this.#failed >= MOST_ROUNDS
  }
}
