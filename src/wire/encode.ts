/**
 * Writes frames (spec/protocol.md). Each function writes one message whole, in as many fragments as it needs.
 */
import { flags as flag, type Kind, kinds } from './frame.ts'
import { pack } from './msgpack.ts'
import { type Body, BodyRest } from './pieces.ts'
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
  /** Items follow. */
  readonly input?: boolean | undefined
  /** The answer is to be a stream. */
  readonly output?: boolean | undefined
  /** Packed metadata, where there is any. */
  readonly metadata?: Uint8Array | undefined
}

const REQUEST_HEAD_BYTES = 8

/** REQUEST: `u32 tag, u32 timeoutMs, [16 bytes of hash], [u16 length, metadata], body`. */
export function writeRequest(
  writer: FrameWriter,
  id: number,
  head: RequestHead,
  body: Body,
  maxFrameBytes: number,
): void {
  writeRest(
    writer,
    kinds.REQUEST,
    id,
    beginRequest(writer, id, head, body, maxFrameBytes, maxFrameBytes),
    maxFrameBytes,
  )
}

/**
 * The first frame of a REQUEST: the whole of it, or `firstBytes` of one that is longer than a frame.
 * @returns what of the body is to follow in further fragments
 */
export function beginRequest(
  writer: FrameWriter,
  id: number,
  head: RequestHead,
  body: Body,
  maxFrameBytes: number,
  firstBytes: number,
): BodyRest | undefined {
  const { hash, metadata } = head
  const headBytes = REQUEST_HEAD_BYTES + (hash ? hash.length : 0) + metadataBytes(metadata)
  const flags = flagsOf(head) | (metadata ? flag.METADATA : 0) | (hash ? flag.HASH : 0)
  const first = openMessage(writer, kinds.REQUEST, flags, id, headBytes, body, maxFrameBytes, firstBytes)
  writeU32(writer, head.tag)
  writeU32(writer, head.timeoutMs)
  if (hash) writeBytes(writer, hash)
  if (metadata) writeMetadata(writer, metadata)
  return writeFirst(writer, body, first)
}

function flagsOf({ oneWay, judged, input, output }: Omit<RequestHead, 'hash' | 'timeoutMs'>): number {
  return (
    (oneWay ? flag.ONE_WAY : 0) | (judged ? flag.JUDGED : 0) | (input ? flag.INPUT : 0) | (output ? flag.OUTPUT : 0)
  )
}

/**
 * A REQUEST of one frame, without hash, whose body is written where it leaves.
 * @returns whether it was; nothing is written otherwise, and `writeRequest` may do it
 */
export function writeRequestInPlace(
  writer: FrameWriter,
  id: number,
  head: Omit<RequestHead, 'hash' | 'timeoutMs'>,
  timeoutMs: number,
  body: InPlace,
  maxFrameBytes: number,
  maxBodyBytes: number,
): boolean {
  const { metadata } = head
  const headBytes = REQUEST_HEAD_BYTES + metadataBytes(metadata)
  const flags = flagsOf(head) | (metadata ? flag.METADATA : 0)
  const most = Math.min(maxBodyBytes, maxFrameBytes - headBytes)
  const bodyStart = writeInPlace(writer, kinds.REQUEST, flags, id, headBytes, most, body)
  if (bodyStart < 0) return false
  placeU32(writer.buffer, bodyStart - headBytes, head.tag)
  placeU32(writer.buffer, bodyStart - headBytes + 4, timeoutMs)
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
  const rest = beginResponse(writer, id, metadata, body, maxFrameBytes, maxFrameBytes)
  writeRest(writer, kinds.RESPONSE, id, rest, maxFrameBytes)
}

/** The first frame of a RESPONSE; likewise. */
export function beginResponse(
  writer: FrameWriter,
  id: number,
  metadata: Uint8Array | undefined,
  body: Body,
  maxFrameBytes: number,
  firstBytes: number,
): BodyRest | undefined {
  const flags = metadata ? flag.METADATA : 0
  const headBytes = metadataBytes(metadata)
  const first = openMessage(writer, kinds.RESPONSE, flags, id, headBytes, body, maxFrameBytes, firstBytes)
  if (metadata) writeMetadata(writer, metadata)
  return writeFirst(writer, body, first)
}

/** A DATA of one frame whose item is written where it leaves. Returns the length of its body, -1 where nothing was written. */
export function writeItemInPlace(writer: FrameWriter, id: number, item: InPlace, maxBodyBytes: number): number {
  const bodyStart = writeInPlace(writer, kinds.DATA, 0, id, 0, maxBodyBytes, item)
  return bodyStart < 0 ? -1 : writer.position - bodyStart
}

/** The header of a DATA, and the number of items that were left out where there were any; `bytes` of items are to follow. */
export function beginData(writer: FrameWriter, id: number, flags: number, gap: number, bytes: number): void {
  const withGap = gap > 0 ? flags | flag.GAP : flags
  writeHeader(writer, bytes + (gap > 0 ? 4 : 0), kinds.DATA, withGap, id)
  if (gap > 0) writeU32(writer, gap)
}

/** END: `[u16 length, metadata]`. */
export function writeEnd(writer: FrameWriter, id: number, metadata: Uint8Array | undefined): void {
  writeHeader(writer, metadataBytes(metadata), kinds.END, metadata ? flag.METADATA : 0, id)
  if (metadata) writeMetadata(writer, metadata)
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
  firstBytes: number,
): number {
  const isWhole = headBytes + body.length <= maxFrameBytes
  const first = isWhole ? body.length : Math.max(0, firstBytes - headBytes)
  writeHeader(writer, headBytes + first, kind, isWhole ? flags : flags | flag.MORE, id)
  return first
}

/** Writes what of a body stands in the first frame. Returns the rest, if there is one. */
function writeFirst(writer: FrameWriter, body: Body, first: number): BodyRest | undefined {
  if (body instanceof Uint8Array && first === body.length) {
    writeBytes(writer, body)
    return undefined
  }
  const rest = new BodyRest(body)
  rest.write(writer, first)
  return rest.left > 0 ? rest : undefined
}

/** A further fragment of a message, of `bytes` bytes. */
export function writeFragment(writer: FrameWriter, kind: Kind, id: number, rest: BodyRest, bytes: number): void {
  writeHeader(writer, bytes, kind, bytes < rest.left ? flag.MORE : 0, id)
  rest.write(writer, bytes)
}

function writeRest(
  writer: FrameWriter,
  kind: Kind,
  id: number,
  rest: BodyRest | undefined,
  maxFrameBytes: number,
): void {
  while (rest && rest.left > 0) writeFragment(writer, kind, id, rest, Math.min(rest.left, maxFrameBytes))
}

function metadataBytes(metadata: Uint8Array | undefined): number {
  return metadata ? 2 + metadata.length : 0
}

function writeMetadata(writer: FrameWriter, metadata: Uint8Array): void {
  writeU16(writer, metadata.length)
  writeBytes(writer, metadata)
}
