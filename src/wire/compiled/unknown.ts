/** What a compatible but other schema says besides: it is skipped, as strictly as everything else is read. */
import { closeMaps, isForbiddenKey } from '../keys.ts'
import { byteAt, decodeText, findIllFormedText } from '../octets.ts'
import { StrictError, walkValue } from '../strict.ts'

/** Deeper ones go by the reference path. */
export const MAX_UNKNOWN_DEPTH = 8

const limits = { maxDepth: MAX_UNKNOWN_DEPTH, maxNodes: Number.POSITIVE_INFINITY } // its bytes bound them

/** Bytes of a number after its first one, from ca on: floats, unsigned, signed. */
const numberBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]

/** Where the value at `at` ends, -1 for what is not strict MessagePack, or too deep. */
export function skipUnknown(buffer: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1
  const token = byteAt(buffer, at)
  if (token < 0x80 || token >= 0xe0 || token === 0xc0 || (token | 1) === 0xc3) return at + 1
  if ((token & 0xe0) === 0xa0) return skipText(buffer, at + 1, at + 1 + (token & 0x1f), end)
  const after = at + 1 + (numberBytes[token - 0xca] ?? 0)
  if (after > at + 1) return after <= end ? after : -1
  try {
    return walkValue(buffer, at, end, limits)
  } catch (error) {
    if (error instanceof StrictError) return -1
    throw error
  } finally {
    closeMaps()
  }
}

function skipText(buffer: Uint8Array, from: number, to: number, end: number): number {
  return to <= end && findIllFormedText(buffer, from, to) < 0 ? to : -1
}

/** So many in one map are compared byte by byte, and allocate nothing. */
const FEW_NAMES = 16

/** The undeclared names of one map. */
export class UnknownNames {
  /** Where the first ones stand. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  /** All of them, where they are many. */
  #names: Set<string> | undefined

  /**
   * Where the key at `at` ends, which is none of the declared ones in their shortest form; -1 for one that no map may have,
   * that this one has already, or in another form, which may be a declared one.
   */
  skipKey(buffer: Uint8Array, at: number, end: number): number {
    const token = byteAt(buffer, at)
    const isShort = (token & 0xe0) === 0xa0
    const length = isShort ? token & 0x1f : token === 0xd9 ? byteAt(buffer, at + 1) : 0
    const start = isShort ? at + 1 : at + 2
    if (!isShort && !(length >= 0x20)) return -1
    const to = skipText(buffer, start, start + length, end)
    if (to < 0 || isForbiddenKey(buffer, start, length)) return -1
    return this.#add(buffer, start, to) ? to : -1
  }

  /** Whether it is new. */
  #add(buffer: Uint8Array, from: number, to: number): boolean {
    if (!this.#names && this.#starts.length < FEW_NAMES) {
      if (this.#has(buffer, from, to)) return false
      this.#starts.push(from)
      this.#ends.push(to)
      return true
    }
    this.#names ??= new Set(this.#starts.map((start, index) => decodeText(buffer, start, this.#ends[index] as number))) // as many
    const before = this.#names.size
    return this.#names.add(decodeText(buffer, from, to)).size > before
  }

  #has(buffer: Uint8Array, from: number, to: number): boolean {
    return this.#starts.some((start, index) => {
      if (this.#ends[index] !== start + to - from) return false
      for (let offset = 0; offset < to - from; offset++) {
        if (byteAt(buffer, start + offset) !== byteAt(buffer, from + offset)) return false
      }
      return true
    })
  }
}
