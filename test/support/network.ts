/**
 * One direction of a connection, as bad as a network is: it splits what it carries, delays it, holds it back, and can be
 * cut after a number of bytes. Invariant: bytes that arrive are in order and complete up to the cut.
 */
import type { VirtualClock } from './virtual-clock.ts'

export interface LaneOptions {
  /** Into how many pieces a chunk is cut, at most. Default 1. */
  readonly maxPieces?: number
  /** How long a piece takes, at most. Default 0: the next turn. */
  readonly maxDelayMs?: number
  /** Called when this many bytes have come through; nothing comes after them. */
  readonly cutAfterBytes?: number | undefined
  readonly cut?: () => void
}

export class Lane {
  /** Bytes that came through. */
  deliveredBytes = 0
  /** When the last of them did. */
  deliveredAt: number
  readonly #clock: VirtualClock
  readonly #options: LaneOptions
  readonly #queue: { readonly piece: Uint8Array; readonly deliver: (piece: Uint8Array) => void }[] = []
  /** Pieces whose time has come while the lane was held. */
  #due = 0
  #isHeld = false
  #isCut = false
  #lastAt = 0

  constructor(clock: VirtualClock, options: LaneOptions = {}) {
    this.#clock = clock
    this.#options = options
    this.deliveredAt = clock.now()
  }

  /** Whether nothing is underway. */
  get isEmpty(): boolean {
    return this.#queue.length === 0
  }

  /** A link's `carry`. */
  readonly carry = (chunk: Uint8Array, deliver: (chunk: Uint8Array) => void): void => {
    for (const piece of this.#split(chunk)) {
      this.#queue.push({ piece, deliver })
      const { maxDelayMs = 0 } = this.#options
      const delayMs = Math.floor(this.#clock.random() * (maxDelayMs + 1))
      this.#lastAt = Math.max(this.#lastAt, this.#clock.now() + delayMs)
      const waitMs = this.#lastAt - this.#clock.now()
      if (waitMs === 0) this.#clock.turn(this.#arrived)
      else this.#clock.after(waitMs, this.#arrived)
    }
  }

  /** Nothing comes through until `release`. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    while (this.#due > 0) this.#deliverNext()
  }

  readonly #arrived = (): void => {
    this.#due++
    if (!this.#isHeld) this.#deliverNext()
  }

  #deliverNext(): void {
    this.#due--
    const next = this.#queue.shift()
    if (!next || this.#isCut) return
    const left = (this.#options.cutAfterBytes ?? Number.POSITIVE_INFINITY) - this.deliveredBytes
    const piece = next.piece.subarray(0, left)
    this.deliveredBytes += piece.length
    if (piece.length > 0) this.deliveredAt = this.#clock.now()
    // An empty piece is the end of the stream, and a piece that is cut away is nothing.
    if (piece.length > 0 || next.piece.length === 0) next.deliver(piece)
    if (piece.length < next.piece.length) this.#cutOff()
  }

  #cutOff(): void {
    this.#isCut = true
    this.#options.cut?.()
  }

  #split(chunk: Uint8Array): Uint8Array[] {
    const { maxPieces = 1 } = this.#options
    const pieces: Uint8Array[] = []
    let rest = chunk
    while (pieces.length + 1 < maxPieces && rest.length > 1) {
      const length = 1 + Math.floor(this.#clock.random() * Math.min(rest.length - 1, (2 * chunk.length) / maxPieces))
      pieces.push(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    return [...pieces, rest]
  }
}
