/**
 * The items that a handler answers with, from what it returned to the sink of its place (spec/streams.md): through a pump, and,
 * where the method's `slow` says so, a queue. Invariant: it ends by exactly one of `ended`, `failed` and what `stop` was given.
 */
import { type MethodRef, Misfit, type SlowRule } from '../contract/index.ts'
import type { Clock } from '../session/index.ts'
import { EventFeed, type Producer } from './events.ts'
import { ItemPump } from './item-pump.ts'
import { type HoldingSink, SlowSink } from './slow.ts'

/** Where a place has the items of an answer. */
export interface OutputSink extends HoldingSink {
  /** Of an event: the subscription stands. */
  stands(): void
}

export interface RunOutputOptions {
  /** Where items go; its `end` and `fail` are not called. */
  readonly sink: HoldingSink
  readonly method: MethodRef
  readonly slow: SlowRule
  readonly clock: Clock
  /** Every item was put. */
  ended(): void
  /** @param misfit whether it says of an item that it does not fit */
  failed(error: unknown, misfit: boolean): void
}

export class RunOutput implements HoldingSink {
  readonly #options: RunOutputOptions
  readonly #sink: HoldingSink
  readonly #producer: Producer
  readonly #slow: SlowSink | undefined
  /** Of an item that was refused; a producer may throw one of its own. */
  #misfit: unknown

  /** @param value what the handler returned */
  constructor(value: unknown, options: RunOutputOptions) {
    const { sink, method, slow, clock } = options
    this.#options = options
    this.#sink = sink
    const isFeed = value instanceof EventFeed
    if (slow.policy !== 'block' || isFeed) this.#slow = new SlowSink(this, slow, method)
    const outer = this.#slow ?? this
    this.#producer = isFeed ? value.pumpInto(outer) : new ItemPump(value, outer, clock)
  }

  /** It may have ended when this returns. */
  start(): void {
    this.#producer.start()
  }

  /** The sink takes an item again. */
  resume(): void {
    if (this.#slow) this.#slow.resume()
    else this.#producer.resume()
  }

  /** @param done called when the producer has really ended, with what it has thrown since */
  stop(done: (error: unknown) => void): void {
    this.#slow?.stop()
    this.#producer.stop(done)
  }

  put(item: unknown): boolean {
    try {
      return this.#sink.put(item)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  hold(item: unknown): unknown {
    try {
      return this.#sink.hold(item)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  bytesOf(held: unknown): number {
    return this.#sink.bytesOf(held)
  }

  putHeld(held: unknown, gap: number): boolean {
    return this.#sink.putHeld(held, gap)
  }

  end(): void {
    this.#options.ended()
  }

  fail(error: unknown): void {
    this.#options.failed(error, error === this.#misfit)
  }

  #noted(error: unknown): unknown {
    if (error instanceof Misfit) this.#misfit = error
    return error
  }
}
