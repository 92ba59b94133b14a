/**
 * Reads and writes what stands in a frame's body before and beside the value of a schema: HELLO, a request's head,
 * metadata, errors (spec/protocol.md). Everything is checked here; nothing of a peer is trusted further in.
 */
import type { Limits } from '../limits.ts'
import type { Metadata, WireError } from './encode.ts'
import { flags as flag, ProtocolError } from './frame.ts'
import { pack, unpack } from './msgpack.ts'
import { uint32At } from './octets.ts'

export const PROTOCOL_MAJOR = 1
const MAGIC = [0x4e, 0x57, 0x49, 0x52] // NWIR

/** What each side says of itself first. */
export interface Hello {
  readonly major: number
  /** The numbers that the other side must keep to. */
  readonly limits: PeerLimits
  /** Names of optional parts of the protocol that the sender knows; both must, for one to be used. */
  readonly features: readonly string[]
  /** Sixteen random bytes, new at each start of the process. */
  readonly incarnation: Uint8Array
}

/** Limits that the peer announces. */
export type PeerLimits = Pick<Limits, (typeof peerLimitNames)[number]>

export const peerLimitNames = ['maxFrameBytes', 'maxMessageBytes', 'maxCallsInFlight', 'maxDepth', 'maxNodes'] as const

/** For HELLO, AUTH and metadata: more values than their bytes can hold apart. */
const SMALL = { maxDepth: 8, maxNodes: 65_536 }

/** HELLO: `NWIR, u8 major, map`. */
export function packHello(hello: Hello): Uint8Array {
  const { limits, features, incarnation } = hello
  const map = pack({
    limits: Object.fromEntries(peerLimitNames.map((name) => [name, limits[name]])),
    features,
    incarnation,
  })
  const body = new Uint8Array(MAGIC.length + 1 + map.length)
  body.set([...MAGIC, hello.major])
  body.set(map, MAGIC.length + 1)
  return body
}

/**
 * Reads the peer's HELLO. Entries of the map that are not known are let be.
 * @throws ProtocolError `not_nanowire`, `version` or `hello`
 */
export function readHello(buffer: Uint8Array, start: number, end: number): Hello {
  if (MAGIC.some((byte, index) => buffer[start + index] !== byte)) {
    throw new ProtocolError('not_nanowire', 'the peer does not speak Nanowire: its first frame is no HELLO')
  }
  const major = buffer[start + MAGIC.length] ?? 0
  if (major !== PROTOCOL_MAJOR) {
    throw new ProtocolError(
      'version',
      `the peer speaks version ${major} of the protocol, this side version ${PROTOCOL_MAJOR}`,
    )
  }
  const map = readMap('hello', buffer, start + MAGIC.length + 1, end)
  const { limits, features, incarnation } = map
  if (!isMap(limits)) throw new ProtocolError('hello', 'the HELLO has no limits')
  if (!Array.isArray(features) || features.length > 64 || !features.every((name) => typeof name === 'string')) {
    throw new ProtocolError('hello', "the HELLO's features are no list of at most 64 names")
  }
  if (!(incarnation instanceof Uint8Array) || incarnation.length !== 16) {
    throw new ProtocolError('hello', "the HELLO's incarnation is not 16 bytes")
  }
  const [maxFrameBytes, maxMessageBytes, maxCallsInFlight, maxDepth, maxNodes] = peerLimitNames.map((name) =>
    readLimit(limits, name),
  ) as [number, number, number, number, number] // one for each name
  if (maxFrameBytes < 65_536)
    throw new ProtocolError('hello', `the HELLO's maxFrameBytes is ${maxFrameBytes}; every peer takes 65536`)
  return {
    major,
    limits: { maxFrameBytes, maxMessageBytes, maxCallsInFlight, maxDepth, maxNodes },
    features,
    incarnation,
  }
}

function readLimit(limits: Readonly<Record<string, unknown>>, name: string): number {
  const value = Object.hasOwn(limits, name) ? wholeNumber(limits[name]) : undefined
  if (value !== undefined && value >= 1 && value <= 2 ** 48) return value
  throw new ProtocolError('hello', `the HELLO's ${name} is no whole number from 1 to 2^48`)
}

/** What a REQUEST's first fragment says before the body, and where the body begins. */
export interface ReceivedRequestHead {
  readonly tag: number
  readonly timeoutMs: number
  readonly oneWay: boolean
  /** Where packed metadata lies, empty where there is none. */
  readonly metadataStart: number
  readonly bodyStart: number
}

/** REQUEST: `u32 tag, u32 timeoutMs, [16 bytes of hash], [u16 length, metadata], body`. */
export function readRequestHead(flags: number, buffer: Uint8Array, start: number, end: number): ReceivedRequestHead {
  if (end - start < 8) throw new ProtocolError('body', 'a REQUEST without tag and time')
  const at = start + 8 + ((flags & flag.HASH) !== 0 ? 16 : 0)
  if (at > end) throw new ProtocolError('body', 'a REQUEST that ends within the hash of its contract')
  return {
    tag: uint32At(buffer, start),
    timeoutMs: uint32At(buffer, start + 4),
    oneWay: (flags & flag.ONE_WAY) !== 0,
    metadataStart: at,
    bodyStart: (flags & flag.METADATA) === 0 ? at : metadataEnd(buffer, at, end),
  }
}

/** Where the body begins after `u16 length, metadata`. */
export function metadataEnd(buffer: Uint8Array, start: number, end: number): number {
  const bodyStart = start + 2 + (((buffer[start] ?? 0) << 8) | (buffer[start + 1] ?? 0))
  if (start + 2 > end || bodyStart > end) throw new ProtocolError('body', 'metadata longer than its frame')
  return bodyStart
}

/** Metadata between `metadataEnd`'s two places: a map of text to text. */
export function readMetadata(buffer: Uint8Array, start: number, end: number, maxMetadataBytes: number): Metadata {
  if (end === start) return {}
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
    code,
    message,
    processed,
    data,
    id: typeof id === 'string' ? id : undefined,
    rule: typeof rule === 'string' ? rule : undefined,
    lastId: wholeNumber(lastId),
    metadata: isMap(metadata) ? requireMetadata(metadata) : undefined,
  }
}

function readMap(
  rule: 'hello' | 'body',
  buffer: Uint8Array,
  start: number,
  end: number,
  limits: Pick<Limits, 'maxDepth' | 'maxNodes'> = SMALL,
): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = unpack(buffer, start, end, limits)
  } catch (error) {
    throw new ProtocolError(rule, `no strict MessagePack: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isMap(value)) throw new ProtocolError(rule, 'a map was expected')
  return value
}

/** A whole number in any of MessagePack's integer formats; those of 64 bits are read as bigints. */
function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
