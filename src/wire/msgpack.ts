/**
 * Values to MessagePack and back, the path without a compiled codec (spec/msgpack.md): msgpackr writes, and what the
 * strict walk has passed is read here. What is read shares no memory with the bytes that it was read from.
 */
// @ts-expect-error this entry has no declarations; it exports what 'msgpackr' does
import * as entry from 'msgpackr/index-no-eval'
import { NegativeZero } from '../contract/index.ts'
import { byteAt, decodeText, int32At, uint32At, uintAt } from './octets.ts'
import { type WalkLimits, walkFirst, walkStrict } from './strict.ts'

/**
 * msgpackr keeps its extensions and its output buffer in the module, so that all users of 'msgpackr' in a process
 * share them: an `addExtension` for Date elsewhere would change our bytes, and ours theirs. This entry is a copy of
 * its own, without the native addon and without `new Function`.
 */
const { Packr, addExtension } = entry as typeof import('msgpackr') // the same module, built once more

addExtension({
  Class: NegativeZero,
  type: 0x7f, // msgpackr wants one; it is never written
  pack: ((_: unknown, allocate: (size: number) => { target: Uint8Array; targetView: DataView; position: number }) => {
    const { target, targetView, position } = allocate(9)
    target[position] = 0xcb // float 64
    targetView.setFloat64(position + 1, -0)
  }) as (value: unknown) => Buffer, // its declarations leave out the second parameter, and that nothing need be returned
})

const options = {
  useRecords: false,
  moreTypes: false,
  useToJSON: false,
  encodeUndefinedAsNil: true,
  variableMapSize: true,
}
const packr = new Packr(options)
/** A getter of what is packed may pack something itself, and msgpackr writes both to one place. */
let isPacking = false
let wasDisturbed = false

/** msgpackr goes on in the slab that its largest value needed; each small one after it would keep all of that alive. */
const MAX_SLAB_BYTES = 64 * 1024
const SLAB_BYTES = 8 * 1024

function newSlab(): Uint8Array {
  return typeof Buffer === 'function' ? Buffer.allocUnsafeSlow(SLAB_BYTES) : new Uint8Array(SLAB_BYTES)
}

/**
 * Writes one value as standard MessagePack (spec/msgpack.md, M17), -0 where a `NegativeZero` stands.
 *
 * The caller has checked the value, for what a strict reader refuses is written all the same: halves of surrogate
 * pairs, invalid dates, Maps and Sets, the key `__proto__`, any depth. Undefined is written as nil.
 *
 * @returns a view that stays valid, into a slab that it shares with others: copy it before it is handed to anyone who
 * might change or transfer its `buffer`.
 * @throws RangeError for a bigint of more than 64 bits.
 * @example
 * ```ts
 * pack({ name: 'Ada' }) // 81 a4 6e 61 6d 65 a3 41 64 61
 * ```
 */
export function pack(value: unknown): Uint8Array {
  if (isPacking) {
    wasDisturbed = true
    return bytesOf(new Packr(options).pack(withoutGetters(value)))
  }
  const copy = packAlone(value) ?? packAlone(withoutGetters(value))
  if (!copy) throw new Error('packing a value without getters was disturbed')
  return copy
}

/** `undefined` where something else was packed meanwhile. */
function packAlone(value: unknown): Uint8Array | undefined {
  isPacking = true
  wasDisturbed = false
  try {
    const packed = packr.pack(value)
    if (wasDisturbed) return undefined
    if (packed.buffer.byteLength > MAX_SLAB_BYTES) packr.useBuffer(newSlab())
    return bytesOf(packed)
  } finally {
    isPacking = false
  }
}

function withoutGetters(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutGetters)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => [name, withoutGetters(inner)]),
  )
}

/** No Buffer, whose `slice` does not copy. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/**
 * Reads the one value of strict MessagePack from `start` to `end`. Maps become plain objects, all integers of 64 bits
 * bigints, bytes a `Uint8Array` with a buffer of its own size, timestamps a `Date`, rounded down to milliseconds.
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

/*
 * The reader is ours, for msgpackr's says what it should not: it loses a leading U+FEFF from long texts unless its
 * native addon is there, rounds timestamps up and toward zero, decodes by whatever extensions others have added, and
 * gives Buffers. After the walk there is little left to do, and it takes no longer (as measured, less without the addon).
 */

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
  const bytes = new Uint8Array(length)
  bytes.set(source.subarray(position, position + length))
  position += length
  return bytes
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
