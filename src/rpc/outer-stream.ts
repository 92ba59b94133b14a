/**
 * A stream around another one, which may not be there yet: of a client with middleware, or of one that is bound to a call.
 * Invariant: it asks the inner one for an item only when it is asked for one itself, so nothing is further ahead because of it.
 */
import type { MethodRef } from '../contract/index.ts'
import { misuse } from '../errors.ts'
import { whenReady } from './events.ts'
import { END, type ItemSource, Items, NONE } from './item-stream.ts'
import { type ItemIterator, isPromised, iterationOf } from './iteration.ts'
import { EventItems } from './subscription.ts'

export interface OuterStream {
  readonly items: Items
  /** It fails, and the inner one is left, unless it has ended. */
  cut(error: unknown): void
}

export interface OuterOptions {
  readonly method: MethodRef
  /** What the consumer gets of an error. */
  failed(error: unknown): unknown
  /** The inner one has ended, failed or was left. Called once. */
  ended?: (() => void) | undefined
}

/** @param inner any iterable, or a promise of one */
export function outerStream(inner: unknown, options: OuterOptions): OuterStream {
  const source = new OuterSource(options)
  const items = options.method.event ? new EventItems(source) : new Items(source)
  source.serve(items)
  if (inner instanceof Promise) {
    inner.then(
      (value) => source.open(value),
      (error: unknown) => source.fail(error),
    )
  } else source.open(inner)
  return { items, cut: (error) => source.cut(error) }
}

/** Calls back once, whatever `then` a promise has of its own. */
const { then } = Promise.prototype

class OuterSource implements ItemSource {
  readonly #options: OuterOptions
  readonly #onResult = (result: unknown): void => this.#answered(result)
  readonly #onError = (error: unknown): void => this.fail(error)
  #items: Items | undefined
  #inner: unknown
  #iterator: ItemIterator | undefined
  #isAsync = false
  #isAsking = false
  #isOver = false
  #item: unknown = NONE
  #failure: { readonly error: unknown } | undefined

  constructor(options: OuterOptions) {
    this.#options = options
  }

  /** Whom to wake. */
  serve(items: Items): void {
    this.#items = items
  }

  get dropped(): number {
    const { dropped } = Object(this.#inner) as { readonly dropped?: unknown } // a stream has it
    return typeof dropped === 'number' ? dropped : 0
  }

  open(inner: unknown): void {
    try {
      const iteration = iterationOf(inner)
      if (!iteration)
        throw misuse(`${this.#options.method.name} answers with items, and middleware gave a ${typeof inner} for them`)
      this.#inner = inner
      this.#isAsync = iteration.isAsync
      this.#iterator = iteration.iterate.call(inner) as ItemIterator // of one that is none the first `next` throws
    } catch (error) {
      this.fail(error)
      return
    }
    if (this.#isOver) this.#leave()
    else this.#opened(inner)
  }

  fail(error: unknown): void {
    this.#isAsking = false
    if (this.#isOver) return
    const failure = this.#options.failed(error)
    this.#failure = { error: failure }
    this.#end()
    if (this.#items instanceof EventItems) this.#items.doesNotStand(failure)
    this.#items?.wake()
  }

  cut(error: unknown): void {
    if (this.#isOver) return
    this.fail(error)
    this.#leave()
  }

  take(): unknown {
    if (this.#item === NONE && !this.#isOver && !this.#isAsking && this.#iterator) this.#ask(this.#iterator)
    const item = this.#item
    if (item !== NONE) {
      this.#item = NONE
      return item
    }
    if (this.#failure) throw this.#failure.error
    return this.#isOver ? END : NONE
  }

  stop(): void {
    if (this.#isOver) return
    this.#end()
    this.#leave()
  }

  #opened(inner: unknown): void {
    const items = this.#items
    if (items instanceof EventItems) whenReady(inner, () => items.stands())
    items?.wake()
  }

  #ask(iterator: ItemIterator): void {
    try {
      const result = iterator.next()
      if (!this.#isAsync) return this.#keepNow(result)
      this.#isAsking = true
      then.call(Promise.resolve(result), this.#onResult, this.#onError)
    } catch (error) {
      this.fail(error)
    }
  }

  #answered(result: unknown): void {
    this.#isAsking = false
    if (this.#isOver) return
    try {
      this.#keep(result)
    } catch (error) {
      this.fail(error)
      return
    }
    this.#items?.wake()
  }

  /** Of a sync iterator, which may promise an item; that is waited for as `for await` does. */
  #keepNow(result: unknown): void {
    const { done, value } = result as IteratorResult<unknown> // likewise
    if (done || !isPromised(value)) return this.#keep(result)
    this.#isAsking = true
    const came = (item: unknown): void => this.#answered({ done: false, value: item })
    then.call(Promise.resolve(value), came, (error: unknown) => this.cut(error))
  }

  #keep(result: unknown): void {
    const { done, value } = result as IteratorResult<unknown> // of what is none the consumer is told
    if (done) this.#end()
    else this.#item = value
  }

  #end(): void {
    this.#isOver = true
    this.#options.ended?.()
  }

  /** Nobody waits for it to have ended, or for what it says then. */
  #leave(): void {
    const iterator = this.#iterator
    this.#iterator = undefined
    try {
      const closing = iterator?.return?.()
      if (this.#isAsync) Promise.resolve(closing).catch(() => {})
    } catch {}
  }
}
