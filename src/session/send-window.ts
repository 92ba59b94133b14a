/**
 * How much bulk a side may have on its way over a connection, not acknowledged (spec/streams.md, F9): twice the product of
 * the rate at which it was acknowledged and the least round trip, so that a pipe is full and no queue grows before small calls.
 */
import { ProtocolError } from '../wire/index.ts'
import type { Clock } from './clock.ts'

/** With which a connection begins, and which it always has. */
export const LEAST_WINDOW_BYTES = 65_536
export const MOST_WINDOW_BYTES = 16_777_216

/**
 * No round trip counts as shorter: a process takes about so long to be woken. One that was awake once answers in half the time,
 * and by that alone the window would fall to its least and stay there, as both sides then sleep after each of its rounds.
 */
const LEAST_ROUND_TRIP_MS = 0.1

/** Of the last so many round trips the fastest counts. */
const ROUNDS = 8

export class SendWindow {
  /** What may be on its way. */
  size = LEAST_WINDOW_BYTES
  readonly #clock: Clock
  #sent = 0
  #acknowledged = 0
  /** The round trip that is being measured: it ends when what was sent up to its mark is acknowledged. */
  #mark = -1
  #markedAt = 0
  #acknowledgedAtMark = 0
  /** There was more to send in this round than the window let. */
  #wasFull = false
  #leastRoundTripMs = Number.POSITIVE_INFINITY
  /** Bytes that fit into the least round trip, by the rates of the last rounds. */
  readonly #products: number[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get unacknowledged(): number {
    return this.#sent - this.#acknowledged
  }

  /** All that was acknowledged. */
  get acknowledgedBytes(): number {
    return this.#acknowledged
  }

  /** Bytes that may be sent now. */
  get free(): number {
    return this.size - this.unacknowledged
  }

  sent(bytes: number): void {
    this.#sent += bytes
    if (this.#mark < 0) this.#begin()
  }

  /** There is more to send than is free. */
  full(): void {
    this.#wasFull = true
  }

  /** @throws ProtocolError for more than was sent */
  acknowledged(bytes: number): void {
    if (bytes > this.unacknowledged) {
      throw new ProtocolError('credit', `${bytes} bytes acknowledged, and ${this.unacknowledged} were under way`)
    }
    this.#acknowledged += bytes
    if (this.#mark >= 0 && this.#acknowledged >= this.#mark) this.#end()
  }

  #begin(): void {
    this.#mark = this.#sent
    this.#markedAt = this.#clock.now()
    this.#acknowledgedAtMark = this.#acknowledged
    this.#wasFull = false
  }

  #end(): void {
    const roundTripMs = Math.max(LEAST_ROUND_TRIP_MS, this.#clock.now() - this.#markedAt)
    this.#leastRoundTripMs = Math.min(this.#leastRoundTripMs, roundTripMs)
    if (this.#wasFull) this.#learn(this.#acknowledged - this.#acknowledgedAtMark, roundTripMs)
    this.#mark = -1 // the next round begins with what leaves next: what is under way left at some time before
  }

  /** Only a round in which more could have been sent says what the connection can carry. */
  #learn(bytes: number, roundTripMs: number): void {
    this.#products.push((bytes * this.#leastRoundTripMs) / roundTripMs)
    if (this.#products.length > ROUNDS) this.#products.shift()
    const wanted = 2 * Math.max(...this.#products)
    this.size = Math.floor(Math.min(MOST_WINDOW_BYTES, Math.max(LEAST_WINDOW_BYTES, wanted)))
  }
}
