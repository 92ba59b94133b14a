/**
 * Takes items out of what a user gave, any iterable, and puts them into a sink (spec/streams.md). Invariants: asks for an item
 * only when the sink takes one; puts nothing after `stop`, `end` or `fail`; ends by exactly one of `end`, `fail` and `stop`; an
 * endless producer never blocks the event loop. Hot: makes no promise or closure for an item beyond the iterator's own.
 */
import type { Clock } from '../session/index.ts'
import { hearErrors, type ItemIterator, isPromised, iterationOf, refuseSource } from './iteration.ts'

/** Where items go. */
export interface ItemSink {
  /**
   * Takes an item. Returns whether it takes another one at once; else it calls `resume` when it does.
   * @throws what the producer is ended with: its `return()` is called, and then `fail` with this error
   */
  put(item: unknown): boolean
  /** There are no more items. */
  end(): void
  fail(error: unknown): void
}

/** The sink is asked to wait for the next turn after so many items. */
const MAX_ITEMS_A_TURN = 256

/** Nothing has begun. */
const IDLE = 0
/** The iterator or the sink runs. */
const BUSY = 1
/** An item was asked for, and comes by a promise. */
const ASKING = 2
/** The sink takes no more just now. */
const FULL = 3
/** It goes on in the next turn. */
const PAUSED = 4
/** Nothing is put any more; the producer has not ended yet. */
const ENDING = 5
const ENDED = 6

type State = typeof IDLE | typeof BUSY | typeof ASKING | typeof FULL | typeof PAUSED | typeof ENDING | typeof ENDED

/** Calls back once, whatever `then` a promise has of its own. */
const { then } = Promise.prototype

export class ItemPump {
  readonly #source: unknown
  readonly #sink: ItemSink
  readonly #clock: Clock
  readonly #onResult = (result: unknown): void => this.#answered(result)
  readonly #onError = (error: unknown): void => this.#nextThrew(error)
  #iterator: ItemIterator | undefined
  #isAsync = false
  #state: State = IDLE
  /** The iterator's `next` is on the stack. */
  #isWithin = false
  /** The iterator's promise of an item has not settled. */
  #isPending = false
  /** The iterator was told to return, and its promise has not settled. */
  #isClosing = false
  /** The sink asked for more while it was given an item. */
  #isAsked = false
  #isStopped = false
  /** How many more items there may be in this turn. */
  #left = MAX_ITEMS_A_TURN
  /** Of a producer that is ended: what is called then. */
  #whenEnded: ((error: unknown) => void) | undefined
  /** What a producer has thrown since it was told to end. */
  #lateError: unknown

  constructor(source: unknown, sink: ItemSink, clock: Clock) {
    hearErrors(source)
    this.#source = source
    this.#sink = sink
    this.#clock = clock
  }

