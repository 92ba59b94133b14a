/**
 * What becomes of items that a receiver does not take in time (spec/streams.md, F19 and F20): they wait within a budget, and what
 * is left out is told as a gap before the next item. Invariants: items keep their order, whatever is left out; the newest is
 * never left out, and alone it always has room; the end comes after all that waits, but where the budget is what ends it.
 */
import type { MethodRef, SlowRule } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import type { ItemSink } from './item-pump.ts'
import { bodyOf } from './published.ts'

/** A sink whose items can be made to wait before it. */
export interface HoldingSink extends ItemSink {
  /**
   * What of an item is kept while it waits: its bytes where they will travel, else the item as it has passed its gate.
   * @throws what the producer is ended with
   */
  hold(item: unknown): unknown
  /** How many bytes that takes; 0 where they are not counted. */
  bytesOf(held: unknown): number
  /** As `put`, for what was held. Does not throw. @param gap how many items were left out directly before it */
  putHeld(held: unknown, gap: number): boolean
}

/** An item that waits. */
interface Waiting {
  readonly held: unknown
  readonly bytes: number
  /** How many-th of the stream it is, from 1 on, those that were left out included. */
  readonly number: number
  /** By what the next of its like finds it; `undefined` unless the policy is `latest`. */
  readonly key: unknown
  previous: Waiting | undefined
  next: Waiting | undefined
}

/** Stands between a producer that goes on and a sink that may not take more: any policy but `block`, which needs nothing between. */
export class SlowSink implements ItemSink {
  readonly #inner: HoldingSink
  readonly #rule: SlowRule
  readonly #method: MethodRef
  /** What waits, by key, where an item replaces another one. */
  readonly #byKey: Map<unknown, Waiting> | undefined
  #oldest: Waiting | undefined
  #newest: Waiting | undefined
  #items = 0
  #bytes = 0
  /** Items so far. */
  #count = 0
  /** The number of the last item that the inner sink was given. */
  #given = 0
  /** The inner sink takes another item. Unless it is being given one, nothing waits then. */
  #isOpen = true
  #isGiving = false
  /** The inner sink asked for more while it was given an item. */
  #isAsked = false
  /** Tells the inner sink of the end, when nothing waits any more. */
  #finish: (() => void) | undefined
  #isOver = false

  constructor(inner: HoldingSink, rule: SlowRule, method: MethodRef) {
    this.#inner = inner
    this.#rule = rule
    this.#method = method
    if (rule.policy === 'latest') this.#byKey = new Map()
  }

  /** Takes another item at once, always. */
  put(item: unknown): boolean {
    if (this.#isOver) return true
    const number = ++this.#count
    if (this.#isOpen && !this.#isGiving) this.#give(item, number)
    else this.#wait(item, number)
    return true
  }

  /** The inner sink takes an item again. */
  resume(): void {
    if (this.#isGiving) {
      this.#isAsked = true
      return
    }
    this.#isOpen = true
    this.#giveWaiting()
  }

  end(): void {
    this.#finishBy(() => this.#inner.end())
  }

  fail(error: unknown): void {
    this.#finishBy(() => this.#inner.fail(error))
  }

  /** Nobody wants what waits any more. */
  stop(): void {
    this.#isOver = true
    this.#forgetWaiting()
  }

  #give(item: unknown, number: number): void {
    this.#isGiving = true
    this.#isAsked = false
    try {
      const takesMore = this.#inner.put(item)
      this.#isOpen = takesMore || this.#isAsked
    } finally {
      this.#isGiving = false
    }
    this.#given = number
    this.#giveWaiting() // what was put meanwhile
  }

  #giveWaiting(): void {
    while (this.#isOpen && this.#oldest) {
      const { held, number } = this.#takeOldest(this.#oldest)
      const gap = number - this.#given - 1
      this.#given = number
      this.#isGiving = true
      this.#isAsked = false
      const takesMore = this.#inner.putHeld(held, gap)
      this.#isOpen = takesMore || this.#isAsked
      this.#isGiving = false
    }
    if (!this.#oldest) this.#tellEnd()
  }

  #wait(item: unknown, number: number): void {
    const { maxItems, maxBytes, policy } = this.#rule
    const held = this.#inner.hold(item)
    if (this.#isOver) return // to hold it may have run what a user wrote
    const bytes = this.#inner.bytesOf(held)
    const key = this.#keyOf(item)
    const replaced = this.#byKey?.get(key)
    if (replaced) this.#remove(replaced)
    while (this.#oldest && (this.#items >= maxItems || this.#bytes + bytes > maxBytes)) {
      if (policy === 'disconnect') throw this.#tooSlow()
      this.#takeOldest(this.#oldest)
    }
    this.#add({ held, bytes, number, key, previous: this.#newest, next: undefined })
  }

  /** What was left out for want of room is forgotten at once, whenever the producer ends. */
  #tooSlow(): NanowireError {
    const { maxItems, maxBytes } = this.#rule
    const [name, value] = this.#items >= maxItems ? ['maxItems', maxItems] : ['maxBytes', maxBytes]
    const waits = `${this.#items} items wait for a receiver that is too slow`
    this.#forgetWaiting()
    return new NanowireError(
      'resource_exhausted',
      `${this.#method.name}: ${waits}: slow.${name} is ${value} (option slow)`,
    )
  }

  /** Without a key of the event, any item replaces any other. */
  #keyOf(item: unknown): unknown {
    const key = this.#byKey && this.#method.event?.key
    return key === undefined ? undefined : (bodyOf(item) as Readonly<Record<string, unknown>>)[key] // of a body that fits, an object
  }

  #add(one: Waiting): void {
    if (this.#newest) this.#newest.next = one
    else this.#oldest = one
    this.#newest = one
    this.#items++
    this.#bytes += one.bytes
    this.#byKey?.set(one.key, one)
  }

  #takeOldest(oldest: Waiting): Waiting {
    this.#remove(oldest)
    return oldest
  }

  #remove(one: Waiting): void {
    if (one.previous) one.previous.next = one.next
    else this.#oldest = one.next
    if (one.next) one.next.previous = one.previous
    else this.#newest = one.previous
    this.#items--
    this.#bytes -= one.bytes
    this.#byKey?.delete(one.key)
  }

  #forgetWaiting(): void {
    this.#oldest = undefined
    this.#newest = undefined
    this.#items = 0
    this.#bytes = 0
    this.#byKey?.clear()
  }

  #finishBy(finish: () => void): void {
    if (this.#isOver) return
    this.#finish ??= finish
    if (!this.#oldest && !this.#isGiving) this.#tellEnd()
  }

  #tellEnd(): void {
    if (!this.#finish || this.#isOver) return
    this.#isOver = true
    this.#finish()
  }
}
