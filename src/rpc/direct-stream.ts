/**
 * A call in memory that has items, of its caller, of its handler, or of both (spec/places.md, spec/streams.md). Invariants: what
 * the caller gives is ended when the call has ended for the caller; what the handler takes ends with its run.
 */
import type { MethodRef } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { type Metadata, passInMemory } from '../wire/index.ts'
import { DirectCall, type DirectSide } from './direct-call.ts'
import { ItemPump, type ItemSink } from './item-pump.ts'
import { Items } from './item-stream.ts'
import { LocalItems } from './local-items.ts'
import { inputError, refuseItem } from './outcome.ts'
import { Published } from './published.ts'
import type { OutputSink } from './run-output.ts'
import { EventItems } from './subscription.ts'

export class DirectStream extends DirectCall {
  readonly #method: MethodRef
  /** What the caller of a method with output has. */
  readonly #output: CallerItems | undefined
  readonly #input: LocalItems | undefined
  /** What the handler of a method with input has. */
  readonly #taken: Items | undefined
  readonly #pump: ItemPump | undefined
  /** Ends the call when its caller takes the end. */
  #finish: (() => void) | undefined

  /** @param given of a method with input, what the caller gave */
  constructor(side: DirectSide, method: MethodRef, given: unknown) {
    super()
    this.#method = method
    const { limits } = side.router
    if (method.output) {
      this.#output = new CallerItems(method, limits)
      this.#output.taken = () => this.resumeOutput()
      this.#output.left = () => this.cancel(undefined)
      this.#output.asked = () => this.#finish?.()
    }
    if (method.input) {
      const input = new LocalItems((item) => this.#passIn(item, limits))
      const taken = new Items(input)
      input.wake = () => taken.wake()
      input.taken = () => this.#pump?.resume()
      this.#input = input
      this.#taken = taken
      this.#pump = new ItemPump(given, this.#inputSink(input), side.clock)
    }
  }

  /** The items, for the caller. */
  handOverItems(): Items {
    if (!this.#output) throw new Error('the method has no output')
    this.markHandedOver()
    return this.#output.items
  }

  /** It has no end of its own. */
  get isSubscription(): boolean {
    return this.#method.event !== undefined
  }

  override runHandler(request: unknown, principal: unknown): void {
    super.runHandler(this.#taken ?? request, principal)
    this.#pump?.start() // of a call that has ended it was stopped
  }

  override cancel(cause: unknown): void {
    this.#output?.discard()
    super.cancel(cause)
  }

  override expire(): void {
    this.#output?.discard()
    super.expire()
  }

  /** Behind the item that waits: until that is taken the caller may still cancel. */
  override fail(error: NanowireError, metadata?: Metadata): void {
    if (this.#output?.isWaiting !== true) super.fail(error, metadata)
    else this.#endBehindItems(this.#output, () => super.fail(error, metadata))
  }

  /** A stream ends when its end is taken, as it does over a wire. */
  protected override succeed(value: unknown, metadata: Metadata | undefined): void {
    if (!this.#output) super.succeed(value, metadata)
    else this.#endBehindItems(this.#output, () => super.succeed(value, metadata))
  }

  #endBehindItems(output: CallerItems, finish: () => void): void {
    this.#finish ??= finish
    this.#pump?.stop()
    output.end()
  }

  protected override resolve(value: unknown): void {
    this.#finish = undefined
    this.#pump?.stop()
    if (!this.#output) super.resolve(value) // it knows its end already
  }

  protected override reject(error: unknown): void {
    this.#finish = undefined
    this.#pump?.stop()
    if (this.#output) this.#output.fail(error)
    else super.reject(error)
  }

  protected override output(): OutputSink {
    return this.#output ?? super.output()
  }

  protected override cancelled(reason: NanowireError): void {
    super.cancelled(reason)
    this.#input?.discard()
    this.#input?.fail(reason)
  }

  protected override handlerOver(): void {
    void this.#taken?.return()
    super.handlerOver()
  }

  /** It has the items of one caller. */
  protected override keepForLater(): void {}

  #inputSink(input: LocalItems): ItemSink {
    return {
      put: (item) => input.put(item),
      end: () => input.end(),
      fail: (error) => this.#inputFailed(inputError(error, this.#method)),
    }
  }

  /** A misfit ends the call at once, whenever the caller's generator may end. */
  #passIn(item: unknown, limits: Limits): unknown {
    try {
      return passInMemory(this.#method.request, item, limits)
    } catch (error) {
      this.#inputFailed(refuseItem(error, this.#method))
      throw error
    }
  }

  #inputFailed(error: NanowireError): void {
    this.#output?.discard()
    this.giveUp(error, new NanowireError('cancelled', `${this.#method.name} was cancelled by its caller`))
  }
}

/** The answer, as its caller takes it. */
class CallerItems extends LocalItems implements OutputSink {
  readonly items: Items
  /** The end is asked for. */
  asked = (): void => {}
  readonly #subscription: EventItems | undefined

  constructor(method: MethodRef, limits: Limits) {
    super((item) => (item instanceof Published ? item.inMemory(limits) : passInMemory(method.reply, item, limits)))
    if (method.event) this.#subscription = new EventItems(this)
    this.items = this.#subscription ?? new Items(this)
    this.wake = () => this.items.wake()
  }

  protected override finished(): void {
    this.asked()
  }

  /** Told a moment later, as nothing stands elsewhere before the function that subscribes has returned. */
  stands(): void {
    const subscription = this.#subscription
    if (subscription) void Promise.resolve().then(() => subscription.stands())
  }

  override fail(error: unknown): void {
    this.#subscription?.doesNotStand(error)
    super.fail(error)
  }
}
