/** Where the entries of a map lie in its bytes, for whoever reads some of them, or shows them to people (spec/msgpack.md). */
import { byteAt, decodeText, uintAt } from './octets.ts'
import { StrictError, type WalkLimits, walkStrict } from './strict.ts'

export interface MapEntry {
  readonly key: string
  /** Of the value. */
  readonly offset: number
  readonly length: number
}

/** The entries of the map from `start` to `end`; none where the bytes are no map of strict MessagePack. */
export function entriesOf(bytes: Uint8Array, start: number, end: number, limits: WalkLimits): MapEntry[] {
  try {
    walkStrict(bytes, start, end, limits)
  } catch (error) {
    if (error instanceof StrictError) return []
    throw error
  }
  return walkedEntries(bytes, start, end) ?? []
}

/**
 * The entries of the value from `start` to `end`, which the strict walk has passed; `undefined` where it is no map, or one
 * of more than `maxEntries`. Nothing of the values is built.
 */
export function walkedEntries(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxEntries = Number.POSITIVE_INFINITY,
): MapEntry[] | undefined {
  const token = byteAt(bytes, start)
  const width = widthOfCount(token)
  const isSmall = token >= 0x80 && token <= 0x8f
  if (!isSmall && token !== 0xde && token !== 0xdf) return undefined
  if ((isSmall ? countWithin(token) : uintAt(bytes, start + 1, width)) > maxEntries) return undefined
  const entries: MapEntry[] = []
  let at = start + 1 + width
  while (at < end) {
    const offset = endOfValue(bytes, at)
    entries.push({ key: keyAt(bytes, at, offset), offset, length: endOfValue(bytes, offset) - offset })
    at = endOfValue(bytes, offset)
  }
  return entries
}

/** The text from `at` to `end`, its header included. */
function keyAt(bytes: Uint8Array, at: number, end: number): string {
  return decodeText(bytes, at + 1 + widthOfCount(byteAt(bytes, at)), end)
}

/** Where the value at `at` ends, which the strict walk has passed. */
function endOfValue(bytes: Uint8Array, at: number): number {
  let position = at
  for (let remaining = 1; remaining > 0; remaining--) {
    const token = byteAt(bytes, position)
    const width = widthOfCount(token)
    const count = width === 0 ? countWithin(token) : uintAt(bytes, position + 1, width)
    position += 1 + width
    if ((token >= 0x80 && token < 0x90) || token === 0xde || token === 0xdf) remaining += 2 * count
    else if ((token >= 0x90 && token < 0xa0) || token === 0xdc || token === 0xdd) remaining += count
    else position += count + (token >= 0xc7 && token <= 0xc9 ? 1 : 0) // the type of an extension is not counted
  }
  return position
}

/** How many bytes after the first say how long the value is; 0 where the first byte says it. */
function widthOfCount(token: number): number {
  if (token >= 0xc4 && token <= 0xc6) return 1 << (token - 0xc4) // bin
  if (token >= 0xc7 && token <= 0xc9) return 1 << (token - 0xc7) // ext
  if (token >= 0xd9 && token <= 0xdb) return 1 << (token - 0xd9) // str
  return token >= 0xdc && token <= 0xdf ? 2 << (token & 1) : 0 // array, map
}

/** What a first byte says by itself: of a container how many there are in it, of all else how many bytes follow. */
function countWithin(token: number): number {
  if (token < 0x80 || token >= 0xe0) return 0 // fixint
  if (token < 0xa0) return token & 0x0f // fixmap, fixarray
  if (token < 0xc0) return token & 0x1f // fixstr
  if (token === 0xca || token === 0xcb) return 4 << (token - 0xca) // float
  if (token >= 0xcc && token <= 0xd3) return 1 << (token & 3) // uint, int
  return token >= 0xd4 && token <= 0xd8 ? 1 + (1 << (token - 0xd4)) : 0 // fixext with its type; nil, booleans
}
