/**
 * One direction of a stream at its sender: items go out as far as the peer's credit and the connection's window let them
 * (spec/streams.md). Invariants: items leave in order, then one end; nothing is asked of the producer that could not be sent soon.
 */
import { NanowireError } from '../errors.ts'
import type { LimitName } from '../limits.ts'
import { type Body, BodyRest, type InPlace, ProtocolError } from '../wire/index.ts'
import { FIRST_CREDIT_BYTES } from './inflow.ts'
import type { SendWindow } from './send-window.ts'
import { LEAST_PIECE_BYTES, PIECE_BYTES, type Turns, TurnTaker } from './turns.ts'

const NOTHING = new Uint8Array(0)
const MOST_CREDIT = 2 ** 31 - 1

/** An item to be sent. */
export interface ItemToSend extends InPlace {
  /** Its bytes, where it cannot be written where it leaves. */
  toBody(): Body
}

/** Writes what belongs to a stream. */
export interface ItemSender {
  readonly link: { readonly peer: string }
  readonly peerLimits: { readonly maxMessageBytes: number }
  limitFired(name: LimitName, message: string): void
  /** Writes an item, and lets nothing leave before `itemsWritten`. */
  itemInPlace(id: number, item: InPlace, maxBytes: number): number
  itemsWritten(): void
  items(id: number, gap: number, rest: BodyRest, bytes: number): void
  emptyData(id: number, waits: boolean, isWithin: boolean): void
  end(id: number, metadata: Uint8Array | undefined): void
}

/** While items wait for the connection, the producer goes on up to so many bytes of them. */
const BATCH_BYTES = 4_096

/** What may wait, by priority: who could send no more in its turn than this would not have the share that `Turns` gives. */
const WAITING_BYTES = [1_024, 4_096, 16_384] as const

/** A DATA that waits for its turn: one item, or several short ones. */
interface Waiting {
  /** Made when its turn comes, unless it is an item of several pieces; until then others may be added. */
  rest: BodyRest | undefined
  body: Uint8Array
  /** Of `body`, how much is filled. */
  bytes: number
  /** Items that were left out before it. */
  readonly gap: number
  /** Some of it has left. */
  isBegun: boolean
}

export class Outflow extends TurnTaker implements InPlace {
  /** Told when another item may be put, after `put` has said no. */
  onReady: (() => void) | undefined
  readonly #id: number
  readonly #sender: ItemSender
  readonly #window: SendWindow
  readonly #turns: Turns
  #credit = FIRST_CREDIT_BYTES
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0
  /** The producer was told to wait. */
  #isHeld = false
  /** The peer was told that more would come. */
  #hasAsked = false
  /** Writes what comes behind the last item. */
  #finish: (() => void) | undefined
  #isOver = false
  /** The one that is being written where it leaves. */
  #item: ItemToSend | undefined

  constructor(id: number, sender: ItemSender, window: SendWindow, turns: Turns) {
    super()
    this.#id = id
    this.#sender = sender
    this.#window = window
    this.#turns = turns
  }

  /** Something of it was not sent yet. */
  get isUnsent(): boolean {
    return this.#waiting.length > 0 || this.#finish !== undefined
  }

