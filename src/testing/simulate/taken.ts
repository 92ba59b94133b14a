/**
 * Items as whoever consumes them takes them: each is told when it comes, and so is the end; the consumer may be slow. Invariant:
 * the stream inside is asked for one item at a time, and left once.
 */
import type { ItemStream } from '../../rpc/index.ts'

export interface TakenHooks {
  /** Another item is asked for. */
  asked(): void
  took(item: unknown, dropped: number): void
  ended(): void
  failed(error: unknown): void
  /** The consumer wants no more. */
  left(): void
  /** Of a slow consumer: what it waits for before it asks. */
  before?: (() => Promise<unknown> | undefined) | undefined
}

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true }

export class TakenItems implements ItemStream<unknown> {
  readonly #inner: ItemStream<unknown>
  readonly #hooks: TakenHooks
  #isOver = false

  constructor(inner: ItemStream<unknown>, hooks: TakenHooks) {
    this.#inner = inner
    this.#hooks = hooks
  }

  get dropped(): number {
    return this.#inner.dropped
  }

  /** Of a subscription. */
  get ready(): unknown {
    return (this.#inner as { readonly ready?: unknown }).ready // a stream has none
  }

  async next(): Promise<IteratorResult<unknown>> {
    const slow = this.#isOver ? undefined : this.#hooks.before?.()
    if (slow) await slow
    if (this.#isOver) return DONE
    this.#hooks.asked()
    try {
      return this.#told(await this.#inner.next())
    } catch (error) {
      this.#isOver = true
      this.#hooks.failed(error)
      throw error
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (this.#isOver) return DONE
    this.#isOver = true
    this.#hooks.left()
    return this.#inner.return()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #told(result: IteratorResult<unknown>): IteratorResult<unknown> {
    if (this.#isOver) return DONE
    if (!result.done) this.#hooks.took(result.value, this.#inner.dropped)
    else {
      this.#isOver = true
      this.#hooks.ended()
    }
    return result
  }
}

/** Watches what a handler takes, where it is: a handler may be asked to take no other. */
export function watchTaken(items: ItemStream<unknown>, hooks: TakenHooks): void {
  const watched = new TakenItems({ ...bound(items), [Symbol.asyncIterator]: notAsked }, hooks)
  items.next = () => watched.next()
  items.return = () => watched.return()
}

function notAsked(): never {
  throw new Error('only next and return are asked')
}

/** What it does by itself. */
function bound(items: ItemStream<unknown>): Omit<ItemStream<unknown>, typeof Symbol.asyncIterator> {
  return {
    next: items.next.bind(items),
    return: items.return.bind(items),
    [Symbol.asyncDispose]: items[Symbol.asyncDispose].bind(items),
    get dropped() {
      return items.dropped
    },
  }
}
