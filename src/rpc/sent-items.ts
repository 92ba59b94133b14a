/** Items that leave over a connection: each is encoded where it leaves, or waits as bytes of its own (spec/streams.md). */
import type { MethodRef } from '../contract/index.ts'
import type { Limits } from '../limits.ts'
import type { ItemToSend, Outflow } from '../session/index.ts'
import { type Body, encodeBody, encodeInto } from '../wire/index.ts'
import { ownBytes, Published } from './published.ts'
import type { OutputSink } from './run-output.ts'

export class SentItems implements OutputSink, ItemToSend {
  readonly #method: MethodRef
  readonly #side: 'request' | 'reply'
  readonly #limits: Limits
  readonly #outflow: Outflow
  /** While it is put. */
  #item: unknown
  /** The bytes of one that has them already. */
  #bytes: Uint8Array | undefined

  /** @param side whose items they are: the client's, or the server's */
  constructor(method: MethodRef, side: 'request' | 'reply', limits: Limits, outflow: Outflow) {
    this.#method = method
    this.#side = side
    this.#limits = limits
    this.#outflow = outflow
  }

  put(item: unknown): boolean {
    if (item instanceof Published) return this.#putBytes(item.encoded(this.#limits), 0)
    this.#item = item
    try {
      return this.#outflow.put(this)
    } finally {
      this.#item = undefined
    }
  }

  hold(item: unknown): Uint8Array {
    const bytes = item instanceof Published ? item.encoded(this.#limits) : ownBytes(this.#method, item, this.#limits)
    this.#outflow.requireLength(bytes.length)
    return bytes
  }

  bytesOf(held: unknown): number {
    return (held as Uint8Array).length // it is what hold returned
  }

  putHeld(held: unknown, gap: number): boolean {
    return this.#putBytes(held as Uint8Array, gap) // likewise
  }

  stands(): void {
    this.#outflow.putNone()
  }

  /** A client's last item was put. */
  end(): void {
    this.#outflow.end()
  }

  fail(): void {}

  encodeInto(buffer: Uint8Array, at: number): number {
    const bytes = this.#bytes
    if (!bytes) return encodeInto(this.#method[this.#side], this.#item, buffer, at, this.#limits)
    if (at + bytes.length > buffer.length) return -1
    buffer.set(bytes, at)
    return at + bytes.length
  }

  toBody(): Body {
    return this.#bytes ?? encodeBody(this.#method[this.#side], this.#item, this.#limits)
  }

  #putBytes(bytes: Uint8Array, gap: number): boolean {
    this.#bytes = bytes
    try {
      return this.#outflow.put(this, gap)
    } finally {
      this.#bytes = undefined
    }
  }
}
