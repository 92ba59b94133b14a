/**
 * Reads what stands in a frame's body before and beside the value of a schema: a request's head, metadata, errors
 * (spec/protocol.md). Everything is checked here; nothing of a peer is trusted further in.
 */
import type { Limits } from '../limits.ts'
import type { Metadata, WireError } from './encode.ts'
import { flags as flag, ProtocolError } from './frame.ts'
import { uint32At } from './octets.ts'
import { walkStrict } from './strict.ts'
import { unpack } from './unpack.ts'

/** Of a contract's hash. */
export const HASH_BYTES = 16

/** For HELLO, AUTH and metadata: more values than their bytes can hold apart. */
const SMALL = { maxDepth: 8, maxNodes: 65_536 }

/** What a REQUEST's first fragment says before the body, and where the body begins. One object serves for many requests. */
export class ReceivedRequestHead {
  tag = 0
  timeoutMs = 0
  oneWay = false
  /** The client knows that the contracts differ, and asks all the same. */
  judged = false
  /** Items follow. */
  input = false
  /** The answer is to be a stream. */
  output = false
  /** Where the client's hash of the contract lies, -1 for none. */
  hashStart = -1
  /** Where packed metadata lies, empty where there is none. */
  metadataStart = 0
  bodyStart = 0

  /** REQUEST: `u32 tag, u32 timeoutMs, [16 bytes of hash], [u16 length, metadata], body`. Returns itself. */
  read(flags: number, buffer: Uint8Array, start: number, end: number): this {
    if (end - start < 8) throw new ProtocolError('body', 'a REQUEST without tag and time')
    const hasHash = (flags & flag.HASH) !== 0
    const at = start + 8 + (hasHash ? HASH_BYTES : 0)
    if (at > end) throw new ProtocolError('body', 'a REQUEST that ends within the hash of its contract')
    this.tag = uint32At(buffer, start)
    this.timeoutMs = uint32At(buffer, start + 4)
    this.oneWay = (flags & flag.ONE_WAY) !== 0
    this.judged = (flags & flag.JUDGED) !== 0
    this.input = (flags & flag.INPUT) !== 0
    this.output = (flags & flag.OUTPUT) !== 0
    this.hashStart = hasHash ? start + 8 : -1
    this.metadataStart = at
    this.bodyStart = (flags & flag.METADATA) === 0 ? at : metadataEnd(buffer, at, end)
    if (this.input && this.bodyStart !== end) throw new ProtocolError('body', 'a REQUEST with INPUT and a body')
    return this
  }
}

export function readRequestHead(flags: number, buffer: Uint8Array, start: number, end: number): ReceivedRequestHead {
  return new ReceivedRequestHead().read(flags, buffer, start, end)
}

const NO_METADATA: Metadata = Object.freeze({})

/** Where the body of a message begins by what it says, which may be beyond its first frame. */
export function saidBodyStart(flags: number, buffer: Uint8Array, start: number): number {
  return (flags & flag.METADATA) === 0 ? start : afterMetadata(buffer, start)
}

function afterMetadata(buffer: Uint8Array, start: number): number {
  return start + 2 + (((buffer[start] ?? 0) << 8) | (buffer[start + 1] ?? 0))
}

/** Where the body begins after `u16 length, metadata`. */
export function metadataEnd(buffer: Uint8Array, start: number, end: number): number {
  const bodyStart = afterMetadata(buffer, start)
  if (start + 2 > end || bodyStart > end) throw new ProtocolError('body', 'metadata longer than its frame')
  return bodyStart
}

/** Metadata between `metadataEnd`'s two places: a map of text to text. */
export function readMetadata(buffer: Uint8Array, start: number, end: number, maxMetadataBytes: number): Metadata {
  if (end === start) return NO_METADATA
  if (end - start - 2 > maxMetadataBytes) {
    throw new ProtocolError(
      'limit',
      `metadata of ${end - start - 2} bytes: maxMetadataBytes is ${maxMetadataBytes} (option limits.maxMetadataBytes)`,
      'maxMetadataBytes',
    )
  }
  return requireMetadata(readMap('body', buffer, start + 2, end))
}

function requireMetadata(map: Readonly<Record<string, unknown>>): Metadata {
  for (const [name, value] of Object.entries(map)) {
    if (typeof value !== 'string') throw new ProtocolError('body', `the metadata ${JSON.stringify(name)} is no text`)
  }
  return map as Metadata // every value was looked at
}

/** Of an error's message, in UTF-16 units; what is longer is cut, by its sender and by its reader. */
export const MAX_MESSAGE_TEXT = 1_024
/** A declared error's name is shorter, and no other code is as long. */
const MAX_CODE_TEXT = 128

/** The body of an ERROR. Entries that are not known are let be. */
export function readError(
  buffer: Uint8Array,
  start: number,
  end: number,
  limits: Pick<Limits, 'maxDepth' | 'maxNodes'>,
): WireError {
  const map = readMap('body', buffer, start, end, limits)
  const { code, message, processed, id, data, rule, lastId, metadata } = map
  if (typeof code !== 'string' || typeof message !== 'string')
    throw new ProtocolError('body', 'an ERROR without code and message')
  if (processed !== undefined && processed !== 'no' && processed !== 'maybe' && processed !== 'yes') {
    throw new ProtocolError('body', "an ERROR whose processed is not 'no', 'maybe' or 'yes'")
  }
  return {
    code: code.slice(0, MAX_CODE_TEXT),
    message: message.slice(0, MAX_MESSAGE_TEXT),
    processed,
    data,
    id: typeof id === 'string' ? id : undefined,
    rule: typeof rule === 'string' ? rule : undefined,
    lastId: wholeNumber(lastId),
    metadata: isMap(metadata) ? requireMetadata(metadata) : undefined,
  }
}

/**
 * Strict MessagePack that is one map, within `limits`.
 * @throws ProtocolError by `rule`
 */
export function readMap(
  rule: 'hello' | 'body',
  buffer: Uint8Array,
  start: number,
  end: number,
  limits: Pick<Limits, 'maxDepth' | 'maxNodes'> = SMALL,
): Readonly<Record<string, unknown>> {
  const value = readValue(rule, buffer, start, end, limits)
  if (!isMap(value)) throw new ProtocolError(rule, 'a map was expected')
  return value
}

/**
 * Looks whether the bytes are one value of strict MessagePack.
 * @throws ProtocolError by `rule`
 */
export function requireStrict(rule: 'hello' | 'body', buffer: Uint8Array, start: number, end: number): void {
  try {
    walkStrict(buffer, start, end, SMALL)
  } catch (error) {
    throw notStrict(rule, error)
  }
}

/** Strict MessagePack of any one value. */
export function readValue(
  rule: 'hello' | 'body',
  buffer: Uint8Array,
  start: number,
  end: number,
  limits: Pick<Limits, 'maxDepth' | 'maxNodes'> = SMALL,
): unknown {
  try {
    return unpack(buffer, start, end, limits)
  } catch (error) {
    throw notStrict(rule, error)
  }
}

/** Whatever it was, it ends one connection and no process; the cause tells what the peer is not to blame for. */
function notStrict(rule: 'hello' | 'body', cause: unknown): ProtocolError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new ProtocolError(rule, `no strict MessagePack: ${message}`, undefined, cause)
}

/** A whole number in any of MessagePack's integer formats; those of 64 bits are read as bigints. */
export function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
