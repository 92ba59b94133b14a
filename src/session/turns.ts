/**
 * Whose bulk goes out next (spec/streams.md, F14): messages under way take turns, a piece each, as far as the connection's
 * window lets them. Frames that are no bulk never come by here.
 */
import type { Link } from './link.ts'
import type { SendWindow } from './send-window.ts'

/** A piece has at most so many bytes. */
export const PIECE_BYTES = 16_384
/** Less is sent only where a message ends. */
export const LEAST_PIECE_BYTES = 1_024

/** How urgent a call's bulk is: 0 low, 1 normal, 2 high. */
export type Priority = 0 | 1 | 2

/** What may be sent in one turn, by priority. */
const TURN_BYTES = [4_096, 16_384, 65_536] as const

/** Somebody with bulk to send. */
export abstract class TurnTaker {
  priority: Priority = 1
  /** Set while it stands in the queue. */
  isQueued = false
  next: TurnTaker | undefined

  /** Whether it has something that may be sent, as far as it alone is concerned. */
  abstract readonly isReady: boolean
  /**
   * Sends a piece of at most `most` bytes. Returns of how many, 0 if it could not.
   * @param window is told before they leave: the peer may acknowledge them within that very call
   */
  abstract sendPiece(most: number, window: SendWindow): number
  /** It had its turn. */
  abstract turnEnded(): void
}

export class Turns {
  readonly #link: Link
  readonly #window: SendWindow
  #first: TurnTaker | undefined
  #last: TurnTaker | undefined
  #isPumping = false

  constructor(link: Link, window: SendWindow) {
    this.#link = link
    this.#window = window
  }

  /** Somebody waits for a turn. */
  get isBusy(): boolean {
    return this.#first !== undefined
  }

  /** Lets somebody take turns, from now on as long as it is ready. */
  add(taker: TurnTaker): void {
    if (!taker.isQueued) this.#push(taker)
    this.pump()
  }

  /** Sends what may be sent now. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    const before = this.#window.unacknowledged
    try {
      while (this.#first && this.#window.free >= LEAST_PIECE_BYTES && !this.#link.isCongested) this.#turn(this.#shift())
    } finally {
      this.#isPumping = false
    }
    if (this.#first) this.#window.full()
    if (this.#window.unacknowledged > before) this.#link.written(0) // all in one go
  }

  #turn(taker: TurnTaker): void {
    let left: number = TURN_BYTES[taker.priority]
    while (left > 0 && taker.isReady) {
      const sent = taker.sendPiece(Math.min(left, this.#window.free), this.#window)
      if (sent === 0) break
      left -= sent
    }
    if (taker.isReady) this.#push(taker)
    taker.turnEnded()
  }

  #push(taker: TurnTaker): void {
    taker.isQueued = true
    if (this.#last) this.#last.next = taker
    else this.#first = taker
    this.#last = taker
  }

  #shift(): TurnTaker {
    const taker = this.#first as TurnTaker // asked only where there is one
    this.#first = taker.next
    if (!this.#first) this.#last = undefined
    taker.next = undefined
    taker.isQueued = false
    return taker
  }
}
