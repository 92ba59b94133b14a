/**
 * MessagePack to values, the path without a compiled codec (spec/msgpack.md). What is read shares no memory with others.
 *
 * The reader is ours, for msgpackr's says what it should not: it loses a leading U+FEFF from long texts unless its native
 * addon is there, rounds timestamps up and toward zero, decodes by whatever extensions others have added, and gives Buffers.
 * After the walk there is little left to do, and it takes no longer (as measured, less without the addon).
 */
import { byteAt, decodeText, int32At, uint32At, uintAt } from './octets.ts'
import { takeOut } from './spare.ts'
import { type WalkLimits, walkFirst, walkStrict } from './strict.ts'

/**
 * Reads the one value of strict MessagePack from `start` to `end`. Maps become plain objects, all integers of 64 bits
 * bigints, bytes a `Uint8Array` of its own, timestamps a `Date`, rounded down to milliseconds.
 *
 * @throws StrictError if the bytes break a rule.
 * @example
 * ```ts
 * unpack(body, 0, body.length, limits)
 * ```
 */
export function unpack(buffer: Uint8Array, start: number, end: number, limits: WalkLimits): unknown {
  walkStrict(buffer, start, end, limits)
  return readFrom(buffer, start)
}

/**
 * The same for the first of the values that lie back to back from `start` to `end`; `unpackedEnd` says where it ends.
 *
 * @throws StrictError if its bytes break a rule.
 */
export function unpackFirst(buffer: Uint8Array, start: number, end: number, limits: WalkLimits): unknown {
  walkFirst(buffer, start, end, limits)
  return readFrom(buffer, start)
}

/** Where the value ends that was read last. */
export function unpackedEnd(): number {
  return position
}

function readFrom(buffer: Uint8Array, start: number): unknown {
  source = buffer
  position = start
  try {
    return readValue()
  } finally {
    source = NOTHING
  }
}

const NOTHING = new Uint8Array(0)

/** What is being read, and how far: nothing between begin and end of `unpack` calls back, so one of each will do. */
let source: Uint8Array = NOTHING
let position = 0

/** Eight bytes, to see them as a number. */
const scratch = new DataView(new ArrayBuffer(8))

/** The next value. No check is left to do, and the recursion is as deep as the walk allowed. */
function readValue(): unknown {
  const token = byteAt(source, position++)
  if (token < 0x80) return token
  if (token < 0x90) return readMap(token & 0x0f)
  if (token < 0xa0) return readArray(token & 0x0f)
  if (token < 0xc0) return readText(token & 0x1f)
  if (token >= 0xe0) return token - 0x100
  switch (token) {
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return readBytes(readUint(1 << (token - 0xc4)))
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return readTimestamp(readUint(1 << (token - 0xc7)))
    case 0xca:
      return copyToScratch(4).getFloat32(0)
    case 0xcb:
      return copyToScratch(8).getFloat64(0)
    case 0xcc:
    case 0xcd:
    case 0xce:
      return readUint(1 << (token - 0xcc))
    case 0xcf:
      return copyToScratch(8).getBigUint64(0)
    case 0xd0:
      return copyToScratch(1).getInt8(0)
    case 0xd1:
      return copyToScratch(2).getInt16(0)
    case 0xd2:
      return copyToScratch(4).getInt32(0)
    case 0xd3:
      return copyToScratch(8).getBigInt64(0)
    case 0xd6:
    case 0xd7:
      return readTimestamp(1 << (token - 0xd4))
    case 0xd9:
    case 0xda:
    case 0xdb:
      return readText(readUint(1 << (token - 0xd9)))
    case 0xdc:
    case 0xdd:
      return readArray(readUint(2 << (token - 0xdc)))
    case 0xde:
    case 0xdf:
      return readMap(readUint(2 << (token - 0xde)))
    default: // c0: the walk lets nothing else through
      return null
  }
}

function readUint(width: number): number {
  const from = position
  position += width
  return uintAt(source, from, width)
}

function copyToScratch(width: number): DataView {
  for (let offset = 0; offset < width; offset++) scratch.setUint8(offset, byteAt(source, position++))
  return scratch
}

function readText(length: number): string {
  const from = position
  position += length
  return decodeText(source, from, position)
}

function readBytes(length: number): Uint8Array {
  const from = position
  position += length
  return takeOut(source, from, position)
}

/** An extension from its type on, which is the timestamp's. M16: what a Date cannot hold is cut off, toward the past. */
function readTimestamp(length: number): Date {
  const from = position + 1
  position = from + length
  if (length === 4) return new Date(uint32At(source, from) * 1000)
  if (length === 8) {
    const upper = uint32At(source, from) // 30 bits of nanoseconds, 2 of the seconds
    return dateOf((upper & 3) * 2 ** 32 + uint32At(source, from + 4), upper >>> 2)
  }
  return dateOf(int32At(source, from + 4) * 2 ** 32 + uint32At(source, from + 8), uint32At(source, from))
}

function dateOf(seconds: number, nanoseconds: number): Date {
  return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6))
}

function readArray(count: number): unknown[] {
  const items: unknown[] = []
  for (let index = 0; index < count; index++) items.push(readValue())
  return items
}

function readMap(count: number): object {
  const object: Record<string, unknown> = {}
  for (let index = 0; index < count; index++) {
    const key = readKey()
    if (keyIsInherited) defineOwn(object, key, readValue())
    else object[key] = readValue()
  }
  return object
}

/** Whether Object.prototype has the key that was read last: there it may be read-only, or have a setter. */
let keyIsInherited = false

function defineOwn(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

/** Short keys of ASCII that were read lately, so that the same few names are not made anew for each message. */
const knownKeys: string[] = new Array<string>(1024).fill('')
const MAX_KNOWN_KEY = 32

function readKey(): string {
  const token = byteAt(source, position++)
  const length = token < 0xc0 ? token & 0x1f : readUint(1 << (token - 0xd9))
  const from = position
  position += length
  const slot = length <= MAX_KNOWN_KEY ? slotOf(from, length) : -1
  const known = knownKeys[slot]
  if (known?.length === length && spells(known, from)) {
    keyIsInherited = false
    return known
  }
  const key = decodeText(source, from, position)
  keyIsInherited = key in Object.prototype
  if (slot >= 0 && key.length === length && !keyIsInherited) knownKeys[slot] = key // ASCII: a byte for each unit
  return key
}

/** From the length and three bytes; two keys in one slot take turns. */
function slotOf(from: number, length: number): number {
  if (length === 0) return -1
  const first = byteAt(source, from)
  const middle = byteAt(source, from + (length >> 1))
  const last = byteAt(source, from + length - 1)
  return (length ^ (first << 2) ^ (middle << 4) ^ (last << 5)) & 1023
}

/** Whether the bytes at `from` are those of an ASCII text. */
function spells(text: string, from: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== byteAt(source, from + index)) return false
  }
  return true
}
