/** Chance from a seed: the same numbers for the same seed, and streams that do not disturb each other. */

/** Mulberry32: numbers from 0 up to, not including, 1. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export class Chance {
  /** A number from 0 up to, not including, 1. */
  readonly random: () => number
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed >>> 0
    this.random = mulberry32(this.#seed)
  }

  /** A stream of its own for one purpose, whatever is drawn from this one. */
  fork(purpose: string): Chance {
    let seed = Math.imul(this.#seed ^ 0x9e3779b9, 0x85ebca6b)
    for (let index = 0; index < purpose.length; index++)
      seed = Math.imul(seed ^ purpose.charCodeAt(index), 0x01000193) ^ (seed >>> 15)
    return new Chance(seed)
  }

  happens(share: number): boolean {
    return this.random() < share
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1))
  }

  /** One of them; the list is not empty. */
  pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)] as T // below its length, and the list is not empty
  }
}
