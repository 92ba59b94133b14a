/**
 * One direction of a call's items, at both of its ends (spec/testing.md). Invariant: it only judges - what is taken is what was
 * given, in its order and without a gap but for what the method's `slow` lets be left out, and then one end.
 */

/** How a producer ended: by itself, by what it threw, or because it was told to return. */
export type GivenEnd = 'done' | 'threw' | 'returned'

export interface ItemTrackOptions {
  /** What is said of the items: `its items` or `the items of its caller`. */
  readonly whose: string
  /** Items may be left out. */
  readonly mayDrop: boolean
  /** How far the producer may be ahead, in bytes, its two longest items aside. */
  readonly maxAheadBytes: number
  readonly require: (holds: boolean, what: string) => void
}

export class ItemTrack {
  /** Items that were taken. */
  taken = 0
  /** Items that were left out, as the consumer was told. */
  dropped = 0
  givenEnd: GivenEnd | undefined
  /** Who gives them was told to return, and may take a while. */
  isTold = false
  /** What gives them could be iterated. */
  isWatched = false
  /** It was asked for items, or gives them by itself. */
  hasBegun = false
  /** What was given last cannot travel. */
  isMisfit = false
  /** What every item said as its schema's bytes. */
  readonly #given: string[] = []
  readonly #options: ItemTrackOptions
  #aheadBytes = 0
  #longestBytes = 0

  constructor(options: ItemTrackOptions) {
    this.#options = options
  }

  /** Items that were given and can travel. */
  get given(): number {
    return this.#given.length
  }

  /** @param digest `undefined` for an item that cannot travel */
  gave(digest: string | undefined): void {
    if (digest === undefined) {
      this.isMisfit = true
      return
    }
    const bytes = Number.parseInt(digest, 10)
    this.#given.push(digest)
    this.#aheadBytes += bytes
    this.#longestBytes = Math.max(this.#longestBytes, bytes)
    const { whose, maxAheadBytes } = this.#options
    const isBounded = this.#aheadBytes <= maxAheadBytes + 2 * this.#longestBytes
    this.#require(isBounded, `${this.#aheadBytes} bytes of ${whose} are ahead of who takes them`)
  }

  producerEnded(how: GivenEnd): void {
    this.givenEnd ??= how
  }

  /** @param dropped how many were left out so far, as the consumer was told */
  took(digest: string | undefined, dropped: number): void {
    const { whose, mayDrop } = this.#options
    this.#require(mayDrop || dropped === 0, `${dropped} of ${whose} were left out, and none may be`)
    this.#require(dropped >= this.dropped, `${whose} were left out, and then they were not`)
    const index = this.taken + dropped
    this.#require(index < this.#given.length, `${index + 1} of ${whose} came, and ${this.#given.length} were given`)
    const isSame = digest !== undefined && digest === this.#given[index]
    const place = isSame ? '' : this.#placeOf(digest) // which looks at all of them
    this.#require(isSame, `${index + 1} of ${whose} is not the one that was given${place}`)
    for (let at = this.taken + this.dropped; at <= index; at++)
      this.#aheadBytes -= Number.parseInt(this.#given[at] ?? '0', 10)
    this.taken++
    this.dropped = dropped
  }

  /** The consumer was told that there are no more. */
  ended(): void {
    const { whose } = this.#options
    this.#require(this.givenEnd === 'done', `the end of ${whose} came, and they were ${this.#fate}`)
    this.requireAll('it ended')
  }

  /** What the producer has thrown comes behind all that it gave. */
  failed(code: string): void {
    if (this.givenEnd === 'threw') this.requireAll(`it ended with ${code}`)
  }

  requireAll(when: string): void {
    const { whose } = this.#options
    const lost = this.given - this.taken - this.dropped
    this.#require(lost === 0, `${when}, and ${lost} of ${whose} were lost`)
  }

  get #fate(): string {
    return this.givenEnd === undefined ? 'still given' : this.givenEnd === 'threw' ? 'ended by an error' : 'left'
  }

  #placeOf(digest: string | undefined): string {
    const place = digest === undefined ? -1 : this.#given.indexOf(digest)
    return place < 0 ? '' : `, but number ${place + 1}`
  }

  #require(holds: boolean, what: string): void {
    this.#options.require(holds, what)
  }
}
