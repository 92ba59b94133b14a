/**
 * The half of a session that takes calls (spec/session.md, chapter "Calls"). Invariants: a request reaches a handler at
 * most once; a slot is free only when the handler has ended, whatever the caller did meanwhile.
 */
import { type LimitName, limitMessage } from '../limits.ts'
import {
  type Body,
  copyBytes,
  type FrameDecoder,
  flags as flag,
  HASH_BYTES,
  type InPlace,
  kinds,
  ProtocolError,
  Reassembler,
  ReceivedRequestHead,
  readError,
  readMetadata,
  type WireError,
} from '../wire/index.ts'
import type { Clock } from './clock.ts'
import type { Effects, IncomingRequest } from './effects.ts'
import type { LazyFlows } from './flows.ts'
import { isAfter } from './ids.ts'
import { cancel, type IncomingCall, IncomingCalls } from './incoming.ts'
import { type FrameSender, MAX_CALLS_BEFORE_HELLO } from './sender.ts'
import { giveBackRequest, takeRequest } from './told-request.ts'
import type { Priority } from './turns.ts'

/** A request that waits for a slot; `heldAt` is on the clock's scale. */
type HeldRequest = IncomingRequest & { readonly heldAt: number }

/** Of the request that is being read: one for all connections, as it is looked at before anything else can happen. */
const headRead = new ReceivedRequestHead()

export class Callee {
  /** Frames for ids that are not in flight. */
  unknownIds = 0
  /** Requests after this id are let be: the peer was told that they do not run. */
  #finalId: number | undefined
  readonly #sender: FrameSender
  readonly #flows: LazyFlows
  readonly #clock: Clock
  readonly #effects: Effects
  readonly #calls = new IncomingCalls()
  readonly #reassembler: Reassembler
  /** Requests of a client that could not know how few calls this server runs at a time; 128 at most. */
  #held: Map<number, HeldRequest> | undefined
  #heldBytes = 0
  #isStarting = false

  constructor(sender: FrameSender, flows: LazyFlows, clock: Clock, effects: Effects) {
    this.#sender = sender
    this.#flows = flows
    this.#clock = clock
    this.#effects = effects
    this.#reassembler = new Reassembler(sender.limits)
  }

  /** Calls whose handlers have not ended. */
  get inFlight(): number {
    return this.#calls.size
  }

