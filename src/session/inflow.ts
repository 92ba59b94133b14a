/**
 * One direction of a stream at its receiver: items as they came, and the credit for more (spec/streams.md, "Credit").
 * Invariants: what is held and what may still come are together no more than the window, but for one item that is longer; items
 * are kept as bytes, so that a small frame cannot become large.
 */
import type { NanowireError } from '../errors.ts'
import {
  type Assembled,
  announcedBytes,
  type FrameDecoder,
  flags as flag,
  ProtocolError,
  type Reassembler,
  uint32At,
} from '../wire/index.ts'
import { type Chunk, HeldItems, type Taken } from './held-items.ts'
import type { Room, RoomSeeker } from './room.ts'
import { LEAST_PIECE_BYTES } from './turns.ts'

/** What a stream may send before it is given more, in either direction. */
export const FIRST_CREDIT_BYTES = 16_384

/** Of an item that is longer there must be room for all: its sender may have no use for credit of less than a piece. */
const MOST_PARTIAL_BYTES = FIRST_CREDIT_BYTES / 2 - LEAST_PIECE_BYTES

/** DATA without an item, one after the other. */
const MAX_EMPTY = 1_024

/** Writes CREDIT. */
export interface CreditSender {
  credit(id: number, increment: number): void
}

export interface InflowListener {
  /** Items have come. */
  itemsCame(): void
  /** There will be no more. */
  ended(): void
  /** An item is longer than this side takes. */
  tooLong(): void
  /** An item was begun and not gone on with. */
  stalled(error: NanowireError): void
}

export class Inflow implements RoomSeeker {
  listener: InflowListener | undefined
  /** The peer has sent its last item. */
  isEnded = false
  /** The application has taken all, and waits. */
  isAwaited = false
  /** A DATA has come, which may have had no item. */
  hasBegun = false
  readonly #id: number
  readonly #sender: CreditSender
  readonly #reassembler: Reassembler
  readonly #room: Room
  /** Items that are whole. */
  readonly #held = new HeldItems()
  /** Bytes of one that is not. */
  #partial = 0
  /** There is room for all of that one, however long it is. */
  #hasRoom = false
  #window = FIRST_CREDIT_BYTES
  /** Given and not used. */
  #credit = FIRST_CREDIT_BYTES
  #empty = 0
  #gap = 0
  #isStopped = false
  /** What nobody was there to be told: a call that waits for a slot has no handler. */
  #untold: ((listener: InflowListener) => void) | undefined

  constructor(id: number, sender: CreditSender, reassembler: Reassembler, room: Room) {
    this.#id = id
    this.#sender = sender
    this.#reassembler = reassembler
    this.#room = room
  }

