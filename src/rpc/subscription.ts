/**
 * What a subscriber of an event has (spec/events.md): the published bodies as a stream, and what it can tell of itself - when it
 * stands, how many-th a body is, and how many were left out.
 */
import { NanowireError } from '../errors.ts'
import { END, type ItemSource, type ItemStream, Items, NONE } from './item-stream.ts'
import { takenReject, takenResolve, takeSettlers } from './settlers.ts'

/**
 * What is published from now on, as its subscriber sees it: at most once, in the publisher's order (spec/events.md). It is
 * iterated once, and has no end of its own: leave the loop, or abort its signal.
 * @example
 * ```ts
 * const placed = orders.placed({ orderId: '7' })
 * await placed.ready
 * for await (const { cents } of placed) console.log(placed.sequence, cents, placed.dropped)
 * ```
 */
export interface Subscription<Body> extends ItemStream<Body> {
  /**
   * Resolves when the subscription stands: what is published from then on arrives, or is counted by `dropped`.
   * @throws NanowireError what the subscription ended with before it stood; `cancelled` where it was left before
   */
  readonly ready: Promise<void>
  /** The number of the body that was taken last, from 1 on, those that were left out included; 0 before the first. */
  readonly sequence: number
}

/** Counts what is taken. */
class CountingSource implements ItemSource {
  readonly #inner: ItemSource
  readonly #took: () => void
  count = 0

  constructor(inner: ItemSource, took: () => void) {
    this.#inner = inner
    this.#took = took
  }

  get dropped(): number {
    return this.#inner.dropped
  }

  take(): unknown {
    const item = this.#inner.take()
    if (item === NONE) return item
    if (item !== END) this.count++
    this.#took()
    return item
  }

  stop(): void {
    this.#inner.stop()
  }
}

/** The consumer's side of a subscription. Who carries the call says when it stands, or why it never did. */
export class EventItems extends Items implements Subscription<unknown> {
  readonly #counted: CountingSource
  /** Made when somebody asks. */
  #ready: Promise<void> | undefined
  #resolve: ((value: unknown) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  #isReady = false
  #failure: unknown

  constructor(source: ItemSource) {
    const counted = new CountingSource(source, () => this.stands())
    super(counted)
    this.#counted = counted
  }

  get ready(): Promise<void> {
    this.#ready ??= this.#makeReady()
    return this.#ready
  }

  get sequence(): number {
    return this.#counted.count + this.dropped
  }

  /** The subscription stands. */
  stands(): void {
    if (this.#isReady || this.#failure) return
    this.#isReady = true
    this.#resolve?.(undefined)
  }

  /** The call has failed; nothing comes of it where the subscription stood before. */
  doesNotStand(error: unknown): void {
    if (this.#failure) return
    this.#failure = error
    this.#reject?.(error)
  }

  override return(): Promise<IteratorResult<unknown>> {
    this.#wasLeft()
    return super.return()
  }

  override [Symbol.asyncDispose](): Promise<void> {
    this.#wasLeft()
    return super[Symbol.asyncDispose]()
  }

  #wasLeft(): void {
    if (this.#isReady) return
    this.doesNotStand(
      new NanowireError('cancelled', 'the subscription was left before it stood', { processed: 'maybe' }),
    )
  }

  #makeReady(): Promise<void> {
    if (this.#isReady) return Promise.resolve()
    const promise = new Promise<unknown>(takeSettlers) as Promise<void> // resolved with nothing
    this.#resolve = takenResolve
    this.#reject = takenReject
    if (this.#failure) this.#reject(this.#failure)
    promise.catch(() => {}) // who does not wait for it need not handle it
    return promise
  }
}
