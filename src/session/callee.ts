/**
 * The half of a session that takes calls (spec/session.md, chapter "Calls"). Invariants: a request reaches a handler at
 * most once; a slot is free only when the handler has ended, whatever the caller did meanwhile.
 */
import { type LimitName, limitMessage } from '../limits.ts'
import {
  announcedBytes,
  type FrameDecoder,
  flags as flag,
  HASH_BYTES,
  ProtocolError,
  Reassembler,
  ReceivedRequestHead,
  readError,
  readMetadata,
  type WireError,
} from '../wire/index.ts'
import { Answers } from './answers.ts'
import type { Clock } from './clock.ts'
import type { Effects, IncomingRequest } from './effects.ts'
import type { FlowHalf, LazyFlows } from './flows.ts'
import { isAfter } from './ids.ts'
import { cancel, IncomingCalls } from './incoming.ts'
import { Places } from './places.ts'
import type { FrameSender } from './sender.ts'
import { giveBackRequest, takeRequest } from './told-request.ts'
import type { Priority } from './turns.ts'

/** Of the request that is being read: one for all connections, as it is looked at before anything else can happen. */
const headRead = new ReceivedRequestHead()

export class Callee implements FlowHalf {
  /** Frames for ids that are not in flight. */
  unknownIds = 0
  /** Requests after this id are let be: the peer was told that they do not run. */
  #finalId: number | undefined
  readonly #sender: FrameSender
  readonly #flows: LazyFlows
  readonly #clock: Clock
  readonly #effects: Effects
  /** What becomes of calls whose handlers have ended. */
  readonly answers: Answers
  readonly #calls = new IncomingCalls()
  readonly #reassembler: Reassembler
  readonly #places: Places
  #isStarting = false