  get #heldCount(): number {
    return this.#held?.size ?? 0
  }

  /** No handler runs and no request is half there. */
  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#reassembler.size === 0 && this.#heldCount === 0
  }

  /** The latest id that was seen, 0 for none. */
  get lastId(): number {
    return this.#calls.lastId ?? 0
  }

  /** Callers that cannot know that all slots are taken make the server stop reading; others were told the number. */
  get isFullOfNotifies(): boolean {
    return this.#calls.oneWayCount > 0 && this.#calls.size >= this.#sender.limits.maxCallsInFlight
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
    if (!isFurther && !this.#begin(frame, headRead.read(flags, buffer, start, end), more)) return
    if (isFurther) this.#flows.all.bulkReceived(end - start)
    const firstFlags = isFurther ? this.#reassembler.flagsOf(id) : flags
    const isOneWay = (firstFlags & flag.ONE_WAY) !== 0
    const whole = this.#reassembler.add(id, flags, buffer, start, end, more)
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
    call.flow?.inflow?.cut()
    const isUnsent = this.#flows.made?.cut(id) === true
    if (call.flow?.isAnswered === true && isUnsent) {
      this.#sender.error(id, { code: 'cancelled', message: 'cancelled before the answer had left', processed: 'yes' })
      this.forget(call)
    } else cancel(call)
  }

  /** Items, or their end, or credit for some, of a call that has no such stream. Of one that is over there may still come some. */
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
    return isWanted || this.#calls.get(id) !== undefined || this.#held?.has(id) === true
  }

  /** An ERROR for a call, which a client has no reason to send. */
  errorReceived({ buffer, start, end }: FrameDecoder): void {
    readError(buffer, start, end, this.#sender.limits)
    this.unknownIds++
  }

  /** A request whose handler has not begun is answered at once. No more fragments follow a CANCEL. */
  #forgetUnread(id: number): boolean {
    const held = this.#held?.get(id)
    const isUnfinished = this.#reassembler.has(id)
    if (!held && !isUnfinished) return false
    const isOneWay = held ? held.oneWay : (this.#reassembler.flagsOf(id) & flag.ONE_WAY) !== 0
    const isAnswered = this.#reassembler.isDiscarded(id)
    if (held) this.#unhold(id, held)
    this.#reassembler.remove(id)
    this.#flows.made?.close(id)
    const error: WireError = { code: 'cancelled', message: 'cancelled before a handler began', processed: 'no' }
    if (!isOneWay && !isAnswered) this.#sender.error(id, error)
    return true
  }

  /** Sends a reply that is written where it leaves. Returns whether it was; nothing has happened otherwise. */
  respondInPlace(call: IncomingCall, metadata: Uint8Array | undefined, reply: InPlace): boolean {
    if (!this.#sender.responseInPlace(call.id, metadata, reply, this.#calls.size - 1)) return false
    this.forget(call)
    return true
  }

  /** Sends the reply, or says why not. Returns the code that the call ended with. */
  respond(call: IncomingCall, metadata: Uint8Array | undefined, body: Body): 'ok' | 'resource_exhausted' {
    const { id } = call
    const { maxMessageBytes } = this.#sender.peerLimits
    if (body.length <= maxMessageBytes) {
      const rest = this.#sender.response(id, metadata, body, this.#calls.size - 1)
      if (rest) this.#answered(call, (left) => this.#flows.all.sendRest(kinds.RESPONSE, id, rest, left))
      else this.forget(call)
      return 'ok'
    }
    const option = 'option limits.maxMessageBytes of the client'
    const message = `the reply has ${body.length} bytes: maxMessageBytes is ${maxMessageBytes} (peer ${this.#sender.link.peer}; ${option})`
    this.#sender.limitFired('maxMessageBytes', message)
    this.#sender.error(id, { code: 'resource_exhausted', message, processed: 'yes' })
    this.forget(call)
    return 'resource_exhausted'
  }

  /** Ends a stream behind its last item. */
  end(call: IncomingCall, metadata: Uint8Array | undefined): void {
    this.#finish(call, () => this.#sender.end(call.id, metadata))
  }

  /** Answers with an error, behind the items that were put before it. */
  refuse(call: IncomingCall, error: WireError): void {
    this.#finish(call, () => this.#sender.error(call.id, error))
  }

  /** A handler has ended, and all of its answer has left or nobody is there for it. */
  forget(call: IncomingCall): void {
    this.#calls.remove(call)
    this.#flows.made?.close(call.id)
    this.#startHeld()
  }

  cancelAll(): void {
    this.#held = undefined
    this.#heldBytes = 0
    this.#calls.cancelAll()
    this.#flows.made?.closeAll()
  }

  #finish(call: IncomingCall, write: () => void): void {
    const outflow = call.flow?.outflow
    if (!outflow || outflow.isOver || !outflow.isUnsent) {
      write()
      this.forget(call)
      return
    }
    this.#answered(call, (left) => {
      outflow.finish(() => {
        write()
        left()
      })
    })
  }

  /** The slot is free when the answer has left: a client that takes nothing holds no more answers than calls. */
  #answered(call: IncomingCall, send: (left: () => void) => void): void {
    const flow = this.#flows.all.of(call.id)
    flow.isAnswered = true
    flow.inflow?.stop()
    call.flow = flow
    call.runner = undefined
    if (flow.endsBy !== undefined) flow.cancelTimer = this.#endBy(call, flow.endsBy)
    send(() => this.forget(call))
  }

  /** Items that nobody takes wait no longer than the call may last (F18). */
  #endBy(call: IncomingCall, at: number): () => void {
    const { id } = call
    return this.#clock.after(Math.max(1, at - this.#clock.now()), () => {
      if (this.#flows.made?.cut(id) !== true) return
      const message = 'the answer had not left whole by the deadline'
      this.#sender.error(id, { code: 'deadline_exceeded', message, processed: 'yes' })
      this.forget(call)
    })
  }

  /** Slots are free: the requests that have waited longest have them. */
  #startHeld(): void {
    if (this.#heldCount === 0 || this.#isStarting) return // a handler that ends at once comes by here
    this.#isStarting = true
    try {
      for (const [id, request] of this.#held ?? []) {
        if (this.#heldCount === 0 || this.#calls.size >= this.#sender.limits.maxCallsInFlight) break
        this.#unhold(id, request)
        const timeoutMs = this.#remaining(request)
        if (timeoutMs === undefined) this.#refuseLate(id, request)
        else this.#effects.requestReceived(this.#add(id, request), { ...request, timeoutMs })
      }
    } finally {
      this.#isStarting = false
    }
  }

  #refuseLate(id: number, { tag, oneWay }: HeldRequest): void {
    this.#refuse(id, tag, oneWay, {
      code: 'deadline_exceeded',
      message: 'no slot before the deadline',
      processed: 'no',
    })
  }

  /** A call whose handler begins. */
  #add(id: number, { oneWay, input, output }: IncomingRequest): IncomingCall {
    const call = this.#calls.add(id, oneWay)
    if (input || output) call.flow = this.#flows.all.get(id)
    return call
  }

  #hold(id: number, request: IncomingRequest): void {
    const body = copyBytes(request.buffer, request.start, request.end)
    const hash = request.hash?.slice()
    const heldAt = this.#clock.now()
    this.#held ??= new Map()
    this.#held.set(id, { ...request, hash, buffer: body, start: 0, end: body.length, heldAt })
    this.#heldBytes += body.length
  }

  #unhold(id: number, request: IncomingRequest): void {
    this.#held?.delete(id)
    this.#heldBytes -= request.end
  }

  /** What is left of a held request's time; 0 for no deadline, `undefined` for none left. */
  #remaining({ timeoutMs, heldAt }: HeldRequest): number | undefined {
    const leftMs = Math.ceil(timeoutMs - (this.#clock.now() - heldAt))
    if (timeoutMs === 0) return 0
    return leftMs > 0 ? leftMs : undefined
  }

  /** Takes a new id. Returns whether its request may go on. */
  #begin(frame: FrameDecoder, { tag, oneWay }: ReceivedRequestHead, more: boolean): boolean {
    const { id } = frame
    if (!this.#calls.isNew(id)) throw new ProtocolError('frame_id', `the id ${id} came after ${this.lastId}`)
    this.#calls.lastId = id
    if (this.#finalId !== undefined && (this.#finalId === 0 || isAfter(id, this.#finalId))) {
      if (more) this.#skipRest(frame)
      return false
    }
    const limit = Math.max(this.#sender.limits.maxCallsInFlight, MAX_CALLS_BEFORE_HELLO)
    if (this.#calls.size + this.#reassembler.size + this.#heldCount < limit) return true
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
    const isFull = this.#calls.size >= limits.maxCallsInFlight
    const isTooMuch = isFull && this.#heldBytes + bytes > limits.maxReassemblyBytes
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
    if (isFull) this.#hold(id, request)
    else this.#effects.requestReceived(this.#add(id, request), request)
    giveBackRequest(request)
  }
}
