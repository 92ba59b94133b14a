/**
 * Entries by their ids, which rise by one: a ring that is looked into by the id's last bits, and a map for those that
 * outlast a round of it. May not allocate for an entry that ends within a round: a map that is filled and emptied makes its
 * tables anew, in old memory, where the engine asks each time whether all of the heap is to be collected.
 */

const SMALLEST_RING = 16
/** Of slots; what one connection has in flight beyond half of them goes to the map now and then. */
const LARGEST_RING = 4_096

export class IdTable<Entry extends { readonly id: number }> {
  /** Both are made when they are needed: most connections have nothing in flight. */
  #ring: (Entry | undefined)[] = NO_RING
  #outlasting: Map<number, Entry> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): Entry | undefined {
    const entry = this.#ring[id & (this.#ring.length - 1)]
    if (entry !== undefined && entry.id === id) return entry
    return this.#outlasting?.get(id)
  }

  /** Adds an entry whose id has none. */
  add(entry: Entry): void {
    if (++this.#size > this.#ring.length >> 1 && this.#ring.length < LARGEST_RING) this.#grow()
    this.#put(entry)
  }

  /** Puts an entry where another of its id stands. */
  replace(entry: Entry): void {
    const slot = entry.id & (this.#ring.length - 1)
    if (this.#ring[slot]?.id === entry.id) this.#ring[slot] = entry
    else this.#outlasting?.set(entry.id, entry)
  }

  /** Returns the entry that was there. */
  remove(id: number): Entry | undefined {
    const slot = id & (this.#ring.length - 1)
    const entry = this.#ring[slot]
    if (entry !== undefined && entry.id === id) {
      this.#ring[slot] = undefined
      this.#size--
      return entry
    }
    const outlasting = this.#outlasting?.get(id)
    if (this.#outlasting?.delete(id) === true) this.#size--
    return outlasting
  }

  /** All entries, in no order that means anything. */
  entries(): Entry[] {
    const entries = [...(this.#outlasting?.values() ?? [])]
    for (const entry of this.#ring) if (entry) entries.push(entry)
    return entries
  }

  clear(): void {
    this.#ring = NO_RING
    this.#outlasting = undefined
    this.#size = 0
  }

  /** What stood in the slot has outlasted a round. */
  #put(entry: Entry): void {
    const slot = entry.id & (this.#ring.length - 1)
    const before = this.#ring[slot]
    if (before !== undefined) {
      this.#outlasting ??= new Map()
      this.#outlasting.set(before.id, before)
    }
    this.#ring[slot] = entry
  }

  #grow(): void {
    const entries = this.entries()
    this.#ring = emptyRing(Math.max(SMALLEST_RING, 2 * this.#ring.length))
    this.#outlasting = undefined
    for (const entry of entries) this.#put(entry)
  }
}

/** Nothing is ever put into it. */
const NO_RING: never[] = []

function emptyRing<Entry>(slots: number): (Entry | undefined)[] {
  return new Array<Entry | undefined>(slots).fill(undefined)
}
