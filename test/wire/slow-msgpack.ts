/**
 * The slow, obvious twin of src/wire/strict.ts and unpack.ts: one recursive function, written from spec/msgpack.md
 * rule by rule and in its order, which decodes and judges at once.
 */
import { StrictError, type StrictRule, type WalkLimits } from '../../src/wire/strict.ts'

export function slowUnpack(bytes: Uint8Array, limits: WalkLimits): unknown {
  const reader = new SlowReader(bytes, limits)
  const value = reader.value(1)
  if (reader.position < bytes.length) throw new StrictError('trailing_bytes', reader.position, 'slow')
  return value
}

class SlowReader {
  position = 0
  nodes = 1
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly limits: WalkLimits

  constructor(bytes: Uint8Array, limits: WalkLimits) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.limits = limits
  }

  /** `depth` is that of a container which would stand here. */
  value(depth: number): unknown {
    const header = this.position
    const token = this.uint(1, header)
    if (token <= 0x7f) return token
    if (token <= 0x8f) return this.map(header, token - 0x80, depth)
    if (token <= 0x9f) return this.array(header, token - 0x90, depth)
    if (token <= 0xbf) return this.text(header, token - 0xa0)
    if (token >= 0xe0) return token - 256
    if (token === 0xc0) return null
    if (token === 0xc1) throw new StrictError('reserved_byte', header, 'slow')
    if (token === 0xc2) return false
    if (token === 0xc3) return true
    if (token === 0xc4) return this.bin(header, this.uint(1, header))
    if (token === 0xc5) return this.bin(header, this.uint(2, header))
    if (token === 0xc6) return this.bin(header, this.uint(4, header))
    if (token === 0xc7) return this.extension(header, this.uint(1, header))
    if (token === 0xc8) return this.extension(header, this.uint(2, header))
    if (token === 0xc9) return this.extension(header, this.uint(4, header))
    if (token === 0xca) return this.view.getFloat32(this.take(4, header))
    if (token === 0xcb) return this.view.getFloat64(this.take(8, header))
    if (token === 0xcc) return this.view.getUint8(this.take(1, header))
    if (token === 0xcd) return this.view.getUint16(this.take(2, header))
    if (token === 0xce) return this.view.getUint32(this.take(4, header))
    if (token === 0xcf) return this.view.getBigUint64(this.take(8, header))
    if (token === 0xd0) return this.view.getInt8(this.take(1, header))
    if (token === 0xd1) return this.view.getInt16(this.take(2, header))
    if (token === 0xd2) return this.view.getInt32(this.take(4, header))
    if (token === 0xd3) return this.view.getBigInt64(this.take(8, header))
    if (token === 0xd4) return this.extension(header, 1)
    if (token === 0xd5) return this.extension(header, 2)
    if (token === 0xd6) return this.extension(header, 4)
    if (token === 0xd7) return this.extension(header, 8)
    if (token === 0xd8) return this.extension(header, 16)
    if (token === 0xd9) return this.text(header, this.uint(1, header))
    if (token === 0xda) return this.text(header, this.uint(2, header))
    if (token === 0xdb) return this.text(header, this.uint(4, header))
    if (token === 0xdc) return this.array(header, this.uint(2, header), depth)
    if (token === 0xdd) return this.array(header, this.uint(4, header), depth)
    if (token === 0xde) return this.map(header, this.uint(2, header), depth)
    return this.map(header, this.uint(4, header), depth)
  }

  array(header: number, count: number, depth: number): unknown[] {
    this.open(header, count, depth)
    return Array.from({ length: count }, () => this.value(depth + 1))
  }

  map(header: number, count: number, depth: number): object {
    this.open(header, count * 2, depth)
    const entries = new Map<string, unknown>()
    for (let index = 0; index < count; index++) {
      const key = this.key(entries)
      entries.set(key, this.value(depth + 1))
    }
    return Object.fromEntries(entries)
  }

  open(header: number, values: number, depth: number): void {
    this.requireCount(header, values)
    if (depth > this.limits.maxDepth) throw new StrictError('too_deep', header, 'slow', 'maxDepth')
    this.nodes += values
    if (this.nodes > this.limits.maxNodes) throw new StrictError('too_many_nodes', header, 'slow', 'maxNodes')
  }

  key(before: Map<string, unknown>): string {
    const header = this.position
    const token = this.uint(1, header)
    const isText = (token >= 0xa0 && token <= 0xbf) || (token >= 0xd9 && token <= 0xdb)
    if (!isText) throw new StrictError('key_not_string', header, 'slow')
    this.position = header
    const key = this.value(0) as string // a text, as its token says
    if (key === '__proto__') throw new StrictError('key_forbidden', header, 'slow')
    if (before.has(key)) throw new StrictError('duplicate_key', header, 'slow')
    return key
  }

  text(header: number, length: number): string {
    this.requireCount(header, length)
    const from = this.take(length, header)
    const bytes = this.bytes.subarray(from, from + length)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw new StrictError('bad_utf8', from + wellFormedLength(bytes), 'slow')
    }
  }

  bin(header: number, length: number): Uint8Array {
    this.requireCount(header, length)
    const from = this.take(length, header)
    return Uint8Array.from(this.bytes.subarray(from, from + length))
  }

  extension(header: number, length: number): Date {
    if (this.view.getInt8(this.take(1, header)) !== -1) throw new StrictError('extension_refused', header, 'slow')
    if (![4, 8, 12].includes(length)) throw new StrictError('bad_timestamp', header, 'slow')
    const from = this.take(length, header)
    let seconds = BigInt(this.view.getUint32(from))
    let nanoseconds = 0n
    if (length === 8) {
      const both = this.view.getBigUint64(from)
      seconds = both & (2n ** 34n - 1n)
      nanoseconds = both >> 34n
    } else if (length === 12) {
      nanoseconds = BigInt(this.view.getUint32(from))
      seconds = this.view.getBigInt64(from + 4)
    }
    const ms = seconds * 1000n + nanoseconds / 1_000_000n
    const isInRange = ms >= -8_640_000_000_000_000n && ms <= 8_640_000_000_000_000n
    if (nanoseconds > 999_999_999n || !isInRange) throw new StrictError('bad_timestamp', header, 'slow')
    return new Date(Number(ms))
  }

  requireCount(header: number, least: number): void {
    if (least > this.bytes.length - this.position) throw new StrictError('count_too_large', header, 'slow')
  }

  /** Steps over `count` bytes, and returns where they begin. */
  take(count: number, header: number): number {
    const from = this.position
    if (count > this.bytes.length - from) throw new StrictError('truncated', header, 'slow')
    this.position += count
    return from
  }

  uint(width: 1 | 2 | 4, header: number): number {
    const from = this.take(width, header)
    if (width === 1) return this.view.getUint8(from)
    return width === 2 ? this.view.getUint16(from) : this.view.getUint32(from)
  }
}

/** How many bytes, up to the first ill-formed sequence, are UTF-8: the longest beginning that decodes. */
function wellFormedLength(bytes: Uint8Array): number {
  let length = bytes.length
  for (;;) {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
      return length
    } catch {
      length--
    }
  }
}

/** What became of an attempt to read: the value, or the rule that was broken and where. Anything else is thrown on. */
export type Outcome = { value: unknown } | { rule: StrictRule; offset: number; limit: string | undefined }

export function outcomeOf(read: () => unknown): Outcome {
  try {
    return { value: read() }
  } catch (error) {
    if (!(error instanceof StrictError)) throw error
    return { rule: error.rule, offset: error.offset, limit: error.limit }
  }
}
