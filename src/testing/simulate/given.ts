/**
 * Items as whoever produces them gives them: each is told before it goes on, and so is the end (spec/testing.md). Invariant: what
 * is wrapped is asked, told to return and waited for as it would be without.
 */

/** What is told of a producer, and what may go wrong with it. */
export interface GivenHooks {
  /** It is iterated from now on. */
  begun(): void
  gave(item: unknown): void
  /** It was told to return, and may take a while. */
  told?(): void
  /** Called once. @param error what it threw */
  ended(how: 'done' | 'threw' | 'returned', error?: unknown): void
  /**
   * Before each item: a promise that it waits for, which may reject with what the producer is to throw; what it resolves to, if
   * anything, is given in place of the item.
   */
  before?: ((index: number) => Promise<unknown> | undefined) | undefined
}

/** Anything that is iterated. */
interface InnerIterator {
  next(): unknown
  return?(): unknown
}
type Iterate = (this: unknown) => InnerIterator
type Source = { readonly [Key in symbol]?: Iterate }

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true }

/** How something is iterated, if it is. */
function iterateOf(source: unknown): { readonly isAsync: boolean; readonly iterate: Iterate } | undefined {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) return undefined
  const given = source as Source // any object may be asked
  const async = given[Symbol.asyncIterator]
  const iterate = async ?? given[Symbol.iterator]
  return typeof iterate === 'function' ? { isAsync: async !== undefined, iterate } : undefined
}

export function isIterable(source: unknown): boolean {
  return iterateOf(source) !== undefined
}

/** The same items, watched. What cannot be iterated is returned as it is. */
export function watchGiven(source: unknown, hooks: GivenHooks): unknown {
  const iteration = iterateOf(source)
  if (!iteration) return source
  const { isAsync, iterate } = iteration
  const open = (): InnerIterator => {
    hooks.begun()
    try {
      return iterate.call(source)
    } catch (error) {
      hooks.ended('threw', error)
      throw error
    }
  }
  return isAsync || hooks.before
    ? { [Symbol.asyncIterator]: () => new WatchedAsync(open(), hooks) }
    : { [Symbol.iterator]: () => new WatchedSync(open(), hooks) }
}

/** An event's feed has its items put into a sink, without an iterator; a producer that was put around it does the same. */
export interface Feed {
  pumpInto(sink: FeedSink): FeedProducer
}
interface FeedSink {
  put(item: unknown): boolean
  end(): void
  fail(error: unknown): void
}
interface FeedProducer {
  start(): void
  resume(): void
  stop(done?: (error: unknown) => void): void
}

export function isFeed(value: unknown): value is Feed {
  return typeof value === 'object' && value !== null && 'pumpInto' in value && typeof value.pumpInto === 'function'
}

/** Watches a feed where it is: it stays what it was for whoever knows feeds. */
export function watchFeed(feed: Feed, hooks: GivenHooks): Feed {
  const pumpInto = feed.pumpInto.bind(feed)
  feed.pumpInto = (sink) => {
    const producer = pumpInto({
      put(item) {
        hooks.gave((item as { readonly body: unknown }).body) // what was published
        return sink.put(item)
      },
      end: () => sink.end(),
      fail(error) {
        hooks.ended('returned', error)
        sink.fail(error)
      },
    })
    return {
      start() {
        producer.start()
        hooks.begun()
      },
      resume: () => producer.resume(),
      stop(done) {
        hooks.ended('returned')
        producer.stop(done)
      },
    }
  }
  return feed
}

class WatchedSync implements Iterator<unknown> {
  readonly #inner: InnerIterator
  readonly #hooks: GivenHooks

  constructor(inner: InnerIterator, hooks: GivenHooks) {
    this.#inner = inner
    this.#hooks = hooks
  }

  next(): IteratorResult<unknown> {
    try {
      const result = this.#inner.next() as IteratorResult<unknown> // of a sync iterator
      if (result.done) this.#hooks.ended('done')
      else this.#hooks.gave(result.value)
      return result
    } catch (error) {
      this.#hooks.ended('threw', error)
      throw error
    }
  }

  return(): IteratorResult<unknown> {
    try {
      this.#inner.return?.()
    } finally {
      this.#hooks.ended('returned')
    }
    return DONE
  }
}

class WatchedAsync implements AsyncIterator<unknown> {
  readonly #inner: InnerIterator
  readonly #hooks: GivenHooks
  #count = 0
  #isLeft = false
  /** What goes wrong before an item, while it does. */
  #fault: Promise<unknown> | undefined

  constructor(inner: InnerIterator, hooks: GivenHooks) {
    this.#inner = inner
    this.#hooks = hooks
  }

  async next(): Promise<IteratorResult<unknown>> {
    try {
      const fault = this.#hooks.before?.(this.#count++)
      const instead = fault && (await this.#waitFor(fault))
      if (this.#isLeft) return DONE
      const result = instead === undefined ? await this.#inner.next() : { value: instead, done: false }
      return this.#told(result as IteratorResult<unknown>) // of whatever iterator
    } catch (error) {
      if (!this.#isLeft) this.#hooks.ended('threw', error)
      throw error
    }
  }

  /** Nothing more is asked for; it has returned when what is inside has. */
  async return(): Promise<IteratorResult<unknown>> {
    this.#isLeft = true
    this.#hooks.told?.()
    await this.#fault?.catch(() => {})
    try {
      await this.#inner.return?.()
    } finally {
      this.#hooks.ended('returned')
    }
    return DONE
  }

  async #waitFor(fault: Promise<unknown>): Promise<unknown> {
    this.#fault = fault
    try {
      return await fault
    } catch (error) {
      await this.#inner.return?.() // it is to end as if it had thrown that itself
      throw error
    } finally {
      this.#fault = undefined
    }
  }

  #told(result: IteratorResult<unknown>): IteratorResult<unknown> {
    if (this.#isLeft) return result
    if (result.done) this.#hooks.ended('done')
    else this.#hooks.gave(result.value)
    return result
  }
}
