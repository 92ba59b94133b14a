/**
 * The half of a session that makes calls (spec/session.md, chapter "Calls"). Invariant: each call ends by exactly one of
 * `replied`, `refused` and `lost`, unless its caller went away first.
 */
import { NanowireError, type Processed } from '../errors.ts'
import { limitMessage } from '../limits.ts'
import {
  announcedBytes,
  type FrameDecoder,
  flags as flag,
  type InPlace,
  kinds,
  metadataEnd,
  ProtocolError,
  Reassembler,
  readEnd,
  readError,
  readMetadata,
  saidBodyStart,
} from '../wire/index.ts'
import type { Clock } from './clock.ts'
import type { OutgoingCall } from './effects.ts'
import type { FlowHalf, LazyFlows } from './flows.ts'
import { GoneCall, type InFlight, OutgoingCalls } from './outgoing.ts'
import { type FrameSender, MAX_CALLS_BEFORE_HELLO } from './sender.ts'

const NOTHING = new Uint8Array(0)

export class Caller implements FlowHalf {
  /** Replies to calls whose callers had gone away. */
  lateReplies = 0
  /** Frames for ids that are not in flight. */
  unknownIds = 0
  readonly #sender: FrameSender
  readonly #flows: LazyFlows
  readonly #clock: Clock
  readonly #calls: OutgoingCalls
  readonly #reassembler: Reassembler

  constructor(sender: FrameSender, flows: LazyFlows, clock: Clock, firstId: number) {
    this.#sender = sender
    this.#flows = flows
    this.#clock = clock
    this.#calls = new OutgoingCalls(firstId)
    this.#reassembler = new Reassembler(sender.limits)
  }

  get inFlight(): number {
    return this.#calls.inFlight
  }

  get waiting(): number {
    return this.#calls.waiting
  }

  /** Nobody waits for anything, and nothing is left to send. */
  get isIdle(): boolean {
    return this.#calls.isIdle && (this.#flows.made?.unsent ?? 0) === 0
  }

  /** Sends a call, or lets it wait for its turn. */
  start(call: OutgoingCall): void {
    const { limits, peerLimits, link } = this.#sender
    if (call.body.length > peerLimits.maxMessageBytes) {
      const message = `the request has ${call.body.length} bytes: maxMessageBytes is ${peerLimits.maxMessageBytes} (peer ${link.peer}; option limits.maxMessageBytes of the server)`
      this.#sender.limitFired('maxMessageBytes', message)
      call.refused({ code: 'resource_exhausted', message, processed: 'no' })
    } else if (this.#calls.waiting === 0 && this.#maySend()) {
      this.#send(call)
    } else if (this.#calls.waiting < limits.maxCallsQueued) {
      this.#calls.wait(call)
    } else {
      const message = limitMessage('maxCallsQueued', limits, 'too many calls wait for a place', link.peer)
      this.#sender.limitFired('maxCallsQueued', message)
      call.refused({ code: 'resource_exhausted', message, processed: 'no' })
    }
  }

