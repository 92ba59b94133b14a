/**
 * What generated decoders call (spec/codecs.md): each takes one value from `at`, and leaves where it ends in `cursor.at`. What
 * it does not expect, it says by `UNDECIDED`. Invariant: what is taken is strict MessagePack (spec/msgpack.md).
 */
import { byteAt, decodeWellFormed, float64At, int32At, uint32At, uintAt } from '../octets.ts'
import { takeOut } from '../spare.ts'
import { isPlainName } from './look.ts'

/** The generated code does not know; the reference path does. */
export const UNDECIDED = Symbol('undecided')

/** Where the value that was taken last has ended. Whoever calls back to a user reads it before. */
export const cursor = { at: 0 }

const scratch = new DataView(new ArrayBuffer(8))

/** Any finite number that both paths take for one: exact, whatever its format. */
export function takeNumber(buffer: Uint8Array, at: number): number | typeof UNDECIDED {
  const token = byteAt(buffer, at)
  if (token < 0x80) {
    cursor.at = at + 1
    return token
  }
  if (token >= 0xe0) {
    cursor.at = at + 1
    return token - 0x100
  }
  return takeLongNumber(buffer, at, token)
}

function takeLongNumber(buffer: Uint8Array, at: number, token: number): number | typeof UNDECIDED {
  switch (token) {
    case 0xcc:
      cursor.at = at + 2
      return byteAt(buffer, at + 1) | 0 // a number past the end too: where the cursor is tells
    case 0xcd:
      cursor.at = at + 3
      return uintAt(buffer, at + 1, 2)
    case 0xce:
      cursor.at = at + 5
      return uint32At(buffer, at + 1)
    case 0xd0:
      cursor.at = at + 2
      return (byteAt(buffer, at + 1) << 24) >> 24
    case 0xd1:
      cursor.at = at + 3
      return (uintAt(buffer, at + 1, 2) << 16) >> 16
    case 0xd2:
      cursor.at = at + 5
      return int32At(buffer, at + 1)
    case 0xcf:
    case 0xd3:
      return takeInt64(buffer, at, token === 0xd3)
    case 0xca:
      return takeFloat32(buffer, at)
    case 0xcb:
      return takeFloat64(buffer, at)
    default:
      return UNDECIDED
  }
}

function takeFloat32(buffer: Uint8Array, at: number): number | typeof UNDECIDED {
  scratch.setUint32(0, uint32At(buffer, at + 1))
  const value = scratch.getFloat32(0)
  cursor.at = at + 5
  return Number.isFinite(value) ? value : UNDECIDED
}

function takeFloat64(buffer: Uint8Array, at: number): number | typeof UNDECIDED {
  const value = float64At(buffer, at + 1)
  cursor.at = at + 9
  return Number.isFinite(value) ? value : UNDECIDED
}

/** What a double says exactly for certain; the reference knows the rest. */
function takeInt64(buffer: Uint8Array, at: number, isSigned: boolean): number | typeof UNDECIDED {
  const upper = isSigned ? int32At(buffer, at + 1) : uint32At(buffer, at + 1)
  if (upper >= 2 ** 21 || upper < -(2 ** 21)) return UNDECIDED
  cursor.at = at + 9
  return upper * 2 ** 32 + uint32At(buffer, at + 5)
}

export function takeBigInt(buffer: Uint8Array, at: number): bigint | typeof UNDECIDED {
  const token = byteAt(buffer, at)
  if (token === 0xcf || token === 0xd3) {
    for (let index = 0; index < 8; index++) scratch.setUint8(index, byteAt(buffer, at + 1 + index))
    cursor.at = at + 9
    return token === 0xcf ? scratch.getBigUint64(0) : scratch.getBigInt64(0)
  }
  if (token === 0xca || token === 0xcb) return UNDECIDED
  const value = takeNumber(buffer, at)
  return value === UNDECIDED ? value : BigInt(value)
}

/** Where a text begins, and in `textEnd` where it ends; -1 for what is none, or goes past `end`. */
function openText(buffer: Uint8Array, at: number, end: number): number {
  const token = byteAt(buffer, at)
  let start = at + 1
  let length = token & 0x1f
  if ((token & 0xe0) !== 0xa0) {
    if (token < 0xd9 || token > 0xdb) return -1
    const width = 1 << (token - 0xd9)
    length = uintAt(buffer, start, width)
    start += width
  }
  textEnd = start + length
  return textEnd <= end ? start : -1
}

let textEnd = 0

