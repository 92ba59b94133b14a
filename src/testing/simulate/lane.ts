/**
 * One direction of a connection, as bad as a network is: it splits what it carries, joins it, delays it, holds it back, and
 * can be cut after a number of bytes. Invariant: bytes that arrive are in order and complete up to the cut.
 */
import type { VirtualClock } from './virtual-clock.ts'

export interface LaneOptions {
  /** Into how many pieces a chunk is cut, at most. Default 1. */
  readonly maxPieces?: number | undefined
  /** How long a piece takes, at most. Default 0: the next turn. */
  readonly maxDelayMs?: number | undefined
  /** How long each piece takes at least. Default 0. */
  readonly latencyMs?: number | undefined
  /** How many of the pieces wait for the next one and arrive with it, 0 to 1. Default 0. */
  readonly joinShare?: number | undefined
  /** Called when this many bytes have come through; nothing comes after them. */
  readonly cutAfterBytes?: number | undefined
  readonly cut?: (() => void) | undefined
  /** Told of what comes through, before it is delivered. */
  readonly arrived?: ((bytes: Uint8Array) => void) | undefined
  /** Told of each chunk that is split or late, and each time that some are joined. */
  readonly injected?: ((kind: 'split' | 'delay' | 'join') => void) | undefined
}

interface Underway {
  readonly piece: Uint8Array
  readonly sentAt: number
  readonly deliver: (piece: Uint8Array) => void
}

export class Lane {
  /** Bytes that were sent. */
  sentBytes = 0
  /** Bytes that came through. */
  deliveredBytes = 0
  /** When the last of them did. */
  deliveredAt: number
  readonly #clock: VirtualClock
  readonly #options: LaneOptions
  readonly #queue: Underway[] = []
  /** Pieces whose time has come while the lane was held. */
  #due = 0
  /** What holds it. */
  readonly #holds = new Set<string>()
  #isCut = false
  #isHealed = false
  #isSevered = false
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

  /** When the oldest of what is underway was sent, `Infinity` for nothing. */
  get underwaySince(): number {
    return this.#queue[0]?.sentAt ?? Number.POSITIVE_INFINITY
  }

  /** A link's `carry`. */
  readonly carry = (chunk: Uint8Array, deliver: (chunk: Uint8Array) => void): void => {
    const { maxDelayMs = 0, latencyMs = 0 } = this.#isHealed ? {} : this.#options
    const sentAt = this.#clock.now()
    this.sentBytes += chunk.length
    if (this.#isSevered) return
    const pieces = this.#split(chunk)
    if (pieces.length > 1) this.#options.injected?.('split')
    let isLate = false
    for (const piece of pieces) {
      this.#queue.push({ piece, deliver, sentAt })
      const delayMs = Math.floor(this.#clock.random() * (maxDelayMs + 1))
      isLate ||= delayMs > 0
      this.#lastAt = Math.max(this.#lastAt, sentAt + latencyMs + delayMs)
      const waitMs = this.#lastAt - sentAt
      if (waitMs === 0) this.#clock.turn(this.#arrived)
      else this.#clock.after(waitMs, this.#arrived)
    }
    if (isLate) this.#options.injected?.('delay')
  }

  /** Nothing comes through until all that holds it is released. */
  hold(why = 'held'): void {
    this.#holds.add(why)
  }

  release(why = 'held'): void {
    this.#holds.delete(why)
    while (this.#holds.size === 0 && this.#due > 0) this.#deliverNext(1)
  }

  /** Nothing comes through any more, what is underway neither. */
  sever(): void {
    this.#isSevered = true
    this.#isCut = true
    this.#queue.length = 0
  }

  /** From now on it is neither slow nor cut. What is held stays so. */
  heal(): void {
    this.#isHealed = true
  }

  readonly #arrived = (): void => {
    this.#due++
    if (this.#holds.size > 0) return
    const { joinShare = 0 } = this.#options
    const more = this.#queue.length > this.#due // so that another arrival will take this one along
    if (more && joinShare > 0 && this.#clock.random() < joinShare) return
    while (this.#due > 0) this.#deliverNext(joinShare > 0 ? this.#due : 1)
  }

  /** Delivers the oldest piece, and with it up to `most` of those that are due. */
  #deliverNext(most: number): void {
    const next = this.#queue.shift()
    this.#due--
    if (!next || this.#isCut) return
    const joined = [next.piece]
    // The end of the stream, an empty piece, stays by itself.
    while (joined.length < most && this.#due > 0 && next.piece.length > 0 && this.#queue[0]?.piece.length) {
      joined.push((this.#queue.shift() as Underway).piece) // looked at in the condition
      this.#due--
    }
    this.#deliver(joined.length === 1 ? next.piece : concat(joined), next.deliver, joined.length)
  }

  #deliver(whole: Uint8Array, deliver: (piece: Uint8Array) => void, pieces: number): void {
    const cutAfterBytes = this.#isHealed ? undefined : this.#options.cutAfterBytes
    const left = (cutAfterBytes ?? Number.POSITIVE_INFINITY) - this.deliveredBytes
    const piece = whole.subarray(0, Math.max(0, left))
    this.deliveredBytes += piece.length
    if (piece.length > 0) this.deliveredAt = this.#clock.now()
    // An empty piece is the end of the stream, and a piece that is cut away is nothing.
    if (piece.length > 0 || whole.length === 0) {
      if (pieces > 1) this.#options.injected?.('join')
      this.#options.arrived?.(piece)
      deliver(piece)
    }
    if (piece.length < whole.length) this.#cutOff()
  }

  #cutOff(): void {
    this.#isCut = true
    this.#options.cut?.()
  }

  #split(chunk: Uint8Array): Uint8Array[] {
    const { maxPieces = 1 } = this.#isHealed ? {} : this.#options
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

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
