/**
 * A stream of items as its consumer sees it (spec/streams.md). Invariants: several `next()` at once are answered in order;
 * after the end, an error or `return()` every `next()` says done. An item that is there costs one settled promise, no more.
 */
import { takenReject, takenResolve, takeSettlers } from './settlers.ts'

/**
 * The items of a call, to be iterated once. Leaving the loop early, by `break`, `return()` or disposal, cancels the call. An
 * error that the call ends with comes after the items that were before it. Works with `Readable.from(stream)` and
 * `ReadableStream.from(stream)`.
 * @example
 * ```ts
 * for await (const { n } of ticks({ count: 3 })) console.log(n)
 * ```
 */
export interface ItemStream<Item> extends AsyncIterableIterator<Item> {
  /** How many items the sender left out because this side took them too slowly; 0 unless the method's `slow` allows it. */
  readonly dropped: number
  /** Wants no more: the call is cancelled, unless it has ended. Resolves at once, whatever the sender does. */
  return(): Promise<IteratorResult<Item>>
  [Symbol.asyncDispose](): Promise<void>
}

/** There is no item just now. */
export const NONE: unique symbol = Symbol('none')
/** There will be no more items. */
export const END: unique symbol = Symbol('end')

/** Where items come from. */
export interface ItemSource {
  /**
   * The next item, `NONE` while there is none, `END` at the end. After `NONE` the source calls `wake`.
   * @throws what the stream failed with, once
   */
  take(): unknown
  /** The consumer wants no more. Called once at most, and not after `END` or an error. */
  stop(): void
  /** Items that were left out. */
  readonly dropped: number
}

/** A `next()` that waits. */
interface Waiter {
  readonly resolve: (result: IteratorResult<unknown>) => void
  readonly reject: (error: unknown) => void
  next: Waiter | undefined
}

/** The consumer's side of a stream. */
export class Items implements ItemStream<unknown> {
  readonly #source: ItemSource
  #isOver = false
  /** The source is being asked. */
  #isTaking = false
  #first: Waiter | undefined
  #last: Waiter | undefined

  constructor(source: ItemSource) {
    this.#source = source
  }

  get dropped(): number {
    return this.#source.dropped
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#isOver) return Promise.resolve(ended())
    if (this.#first || this.#isTaking) return this.#wait()
    let item: unknown
    try {
      item = this.#take()
    } catch (error) {
      this.#endWaiting()
      return Promise.reject(error)
    }
    if (item === NONE) return this.#wait()
    const answer = Promise.resolve(item === END ? ended() : { value: item, done: false })
    if (this.#first) this.wake() // asked meanwhile
    return answer
  }

  /** The source has something new: an item, its end, its failure. */
  wake(): void {
    if (this.#isTaking) return // who takes goes on until there is nothing
    while (this.#first) {
      if (this.#isOver) return this.#endWaiting()
      if (!this.#answer(this.#first)) return
    }
  }

  return(): Promise<IteratorResult<unknown>> {
    this.#stop()
    return Promise.resolve(ended())
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop()
  }

  #wait(): Promise<IteratorResult<unknown>> {
    const promise = new Promise<unknown>(takeSettlers)
    const waiter: Waiter = { resolve: takenResolve, reject: takenReject, next: undefined }
    if (this.#last) this.#last.next = waiter
    else this.#first = waiter
    this.#last = waiter
    return promise as Promise<IteratorResult<unknown>> // a waiter's functions settle it
  }

  /**
   * Asks the source; it may call back, and so may whatever it calls.
   * @throws what the stream failed with, and it is over then
   */
  #take(): unknown {
    this.#isTaking = true
    let item: unknown = END
    try {
      item = this.#source.take()
    } finally {
      this.#isTaking = false
      if (item === END) this.#isOver = true
    }
    return this.#isOver ? END : item
  }

  /** Answers the first that waits. Returns whether there was anything. */
  #answer(waiter: Waiter): boolean {
    let item: unknown
    try {
      item = this.#take()
    } catch (error) {
      waiter.reject(error)
      return true
    }
    if (item === NONE) return false
    if (item === END) return true
    this.#first = waiter.next
    if (!waiter.next) this.#last = undefined
    waiter.resolve({ value: item, done: false })
    return true
  }

  #stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#endWaiting()
    this.#source.stop()
  }

  /** Those that wait still are told that it is over. */
  #endWaiting(): void {
    const first = this.#first
    this.#first = undefined
    this.#last = undefined
    for (let waiter = first; waiter; waiter = waiter.next) waiter.resolve(ended())
  }
}

function ended(): IteratorReturnResult<undefined> {
  return { value: undefined, done: true }
}
