/** Writes the session's frames to its link, within what the peer takes. */
import { type LimitName, type Limits, limitMessage } from '../limits.ts'
import {
  appendInPlace,
  type Body,
  type BodyRest,
  beginData,
  beginRequest,
  beginResponse,
  flags,
  HEADER_BYTES,
  type InPlace,
  type Kind,
  kinds,
  MAX_MESSAGE_TEXT,
  type PeerLimits,
  packError,
  peerLimitNames,
  type WireError,
  writeCredit,
  writeEnd,
  writeFragment,
  writeFrame,
  writeGoaway,
  writeItemInPlace,
  writeRequestInPlace,
  writeResponseInPlace,
} from '../wire/index.ts'
import type { Effects, OutgoingCall } from './effects.ts'
import type { Link } from './link.ts'
import { PIECE_BYTES, type Priority } from './turns.ts'

/** Requests that a client may send before the server's HELLO has come. */
export const MAX_CALLS_BEFORE_HELLO = 128

/** Under way besides a frame that is no request and no reply: others may go along with it in this turn. */
const SOME = 1

/** Items wait for the end of the turn, or for a batch that is large. */
const MANY = Number.POSITIVE_INFINITY

/** A peer that asks and does not read makes nothing grow. */
const MAX_OWED_PONGS = 8

/** A DATA to which items can be added while nothing stands behind it and it has not left. */
interface OpenData {
  readonly id: number
  readonly buffer: Uint8Array
  readonly headerAt: number
  end: number
  readonly flushedBytes: number
}

/** Requests and replies are written with how many calls are `underway` besides, which says whether they wait for others. */
export class FrameSender {
  readonly link: Link
  readonly limits: Limits
  /** What the peer takes: the protocol's own numbers until its HELLO says others. */
  peerLimits: PeerLimits
  framesSent = 0
  readonly #effects: Pick<Effects, 'limitFired'>
  /** The DATA that was written last, as long as it can be added to. */
  #open: OpenData | undefined
  #owedPongs: Uint8Array[] | undefined
  /** How many requests were sent, notifies too, until the peer's HELLO has come. */
  requestsBeforeHello: number | undefined = 0

  constructor(link: Link, limits: Limits, effects: Pick<Effects, 'limitFired'>) {
    this.link = link
    this.limits = limits
    this.#effects = effects
    this.peerLimits = { ...limits, maxFrameBytes: 65_536, maxCallsInFlight: MAX_CALLS_BEFORE_HELLO }
  }

  /** A limit fired; the message names it, its value, the peer and the option. */
  limitFired(name: LimitName, message: string): void {
    this.#effects.limitFired(name, message)
  }

  /** The peer's HELLO has come. */
  helloReceived(peerLimits: PeerLimits): void {
    const maxFrameBytes = Math.min(peerLimits.maxFrameBytes, this.limits.maxFrameBytes)
    this.peerLimits = sharedLimits({ ...peerLimits, maxFrameBytes })
    this.requestsBeforeHello = undefined
  }

  frame(kind: Kind, id: number, body: Uint8Array): void {
    writeFrame(this.link.writer, kind, 0, id, body)
    this.#written(SOME)
  }

