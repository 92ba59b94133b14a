/**
 * The strict walk over MessagePack from a peer (spec/msgpack.md): it decides whether the bytes may be decoded, and
 * decodes nothing. It never recurses, and allocates only for large maps and for its error.
 */
import { addKey, closeMap, closeMaps, isForbiddenKey, openMap } from './keys.ts'
import { byteAt, findIllFormedText, int32At, uint32At, uintAt } from './octets.ts'

/** The limits that fire within one message. */
export interface WalkLimits {
  /** Maps and arrays inside each other; the outermost is 1. */
  readonly maxDepth: number
  /** Values in one message, each key of a map included; at least 1. */
  readonly maxNodes: number
}

/** The rules of spec/msgpack.md, by the name that an error gives them. */
export type StrictRule =
  | 'truncated'
  | 'trailing_bytes'
  | 'reserved_byte'
  | 'count_too_large'
  | 'bad_utf8'
  | 'key_not_string'
  | 'key_forbidden'
  | 'duplicate_key'
  | 'extension_refused'
  | 'bad_timestamp'
  | 'too_deep'
  | 'too_many_nodes'

/** Bytes that break a rule of strict MessagePack. */
export class StrictError extends Error {
  readonly rule: StrictRule
  /** Where, in bytes from the start of the message. */
  readonly offset: number
  /** The limit that fired, for `too_deep` and `too_many_nodes`. */
  readonly limit: keyof WalkLimits | undefined

  constructor(rule: StrictRule, offset: number, detail: string, limit?: keyof WalkLimits) {
    super(`MessagePack, byte ${offset}: ${detail} (${rule})`)
    this.rule = rule
    this.offset = offset
    this.limit = limit
  }
}
StrictError.prototype.name = 'StrictError' // not within the class, which a bundler would then rename

/** The latest instant of a Date, and the earliest with the sign changed. */
const MAX_DATE_MS = 8.64e15
const MAX_NANOSECONDS = 999_999_999
const TIMESTAMP = 0xff

/** The containers around the one at hand, outermost first; they grow to the deepest message yet and stay. */
const remainingAbove: number[] = []
const mapsAbove: number[] = []

/** Stands for the map, as `openMap` names it, where the container is an array. */
const NO_MAP = -1

/** Where the message at hand begins. Numbers only are kept from call to call: a buffer would be pinned. */
let origin = 0
/** A second result of `openText` and `openContainer`. */
let openedLength = 0

/**
 * Passes if the bytes from `start` to `end` are one value of strict MessagePack within `limits`. Costs about 2 ns a
 * byte; the stack does not grow.
 * @throws StrictError for the first rule that is broken.
 * @throws RangeError if `start` and `end` do not lie within the buffer: the fault of the caller, not of the peer.
 * @example `walkStrict(body, 0, body.length, { maxDepth: 64, maxNodes: 524_288 })`
 */
export function walkStrict(buffer: Uint8Array, start: number, end: number, limits: WalkLimits): void {
  const position = walkFirst(buffer, start, end, limits)
  // M1
  if (position !== end) fail('trailing_bytes', position, `${end - position} bytes after the value`)
}

/** The same for the first of the values from `start` to `end`. Returns where it ends. */
export function walkFirst(buffer: Uint8Array, start: number, end: number, limits: WalkLimits): number {
  if (!(start >= 0 && start <= end && end <= buffer.length)) {
    throw new RangeError(`bytes ${start} to ${end} are not in a buffer of ${buffer.length}`)
  }
  origin = start
  try {
    return walkValue(buffer, start, end, limits)
  } finally {
    closeMaps()
  }
}