  constructor(sender: FrameSender, flows: LazyFlows, clock: Clock, effects: Effects) {
    this.#sender = sender
    this.#flows = flows
    this.#clock = clock
    this.#effects = effects
    this.#reassembler = new Reassembler(sender.limits)
    this.#places = new Places(sender.limits, this.#calls, this.#reassembler, flows)
    this.answers = new Answers(sender, flows, clock, this.#calls, () => this.#startHeld())
  }

  /** Calls whose handlers have not ended. */
  get inFlight(): number {
    return this.#calls.size
  }

  /** No handler runs and no request is half there. */
  get isIdle(): boolean {
    return this.#places.isIdle
  }

  /** The latest id that was seen, 0 for none. */
  get lastId(): number {
    return this.#calls.lastId ?? 0
  }

  /** The server hears no more until a slot is free. */
  get isFullOfNotifies(): boolean {
    return this.#places.isFullOfNotifies
  }

  /** The requests that are half there. */
  get messages(): Pick<Reassembler, 'fragments' | 'wanted'> {
    return this.#reassembler
  }

  /** Nothing more has come of requests that are half there. */
  giveUpUnfinished(message: string): void {
    for (const id of this.#reassembler.wanted) {
      const isOneWay = (this.#reassembler.flagsOf(id) & flag.ONE_WAY) !== 0
      this.#reassembler.discard(id)
      this.#refuse(id, 0, isOneWay, { code: 'deadline_exceeded', message, processed: 'no' })
    }
  }

  /** Settles the last id: the peer is told, and sends the rest elsewhere. */
  settle(): number {
    this.#finalId = this.lastId
    return this.#finalId
  }

  requestReceived(frame: FrameDecoder): void {
    const { id, flags, buffer, start, end } = frame
    const more = (flags & flag.MORE) !== 0
    if (!more && !this.#reassembler.has(id)) {
      const head = headRead.read(flags, buffer, start, end)
      if (this.#begin(frame, head, false)) this.#deliver(id, head, buffer, end)
    } else {
      this.#fragmentReceived(frame, more)
    }
  }

  #fragmentReceived(frame: FrameDecoder, more: boolean): void {
    const { id, flags, buffer, start, end } = frame
    const isFurther = this.#reassembler.has(id)
    if (isFurther && (flags & ~flag.MORE) !== 0)
      throw new ProtocolError('fragment', `a further fragment of ${id} with flags 0x${flags.toString(16)}`)
    const head = isFurther ? undefined : headRead.read(flags, buffer, start, end)
    const announced = head ? announcedBytes(buffer, start, head.bodyStart, end) : 0
    if (head && !this.#begin(frame, head, more)) return
    if (isFurther) this.#flows.all.bulkReceived(end - start)
    const firstFlags = isFurther ? this.#reassembler.flagsOf(id) : flags
    const isOneWay = (firstFlags & flag.ONE_WAY) !== 0
    const whole = this.#reassembler.add(id, flags, buffer, start, end, more, false, announced)
    if (typeof whole === 'string') this.#refuseUnread(id, 0, isOneWay, whole, 'the request is too large')
    else if (whole) {
      const { body } = whole
      this.#deliver(id, headRead.read(whole.flags, body, 0, body.length), body, body.length)
      this.#reassembler.release(whole)
    }
  }

  cancelReceived(id: number): void {
    const call = this.#calls.get(id)
    if (!call) {
      if (!this.#forgetUnread(id)) this.unknownIds++
      return
    }
    if (!this.answers.cut(call)) cancel(call)
  }

  /** The client has sent its last item. */
  endReceived({ id, start, end }: FrameDecoder): void {
    if (end > start) throw new ProtocolError('body', "a client's END with a body")
    const inflow = this.#flows.made?.get(id)?.inflow
    if (inflow) inflow.endReceived()
    else this.strayReceived(id)
  }

  strayReceived(id: number): void {
    if (this.#isKnown(id)) throw new ProtocolError('stream', `a frame of a stream that the call ${id} does not have`)
    this.unknownIds++
  }

  priorityReceived(id: number, priority: Priority): void {
    if (this.#isKnown(id)) this.#flows.all.setPriority(id, priority)
    else this.unknownIds++
  }

  /** Whether a request of this id is there, and was not answered. */
  #isKnown(id: number): boolean {
    const isWanted = this.#reassembler.has(id) && !this.#reassembler.isDiscarded(id)
    return isWanted || this.#calls.get(id) !== undefined || this.#places.held?.has(id) === true
  }

  /** An ERROR for a call, which a client has no reason to send. */
  errorReceived({ buffer, start, end }: FrameDecoder): void {
    readError(buffer, start, end, this.#sender.limits)
    this.unknownIds++
  }

  /** A request whose handler has not begun is answered at once. No more fragments follow a CANCEL. */
  #forgetUnread(id: number): boolean {
    const held = this.#places.held?.take(id)
    const isUnfinished = this.#reassembler.has(id)
    if (!held && !isUnfinished) return false
    const isOneWay = held ? held.oneWay : (this.#reassembler.flagsOf(id) & flag.ONE_WAY) !== 0
    const isAnswered = this.#reassembler.isDiscarded(id)
    this.#reassembler.remove(id)
    this.#flows.made?.close(id)
    const error: WireError = { code: 'cancelled', message: 'cancelled before a handler began', processed: 'no' }
    if (!isOneWay && !isAnswered) this.#sender.error(id, error)
    return true
  }

  cancelAll(): void {
    this.#places.forgetHeld()
    this.#calls.cancelAll()
    this.#flows.made?.closeAll()
  }

  /** Slots are free: the requests that have waited longest have them. */
  #startHeld(): void {
    const { held } = this.#places
    if (!held || held.size === 0 || this.#isStarting) return // a handler that ends at once comes by here
    this.#isStarting = true
    try {
      while (held === this.#places.held && held.size > 0 && !this.#places.isFull) {
        const { id, request, isLate } = held.takeNext(this.#clock.now())
        if (isLate) this.#refuseLate(id, request)
        else this.#run(id, request)
      }
    } finally {
      this.#isStarting = false
    }
  }

  #refuseLate(id: number, { tag, oneWay }: IncomingRequest): void {
    this.#refuse(id, tag, oneWay, {
      code: 'deadline_exceeded',
      message: 'no slot before the deadline',
      processed: 'no',
    })
  }

  /** A handler begins, if there is room for what it may keep of a stream's request (S8). */
  #run(id: number, request: IncomingRequest): void {
    const { tag, oneWay, input, output, start, end } = request
    const keptBytes = output ? end - start : 0
    if (keptBytes > 0 && this.#calls.keptBytes + keptBytes > this.#sender.limits.maxReassemblyBytes) {
      this.#refuseUnread(id, tag, oneWay, 'maxReassemblyBytes', 'the requests of streams are too large together')
      return
    }
    const call = this.#calls.add(id, oneWay, keptBytes)
    if (input || output) call.flow = this.#flows.all.get(id)
    this.#effects.requestReceived(call, request)
  }

  /** Takes a new id. Returns whether its request may go on. */
  #begin(frame: FrameDecoder, { tag, oneWay }: ReceivedRequestHead, more: boolean): boolean {
    const { id } = frame
    if (!this.#calls.isNew(id)) throw new ProtocolError('frame_id', `the id ${id} came after ${this.lastId}`)
    const running = this.#calls.get(id) // ids have come round since
    if ((running && !running.oneWay) || this.#places.held?.has(id) === true)
      throw new ProtocolError('frame_id', `the id ${id} is in use`)
    this.#calls.lastId = id
    if (this.#finalId !== undefined && (this.#finalId === 0 || isAfter(id, this.#finalId))) {
      if (more) this.#skipRest(frame)
      return false
    }
    if (!running && this.#places.hasPlaceFor(oneWay)) return true
    this.#refuseUnread(id, tag, oneWay, 'maxCallsInFlight', 'too many calls in flight')
    if (more) this.#skipRest(frame)
    return false
  }

  /** The fragments that follow belong to nothing any more. A peer that begins ever more of them is cut off. */
  #skipRest({ id, flags, buffer, start, end }: FrameDecoder): void {
    const { limits, link } = this.#sender
    if (this.#reassembler.size >= limits.maxCallsInFlight) {
      throw new ProtocolError(
        'limit',
        limitMessage('maxCallsInFlight', limits, 'too many unfinished requests', link.peer),
        'maxCallsInFlight',
      )
    }
    this.#reassembler.add(id, flags, buffer, start, end, true, true)
  }

  #refuseUnread(id: number, tag: number, oneWay: boolean, limit: LimitName, what: string): void {
    const { limits, link } = this.#sender
    const message = limitMessage(limit, limits, what, link.peer)
    this.#sender.limitFired(limit, message)
    this.#refuse(id, tag, oneWay, { code: 'resource_exhausted', message, processed: 'no' })
  }

  #refuse(id: number, tag: number, oneWay: boolean, error: WireError): void {
    this.#effects.requestRefused(tag, error)
    if (!oneWay) this.#sender.error(id, error)
    this.#flows.made?.close(id)
  }

  #deliver(id: number, head: ReceivedRequestHead, buffer: Uint8Array, end: number): void {
    const { tag, oneWay, timeoutMs, judged, input, output, hashStart, metadataStart, bodyStart } = head
    const { limits } = this.#sender
    const bytes = end - bodyStart
    const { isFull } = this.#places
    const isTooMuch = isFull && (this.#places.held?.bytes ?? 0) + bytes > limits.maxReassemblyBytes
    if (bytes > limits.maxMessageBytes || isTooMuch) {
      const limit = isTooMuch ? 'maxReassemblyBytes' : 'maxMessageBytes'
      this.#refuseUnread(id, tag, oneWay, limit, 'the request is too large')
      return
    }
    const request = takeRequest()
    request.tag = tag
    request.oneWay = oneWay
    request.timeoutMs = timeoutMs
    request.metadata = readMetadata(buffer, metadataStart, bodyStart, limits.maxMetadataBytes)
    request.hash = hashStart < 0 ? undefined : buffer.subarray(hashStart, hashStart + HASH_BYTES)
    request.judged = judged
    request.input = input
    request.output = output
    request.buffer = buffer
    request.start = bodyStart
    request.end = end
    if (input || output) this.#flows.all.open(id, input, output)
    if (isFull) this.#places.makeHeld().add(id, request, this.#clock.now())
    else this.#run(id, request)
    giveBackRequest(request)
  }
}
