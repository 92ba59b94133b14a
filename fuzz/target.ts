/** What a target of the fuzzer is, and the bytes-to-choices that the structured ones read their input by. */

/** Judges inputs: `judge` returns where all is well, and throws where something is not. */
export interface Target {
  /** One line for people. */
  readonly about: string
  /** The longest input that is tried. */
  readonly maxBytes: number
  /** Pieces that inputs are often made of. */
  readonly dictionary: readonly (string | Uint8Array)[]
  /** Inputs to begin with, made of spec/vectors. */
  seeds(): Iterable<Uint8Array>
  /** Runs one input to its end. Synchronous: nothing of it may be left for later. */
  judge(input: Uint8Array): void
}

/** An input that shows a fault of the library: what the oracle says of it. */
export class Fault extends Error {}
Fault.prototype.name = 'Fault'

export function require(holds: boolean, message: string | (() => string)): asserts holds {
  if (!holds) throw new Fault(typeof message === 'string' ? message : message())
}

/**
 * What is refused is refused by a declared error, and for a declared reason: a bug that such an error has as its cause is one all the
 * same.
 * @throws whatever is not declared
 */
export function requireDeclared<Declared extends Error>(
  error: unknown,
  is: new (...args: never) => Declared,
  by: new (...args: never) => Error = is,
): asserts error is Declared {
  if (!(error instanceof is)) throw error
  if (error.cause !== undefined) requireDeclared(error.cause, by)
}

/** An input as a list of choices, each of a byte or more; after its end every choice is 0. */
export class Choices {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  /** From 0 up to, not including, `bound`, which is at most 65,536. */
  below(bound: number): number {
    return (bound <= 256 ? this.byte() : this.byte() * 256 + this.byte()) % bound
  }

  of<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0]
  }

  uint32(): number {
    return ((this.byte() << 24) | (this.byte() << 16) | (this.byte() << 8) | this.byte()) >>> 0
  }

  /** The next so many bytes, or what is left of them. */
  bytes(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length)
  }
}
