/**
 * Frames the slow and obvious way, from arrays of numbers: the oracle of encoder and decoder, and the hand that writes
 * what no encoder would. Shares no code with src/wire but the kinds' numbers.
 */
import fc from 'fast-check'
import { flags, kinds } from '../../src/wire/index.ts'

export interface SlowFrame {
  readonly kind: number
  readonly flags: number
  readonly id: number
  readonly body: Uint8Array
}

/** One frame as bytes, whatever its fields say. */
export function frameBytes(kind: number, flagBits = 0, id = 0, body: Uint8Array | readonly number[] = []): Uint8Array {
  return headedBytes(body.length, kind, flagBits, id, body)
}

/** As `frameBytes`, with a length that may be a lie. */
export function headedBytes(
  length: number,
  kind: number,
  flagBits: number,
  id: number,
  body: Uint8Array | readonly number[] = [],
): Uint8Array {
  const header = [length >> 16, length >> 8, length, kind, flagBits, id >>> 24, id >>> 16, id >>> 8, id]
  return joined([Uint8Array.from(header.map((byte) => byte & 0xff)), Uint8Array.from(body)])
}

/** The frames of a stream that ends with a whole one. */
export function framesIn(bytes: Uint8Array): SlowFrame[] {
  const found: SlowFrame[] = []
  let at = 0
  while (at < bytes.length) {
    const [a = 0, b = 0, c = 0, kind = 0, flagBits = 0, w = 0, x = 0, y = 0, z = 0] = bytes.subarray(at, at + 9)
    const end = at + 9 + a * 65_536 + b * 256 + c
    if (end > bytes.length) throw new Error(`the stream ends within a frame of kind ${kind}`)
    const id = w * 2 ** 24 + x * 65_536 + y * 256 + z
    found.push({ kind, flags: flagBits, id, body: bytes.slice(at + 9, end) })
    at = end
  }
  return found
}

/** A frame as text, which is compared in a moment where a long body is not. */
export function textOf({ kind, flags: flagBits, id, body }: SlowFrame): string {
  return `${kind} ${flagBits} ${id} ${Buffer.from(body).toString('base64')}`
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

export function u32(value: number): number[] {
  return [value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 0xff)
}

/** The body of a REQUEST without metadata. */
export function requestBody(tag: number, timeoutMs = 0, body: readonly number[] = [0xc0]): Uint8Array {
  return Uint8Array.from([...u32(tag), ...u32(timeoutMs), ...body])
}

/** Frames that any receiver takes, of every kind, near the borders of what their headers may say. */
export function lawfulFrame(): fc.Arbitrary<SlowFrame> {
  const id = fc.oneof(fc.integer({ min: 1, max: 0xffff_ffff }), fc.constantFrom(1, 0xffff_ffff, 0x8000_0000))
  const body = (min: number, max: number) =>
    fc.oneof(
      { weight: 8, arbitrary: fc.uint8Array({ minLength: min, maxLength: Math.min(max, 40) }) },
      { weight: 1, arbitrary: fc.integer({ min, max }).map((length) => new Uint8Array(length).fill(length)) },
    )
  const frame = (
    kind: number,
    flagBits: readonly number[],
    ids: fc.Arbitrary<number>,
    bodies: fc.Arbitrary<Uint8Array>,
  ) => fc.record({ kind: fc.constant(kind), flags: fc.constantFrom(...flagBits), id: ids, body: bodies })
  const zero = fc.constant(0)
  const streams = [flags.INPUT, flags.OUTPUT | flags.MORE, flags.INPUT | flags.OUTPUT | flags.METADATA]
  const message = [0, flags.MORE, flags.METADATA, flags.MORE | flags.METADATA, flags.IGNORE]
  return fc.oneof(
    frame(kinds.REQUEST, [...message, flags.ONE_WAY, flags.HASH | flags.JUDGED, ...streams], id, body(0, 65_536)),
    frame(kinds.RESPONSE, message, id, body(0, 65_536)),
    frame(kinds.DATA, [0, flags.MORE, flags.GAP | flags.MORE, flags.WAIT], id, body(0, 65_536)),
    frame(kinds.END, [0, flags.METADATA], id, body(0, 300)),
    frame(kinds.ERROR, [0], fc.oneof(zero, id), body(1, 65_536)),
    frame(kinds.CANCEL, [0, flags.IGNORE], id, body(0, 0)),
    frame(kinds.CREDIT, [0], fc.oneof(zero, id), body(4, 4)),
    frame(kinds.PING, [0], zero, body(8, 8)),
    frame(kinds.PONG, [0], zero, body(8, 8)),
    frame(kinds.GOAWAY, [0, flags.FINAL], zero, body(4, 1_028)),
    frame(kinds.AUTH, [0], zero, body(1, 8_192)),
    frame(kinds.HELLO, [0], zero, body(6, 65_536)),
    frame(kinds.PRIORITY, [0, flags.IGNORE], id, body(1, 1)),
  )
}

/** A frame of a kind that nobody knows, which says that it may be skipped. */
export function skippableFrame(): fc.Arbitrary<SlowFrame> {
  return fc.record({
    kind: fc.integer({ min: 14, max: 255 }),
    flags: fc.integer({ min: 0x80, max: 0xff }),
    id: fc.integer({ min: 0, max: 0xffff_ffff }),
    body: fc.uint8Array({ maxLength: 600 }),
  })
}

/** The same bytes in other pieces; `cuts` are any numbers. Empty pieces are among them. */
export function chopped(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.map((place, index) => bytes.slice(places[index - 1] ?? 0, place))
}
