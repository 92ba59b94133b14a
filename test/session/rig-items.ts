/**
 * The model of a stream's one direction (spec/streams.md): what was put must be taken in its order, without a gap, each item as it
 * was, and the end comes behind the last. Knows nothing of credit or frames.
 */
import type { Inflow, InflowListener, ItemToSend, Outflow } from '../../src/session/index.ts'

const HEAD_BYTES = 12

/** One direction of one call, as both of its ends see it. */
export class ItemsOf {
  readonly #number: number
  /** Items that were put. */
  put = 0
  taken = 0
  /** No more are put. */
  isEnded = false
  /** Its rest did not come in time: what is left of it is thrown away. */
  isGivenUp = false

  constructor(number: number) {
    this.#number = number
  }

  /** The next item: its length, whose it is, which one, and bytes that say so again. */
  next(bytes: number): Uint8Array {
    const item = new Uint8Array(HEAD_BYTES + bytes).fill(this.#fill(this.put))
    const view = new DataView(item.buffer)
    view.setUint32(0, item.length)
    view.setUint32(4, this.#number)
    view.setUint32(8, this.put++)
    return item
  }

  /** Takes the first of the items that lie in a buffer. Returns how many bytes it has. */
  take(buffer: Uint8Array, start: number, end: number): number {
    const view = new DataView(buffer.buffer, buffer.byteOffset + start, end - start)
    const bytes = view.getUint32(0)
    const [number, index] = [view.getUint32(4), view.getUint32(8)]
    const rest = buffer.subarray(start + HEAD_BYTES, start + bytes)
    if (
      number !== this.#number ||
      index !== this.taken ||
      bytes > end - start ||
      !rest.every((b) => b === this.#fill(index))
    )
      throw new Error(
        `call ${this.#number} took item ${index} of ${number}, of ${bytes} bytes, instead of ${this.taken}`,
      )
    if (this.taken++ >= this.put) throw new Error(`call ${this.#number} took an item that nobody put`)
    return bytes
  }

  /** All that was put has been taken, and there will be no more. */
  requireWhole(): void {
    if (!this.isGivenUp && (!this.isEnded || this.taken !== this.put))
      throw new Error(`call ${this.#number} ended with ${this.taken} of ${this.put} items, ended ${this.isEnded}`)
  }

  #fill(index: number): number {
    return (this.#number * 7 + index) % 251
  }
}

/** Takes items when it is told to, or as they come. */
export class Taker implements InflowListener {
  isEager = false
  readonly #inflow: Inflow
  readonly #items: ItemsOf

  constructor(inflow: Inflow, items: ItemsOf) {
    this.#inflow = inflow
    this.#items = items
    inflow.listen(this)
  }

  take(most = Number.POSITIVE_INFINITY): void {
    for (let count = 0; count < most; count++) {
      const chunk = this.#inflow.chunk
      if (!chunk) return
      if (this.#inflow.takeGap() > 0) throw new Error('items were left out')
      this.#inflow.taken(this.#items.take(chunk.buffer, chunk.start, chunk.end))
    }
  }

  itemsCame(): void {
    if (this.isEager) this.take()
  }

  /** The client's END: all of its items are there. */
  ended(): void {
    this.take()
    this.#items.requireWhole()
  }

  tooLong(): void {
    throw new Error('no item is too long')
  }

  stalled(): void {
    this.#items.isGivenUp = true // the rig knows whether that was right
  }
}

/** Puts items as long as it may. */
export class Putter {
  readonly #outflow: Outflow
  readonly #items: ItemsOf
  #mayPut = true

  constructor(outflow: Outflow, items: ItemsOf) {
    this.#outflow = outflow
    this.#items = items
    outflow.onReady = () => {
      this.#mayPut = true
    }
  }

  put(bytes: number, count: number): void {
    for (let done = 0; done < count && this.#mayPut && !this.#outflow.isOver && !this.#items.isEnded; done++)
      this.#mayPut = this.#outflow.put(new BytesToSend(this.#items.next(bytes)))
  }

  end(): void {
    if (this.#outflow.isOver || this.#items.isEnded) return
    this.#items.isEnded = true
    this.#outflow.end()
  }
}

class BytesToSend implements ItemToSend {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  encodeInto(buffer: Uint8Array, at: number): number {
    const end = at + this.#bytes.length
    if (end > buffer.length) return -1
    buffer.set(this.#bytes, at)
    return end
  }

  toBody(): Uint8Array {
    return this.#bytes
  }
}
