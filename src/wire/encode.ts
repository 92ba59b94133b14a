/**
 * Writes frames (spec/protocol.md). Each function writes one message whole, in as many fragments as it needs.
 */
import { flags as flag, type Kind, kinds } from './frame.ts'
import { pack } from './msgpack.ts'
import {
  type FrameWriter,
  type InPlace,
  placeU32,
  writeBytes,
  writeHeader,
  writeInPlace,
  writeU16,
  writeU32,
} from './writer.ts'

/** Metadata of a request or reply: names and text. */
export type Metadata = Readonly<Record<string, string>>

/** What stands before a request's body. */
export interface RequestHead {
  readonly tag: number
  /** What is left until the deadline, 0 for none; in milliseconds. */
  readonly timeoutMs: number
  readonly oneWay: boolean
  /** The client's hash of the contract, sixteen bytes, where it is told. */
  readonly hash?: Uint8Array | undefined
  /** The client knows that the contracts differ. */
  readonly judged?: boolean | undefined
  /** Packed metadata, where there is any. */
  readonly metadata?: Uint8Array | undefined
}

const REQUEST_HEAD_BYTES = 8

/** A value as MessagePack: large bytes of it may stand between its other pieces, not yet copied. */
export type Body = Uint8Array | Pieces

export interface Pieces {
  readonly pieces: readonly Uint8Array[]
  /** Of all pieces together. */
  readonly length: number
}

/** Whether a body is as it was made: memory that was transferred since is empty. */
export function isWhole(body: Body): boolean {
  return body instanceof Uint8Array || body.pieces.reduce((sum, { length }) => sum + length, 0) === body.length
}

