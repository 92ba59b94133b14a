/** Chance that an input decides, for the generators of the tests; when its bytes are used up it goes on by what they were. */
import { Chance } from '../test/contract/compat-schemas.ts'

export class ByteChance extends Chance {
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #rest = new Chance(1)

  constructor() {
    super(1)
  }

  /** Begins anew with other bytes. */
  read(bytes: Uint8Array): this {
    this.#bytes = bytes
    this.#at = 0
    this.#rest = new Chance(bytes.reduce((sum, byte) => Math.imul(sum, 31) + byte, 7))
    return this
  }

  override next(): number {
    const byte = this.#bytes[this.#at++]
    return byte === undefined ? this.#rest.next() : byte / 256
  }
}