/** Walks one value with all that is in it, and returns where it ends. Whoever calls it closes the maps that an error leaves. */
export function walkValue(buffer: Uint8Array, start: number, end: number, { maxDepth, maxNodes }: WalkLimits): number {
  let position = start
  let depth = 0
  let nodes = 1
  let remaining = 1 // values, or entries of a map, still to come in the container at hand; the message is an array of one
  let map = NO_MAP
  for (;;) {
    while (remaining === 0) {
      if (depth === 0) return position
      if (map !== NO_MAP) closeMap(map)
      depth--
      remaining = remainingAbove[depth] as number // written when the container was opened
      map = mapsAbove[depth] as number // likewise
    }
    remaining--
    if (map !== NO_MAP) position = walkKey(buffer, position, end, map)
    // M2
    if (position === end) fail('truncated', position, 'the bytes end where a value should begin')
    const token = byteAt(buffer, position)
    if (token < 0x80 || token >= 0xe0) {
      position++ // fixint
      continue
    }
    if (!isContainer(token)) {
      position = walkScalar(buffer, position, end, token)
      continue
    }
    const header = position
    position = openContainer(buffer, header, end, token)
    // M5
    if (depth === maxDepth)
      failLimit('too_deep', header, 'maps and arrays are nested deeper than', 'maxDepth', maxDepth)
    remainingAbove[depth] = remaining
    mapsAbove[depth] = map
    depth++
    remaining = openedLength
    nodes += isMap(token) ? remaining * 2 : remaining
    // M6
    if (nodes > maxNodes) failLimit('too_many_nodes', header, `${nodes} values or more are above`, 'maxNodes', maxNodes)
    map = isMap(token) ? openMap(remaining) : NO_MAP
  }
}

function isContainer(token: number): boolean {
  return token < 0xa0 ? token >= 0x80 : token >= 0xdc && token <= 0xdf
}

function isMap(token: number): boolean {
  return token < 0x90 || token >= 0xde
}

/** Returns where the first child begins; `openedLength` is the number of children, or of entries. */
function openContainer(buffer: Uint8Array, header: number, end: number, token: number): number {
  let body: number
  if (token < 0xa0) {
    body = header + 1
    openedLength = token & 0x0f
  } else {
    const width = 2 << (token & 1) // of the count: dc and de u16, dd and df u32
    body = requireBytes(header, 1 + width, end)
    openedLength = uintAt(buffer, header + 1, width)
  }
  // M4: a child takes a byte at least, an entry two.
  const least = isMap(token) ? openedLength * 2 : openedLength
  if (least > end - body) fail('count_too_large', header, `${openedLength} announced where ${end - body} bytes remain`)
  return body
}

/** A value that is no container and takes more than its first byte. Returns where the next one begins. */
function walkScalar(buffer: Uint8Array, header: number, end: number, token: number): number {
  const text = openText(buffer, header, end, token)
  if (text >= 0) return walkText(buffer, text)
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return header + 1
    case 0xc1:
      // M3
      return fail('reserved_byte', header, 'the byte c1 means nothing')
    case 0xc4: // bin: u8, u16 or u32 length, bytes
      return skipBytes(buffer, header, end, 1)
    case 0xc5:
      return skipBytes(buffer, header, end, 2)
    case 0xc6:
      return skipBytes(buffer, header, end, 4)
    case 0xcc: // uint 8, int 8
    case 0xd0:
      return requireBytes(header, 2, end)
    case 0xcd: // uint 16, int 16
    case 0xd1:
      return requireBytes(header, 3, end)
    case 0xca: // float 32, uint 32, int 32
    case 0xce:
    case 0xd2:
      return requireBytes(header, 5, end)
    case 0xcb: // float 64, uint 64, int 64
    case 0xcf:
    case 0xd3:
      return requireBytes(header, 9, end)
    case 0xc7: // ext: u8, u16 or u32 length, i8 type, bytes
      return walkExtension(buffer, header, end, 1)
    case 0xc8:
      return walkExtension(buffer, header, end, 2)
    case 0xc9:
      return walkExtension(buffer, header, end, 4)
    default: // d4 to d8, fixext 1 to 16: i8 type, bytes
      return walkPayload(buffer, header, header + 1, 1 << (token - 0xd4), end)
  }
}

/** Returns where the text begins, or -1 if the value is none; `openedLength` is its length. */
function openText(buffer: Uint8Array, header: number, end: number, token: number): number {
  let text: number
  if (token >= 0xa0 && token <= 0xbf) {
    text = header + 1
    openedLength = token & 0x1f
  } else if (token >= 0xd9 && token <= 0xdb) {
    const width = 1 << (token - 0xd9) // of the length: u8, u16 or u32
    text = requireBytes(header, 1 + width, end)
    openedLength = uintAt(buffer, header + 1, width)
  } else {
    return -1
  }
  // M4
  if (openedLength > end - text)
    fail('count_too_large', header, `${openedLength} bytes announced where ${end - text} remain`)
  return text
}

