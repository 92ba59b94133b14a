/**
 * What generated encoders call (spec/codecs.md): each puts one value at `at` and returns where it ends, -1 for what the
 * reference path is to decide, or `NO_ROOM`. Stores past the end of a buffer are void in JavaScript, so room is looked at by
 * the generated code, once at the end, and here where a platform's function would throw.
 */
import { LARGE_BYTES } from '../writer.ts'

/** The buffer is too small; a larger one may do. */
export const NO_ROOM = -2

const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)
/** Of the machine: the first byte of 1 is its last. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const [UPPER, LOWER] = isLittleEndian ? [1, 0] : [0, 1]

/** An integer or float as msgpackr writes it (spec/msgpack.md, M17). The caller has seen that it is finite. */
export function putNumber(buffer: Uint8Array, at: number, value: number): number {
  if (Math.floor(value) !== value) return putFloat(buffer, at, value)
  if (value >>> 0 === value && (value !== 0 || !Object.is(value, -0))) return putUint(buffer, at, value)
  if ((value | 0) === value && value !== 0) return putNegative(buffer, at, value)
  return putFloat(buffer, at, value)
}

function putFloat(buffer: Uint8Array, at: number, value: number): number {
  float[0] = value
  buffer[at] = 0xcb
  putU32(buffer, at + 1, words[UPPER] as number) // one of two
  return putU32(buffer, at + 5, words[LOWER] as number) // the other
}

function putUint(buffer: Uint8Array, at: number, value: number): number {
  if (value < 0x80) {
    buffer[at] = value
    return at + 1
  }
  if (value < 0x100) {
    buffer[at] = 0xcc
    buffer[at + 1] = value
    return at + 2
  }
  if (value < 0x1_0000) {
    buffer[at] = 0xcd
    buffer[at + 1] = value >>> 8
    buffer[at + 2] = value
    return at + 3
  }
  buffer[at] = 0xce
  return putU32(buffer, at + 1, value)
}

function putNegative(buffer: Uint8Array, at: number, value: number): number {
  if (value >= -0x20) {
    buffer[at] = value + 0x100
    return at + 1
  }
  if (value >= -0x80) {
    buffer[at] = 0xd0
    buffer[at + 1] = value
    return at + 2
  }
  if (value >= -0x8000) {
    buffer[at] = 0xd1
    buffer[at + 1] = value >> 8
    buffer[at + 2] = value
    return at + 3
  }
  buffer[at] = 0xd2
  return putU32(buffer, at + 1, value)
}

function putU32(buffer: Uint8Array, at: number, value: number): number {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
  return at + 4
}

/** The header of a text of fewer than 256 bytes. */
export function putShortHeader(buffer: Uint8Array, at: number, bytes: number): number {
  if (bytes < 0x20) {
    buffer[at] = 0xa0 | bytes
    return at + 1
  }
  buffer[at] = 0xd9
  buffer[at + 1] = bytes
  return at + 2
}

/** A text of few units that are not all ASCII: a call of the platform's encoder takes three times as long. */
export function putShortUtf8(buffer: Uint8Array, at: number, text: string): number {
  const { length } = text
  const start = at + textHeaderBytes(length)
  let position = start
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) buffer[position++] = unit
    else if (unit < 0x800) {
      buffer[position++] = 0xc0 | (unit >> 6)
      buffer[position++] = 0x80 | (unit & 0x3f)
    } else if ((unit & 0xf800) !== 0xd800) {
      buffer[position++] = 0xe0 | (unit >> 12)
      buffer[position++] = 0x80 | ((unit >> 6) & 0x3f)
      buffer[position++] = 0x80 | (unit & 0x3f)
    } else return putLongText(buffer, at, text) // half of a pair, which the platform's encoder knows best
  }
  const bytes = position - start
  const header = textHeaderBytes(bytes)
  if (at + header !== start) buffer.copyWithin(at + header, start, position)
  return putShortHeader(buffer, at, bytes) + bytes
}

/** A unit of UTF-16 is three bytes at most. */
const MAX_UNIT_BYTES = 3