  /** Asks for the first item. The sink may have been given items, or the end, when this returns. */
  start(): void {
    if (this.#state !== IDLE) return
    try {
      this.#open()
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#pull()
  }

  /** The sink takes an item again. */
  resume(): void {
    if (this.#state === FULL) this.#pull()
    else if (this.#state === BUSY) this.#isAsked = true
  }

  /**
   * Ends the producer: its `return()` is called once, and nothing is put any more. Only the first call counts.
   * @param done called when the producer has really ended, perhaps before this returns, with what it has thrown since
   */
  stop(done?: (error: unknown) => void): void {
    if (this.#isStopped) return
    this.#isStopped = true
    if (this.#state === ENDED) {
      done?.(undefined)
      return
    }
    this.#whenEnded = done
    if (this.#state === IDLE) this.#openToClose()
    if (this.#state === ENDING) return
    this.#state = ENDING
    if (!this.#isWithin) this.#close() // a generator that runs cannot be told to return
  }

  /** @throws what the source's own functions throw, or what says that it is no iterable */
  #open(): void {
    const source = this.#source
    const { isAsync, iterate } = iterationOf(source) ?? refuseSource('a stream', source)
    this.#isAsync = isAsync
    this.#iterator = iterate.call(source) as ItemIterator // of one that is none the first `next` throws
  }

  /** What was never begun is told as well: a stream that belongs to another call has to end it, a file must be closed. */
  #openToClose(): void {
    try {
      this.#open()
      const { destroy } = this.#source as { readonly destroy?: unknown } // a stream of Node's, whose iterator leaves it open
      if (typeof destroy === 'function') destroy.call(this.#source)
    } catch (error) {
      this.#lateError = error
    }
  }

  #pull(): void {
    if (this.#isAsync) this.#ask()
    else this.#takeAll()
  }

  /** Asks an async iterator. */
  #ask(): void {
    if (this.#left === 0) return this.#pause()
    this.#left--
    this.#state = ASKING
    this.#isWithin = true
    try {
      const promise = Promise.resolve((this.#iterator as ItemIterator).next()) // it was opened
      then.call(promise, this.#onResult, this.#onError)
      this.#isPending = true
    } catch (error) {
      this.#isWithin = false
      this.#nextThrew(error)
      return
    }
    this.#isWithin = false
    if (this.#state !== ASKING) this.#close() // it was stopped
  }

  #answered(result: unknown): void {
    this.#isPending = false
    if (this.#state === ASKING) {
      if (this.#put(result)) this.#ask()
    } else if (!this.#isClosing) this.#ended()
  }

  /** Asks a sync iterator, until there is a reason not to. */
  #takeAll(): void {
    const iterator = this.#iterator as ItemIterator // it was opened
    let result: unknown
    do {
      if (this.#left === 0) return this.#pause()
      this.#left--
      this.#state = BUSY
      this.#isWithin = true
      try {
        result = iterator.next()
      } catch (error) {
        this.#isWithin = false
        this.#nextThrew(error)
        return
      }
      this.#isWithin = false
      if (this.#state !== BUSY) return this.#close() // it was stopped
    } while (this.#put(result))
  }

  /** Hands on what the iterator gave. Returns whether to ask it at once. */
  #put(result: unknown): boolean {
    this.#state = BUSY
    let isDone: unknown
    let item: unknown
    try {
      if (typeof result !== 'object' || result === null)
        throw new TypeError(`an iterator gave ${typeof result}, no result`)
      const given = result as IteratorResult<unknown> // whatever it has
      isDone = given.done
      if (!isDone) item = given.value
      if (!this.#isAsync && isPromised(item)) return this.#await(item)
    } catch (error) {
      this.#fail(error)
      return false
    }
    if (isDone) {
      this.#state = ENDED
      this.#sink.end()
      return false
    }
    return this.#putItem(item)
  }

  /** A sync iterator has promised an item, which is waited for as `for await` does. */
  #await(item: unknown): false {
    const came = (value: unknown): void => {
      if (this.#state !== ASKING) return // it was stopped, and has ended
      this.#state = BUSY
      if (this.#putItem(value)) this.#pull()
    }
    const failed = (error: unknown): void => {
      if (this.#state === ASKING) this.#refuse(error)
    }
    then.call(Promise.resolve(item), came, failed)
    this.#state = ASKING
    return false
  }

  #putItem(item: unknown): boolean {
    this.#isAsked = false
    let takesMore: boolean
    try {
      takesMore = this.#sink.put(item)
    } catch (error) {
      if (this.#state === BUSY) this.#refuse(error)
      return false
    }
    if (this.#state !== BUSY) return false // it was stopped
    if (takesMore || this.#isAsked) return true
    this.#state = FULL
    return false
  }

  #pause(): void {
    this.#state = PAUSED
    this.#clock.turn(() => {
      this.#left = MAX_ITEMS_A_TURN
      if (this.#state === PAUSED) this.#pull()
    })
  }

  #fail(error: unknown): void {
    this.#state = ENDED
    this.#sink.fail(error)
  }

  /** The sink has refused an item. */
  #refuse(error: unknown): void {
    this.#state = ENDING
    this.#whenEnded = () => this.#sink.fail(error)
    this.#close()
  }

  /** The iterator has ended by an error. */
  #nextThrew(error: unknown): void {
    this.#isPending = false
    if (this.#state === ENDED) return // it has returned meanwhile
    if (this.#state !== ENDING) return this.#fail(error)
    this.#lateError ??= error
    if (!this.#isClosing) this.#ended()
  }

  /** Tells the iterator to return. Of one that cannot, the end is that of its last `next`. */
  #close(): void {
    const iterator = this.#iterator
    try {
      if (typeof iterator?.return === 'function') {
        const closing = iterator.return()
        if (this.#isAsync) {
          this.#isClosing = true
          then.call(
            Promise.resolve(closing),
            () => this.#ended(),
            (error: unknown) => this.#closeFailed(error),
          )
          return
        }
      } else if (this.#isPending) return
    } catch (error) {
      this.#lateError ??= error
    }
    this.#ended()
  }

  #closeFailed(error: unknown): void {
    this.#lateError ??= error
    this.#ended()
  }

  #ended(): void {
    this.#state = ENDED
    this.#iterator = undefined
    this.#whenEnded?.(this.#lateError)
  }
}
