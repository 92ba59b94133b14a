/**
 * What the items of all streams of a connection may take above their first windows (spec/streams.md, F13). Invariant: an item that
 * is given room to come whole has it up to its end, so that what is half there never fills the room for good.
 */

/** A stream whose item is longer than its window. */
export interface RoomSeeker {
  /** Somebody waits for its item, and takes it as soon as it is there. */
  readonly isAwaited: boolean
  /** There is room for the longest item. */
  roomGranted(): void
}

export class Room {
  readonly #seekers = new Set<RoomSeeker>()
  readonly #itemBytes: number
  #free: number

  constructor(bytes: number, maxMessageBytes: number) {
    this.#free = bytes
    this.#itemBytes = Math.max(1, Math.min(bytes, maxMessageBytes)) // of no room one item takes all as well
  }

  /** How much is set aside for an item that has come in part. */
  get itemBytes(): number {
    return this.#itemBytes
  }

  /**
   * Sets aside room for a larger window, if more than enough is left for items, and half of the rest for streams that come later: what
   * a stream was given cannot be taken from it. Returns whether it did.
   */
  widen(bytes: number): boolean {
    if (2 * bytes > this.#free - 2 * this.#itemBytes || this.#seekers.size > 0) return false
    this.#free -= bytes
    return true
  }

  /** Asks for room for an item, which is granted now or later. */
  seek(seeker: RoomSeeker): void {
    if (this.#hasRoomFor(seeker)) this.#grantTo(seeker)
    else this.#seekers.add(seeker)
  }

  /** Somebody waits for the item of one that seeks room. */
  awaited(): void {
    this.#grant()
  }

  leave(seeker: RoomSeeker): void {
    this.#seekers.delete(seeker)
  }

  /** Nobody is granted anything any more: what is told of it could not be sent. */
  close(): void {
    this.#free = Number.NEGATIVE_INFINITY
  }

  giveBack(bytes: number): void {
    this.#free += bytes
    this.#grant()
  }

  #grant(): void {
    for (const seeker of this.#seekers) {
      if (this.#hasRoomFor(seeker)) this.#grantTo(seeker)
    }
  }

  /** Items that nobody takes must not hold up those that somebody waits for: one of these has room beyond all there is. */
  #hasRoomFor({ isAwaited }: RoomSeeker): boolean {
    return this.#free >= (isAwaited ? 0 : this.#itemBytes)
  }

  #grantTo(seeker: RoomSeeker): void {
    this.#seekers.delete(seeker)
    this.#free -= this.#itemBytes
    seeker.roomGranted()
  }
}
