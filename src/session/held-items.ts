/**
 * Items that wait at their receiver, as they came (spec/streams.md, F13). Invariant: short ones lie together in one buffer, so that
 * what waits takes about as much memory as it has bytes, into however many frames it was cut.
 */
import type { Assembled } from '../wire/index.ts'

/** Items that lie one behind the other, and none was left out between. */
export interface Chunk {
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
}

/** What an item that came in fragments has taken. */
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
  /** The buffer is its own. */
  isOwn: boolean
  taken: Taken | undefined
}

/** Longer ones are not put together with others. */
const SHORT_BYTES = 4_096
/** Of short ones together. */
const MOST_BYTES = 16_384
/** What it takes to know how many items were left out. */
const GAP_BYTES = 4

/** Buffers for items that wait, used again: most wait for less than a turn. */
const pool: Uint8Array[] = []
const MAX_POOLED = 16

export class HeldItems {
  /** What they have, with what it takes to know of those that were left out. */
  bytes = 0
  readonly #chunks: HeldChunk[] = []
  #first = 0

  /** Those that wait longest; `undefined` where none wait. */
  get chunk(): Chunk | undefined {
    return this.#chunks[this.#first]
  }

  /** How many were left out before the first of them; told once. */
  takeGap(): number {
    const chunk = this.#chunks[this.#first]
    if (!chunk || chunk.gap === 0) return 0
    const { gap } = chunk
    chunk.gap = 0
    this.bytes -= GAP_BYTES
    return gap
  }

  /** Adds items where they lie, for as long as they lie there. */
  add(buffer: Uint8Array, start: number, end: number, gap: number, taken: Taken | undefined): Chunk {
    const chunk = { buffer, start, end, gap, filled: end, gaps: undefined, told: 0, isOwn: false, taken }
    this.#chunks.push(chunk)
    this.bytes += end - start + (gap > 0 ? GAP_BYTES : 0)
    return chunk
  }

  /**
   * Keeps what was added last in memory of its own, if it still waits.
   * @returns what need not be held any more
   */
  keep(added: Chunk): Taken | undefined {
    const chunk = this.#chunks.at(-1)
    if (!chunk || chunk !== added) return undefined
    const { taken } = chunk
    if (taken && chunk.end - chunk.start > SHORT_BYTES) return undefined
    const before = this.#chunks.length - this.#first > 1 ? this.#chunks.at(-2) : undefined
    if (before && append(before, chunk)) this.#chunks.pop()
    else own(chunk)
    return taken
  }

  /** So many bytes at the start of `chunk` were taken. Returns what need not be held any more. */
  taken(bytes: number): Taken | undefined {
    const chunk = this.#chunks[this.#first]
    if (!chunk) return undefined
    chunk.start += bytes
    this.bytes -= bytes
    if (chunk.start < chunk.end || goOn(chunk)) return undefined
    this.#forgetFirst()
    giveBack(chunk)
    return chunk.taken
  }

  /** Nobody takes them any more. Returns what they have held. */
  clear(): Taken[] {
    const held = this.#chunks.slice(this.#first) // what was before has been given back
    for (const chunk of held) giveBack(chunk)
    this.#chunks.length = 0
    this.#first = 0
    this.bytes = 0
    return held.flatMap(({ taken }) => taken ?? [])
  }

  #forgetFirst(): void {
    this.#first++
    if (this.#first < this.#chunks.length && this.#first < 64) return
    this.#chunks.splice(0, this.#first)
    this.#first = 0
  }
}

/** Goes on behind items that were left out. Returns whether there is something. */
function goOn(chunk: HeldChunk): boolean {
  const { gaps, told } = chunk
  const gap = gaps?.[told + 1]
  if (gap === undefined) return false
  chunk.gap = gap
  chunk.told = told + 2
  chunk.end = gaps?.[chunk.told] ?? chunk.filled
  return true
}

/** Copies what was not taken at once out of the frame's buffer. */
function own(chunk: HeldChunk): void {
  const { buffer, start, end } = chunk
  const bytes = end - start
  chunk.buffer = bufferOf(bytes)
  chunk.buffer.set(buffer.subarray(start, end))
  chunk.start = 0
  chunk.end = bytes
  chunk.filled = bytes
  chunk.isOwn = true
  chunk.taken = undefined
}

/** Adds short items to others. Returns whether it did. */
function append(to: HeldChunk, { buffer, start, end, gap }: HeldChunk): boolean {
  const filled = to.filled + end - start
  if (!to.isOwn || end - start > SHORT_BYTES || filled > MOST_BYTES) return false
  if (filled > to.buffer.length) {
    const larger = bufferOf(Math.min(MOST_BYTES, 2 * filled))
    larger.set(to.buffer.subarray(0, to.filled))
    giveBack(to)
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

/** Of the length, or one that is hardly longer and can be given back. */
function bufferOf(bytes: number): Uint8Array {
  if (bytes > MOST_BYTES || bytes < MOST_BYTES / 2) return new Uint8Array(bytes)
  return pool.pop() ?? new Uint8Array(MOST_BYTES)
}

function giveBack({ buffer, isOwn }: HeldChunk): void {
  if (isOwn && buffer.length === MOST_BYTES && pool.length < MAX_POOLED) pool.push(buffer)
}