  /**
   * Sends a call whose request is written where it leaves.
   * @param timeoutMs what the peer is told, 0 for no deadline
   * @returns whether it did; nothing has happened otherwise, and `start` is to be asked
   */
  startInPlace(call: OutgoingCall & InPlace, timeoutMs: number): boolean {
    if (this.#calls.waiting > 0 || !this.#maySend()) return false
    const startsAt = this.#sender.link.writtenBytes
    const id = this.#calls.peekId()
    if (!this.#sender.requestInPlace(id, call, timeoutMs, this.#calls.inFlight)) return false
    this.#calls.takeId()
    if (call.oneWay) return true
    this.#calls.sent(id, call, startsAt)
    this.#openFlow(id, call)
    return true
  }

  /**
   * The caller has gone away: the peer is told if it has the request, and what it still answers is let be.
   * @param tells not for a deadline, which the peer has been told beforehand
   */
  abandon(call: OutgoingCall, tells: boolean): void {
    const id = this.#calls.abandon(call)
    if (id === undefined) return
    this.#reassembler.discard(id)
    const isUnsent = this.#flows.made?.cut(id) === true
    const inflow = this.#flows.made?.get(id)?.inflow
    inflow?.stop()
    // A server need not measure deadlines, and may have items without end (F7).
    if (tells || isUnsent || inflow) this.#sender.frame(kinds.CANCEL, id, NOTHING)
  }

  /** Sends what waits, as far as the peer and the link take it. */
  pump(): void {
    while (this.#calls.waiting > 0 && this.#maySend()) {
      const call = this.#calls.nextWaiting()
      if (call) this.#send(call)
    }
  }

  responseReceived(frame: FrameDecoder): void {
    const { id, flags } = frame
    const called = this.#calls.get(id)
    if (!called) {
      this.unknownIds++
      return
    }
    if (called.output === true) throw new ProtocolError('stream', `a RESPONSE for ${id}, which is answered by a stream`)
    const more = (flags & flag.MORE) !== 0
    if (!more && !this.#reassembler.has(id)) {
      this.#complete(id, flags, frame.buffer, frame.start, frame.end)
      return
    }
    const { buffer, start, end } = frame
    const isFurther = this.#reassembler.has(id)
    if (isFurther && (flags & ~flag.MORE) !== 0)
      throw new ProtocolError('fragment', `a further fragment of ${id} with flags 0x${flags.toString(16)}`)
    if (isFurther) this.#flows.all.bulkReceived(end - start)
    const announced = isFurther ? 0 : announcedBytes(buffer, start, saidBodyStart(flags, buffer, start), end)
    const whole = this.#reassembler.add(id, flags, buffer, start, end, more, !this.#calls.isWanted(id), announced)
    if (typeof whole === 'string') this.#refuseReply(id, whole)
    else if (whole) {
      this.#complete(id, whole.flags, whole.body, 0, whole.body.length)
      this.#reassembler.release(whole)
    }
    if (more || (whole !== undefined && typeof whole !== 'string')) return
    const entry = this.#end(id) // nothing more comes of it
    if (entry instanceof GoneCall && !entry.isRefused) this.lateReplies++
  }

  /** An ERROR for one call. */
  errorReceived(frame: FrameDecoder): void {
    const error = readError(frame.buffer, frame.start, frame.end, this.#sender.limits)
    const { id } = frame
    const isUnsent = this.#flows.made?.get(id)?.rest !== undefined
    const entry = this.#end(id)
    this.#reassembler.remove(id)
    if (isUnsent) this.#sender.frame(kinds.CANCEL, id, NOTHING) // the server waits for the rest of the request
    if (!entry) this.unknownIds++
    else if (entry instanceof GoneCall) this.lateReplies++
    else entry.refused(error)
  }

  /** The server has sent its last item. */
  endReceived({ id, flags, buffer, start, end }: FrameDecoder): void {
    const inflow = this.#flows.made?.get(id)?.inflow
    if (!inflow) return this.strayReceived(id)
    const metadata = readEnd(flags, buffer, start, end, this.#sender.limits.maxMetadataBytes)
    inflow.endReceived()
    const entry = this.#end(id)
    if (entry === undefined || entry instanceof GoneCall) this.lateReplies++
    else entry.streamEnded?.(metadata)
  }

  strayReceived(id: number): void {
    if (this.#calls.get(id)) throw new ProtocolError('stream', `a frame of a stream that the call ${id} does not have`)
    this.unknownIds++
  }

  /** The peer runs nothing after `lastId`, 0 for nothing at all. */
  loseAfter(lastId: number, cause: NanowireError): void {
    for (const { id, call } of this.#calls.takeAfter(lastId)) {
      this.#flows.made?.close(id)
      call.lost(copyOf(cause, 'no'))
    }
  }

  loseWaiting(cause: NanowireError): void {
    for (const call of this.#calls.takeWaiting()) call.lost(copyOf(cause, 'no'))
  }

  /** The connection is over. A request of which no byte was handed to the system did not run. */
  loseAll(cause: NanowireError): void {
    this.loseWaiting(cause)
    this.#flows.made?.closeAll()
    for (const call of this.#calls.takeInFlight()) {
      const left = call.startsAt < this.#sender.link.flushedBytes
      call.lost(copyOf(cause, left ? cause.processed : 'no'))
    }
  }

  #maySend(): boolean {
    const { link, peerLimits, requestsBeforeHello } = this.#sender
    if (link.isCongested || this.#calls.inFlight >= peerLimits.maxCallsInFlight) return false
    return requestsBeforeHello === undefined || requestsBeforeHello < MAX_CALLS_BEFORE_HELLO
  }

  #send(call: OutgoingCall): void {
    const id = this.#calls.takeId()
    const leftMs = call.deadlineAt - this.#clock.now()
    const timeoutMs = leftMs === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(leftMs))
    const underway = this.#calls.inFlight + this.#calls.waiting
    if (!call.oneWay) this.#calls.sent(id, call, this.#sender.link.writtenBytes)
    const rest = this.#sender.request(id, call, timeoutMs, underway)
    if (!call.oneWay) this.#openFlow(id, call)
    if (rest) this.#flows.all.sendRest(kinds.REQUEST, id, rest, () => call.oneWay && this.#flows.all.close(id))
    call.left()
  }

  /** What a call has besides its request and reply. */
  #openFlow(id: number, call: OutgoingCall): void {
    const { input = false, output = false, priority = 1 } = call
    if (priority !== 1) this.#sender.priority(id, priority)
    if (!input && !output && priority === 1) return
    const flow = this.#flows.all.open(id, output, input, priority)
    if (input || output) call.flowing?.(flow)
  }

  /** The peer has ended the call. */
  #end(id: number): InFlight | undefined {
    this.#flows.made?.close(id)
    return this.#calls.end(id)
  }

  #complete(id: number, flags: number, buffer: Uint8Array, start: number, end: number): void {
    const { limits } = this.#sender
    const bodyStart = (flags & flag.METADATA) === 0 ? start : metadataEnd(buffer, start, end)
    const metadata = readMetadata(buffer, start, bodyStart, limits.maxMetadataBytes)
    const isTooLarge = end - bodyStart > limits.maxMessageBytes
    if (isTooLarge) this.#refuseReply(id, 'maxMessageBytes')
    const entry = this.#end(id)
    if (isTooLarge) return
    if (entry === undefined || entry instanceof GoneCall) this.lateReplies++
    else entry.replied(metadata, buffer, bodyStart, end)
  }

  /** The reply is too large; its caller need not wait for the rest. */
  #refuseReply(id: number, limit: 'maxMessageBytes' | 'maxReassemblyBytes'): void {
    const message = limitMessage(limit, this.#sender.limits, 'the reply is too large', this.#sender.link.peer)
    this.#sender.limitFired(limit, message)
    this.#calls.refuse(id)?.refused({ code: 'resource_exhausted', message, processed: 'yes' })
  }
}

function copyOf(cause: NanowireError, processed: Processed): NanowireError {
  return new NanowireError(cause.code, cause.message, { processed, cause: cause.cause })
}