  /** Answers a PING, later where the link is congested, and then only the last few. */
  pong(payload: Uint8Array): void {
    this.#owedPongs ??= []
    this.#owedPongs.push(payload)
    if (this.#owedPongs.length > MAX_OWED_PONGS) this.#owedPongs.shift()
    if (!this.link.isCongested) this.sendOwedPongs()
  }

  sendOwedPongs(): void {
    const owed = this.#owedPongs ?? []
    this.#owedPongs = undefined
    for (const payload of owed) this.frame(kinds.PONG, 0, payload)
  }

  /** Writes a request, or the first frame of one. Returns what is to follow. */
  request(id: number, call: OutgoingCall, timeoutMs: number, underway: number): BodyRest | undefined {
    if (this.requestsBeforeHello !== undefined) this.requestsBeforeHello++
    const { tag, oneWay, metadata, body, judged, input, output } = call
    const head = { tag, timeoutMs, oneWay, metadata, judged, input, output, hash: call.takeHash?.() }
    const rest = beginRequest(this.link.writer, id, head, body, this.peerLimits.maxFrameBytes, PIECE_BYTES)
    this.#written(underway)
    return rest
  }

  /**
   * Writes a request whose body is put where it leaves. Returns whether it did; nothing has happened otherwise, and `request`
   * is to be asked. The session is open, and the contract's hash was told.
   */
  requestInPlace(id: number, call: OutgoingCall & InPlace, timeoutMs: number, underway: number): boolean {
    const { maxFrameBytes, maxMessageBytes } = this.peerLimits
    if (!writeRequestInPlace(this.link.writer, id, call, timeoutMs, call, maxFrameBytes, maxMessageBytes)) return false
    this.#written(underway)
    return true
  }

  /** Writes a reply whose body is put where it leaves; likewise. */
  responseInPlace(id: number, metadata: Uint8Array | undefined, reply: InPlace, underway: number): boolean {
    const { maxFrameBytes, maxMessageBytes } = this.peerLimits
    if (!writeResponseInPlace(this.link.writer, id, metadata, reply, maxFrameBytes, maxMessageBytes)) return false
    this.#written(underway)
    return true
  }

  /** Writes a reply, or the first frame of one. Returns what is to follow. */
  response(id: number, metadata: Uint8Array | undefined, body: Body, underway: number): BodyRest | undefined {
    const rest = beginResponse(this.link.writer, id, metadata, body, this.peerLimits.maxFrameBytes, PIECE_BYTES)
    this.#written(underway)
    return rest
  }

  /** A further fragment of a request or reply, which leaves with what is written behind it. */
  fragment(kind: Kind, id: number, rest: BodyRest, bytes: number): void {
    writeFragment(this.link.writer, kind, id, rest, bytes)
    this.framesSent++
  }

  /**
   * Writes an item where it leaves: behind those of the DATA that was written last, if that is its stream's, or as a DATA of its own.
   * @returns how many bytes it has, -1 where nothing was written
   */
  itemInPlace(id: number, item: InPlace, maxBytes: number): number {
    const added = this.#addToOpen(id, item, maxBytes)
    if (added >= 0) return added
    const { link } = this
    const { writer } = link
    const bytes = writeItemInPlace(writer, id, item, maxBytes)
    if (bytes < 0) return bytes
    const { buffer, position: end } = writer
    this.#open = { id, buffer, headerAt: end - bytes - HEADER_BYTES, end, flushedBytes: link.flushedBytes }
    this.framesSent++
    return bytes
  }

  /** What `itemInPlace` has written may leave. */
  itemsWritten(): void {
    this.link.written(MANY)
  }

  #addToOpen(id: number, item: InPlace, maxBytes: number): number {
    const open = this.#open
    const { link } = this
    if (open?.id !== id || link.flushedBytes !== open.flushedBytes) return -1
    const { writer } = link
    if (writer.buffer !== open.buffer || writer.position !== open.end) return -1 // something stands behind it
    const room = PIECE_BYTES - (open.end - open.headerAt - HEADER_BYTES)
    const bytes = room <= 0 ? -1 : appendInPlace(writer, open.headerAt, Math.min(room, maxBytes), item)
    if (bytes < 0) return -1
    open.end += bytes
    return bytes
  }

  /** A DATA with the next bytes of items, or a fragment of one where that is not all; likewise. */
  items(id: number, gap: number, rest: BodyRest, bytes: number): void {
    beginData(this.link.writer, id, bytes < rest.left ? flags.MORE : 0, gap, bytes)
    rest.write(this.link.writer, bytes)
    this.framesSent++
  }

  /** A DATA without items, `isWithin` an item that goes on. */
  emptyData(id: number, waits: boolean, isWithin: boolean): void {
    beginData(this.link.writer, id, (waits ? flags.WAIT : 0) | (isWithin ? flags.MORE : 0), 0, 0)
    this.#written(SOME)
  }

  end(id: number, metadata: Uint8Array | undefined): void {
    writeEnd(this.link.writer, id, metadata)
    this.#written(SOME)
  }

  /** How urgent a call is; who does not know the kind skips it. */
  priority(id: number, priority: Priority): void {
    writeFrame(this.link.writer, kinds.PRIORITY, flags.IGNORE, id, Uint8Array.of(priority))
    this.#written(SOME)
  }

  credit(id: number, increment: number): void {
    writeCredit(this.link.writer, id, increment)
    this.#written(SOME)
  }

  /** An ERROR, of the connection where `id` is 0. Its text is cut to 1,024 characters, so that it always fits. */
  error(id: number, error: WireError): void {
    const message = error.message.slice(0, MAX_MESSAGE_TEXT).toWellFormed()
    const body = packError({ ...error, message })
    const tooLarge = body.length > this.limits.maxErrorBytes
    this.frame(kinds.ERROR, id, tooLarge ? packError(this.#tooLarge(error, body.length)) : body)
  }

  goaway(final: boolean, lastId: number, reason: string): void {
    writeGoaway(this.link.writer, final, lastId, reason)
    this.#written(SOME)
  }

  #tooLarge(error: WireError, bytes: number): WireError {
    const { limits, link } = this
    const message = limitMessage('maxErrorBytes', limits, `the error ${error.code} has ${bytes} bytes`, link.peer)
    this.limitFired('maxErrorBytes', message)
    return { code: 'resource_exhausted', message, processed: error.processed }
  }

  #written(underway: number): void {
    this.framesSent++
    this.link.written(underway)
  }
}

/** What the last peer took: most say the same, and their connections hold it once. */
let lastLimits: PeerLimits | undefined

function sharedLimits(limits: PeerLimits): PeerLimits {
  const last = lastLimits
  if (last && peerLimitNames.every((name) => last[name] === limits[name])) return last
  lastLimits = limits
  return limits
}