  /** Nothing is sent any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Sends an item, now or when it can be.
   * @param gap how many were left out before it
   * @returns whether another one may be put now; `onReady` is called otherwise, when it may
   * @throws what the item's encoding throws; NanowireError `resource_exhausted` for one that is too long
   */
  put(item: ItemToSend, gap = 0): boolean {
    if (this.#isOver) return false
    if (!this.#putNow(item, gap)) this.#putLater(item, gap)
    if (this.#isOver) return false // whatever the item's encoding has called
    this.#isHeld = !this.#hasRoom
    if (this.#isHeld) this.#ask()
    return !this.#isHeld
  }

  /** @throws NanowireError `resource_exhausted` for an item that is longer than the peer takes */
  requireLength(bytes: number): void {
    const { link, peerLimits } = this.#sender
    const { maxMessageBytes } = peerLimits
    if (bytes <= maxMessageBytes) return
    const message = `an item of ${bytes} bytes: maxMessageBytes is ${maxMessageBytes} (peer ${link.peer}; its option limits.maxMessageBytes)`
    this.#sender.limitFired('maxMessageBytes', message)
    throw new NanowireError('resource_exhausted', message, { processed: 'yes' })
  }

  /** Says that there are no items yet. */
  putNone(): void {
    if (!this.#isOver) this.#sender.emptyData(this.#id, false, false)
  }

  /** The client's last item was put. */
  end(): void {
    this.finish(() => this.#sender.end(this.#id, undefined))
  }

  /** Calls `write` when all items have left: it ends this direction. */
  finish(write: () => void): void {
    if (this.#isOver) return
    this.#finish = write
    this.#finishIfDone()
  }

  /** Nothing more is sent; what waits is dropped. */
  stop(): void {
    this.#isOver = true
    for (const { rest } of this.#waiting) rest?.drop()
    this.#waiting.length = 0
    this.#waitingBytes = 0
    this.#finish = undefined
    this.onReady = undefined
  }

  /** @throws ProtocolError */
  creditReceived(increment: number): void {
    if (this.#isOver) return
    if (this.#credit + increment > MOST_CREDIT)
      throw new ProtocolError('credit', `credit of ${this.#credit + increment} bytes for ${this.#id}`)
    this.#credit += increment
    this.#hasAsked = false
    if (this.#waiting.length > 0) this.#turns.add(this)
    else this.turnEnded()
  }

  override get isReady(): boolean {
    const [first] = this.#waiting
    return first !== undefined && this.#credit >= Math.min(LEAST_PIECE_BYTES, leftOf(first))
  }

  override sendPiece(most: number, window: SendWindow): number {
    const [first] = this.#waiting
    if (!first) return 0
    const room = Math.min(most, this.#credit, PIECE_BYTES)
    const left = leftOf(first)
    if (left > room && room < LEAST_PIECE_BYTES) return 0
    const head = first.isBegun ? 0 : gapBytes(first)
    const bytes = Math.min(left, room) - head
    first.rest ??= new BodyRest(first.body.subarray(0, first.bytes))
    first.isBegun = true
    this.#waitingBytes -= bytes
    if (bytes === first.rest.left) this.#waiting.shift()
    this.#credit -= bytes + head
    window.sent(bytes + head)
    this.#sender.items(this.#id, head > 0 ? first.gap : 0, first.rest, bytes)
    return bytes + head
  }

  override turnEnded(): void {
    if (this.#isOver) return
    if (this.#waiting.length > 0) {
      if (!this.isReady) this.#ask()
      return
    }
    this.#finishIfDone()
    if (!this.#isHeld || !this.#hasRoom) return
    this.#isHeld = false
    this.onReady?.()
  }

  get #hasRoom(): boolean {
    return this.#credit > this.#waitingBytes && this.#waitingBytes < WAITING_BYTES[this.priority]
  }

  #putNow(item: ItemToSend, gap: number): boolean {
    if (this.#waiting.length > 0 || this.#turns.isBusy) return false
    const most = Math.min(this.#credit, this.#window.free, PIECE_BYTES, this.#sender.peerLimits.maxMessageBytes)
    if (most <= 0 || gap > 0) return false
    this.#item = item
    const bytes = this.#sender.itemInPlace(this.#id, this, most)
    this.#item = undefined
    if (bytes < 0) return false
    this.#credit -= bytes
    this.#window.sent(bytes)
    this.#sender.itemsWritten()
    return true
  }

  /** Of an item whose encoding has ended the call nothing is written: it would come behind the CANCEL. */
  encodeInto(buffer: Uint8Array, at: number): number {
    const end = this.#item?.encodeInto(buffer, at) ?? -1
    return this.#isOver ? -1 : end
  }

  #putLater(item: ItemToSend, gap: number): void {
    if (this.#isOver) return
    const body = item.toBody()
    if (this.#isOver) return
    this.requireLength(body.length)
    const last = this.#waiting.at(-1)
    const isAdded = last !== undefined && gap === 0 && addTo(last, body)
    const waiting: Waiting | undefined = isAdded ? undefined : waitingOf(body, gap)
    if (waiting) this.#waiting.push(waiting)
    this.#waitingBytes += body.length
    this.#turns.add(this)
    if (waiting?.rest && waiting.rest.left > 0) waiting.rest.own() // what did not leave at once may change
  }

  #finishIfDone(): void {
    if (this.#waiting.length > 0) return
    const finish = this.#finish
    if (!finish) return
    this.stop()
    finish()
  }

  /** The peer may give more at a time, if it knows. */
  #ask(): void {
    const isShort = this.#waiting.length > 0 ? !this.isReady : this.#credit <= 0
    if (!isShort || this.#hasAsked) return
    this.#hasAsked = true
    const [first] = this.#waiting
    this.#sender.emptyData(this.#id, true, first?.isBegun === true)
  }
}

function gapBytes({ gap }: Waiting): number {
  return gap > 0 ? 4 : 0
}

/** Bytes that it still has to send. */
function leftOf(waiting: Waiting): number {
  const head = waiting.isBegun ? 0 : gapBytes(waiting)
  return (waiting.rest ? waiting.rest.left : waiting.bytes) + head
}

/** An item with large bytes in it is not copied before it is clear that it cannot leave. */
function waitingOf(body: Body, gap: number): Waiting {
  const isWhole = body instanceof Uint8Array
  const rest = isWhole ? undefined : new BodyRest(body)
  return { rest, body: isWhole ? body : NOTHING, bytes: body.length, gap, isBegun: false }
}

/** Adds a short item to those that wait in one buffer. Returns whether it did. */
function addTo(waiting: Waiting, item: Body): boolean {
  const bytes = waiting.bytes + item.length
  if (waiting.rest || bytes > BATCH_BYTES || !(item instanceof Uint8Array)) return false
  const { body } = waiting
  if (bytes > body.length) {
    const larger = new Uint8Array(Math.min(BATCH_BYTES, 2 * bytes))
    larger.set(body.subarray(0, waiting.bytes))
    waiting.body = larger
  }
  waiting.body.set(item, waiting.bytes)
  waiting.bytes = bytes
  return true
}
