/** What happened in a run, as lines for a person and as a digest: two runs are the same when their digests are. */

import { hashBytes } from './hash.ts'

/** What was thrown, whatever it is. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'something that is no text'
  }
}

/** How many of the first lines a failure shows, and how many of the last. */
const FIRST_LINES = 30
const LAST_LINES = 50

export class Story {
  readonly #now: () => number
  readonly #startMs: number
  readonly #first: string[] = []
  readonly #last: string[] = []
  readonly #texts = new Map<string, number>()
  #high = 0x811c9dc5
  #low = 0x1b873593
  /** Lines so far. */
  length = 0

  constructor(now: () => number) {
    this.#now = now
    this.#startMs = now()
  }

  /** Something happened that a person wants to read. */
  tell(line: string): void {
    const ms = Math.round((this.#now() - this.#startMs) * 1_000) / 1_000
    const text = `${ms} ms  ${line}`
    this.length++
    if (this.#first.length < FIRST_LINES) this.#first.push(text)
    else this.#last.push(text)
    if (this.#last.length > LAST_LINES) this.#last.shift()
    for (let index = 0; index < text.length; index++) this.#mix(text.charCodeAt(index))
  }

  /** Bytes came through; only the digest knows them. */
  bytes(where: string, bytes: Uint8Array): void {
    this.#mix(this.#numberOf(where))
    this.#mix(this.#now())
    this.#mix(hashBytes(bytes))
  }

  /** Sixteen hexadecimal digits. */
  get digest(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** The first lines and the last ones, oldest first, and how many are left out between them. */
  get lines(): readonly string[] {
    const left = this.length - this.#first.length - this.#last.length
    return [...this.#first, ...(left > 0 ? [`… ${left} more …`] : []), ...this.#last]
  }

  #numberOf(text: string): number {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    this.#texts.set(text, this.#texts.size)
    return this.#texts.size - 1
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193)
    this.#low = Math.imul((this.#low << 5) ^ (this.#low >>> 27) ^ value, 0x9e3779b1)
  }
}
