/**
 * Items as whoever consumes them takes them: each is told when it comes, and so is the end; the consumer may be slow. Invariant:
 * the stream inside is asked for one item at a time, and left once.
 */
import type { ItemStream } from '../../rpc/index.ts'
import { never, type VirtualProcess } from './process.ts'

export interface TakenHooks {
  /** Whose consumer it is: nothing comes to one that has died. */
  readonly process: VirtualProcess
  /** Of a subscription: it was told that it stands. */
  stands?(): void
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

/** A stream of the library, or what a user's middleware made of it. */
export type InnerStream = AsyncIterator<unknown> & { readonly dropped?: number; readonly ready?: unknown }

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true }

export class TakenItems implements ItemStream<unknown> {
  readonly #inner: InnerStream
  readonly #hooks: TakenHooks
  #isOver = false

  constructor(inner: InnerStream, hooks: TakenHooks) {
    this.#inner = inner
    this.#hooks = hooks
  }

  get dropped(): number {
    return this.#inner.dropped ?? 0
  }

  /** Of a subscription. */
  get ready(): unknown {
    const { ready } = this.#inner
    const { stands } = this.#hooks
    if (!(ready instanceof Promise)) return ready
    const told: Promise<unknown> = this.#hooks.process.alive(ready)
    if (stands) told.then(stands, () => {})
    return told
  }

  async next(): Promise<IteratorResult<unknown>> {
    const { process } = this.#hooks
    if (!this.#isOver) await this.#hooks.before?.()
    if (process.isDead) return never()
    if (this.#isOver) return DONE
    this.#hooks.asked()
    try {
      return this.#told(await process.alive(this.#inner.next()))
    } catch (error) {
      if (!this.#isOver) this.#hooks.failed(error) // of one that was left nobody asks
      this.#isOver = true
      throw error
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (this.#hooks.process.isDead) return never()
    if (this.#isOver) return DONE
    this.#isOver = true
    this.#hooks.left()
    return (await this.#inner.return?.()) ?? DONE
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #told(result: IteratorResult<unknown>): IteratorResult<unknown> {
    if (this.#isOver) return DONE
    if (!result.done) this.#hooks.took(result.value, this.dropped)
    else {
      this.#isOver = true
      this.#hooks.ended()
    }
    return result
  }
}

/** Watches what a handler takes, where it is: middleware hands on no other. */
export function watchTaken(items: ItemStream<unknown>, hooks: TakenHooks): void {
  const { dropped } = items // none of what a client sends is left out
  const inner: InnerStream = { next: items.next.bind(items), return: items.return.bind(items), dropped }
  const watched = new TakenItems(inner, hooks)
  items.next = () => watched.next()
  items.return = () => watched.return()
}
