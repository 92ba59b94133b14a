/**
 * A call over a session that has items, of its caller, of its handler, or of both (spec/streams.md). Invariant: what the caller gives
 * is ended when the call has ended for the caller.
 */
import type { MethodRef } from '../contract/index.ts'
import { isStatusCode, NanowireError } from '../errors.ts'
import type { Flow } from '../session/index.ts'
import type { Metadata } from '../wire/index.ts'
import type { CallOptions } from './call.ts'
import { ItemPump, type ItemSink } from './item-pump.ts'
import { END, type ItemSource, Items } from './item-stream.ts'
import { inputError, refuseItem, refuseReply } from './outcome.ts'
import { ReceivedItems } from './received-items.ts'
import { RemoteCall, type RemoteSide } from './remote.ts'
import { SentItems } from './sent-items.ts'
import { EventItems } from './subscription.ts'

/** What a call has that is answered by a reply. */
const NO_ITEMS: ItemSource = { take: () => END, stop() {}, dropped: 0 }

export class RemoteStream extends RemoteCall {
  /** The answer of a method with output, for its caller. */
  readonly items: Items
  readonly #subscription: EventItems | undefined
  readonly #received: ReceivedItems | undefined
  readonly #pump: ItemPump | undefined
  #sent: SentItems | undefined
  /** Ends the call when all items were taken. */
  #finish: (() => void) | undefined
  /** Items were asked for. */
  #hasBegun = false

  constructor(method: MethodRef, request: unknown, options: CallOptions, side: RemoteSide) {
    super(method, method.input ? undefined : request, options, side)
    if (method.output) {
      this.#received = this.#receive(method)
      if (method.event) this.#subscription = new EventItems(this.#received)
      this.#received.wake = () => this.items.wake()
    }
    this.items = this.#subscription ?? new Items(this.#received ?? NO_ITEMS)
    if (method.input) this.#pump = new ItemPump(request, this.#inputSink(), side.clock)
  }

  override begin(): void {
    super.begin()
    if (this.#subscription) this.side.subscriptions.add(this)
  }

  flowing({ inflow, outflow }: Flow): void {
    if (inflow) this.#received?.attach(inflow)
    if (!outflow) return
    this.#sent = new SentItems(this.method, 'request', this.side.limits, outflow)
    outflow.onReady = () => this.#pump?.resume()
  }

  override left(): void {
    super.left()
    if (this.isSettled || this.#hasBegun) return
    this.#hasBegun = true
    this.#pump?.start()
  }

  streamEnded(metadata: Metadata): void {
    this.#endBehindItems(() => this.succeed(undefined, metadata))
  }

  /** What the server has said last comes behind the items that wait; until these are taken the caller may still cancel. */
  override fail(error: NanowireError, metadata?: Metadata): void {
    if (this.isSettled || this.#received?.isWaiting !== true) super.fail(error, metadata)
    else this.#endBehindItems(() => super.fail(error, metadata))
  }

  #endBehindItems(finish: () => void): void {
    this.#finish = finish
    this.#pump?.stop()
    this.#received?.end()
  }

  override cancel(cause: unknown): void {
    this.#received?.discard()
    super.cancel(cause)
  }

  override expire(): void {
    this.#received?.discard()
    super.expire()
  }

  /** The connection is being closed, and a subscription ends only so. */
  closed(): void {
    this.giveUp('unavailable', 'this connection was closed', undefined)
  }

  /** What was taken of the caller's items cannot be sent once more. */
  protected override mayLeaveAgain(): boolean {
    return !(this.#pump && this.#hasBegun) && super.mayLeaveAgain()
  }

  protected override resolve(value: unknown): void {
    this.#pump?.stop()
    this.side.subscriptions.delete(this)
    if (this.#received) this.#received.end()
    else super.resolve(value)
  }

  protected override reject(error: unknown): void {
    this.#pump?.stop()
    this.side.subscriptions.delete(this)
    this.#subscription?.doesNotStand(error)
    if (this.#received) this.#received.fail(error)
    else super.reject(error)
  }

  #receive(method: MethodRef): ReceivedItems {
    const { limits } = this.side
    return new ReceivedItems({
      gate: method.reply,
      limits,
      peer: this.side.url(),
      refused: (error) => this.#giveUpBy(error instanceof NanowireError ? error : refuseReply(error, method)),
      left: () => this.cancel(undefined),
      ended: () => {}, // the call ends with what stands in the END
      begun: () => this.#subscription?.stands(),
      finished: () => this.#finish?.(),
    })
  }

  #inputSink(): ItemSink {
    return {
      put: (item) => this.#put(item),
      end: () => this.#sent?.end(),
      fail: (error) => {
        this.#received?.discard()
        this.#giveUpBy(inputError(error, this.method))
      },
    }
  }

  /** A misfit ends the call at once, whenever the caller's generator may end. */
  #put(item: unknown): boolean {
    try {
      return this.#sent?.put(item) === true
    } catch (error) {
      this.#received?.discard()
      this.#giveUpBy(refuseItem(error, this.method))
      throw error
    }
  }

  #giveUpBy({ code, message, cause }: NanowireError): void {
    this.giveUp(isStatusCode(code) ? code : 'internal', message, cause)
  }
}