export function takeText(buffer: Uint8Array, at: number, end: number): string | typeof UNDECIDED {
  const start = openText(buffer, at, end)
  if (start < 0) return UNDECIDED
  cursor.at = textEnd
  return decodeWellFormed(buffer, start, textEnd) ?? UNDECIDED
}

/** Bytes that refer to nothing that others have. */
export function takeBytes(buffer: Uint8Array, at: number, end: number): Uint8Array | typeof UNDECIDED {
  const token = byteAt(buffer, at)
  if (token < 0xc4 || token > 0xc6) return UNDECIDED
  const width = 1 << (token - 0xc4)
  const length = uintAt(buffer, at + 1, width)
  const start = at + 1 + width
  if (start + length > end) return UNDECIDED
  cursor.at = start + length
  return takeOut(buffer, start, start + length)
}

const MAX_NANOSECONDS = 999_999_999
const MAX_DATE_MS = 8.64e15

export function takeTimestamp(buffer: Uint8Array, at: number): Date | typeof UNDECIDED {
  const token = byteAt(buffer, at)
  if (token === 0xd6 && byteAt(buffer, at + 1) === 0xff) {
    cursor.at = at + 6
    return new Date(uint32At(buffer, at + 2) * 1000)
  }
  if (token === 0xd7 && byteAt(buffer, at + 1) === 0xff) {
    const upper = uint32At(buffer, at + 2) // 30 bits of nanoseconds, 2 of the seconds
    cursor.at = at + 10
    return dateOf((upper & 3) * 2 ** 32 + uint32At(buffer, at + 6), upper >>> 2)
  }
  if (token !== 0xc7 || byteAt(buffer, at + 1) !== 12 || byteAt(buffer, at + 2) !== 0xff) return UNDECIDED
  cursor.at = at + 15
  return dateOf(int32At(buffer, at + 7) * 2 ** 32 + uint32At(buffer, at + 11), uint32At(buffer, at + 3))
}

function dateOf(seconds: number, nanoseconds: number): Date | typeof UNDECIDED {
  const ms = seconds * 1000 + Math.floor(nanoseconds / 1e6)
  const isInRange = nanoseconds <= MAX_NANOSECONDS && ms >= -MAX_DATE_MS && ms <= MAX_DATE_MS
  return isInRange ? new Date(ms) : UNDECIDED
}

/** How many entries a map has, -1 for what is none. */
export function takeMapHeader(buffer: Uint8Array, at: number, end: number): number {
  const token = byteAt(buffer, at)
  if ((token & 0xf0) === 0x80) {
    cursor.at = at + 1
    return token & 0x0f
  }
  return token === 0xde || token === 0xdf ? takeCount(buffer, at, end, token, 2) : -1
}

/** How many items a list has, -1 for what is none. */
export function takeListHeader(buffer: Uint8Array, at: number, end: number): number {
  const token = byteAt(buffer, at)
  if ((token & 0xf0) === 0x90) {
    cursor.at = at + 1
    return token & 0x0f
  }
  return token === 0xdc || token === 0xdd ? takeCount(buffer, at, end, token, 1) : -1
}

function takeCount(buffer: Uint8Array, at: number, end: number, token: number, leastBytes: number): number {
  const width = 2 << (token & 1)
  const count = uintAt(buffer, at + 1, width)
  cursor.at = at + 1 + width
  return count * leastBytes <= end - cursor.at ? count : -1
}

/** A name of a record. */
export function takeName(buffer: Uint8Array, at: number, end: number): string | typeof UNDECIDED {
  const name = takeText(buffer, at, end)
  return name === UNDECIDED || isPlainName(name) ? name : UNDECIDED
}

/**
 * Where the value begins that is under a key of the map at `at`, wherever it stands in it: what tells objects apart. -1 where
 * the map does not have the key, or not in its shortest form. The cursor does not matter afterwards.
 */
export function findTag(
  buffer: Uint8Array,
  at: number,
  end: number,
  key: Uint8Array,
  skip: (buffer: Uint8Array, at: number, end: number) => number,
): number {
  const count = takeMapHeader(buffer, at, end)
  let position = cursor.at
  for (let index = 0; index < count; index++) {
    if (hasAt(buffer, position, key)) return position + key.length
    position = skip(buffer, position, end)
    if (position >= 0) position = skip(buffer, position, end)
    if (position < 0) return -1
  }
  return -1
}

function hasAt(buffer: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (byteAt(buffer, at + index) !== byteAt(bytes, index)) return false
  }
  return true
}
