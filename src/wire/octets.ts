/**
 * Numbers and text out of bytes, for whoever reads the wire (spec/msgpack.md, M8). Nothing here allocates but
 * `decodeText` for its string. The caller vouches that offsets lie within the bytes.
 */

/** The byte at `index`, which lies within the bytes. */
export function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number // the caller vouches for the index
}

function uint16At(bytes: Uint8Array, index: number): number {
  return (byteAt(bytes, index) << 8) | byteAt(bytes, index + 1)
}

export function uint32At(bytes: Uint8Array, index: number): number {
  return ((uint16At(bytes, index) << 16) | uint16At(bytes, index + 2)) >>> 0
}

export function int32At(bytes: Uint8Array, index: number): number {
  return (uint16At(bytes, index) << 16) | uint16At(bytes, index + 2)
}

/** What the fraction of a double is multiplied with, by its exponent; the products are exact. */
const scales = Float64Array.from({ length: 0x800 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 1075))
scales[0x7ff] = Number.POSITIVE_INFINITY

/**
 * A double; infinite for what is no number. By arithmetic, for eight bytes that are stored, and loaded again as one double,
 * take twice the time.
 */
export function float64At(bytes: Uint8Array, index: number): number {
  const upper = int32At(bytes, index)
  const exponent = (upper >>> 20) & 0x7ff
  const hidden = exponent === 0 ? 0 : 2 ** 20 // the bit that all but the smallest have
  const fraction = ((upper & 0xf_ffff) + hidden) * 2 ** 32 + uint32At(bytes, index + 4)
  const value = fraction * (scales[exponent] as number) // one of its items
  return upper < 0 ? -value : value
}

/** An unsigned integer of 1, 2 or 4 bytes. */
export function uintAt(bytes: Uint8Array, index: number, width: number): number {
  return width === 1 ? byteAt(bytes, index) : width === 2 ? uint16At(bytes, index) : uint32At(bytes, index)
}

/** Where the first sequence that is no UTF-8 begins, or -1. Overlong forms and surrogates are none (RFC 3629). */
export function findIllFormedText(bytes: Uint8Array, from: number, to: number): number {
  let union = 0
  for (let position = from; position < to; position++) union |= byteAt(bytes, position)
  return union < 0x80 ? -1 : findIllFormedSequence(bytes, from, to)
}

function findIllFormedSequence(bytes: Uint8Array, from: number, to: number): number {
  let position = from
  while (position < to) {
    const length = sequenceLength(bytes, position, to)
    if (length === 0) return position
    position += length
  }
  return -1
}

/** The length of the well-formed sequence at `at`, or 0. The table is Unicode's 3-7. */
export function sequenceLength(bytes: Uint8Array, at: number, to: number): number {
  const lead = byteAt(bytes, at)
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0 // a continuation, an overlong form, or above U+10FFFF
  if (lead < 0xe0) return to - at >= 2 && isContinuation(byteAt(bytes, at + 1)) ? 2 : 0
  const length = lead < 0xf0 ? 3 : 4
  if (to - at < length) return 0
  const second = byteAt(bytes, at + 1)
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80 // below: an overlong form
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf // above: a surrogate, or above U+10FFFF
  if (second < lowest || second > highest || !isContinuation(byteAt(bytes, at + 2))) return 0
  return length === 3 || isContinuation(byteAt(bytes, at + 3)) ? length : 0
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

/** Up to this length a loop over ASCII beats the platform's decoder, whose call alone costs 50 to 100 ns. */
const SHORT_TEXT = 24

/** The text of well-formed bytes, a leading U+FEFF included. It shares nothing with them. */
export function decodeText(bytes: Uint8Array, from: number, to: number): string {
  const short = to - from <= SHORT_TEXT ? decodeShortAscii(bytes, from, to) : undefined
  return short ?? decodeLong(bytes, from, to)
}

/** What stands in a text where its bytes were no UTF-8, or said so themselves. */
const REPLACEMENT = '\ufffd'

/** The text of the bytes, a leading U+FEFF included, `undefined` where they are not well-formed. It shares nothing with them. */
export function decodeWellFormed(bytes: Uint8Array, from: number, to: number): string | undefined {
  const text = decodeLong(bytes, from, to)
  return text.includes(REPLACEMENT) && findIllFormedText(bytes, from, to) >= 0 ? undefined : text
}

/** Node's Buffer takes half the time of its TextDecoder, which is all that a browser has. */
const decodeLong = typeof Buffer === 'function' ? decodeByBuffer : decodeByDecoder

function decodeByBuffer(bytes: Uint8Array, from: number, to: number): string {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('utf8', from, to)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true }) // that is, a leading U+FEFF is not taken away

function decodeByDecoder(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to))
}

/** Four at a time, for a string made byte by byte is a rope, which costs more to read than it did to make. */
function decodeShortAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = ''
  let position = from
  for (; to - position >= 4; position += 4) {
    const a = byteAt(bytes, position)
    const b = byteAt(bytes, position + 1)
    const c = byteAt(bytes, position + 2)
    const d = byteAt(bytes, position + 3)
    if ((a | b | c | d) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c, d)
  }
  for (; position < to; position++) {
    const unit = byteAt(bytes, position)
    if (unit > 0x7f) return undefined
    text += String.fromCharCode(unit)
  }
  return text
}

/** Memory whatever stands in it; a Node `Buffer` where there are any. */
export function newBuffer(bytes: number): Uint8Array<ArrayBuffer> {
  return typeof Buffer === 'function' ? Buffer.allocUnsafeSlow(bytes) : new Uint8Array(bytes)
}

/** From here on it tells that new memory need not be zero. */
const LONG_COPY = 1_024

/** The bytes from `from` to `to` in a buffer of their own; a Node `Buffer` has a `slice` that does not copy. */
export function copyBytes(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const length = to - from
  if (Object.getPrototypeOf(bytes) === Uint8Array.prototype) return bytes.slice(from, to)
  const copy = length >= LONG_COPY ? new Uint8Array(newBuffer(length).buffer) : new Uint8Array(length)
  copy.set(bytes.subarray(from, to))
  return copy
}