/** Any text; -1 for half of a surrogate pair. */
export function putLongText(buffer: Uint8Array, at: number, text: string): number {
  const { length } = text
  if (!text.isWellFormed()) return -1
  if (at + 5 + MAX_UNIT_BYTES * length > buffer.length) return NO_ROOM
  const guess = textHeaderBytes(length)
  const bytes = writeUtf8(buffer, at + guess, text)
  const header = textHeaderBytes(bytes)
  if (header !== guess) buffer.copyWithin(at + header, at + guess, at + guess + bytes)
  if (header === 1) buffer[at] = 0xa0 | bytes
  else putLength(buffer, at, header === 2 ? 0xd9 : header === 3 ? 0xda : 0xdb, header - 1, bytes)
  return at + header + bytes
}

function textHeaderBytes(bytes: number): number {
  return bytes < 0x20 ? 1 : bytes < 0x100 ? 2 : bytes < 0x1_0000 ? 3 : 5
}

/** A token, and a length of so many bytes. */
function putLength(buffer: Uint8Array, at: number, token: number, width: number, length: number): number {
  buffer[at] = token
  for (let index = 0; index < width; index++) buffer[at + 1 + index] = length >>> (8 * (width - 1 - index))
  return at + 1 + width
}

const encoder = new TextEncoder()

function writeUtf8(buffer: Uint8Array, at: number, text: string): number {
  if (typeof Buffer === 'function' && buffer instanceof Buffer) return buffer.write(text, at, 'utf8')
  return encoder.encodeInto(text, buffer.subarray(at)).written
}

/** A buffer, and bytes that need not be copied into it, as they are copied where they leave. */
export interface Room {
  readonly buffer: Uint8Array
  /** In their order, each with where in the buffer it would begin. */
  readonly beside: { readonly at: number; readonly bytes: Uint8Array }[]
}

let room: Room | undefined

/** Says where large bytes are put that belong into a room's buffer; into others they are not put. Returns the room before. */
export function enterRoom(next: Room | undefined): Room | undefined {
  const before = room
  room = next
  return before
}

/** An instance or a class may say another length than it has. */
const lengthOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')
  ?.get as () => number // all have it

export function putBytes(buffer: Uint8Array, at: number, bytes: Uint8Array): number {
  const length = lengthOf.call(bytes)
  if (length >= LARGE_BYTES) return putBeside(buffer, at, bytes)
  if (at + 3 + length > buffer.length) return NO_ROOM
  const start = length < 0x100 ? putLength(buffer, at, 0xc4, 1, length) : putLength(buffer, at, 0xc5, 2, length)
  buffer.set(bytes, start)
  return start + length
}

function putBeside(buffer: Uint8Array, at: number, bytes: Uint8Array): number {
  if (room?.buffer !== buffer) return -1
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) // whose length is what will be copied
  const { length } = view
  const start = length < 0x1_0000 ? putLength(buffer, at, 0xc5, 2, length) : putLength(buffer, at, 0xc6, 4, length)
  room.beside.push({ at: start, bytes: view })
  return start
}

export function putListHeader(buffer: Uint8Array, at: number, count: number): number {
  if (count < 0x10) {
    buffer[at] = 0x90 | count
    return at + 1
  }
  return count < 0x1_0000 ? putLength(buffer, at, 0xdc, 2, count) : putLength(buffer, at, 0xdd, 4, count)
}

/** msgpackr with `variableMapSize`. */
export function putMapHeader(buffer: Uint8Array, at: number, count: number): number {
  if (count < 0x10) {
    buffer[at] = 0x80 | count
    return at + 1
  }
  return count < 0x1_0000 ? putLength(buffer, at, 0xde, 2, count) : putLength(buffer, at, 0xdf, 4, count)
}

/** What the reference has packed. */
export function putPacked(buffer: Uint8Array, at: number, packed: Uint8Array): number {
  if (at + packed.length > buffer.length) return NO_ROOM
  buffer.set(packed, at)
  return at + packed.length
}
