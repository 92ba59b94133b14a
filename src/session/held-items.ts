/**
 * Items that wait at their receiver, as they came (spec/streams.md, F13). Invariant: short ones lie together in one buffer, so that
 * what waits takes about as much memory as it has bytes, into however many frames it was cut.
 */
import { type Assembled, copyBytes } from '../wire/index.ts'

/** Items that lie one behind the other, and none was left out between. */
export interface Chunk {
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
}

/** Of an item that came in fragments: what it has taken. */
export interface Taken {
  readonly whole: Assembled
  /** Out of the connection's room. */
  readonly roomBytes: number
}

interface HeldChunk {
  buffer: Uint8Array
  start: number
  end: number
  /** Items that were left out before the first. */
  gap: number
  /** Where the last item ends, which may be behind `end`, where others were left out. */
  filled: number
  /** A place behind which items are, and how many were left out there, and so on. */
  gaps: number[] | undefined
  /** How much of `gaps` was told. */
  told: number
  /** The buffer is its own, and others may be added to it. */
  isOpen: boolean
  taken: Taken | undefined
}

/** More than this is a chunk of its own. */
const SHORT_BYTES = 4_096
/** Of short ones together. */
const MOST_BYTES = 16_384

export class HeldItems {
  readonly #chunks: HeldChunk[] = []
  #first = 0

  /** Those that wait longest; `undefined` where none wait. */
  get chunk(): Chunk | undefined {
    return this.#chunks[this.#first]
  }

  /** How many were left out before the first of them; told once. */
  takeGap(): number {
    const chunk = this.#chunks[this.#first]
    if (!chunk) return 0
    const { gap } = chunk
    chunk.gap = 0
    return gap
  }

  /** Adds items where they lie, for as long as they lie there. */
  add(buffer: Uint8Array, start: number, end: number, gap: number, taken: Taken | undefined): Chunk {
    const chunk = { buffer, start, end, gap, filled: end, gaps: undefined, told: 0, isOpen: false, taken }
    this.#chunks.push(chunk)
    return chunk
  }

  /**
   * Keeps what was added last, in memory of its own, if it still waits.
   * @returns what it need not hold any more
   */
  keep(added: Chunk): Taken | undefined {
    const chunk = this.#chunks.at(-1)
    if (!chunk || chunk !== added) return undefined
    const bytes = chunk.end - chunk.start
    const { taken } = chunk
    if (taken && bytes > SHORT_BYTES) return undefined
    const before = this.#chunks.at(-2)
    if (before?.isOpen && this.#chunks.length > this.#first + 1 && append(before, chunk)) {
      this.#chunks.pop()
    } else {
      chunk.buffer = copyBytes(chunk.buffer, chunk.start, chunk.end)
      chunk.start = 0
      chunk.end = bytes
      chunk.filled = bytes
      chunk.isOpen = bytes <= SHORT_BYTES
      chunk.taken = undefined
    }
    return taken
  }

  /** So many bytes at the start of `chunk` were taken. Returns what need not be held any more. */
  taken(bytes: number): Taken | undefined {
    const chunk = this.#chunks[this.#first]
    if (!chunk) return undefined
    chunk.start += bytes
    if (chunk.start < chunk.end) return undefined
    if (chunk.gaps && chunk.told < chunk.gaps.length) {
      chunk.gap = chunk.gaps[chunk.told + 1] ?? 0
      chunk.told += 2
      chunk.end = chunk.gaps[chunk.told] ?? chunk.filled
      return undefined
    }
    this.#forgetFirst()
    return chunk.taken
  }

  /** Nobody takes them any more. Returns what they have held. */
  clear(): Taken[] {
    const held = this.#chunks.slice(this.#first).flatMap(({ taken }) => taken ?? [])
    this.#chunks.length = 0
    this.#first = 0
    return held
  }

  #forgetFirst(): void {
    this.#first++
    if (this.#first < this.#chunks.length && this.#first < 64) return
    this.#chunks.splice(0, this.#first)
    this.#first = 0
  }
}

/** Adds short items to others. Returns whether it did. */
function append(to: HeldChunk, { buffer, start, end, gap }: HeldChunk): boolean {
  const filled = to.filled + end - start
  if (end - start > SHORT_BYTES || filled > MOST_BYTES) return false
  if (filled > to.buffer.length) {
    const larger = new Uint8Array(Math.min(MOST_BYTES, 2 * filled))
    larger.set(to.buffer.subarray(0, to.filled))
    to.buffer = larger
  }
  to.buffer.set(buffer.subarray(start, end), to.filled)
  if (gap > 0) {
    to.gaps ??= []
    to.gaps.push(to.filled, gap)
  }
  if (!to.gaps || to.told === to.gaps.length) to.end = filled
  to.filled = filled
  return true
}
