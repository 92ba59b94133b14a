/** Writes the session's frames to its link, within what the peer takes. */
import { type LimitName, type Limits, limitMessage } from '../limits.ts'
import {
  type Body,
  type InPlace,
  type Kind,
  kinds,
  MAX_MESSAGE_TEXT,
  type PeerLimits,
  packError,
  peerLimitNames,
  type WireError,
  writeFrame,
  writeGoaway,
  writeRequest,
  writeRequestInPlace,
  writeResponse,
  writeResponseInPlace,
} from '../wire/index.ts'
import type { Effects, OutgoingCall } from './effects.ts'
import type { Link } from './link.ts'

/** Requests that a client may send before the server's HELLO has come. */
export const MAX_CALLS_BEFORE_HELLO = 128

/** Under way besides a frame that is no request and no reply: others may go along with it in this turn. */
const SOME = 1

/** A peer that asks and does not read makes nothing grow. */
const MAX_OWED_PONGS = 8

/** Requests and replies are written with how many calls are `underway` besides, which says whether they wait for others. */
export class FrameSender {
  readonly link: Link
  readonly limits: Limits
  /** What the peer takes: the protocol's own numbers until its HELLO says others. */
  peerLimits: PeerLimits
  framesSent = 0
  readonly #effects: Pick<Effects, 'limitFired'>
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

  request(id: number, call: OutgoingCall, timeoutMs: number, underway: number): void {
    if (this.requestsBeforeHello !== undefined) this.requestsBeforeHello++
    const { tag, oneWay, metadata, body, judged } = call
    const head = { tag, timeoutMs, oneWay, metadata, judged, hash: call.takeHash?.() }
    writeRequest(this.link.writer, id, head, body, this.peerLimits.maxFrameBytes)
    this.#written(underway)
  }

  /**
   * Writes a request whose body is put where it leaves. Returns whether it did; nothing has happened otherwise, and `request`
   * is to be asked. The session is open, and the contract's hash was told.
   */
  requestInPlace(id: number, call: OutgoingCall & InPlace, timeoutMs: number, underway: number): boolean {
    const { maxFrameBytes, maxMessageBytes } = this.peerLimits
    const { tag, oneWay, judged, metadata } = call
    const head = { tag, timeoutMs, oneWay, judged, metadata }
    if (!writeRequestInPlace(this.link.writer, id, head, call, maxFrameBytes, maxMessageBytes)) return false
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

  response(id: number, metadata: Uint8Array | undefined, body: Body, underway: number): void {
    writeResponse(this.link.writer, id, metadata, body, this.peerLimits.maxFrameBytes)
    this.#written(underway)
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