  /** Says who takes items. Is told at once how they have ended, if they have. */
  listen(listener: InflowListener): void {
    if (!this.#isStopped) this.listener = listener
    if (this.#untold) this.#untold(listener)
    else if (this.isEnded) listener.ended()
    this.#untold = undefined
  }

  /** Items from its `start` to its `end`, of which `taken` is to be told; `undefined` where none wait. */
  get chunk(): Chunk | undefined {
    return this.#held.chunk
  }

  /** There is credit for another piece of an item. */
  get mayGrow(): boolean {
    return this.#credit >= LEAST_PIECE_BYTES
  }

  /** Nobody waits any longer for the rest of an item. */
  giveUp(error: NanowireError): void {
    this.#stopAndTell((listener) => listener.stalled(error))
  }

  /** How many items were left out directly before the next one; told once. */
  takeGap(): number {
    return this.#held.takeGap()
  }

  /** The first item of `chunk`, of so many bytes, was taken. */
  taken(bytes: number): void {
    this.isAwaited = false
    this.#release(this.#held.taken(bytes))
    this.#giveCredit()
  }

  /** There was nothing to take, and the application waits. */
  awaited(): void {
    this.isAwaited = true
    if (this.#partial > 0) this.#room.awaited()
  }

  /** Nobody takes items any more: what comes is thrown away. */
  stop(): void {
    this.#isStopped = true
    this.listener = undefined
    for (const taken of this.#held.clear()) this.#release(taken)
    this.#giveRoomBack()
    this.#reassembler.discard(this.#id)
  }

  roomGranted(): void {
    this.#hasRoom = true
    this.#reassembler.expectWhole(this.#id)
    this.#giveCredit()
  }

  /** The peer sends no more, and no end either: it has cancelled. */
  cut(): void {
    this.isEnded = true
    this.#reassembler.remove(this.#id)
    this.#settleRoom(0)
  }

  /** The call is over. What has come may still be taken. */
  over(): void {
    this.cut()
    this.#giveRoomBack()
  }

  /** @throws ProtocolError */
  dataReceived({ flags, buffer, start, end }: FrameDecoder): void {
    if (this.isEnded) throw new ProtocolError('stream', `items for ${this.#id} after its end`)
    const bytes = end - start
    if (bytes > this.#credit)
      throw new ProtocolError('credit', `${bytes} bytes of items for ${this.#id}, with credit for ${this.#credit}`)
    this.#credit -= bytes
    this.hasBegun = true
    const isFurther = this.#reassembler.has(this.#id)
    const more = (flags & flag.MORE) !== 0
    if (!isFurther && !more) this.#arrived(flags, buffer, start, end, undefined)
    else this.#fragmentReceived(flags, buffer, start, end, more, isFurther)
    if ((flags & flag.WAIT) !== 0) this.#growWindow()
    this.#giveCredit()
  }

  /** @throws ProtocolError */
  endReceived(): void {
    if (this.isEnded) throw new ProtocolError('stream', `a second end of ${this.#id}`)
    if (this.#reassembler.has(this.#id))
      throw new ProtocolError('fragment', `the end of ${this.#id} within an item of it`)
    this.isEnded = true
    this.listener?.ended()
  }

  #fragmentReceived(
    flags: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    more: boolean,
    isFurther: boolean,
  ): void {
    if (isFurther && (flags & ~(flag.MORE | flag.WAIT)) !== 0)
      throw new ProtocolError('fragment', `a further fragment of ${this.#id} with flags 0x${flags.toString(16)}`)
    const itemAt = (flags & flag.GAP) === 0 ? start : start + 4
    const announced = isFurther ? 0 : announcedBytes(buffer, start, itemAt, end)
    const isUnwanted = this.#isStopped
    const whole = this.#reassembler.add(this.#id, flags, buffer, start, end, more, isUnwanted, announced, this.#window)
    if (this.#isStopped) return
    if (typeof whole === 'string') this.#refuse()
    else if (whole) this.#arrived(whole.flags, whole.body, 0, whole.body.length, whole)
    else this.#partial += end - start
  }

  #arrived(flags: number, buffer: Uint8Array, start: number, end: number, whole: Assembled | undefined): void {
    const roomBytes = this.#settleRoom(end - start)
    let at = start
    if ((flags & flag.GAP) !== 0) {
      if (end - start < 4) throw new ProtocolError('body', 'a DATA that ends within the number of items left out')
      this.#gap += uint32At(buffer, start)
      at += 4
    }
    if (at === end) {
      if (++this.#empty > MAX_EMPTY)
        throw new ProtocolError('limit', `more than ${MAX_EMPTY} DATA for ${this.#id} without an item`)
      this.listener?.itemsCame()
      return
    }
    this.#empty = 0
    if (this.#isStopped) return
    const chunk = this.#held.add(buffer, at, end, this.#gap, whole && { whole, roomBytes })
    this.#gap = 0
    this.listener?.itemsCame() // who waits takes items where they lie
    this.#release(this.#held.keep(chunk))
  }

  #refuse(): void {
    this.#stopAndTell((listener) => listener.tooLong())
  }

  #stopAndTell(what: (listener: InflowListener) => void): void {
    const { listener } = this
    this.stop()
    if (listener) what(listener)
    else this.#untold = what
  }

  /** An item is whole. Returns what it goes on to take out of the connection's room. */
  #settleRoom(bytes: number): number {
    this.#partial = 0
    this.#room.leave(this)
    if (!this.#hasRoom) return 0
    this.#hasRoom = false
    const kept = Math.min(bytes, this.#room.itemBytes)
    this.#room.giveBack(this.#room.itemBytes - kept)
    return kept
  }

  #giveRoomBack(): void {
    this.#room.giveBack(this.#settleRoom(0) + this.#window - FIRST_CREDIT_BYTES)
    this.#window = FIRST_CREDIT_BYTES
  }

  #release(taken: Taken | undefined): void {
    if (!taken) return
    this.#reassembler.release(taken.whole)
    if (taken.roomBytes > 0) this.#room.giveBack(taken.roomBytes)
  }

  /** The application keeps up, and the peer would send more. */
  #growWindow(): void {
    if (this.#isStopped || this.#held.bytes > this.#window / 2 || !this.#room.widen(this.#window)) return
    this.#window *= 2
  }

  /** What is half there counts as held, unless there is room for all of it: then it comes, whatever waits before it. */
  #giveCredit(): void {
    if (this.#isStopped || this.isEnded) return
    if (this.#partial > MOST_PARTIAL_BYTES && this.#held.bytes === 0 && !this.#hasRoom) this.#room.seek(this)
    const due = this.#window - this.#credit - (this.#hasRoom ? 0 : this.#held.bytes + this.#partial)
    if (due < this.#window / 2) return
    this.#credit += due
    this.#sender.credit(this.#id, due)
  }
}