/** Checks the text that `openText` opened, and returns where it ends. */
function walkText(buffer: Uint8Array, from: number): number {
  const to = from + openedLength
  // M8
  const bad = findIllFormedText(buffer, from, to)
  if (bad >= 0) fail('bad_utf8', bad, 'what stands here is no UTF-8')
  return to
}

function skipBytes(buffer: Uint8Array, header: number, end: number, width: number): number {
  const from = requireBytes(header, 1 + width, end)
  const length = uintAt(buffer, header + 1, width)
  // M4
  if (length > end - from) fail('count_too_large', header, `${length} bytes announced where ${end - from} remain`)
  return from + length
}

function walkExtension(buffer: Uint8Array, header: number, end: number, width: number): number {
  requireBytes(header, 1 + width, end)
  return walkPayload(buffer, header, header + 1 + width, uintAt(buffer, header + 1, width), end)
}

/** An extension from its type on. */
function walkPayload(buffer: Uint8Array, header: number, type: number, length: number, end: number): number {
  if (type === end) fail('truncated', header, 'the bytes end before the type of the extension')
  // M12: the only extension is the timestamp, type -1.
  if (byteAt(buffer, type) !== TIMESTAMP)
    fail('extension_refused', header, `extension type ${int8(byteAt(buffer, type))}`)
  // M13
  if (length !== 4 && length !== 8 && length !== 12) fail('bad_timestamp', header, `a timestamp of ${length} bytes`)
  const from = type + 1
  if (length > end - from) fail('truncated', header, 'the bytes end within a timestamp')
  // 4: u32 seconds. 8: u30 nanoseconds, u34 seconds. 12: u32 nanoseconds, i64 seconds.
  if (length === 4) return from + length
  const nanoseconds = length === 8 ? uint32At(buffer, from) >>> 2 : uint32At(buffer, from)
  // M14
  if (nanoseconds > MAX_NANOSECONDS) fail('bad_timestamp', header, `${nanoseconds} nanoseconds`)
  if (length === 8) return from + length
  // M15. Beyond 2^53 the sum is not exact, but then it is far out of range in any case.
  const seconds = int32At(buffer, from + 4) * 2 ** 32 + uint32At(buffer, from + 8)
  const ms = seconds * 1000 + Math.floor(nanoseconds / 1e6)
  if (ms < -MAX_DATE_MS || ms > MAX_DATE_MS) fail('bad_timestamp', header, 'the instant is out of range')
  return from + length
}

/** Checks the key at `header` of the map at hand, and returns where its value begins. */
function walkKey(buffer: Uint8Array, header: number, end: number, map: number): number {
  if (header === end) fail('truncated', header, 'the bytes end where a key should begin')
  const from = openText(buffer, header, end, byteAt(buffer, header))
  // M9
  if (from < 0) fail('key_not_string', header, 'the key of a map is no string')
  const length = openedLength
  const to = walkText(buffer, from)
  // M10
  if (isForbiddenKey(buffer, from, length)) fail('key_forbidden', header, 'the key __proto__')
  // M11
  if (!addKey(buffer, from, length, map)) fail('duplicate_key', header, 'a key for the second time in one map')
  return to
}

/** Returns where `count` bytes from `header` on end. */
function requireBytes(header: number, count: number, end: number): number {
  // M2
  if (count > end - header) fail('truncated', header, `a value of ${count} bytes or more where ${end - header} remain`)
  return header + count
}

function int8(byte: number): number {
  return (byte << 24) >> 24
}

function failLimit(rule: StrictRule, at: number, detail: string, limit: keyof WalkLimits, value: number): never {
  throw new StrictError(rule, at - origin, `${detail} ${limit}, which is ${value}`, limit)
}

function fail(rule: StrictRule, at: number, detail: string): never {
  throw new StrictError(rule, at - origin, detail)
}
