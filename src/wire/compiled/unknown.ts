/** What a compatible but other schema says besides: it is skipped, as strictly as everything else is read. */
import { closeMaps } from '../keys.ts'
import { StrictError, walkValue } from '../strict.ts'
import { cursor, takeText, UNDECIDED } from './take.ts'

/** Deeper ones go by the reference path. */
export const MAX_UNKNOWN_DEPTH = 8

const limits = { maxDepth: MAX_UNKNOWN_DEPTH, maxNodes: Number.POSITIVE_INFINITY } // its bytes bound them

/** Where the value at `at` ends, -1 for what is not strict MessagePack, or too deep. */
export function skipUnknown(buffer: Uint8Array, at: number, end: number): number {
  if (at > end) return -1
  try {
    return walkValue(buffer, at, end, limits)
  } catch (error) {
    if (error instanceof StrictError) return -1
    throw error
  } finally {
    closeMaps()
  }
}

/** More of them in one map go by the reference path, whose way to find the same name twice is made for many. */
const MAX_UNKNOWN_NAMES = 16

/** The undeclared names of one map. */
export class UnknownNames {
  readonly #declared: ReadonlySet<string>
  readonly #seen: string[] = []

  constructor(declared: ReadonlySet<string>) {
    this.#declared = declared
  }

  /** Where the key at `at` ends, -1 for one that no map may have, that it has already, or that is declared. */
  skipKey(buffer: Uint8Array, at: number, end: number): number {
    const name = takeText(buffer, at, end)
    if (name === UNDECIDED || name === '__proto__' || this.#declared.has(name)) return -1
    if (this.#seen.length === MAX_UNKNOWN_NAMES || this.#seen.includes(name)) return -1
    this.#seen.push(name)
    return cursor.at
  }
}
