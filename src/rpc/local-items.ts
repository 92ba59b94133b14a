/**
 * Both ends of a stream within this process (spec/places.md): a sink for its producer, a source for its consumer. Invariants:
 * its producer is one item ahead at most; the end and an error come after the item that waits.
 */
import { EndingItems } from './ending-items.ts'
import { NONE } from './item-stream.ts'
import type { HoldingSink } from './slow.ts'

export class LocalItems extends EndingItems implements HoldingSink {
  /** Another item can be put. */
  taken = (): void => {}
  /** The consumer wants no more. */
  left = (): void => {}
  readonly #passed: (item: unknown) => unknown
  #item: unknown = NONE
  /** How many items were left out directly before it. */
  #gap = 0

  /** @param passed what the consumer gets of an item; throws for one that does not fit */
  constructor(passed: (item: unknown) => unknown) {
    super()
    this.#passed = passed
  }

  get isWaiting(): boolean {
    return this.#item !== NONE
  }

  put(item: unknown): boolean {
    return this.putHeld(this.#passed(item), 0)
  }

  hold(item: unknown): unknown {
    return this.#passed(item)
  }

  bytesOf(): number {
    return 0
  }

  putHeld(held: unknown, gap: number): boolean {
    this.#item = held
    this.#gap = gap
    this.wake()
    return this.#item === NONE
  }

  /** The item that waits is taken by nobody. */
  discard(): void {
    this.#item = NONE
  }

  take(): unknown {
    const item = this.#item
    if (item === NONE) return this.takeEnd()
    this.#item = NONE
    this.dropped += this.#gap
    this.taken()
    return item
  }

  stop(): void {
    this.discard()
    this.left()
  }
}
