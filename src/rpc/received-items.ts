/**
 * Items that come over a connection, as their consumer takes them: decoded one by one, and not before (spec/streams.md). The same
 * for what a client is answered with and for what a handler is sent.
 */
import type { Gate } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { type Limits, limitMessage } from '../limits.ts'
import type { Inflow, InflowListener } from '../session/index.ts'
import { decodeItem, itemEnd } from '../wire/index.ts'
import { EndingItems } from './ending-items.ts'
import { NONE } from './item-stream.ts'

export interface ReceivedItemsOptions {
  /** Of each item. */
  readonly gate: Gate
  readonly limits: Limits
  readonly peer: string
  /** An item does not fit, or is too long. Calls `fail` with what the stream ends with. */
  refused(error: unknown): void
  /** The consumer wants no more. */
  left(): void
  /** The peer has sent its last item. */
  ended(): void
  /** Something has come, if only that the stream stands. */
  begun?(): void
  /** As `finished` of `EndingItems`. */
  finished?(): void
}

export class ReceivedItems extends EndingItems implements InflowListener {
  readonly #options: ReceivedItemsOptions
  #inflow: Inflow | undefined

  constructor(options: ReceivedItemsOptions) {
    super()
    this.#options = options
  }

  /** From now on items come from here. */
  attach(inflow: Inflow): void {
    this.#inflow = inflow
    inflow.listen(this)
  }

  take(): unknown {
    const inflow = this.#inflow
    const chunk = inflow?.chunk
    if (inflow && chunk) return this.#takeFrom(inflow, chunk)
    const end = this.takeEnd()
    if (end === NONE) inflow?.awaited()
    return end
  }

  get isWaiting(): boolean {
    return this.#inflow?.chunk !== undefined
  }

  stop(): void {
    this.discard()
    this.#options.left()
  }

  /** What waits is taken by nobody. */
  discard(): void {
    this.#inflow?.stop()
  }

  itemsCame(): void {
    this.#options.begun?.()
    this.wake()
  }

  ended(): void {
    this.#options.ended()
  }

  tooLong(): void {
    this.#refuse(new NanowireError('resource_exhausted', this.#says('an item is too long')))
  }

  stalled(error: NanowireError): void {
    this.#refuse(error)
  }

  protected override finished(): void {
    this.#options.finished?.()
  }

  #takeFrom(inflow: Inflow, { buffer, start, end }: NonNullable<Inflow['chunk']>): unknown {
    const { gate, limits } = this.#options
    this.dropped += inflow.takeGap()
    let item: unknown
    let bytes = 0
    try {
      item = decodeItem(gate, buffer, start, end, limits)
      bytes = itemEnd() - start
      if (bytes > limits.maxMessageBytes)
        throw new NanowireError('resource_exhausted', this.#says(`an item of ${bytes} bytes`))
    } catch (error) {
      this.#refuse(error)
      throw this.failure?.error ?? error
    }
    inflow.taken(bytes)
    return item
  }

  #refuse(error: unknown): void {
    this.discard()
    this.#options.refused(error)
  }

  #says(what: string): string {
    return limitMessage('maxMessageBytes', this.#options.limits, what, this.#options.peer)
  }
}