/** A body in one piece, copied together where it is none. */
export function joinBody(body: Body): Uint8Array {
  if (body instanceof Uint8Array) return body
  const joined = new Uint8Array(body.length)
  let at = 0
  for (const piece of body.pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/** REQUEST: `u32 tag, u32 timeoutMs, [16 bytes of hash], [u16 length, metadata], body`. */
export function writeRequest(
  writer: FrameWriter,
  id: number,
  head: RequestHead,
  body: Body,
  maxFrameBytes: number,
): void {
  const { hash, metadata } = head
  const headBytes = REQUEST_HEAD_BYTES + (hash ? hash.length : 0) + metadataBytes(metadata)
  const flags =
    (head.oneWay ? flag.ONE_WAY : 0) |
    (metadata ? flag.METADATA : 0) |
    (hash ? flag.HASH : 0) |
    (head.judged ? flag.JUDGED : 0)
  const first = openMessage(writer, kinds.REQUEST, flags, id, headBytes, body, maxFrameBytes)
  writeU32(writer, head.tag)
  writeU32(writer, head.timeoutMs)
  if (hash) writeBytes(writer, hash)
  if (metadata) writeMetadata(writer, metadata)
  writeRest(writer, kinds.REQUEST, id, body, first, maxFrameBytes)
}

/**
 * A REQUEST of one frame, without hash, whose body is written where it leaves.
 * @returns whether it was; nothing is written otherwise, and `writeRequest` may do it
 */
export function writeRequestInPlace(
  writer: FrameWriter,
  id: number,
  head: Omit<RequestHead, 'hash'>,
  body: InPlace,
  maxFrameBytes: number,
  maxBodyBytes: number,
): boolean {
  const { metadata } = head
  const headBytes = REQUEST_HEAD_BYTES + metadataBytes(metadata)
  const flags = (head.oneWay ? flag.ONE_WAY : 0) | (metadata ? flag.METADATA : 0) | (head.judged ? flag.JUDGED : 0)
  const most = Math.min(maxBodyBytes, maxFrameBytes - headBytes)
  const bodyStart = writeInPlace(writer, kinds.REQUEST, flags, id, headBytes, most, body)
  if (bodyStart < 0) return false
  placeU32(writer.buffer, bodyStart - headBytes, head.tag)
  placeU32(writer.buffer, bodyStart - headBytes + 4, head.timeoutMs)
  if (metadata) placeMetadata(writer.buffer, bodyStart, metadata)
  return true
}

/** A RESPONSE of one frame, whose body is written where it leaves; likewise. */
export function writeResponseInPlace(
  writer: FrameWriter,
  id: number,
  metadata: Uint8Array | undefined,
  body: InPlace,
  maxFrameBytes: number,
  maxBodyBytes: number,
): boolean {
  const headBytes = metadataBytes(metadata)
  const most = Math.min(maxBodyBytes, maxFrameBytes - headBytes)
  const flags = metadata ? flag.METADATA : 0
  const bodyStart = writeInPlace(writer, kinds.RESPONSE, flags, id, headBytes, most, body)
  if (metadata && bodyStart >= 0) placeMetadata(writer.buffer, bodyStart, metadata)
  return bodyStart >= 0
}

/** Puts metadata before the body at `bodyStart`. */
function placeMetadata(buffer: Uint8Array, bodyStart: number, metadata: Uint8Array): void {
  const at = bodyStart - metadataBytes(metadata)
  buffer[at] = metadata.length >>> 8
  buffer[at + 1] = metadata.length
  buffer.set(metadata, at + 2)
}

/** RESPONSE: `[u16 length, metadata], body`. */
export function writeResponse(
  writer: FrameWriter,
  id: number,
  metadata: Uint8Array | undefined,
  body: Body,
  maxFrameBytes: number,
): void {
  const first = openMessage(
    writer,
    kinds.RESPONSE,
    metadata ? flag.METADATA : 0,
    id,
    metadataBytes(metadata),
    body,
    maxFrameBytes,
  )
  if (metadata) writeMetadata(writer, metadata)
  writeRest(writer, kinds.RESPONSE, id, body, first, maxFrameBytes)
}

/** An error as it travels: of one call, or of the connection (id 0). */
export interface WireError {
  readonly code: string
  readonly message: string
  /** Of a call: whether its handler ran. */
  readonly processed?: 'no' | 'maybe' | 'yes' | undefined
  /** Of a call: what the server's log calls it. */
  readonly id?: string | undefined
  /** Of a declared error. */
  readonly data?: unknown
  /** Of a connection: the rule that was broken. */
  readonly rule?: string | undefined
  /** Of a connection, from a server: no request above this id ran. */
  readonly lastId?: number | undefined
  readonly metadata?: Metadata | undefined
}

/** The body of an ERROR: a map of what the error has. */
export function packError(error: WireError): Uint8Array {
  return pack(Object.fromEntries(Object.entries(error).filter(([, value]) => value !== undefined)))
}

/** Any frame of a body that is at hand: ERROR, HELLO, PING, PONG, CANCEL. */
export function writeFrame(writer: FrameWriter, kind: Kind, flags: number, id: number, body: Uint8Array): void {
  writeHeader(writer, body.length, kind, flags, id)
  writeBytes(writer, body)
}

/** GOAWAY: `u32 last id, UTF-8 reason`. */
export function writeGoaway(writer: FrameWriter, final: boolean, lastId: number, reason: string): void {
  const text = utf8(reason, 1_024)
  writeHeader(writer, 4 + text.length, kinds.GOAWAY, final ? flag.FINAL : 0, 0)
  writeU32(writer, lastId)
  writeBytes(writer, text)
}

/** A text in UTF-8, cut to `maxBytes` between two characters. */
function utf8(text: string, maxBytes: number): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  let end = Math.min(bytes.length, maxBytes)
  while (end > 0 && end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

/** CREDIT: `u32 increment`. */
export function writeCredit(writer: FrameWriter, id: number, increment: number): void {
  writeHeader(writer, 4, kinds.CREDIT, 0, id)
  writeU32(writer, increment)
}

/** Opens a message's first frame; returns how many bytes of the body it takes. */
function openMessage(
  writer: FrameWriter,
  kind: Kind,
  flags: number,
  id: number,
  headBytes: number,
  body: Body,
  maxFrameBytes: number,
): number {
  const first = Math.min(body.length, maxFrameBytes - headBytes)
  writeHeader(writer, headBytes + first, kind, first < body.length ? flags | flag.MORE : flags, id)
  return first
}

/** The body from the first frame on, in further frames where it is longer. */
function writeRest(
  writer: FrameWriter,
  kind: Kind,
  id: number,
  body: Body,
  first: number,
  maxFrameBytes: number,
): void {
  if (body instanceof Uint8Array && first === body.length) {
    writeBytes(writer, body)
    return
  }
  let left = first // of this frame
  let toCome = body.length - first
  for (const piece of body instanceof Uint8Array ? [body] : body.pieces) {
    for (let at = 0; at < piece.length; ) {
      if (left === 0) {
        left = Math.min(toCome, maxFrameBytes)
        toCome -= left
        writeHeader(writer, left, kind, toCome > 0 ? flag.MORE : 0, id)
      }
      const end = Math.min(piece.length, at + left)
      writeBytes(writer, piece.subarray(at, end))
      left -= end - at
      at = end
    }
  }
}

function metadataBytes(metadata: Uint8Array | undefined): number {
  return metadata ? 2 + metadata.length : 0
}

function writeMetadata(writer: FrameWriter, metadata: Uint8Array): void {
  writeU16(writer, metadata.length)
  writeBytes(writer, metadata)
}
