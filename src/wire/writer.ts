/**
 * Where frames are written: into buffers that the link owns and sends when it sees fit. Small bodies lie in one piece,
 * large ones go in wherever there is room. May not allocate for a small frame.
 */
import { HEADER_BYTES, type Kind } from './frame.ts'

/** A link's outbound half as an encoder sees it. */
export interface FrameWriter {
  /** Valid until the next `ensure` or `large`. */
  readonly buffer: Uint8Array
  position: number
  /** Makes room for `bytes` more after `position`, perhaps in another buffer with another position. */
  ensure(bytes: number): void
  /**
   * Lends `bytes` after `position` to whoever writes a value there and does not know yet whether it will stay. Whatever else
   * is written meanwhile goes into another buffer.
   */
  lend(bytes: number): void
  /** Ends the loan, of which something is used or not. Returns whether `buffer` and `position` are those that were lent. */
  takeBack(isUsed: boolean): boolean
  /** Takes bytes in whatever pieces, after what was written so far. */
  large(bytes: Uint8Array): void
}

/** From here on bytes need not lie in one piece, and are copied once more only where they leave. */
export const LARGE_BYTES = 8_192

export function writeHeader(writer: FrameWriter, length: number, kind: Kind, flags: number, id: number): void {
  writer.ensure(HEADER_BYTES)
  writer.position = placeHeader(writer.buffer, writer.position, length, kind, flags, id)
}

/** Puts a header at `at`, where there is room for it. Returns where it ends. */
export function placeHeader(
  buffer: Uint8Array,
  at: number,
  length: number,
  kind: Kind,
  flags: number,
  id: number,
): number {
  buffer[at] = length >>> 16
  buffer[at + 1] = length >>> 8
  buffer[at + 2] = length
  buffer[at + 3] = kind
  buffer[at + 4] = flags
  placeU32(buffer, at + 5, id)
  return at + HEADER_BYTES
}

export function placeU32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

export function writeBytes(writer: FrameWriter, bytes: Uint8Array): void {
  if (bytes.length >= LARGE_BYTES) {
    writer.large(bytes)
    return
  }
  writer.ensure(bytes.length)
  writer.buffer.set(bytes, writer.position)
  writer.position += bytes.length
}

export function writeU16(writer: FrameWriter, value: number): void {
  writer.ensure(2)
  writer.buffer[writer.position++] = value >>> 8
  writer.buffer[writer.position++] = value
}

export function writeU32(writer: FrameWriter, value: number): void {
  writer.ensure(4)
  placeU32(writer.buffer, writer.position, value)
  writer.position += 4
}

/** Writes a value at `at` of a buffer. Returns where it ends, or -1 where it will not; what it wrote then is void. */
export interface InPlace {
  encodeInto(buffer: Uint8Array, at: number): number
}

/** What is lent to a value that is written where it leaves; one that needs more goes as bytes. */
const IN_PLACE_BYTES = 16_384

/**
 * Writes one frame whose body the value writes where it leaves, `headBytes` after the header.
 * @returns where the body begins, -1 where nothing was written: no room, more than `maxBodyBytes`, or not by this value
 */
export function writeInPlace(
  writer: FrameWriter,
  kind: Kind,
  flags: number,
  id: number,
  headBytes: number,
  maxBodyBytes: number,
  value: InPlace,
): number {
  writer.lend(IN_PLACE_BYTES)
  const { buffer, position } = writer
  const bodyStart = position + HEADER_BYTES + headBytes
  const end = encodeLent(writer, bodyStart, maxBodyBytes, value)
  if (end < 0) return -1
  placeHeader(buffer, position, end - position - HEADER_BYTES, kind, flags, id)
  writer.position = end
  return bodyStart
}

/**
 * Writes one more value behind those of the frame that was written last.
 * @param headerAt where that frame begins in the writer's buffer, which ends it
 * @returns how many bytes it has, -1 where nothing was written
 */
export function appendInPlace(writer: FrameWriter, headerAt: number, maxBytes: number, value: InPlace): number {
  const { buffer, position } = writer
  writer.lend(IN_PLACE_BYTES)
  if (writer.buffer !== buffer || writer.position !== position) {
    writer.takeBack(false)
    return -1
  }
  const end = encodeLent(writer, position, maxBytes, value)
  if (end < 0) return -1
  const length = end - headerAt - HEADER_BYTES
  buffer[headerAt] = length >>> 16
  buffer[headerAt + 1] = length >>> 8
  buffer[headerAt + 2] = length
  writer.position = end
  return end - position
}

/** Writes a value into what was lent. Returns where it ends, -1 where it does not stay. */
function encodeLent(writer: FrameWriter, at: number, maxBytes: number, value: InPlace): number {
  let end = -1
  try {
    end = value.encodeInto(writer.buffer, at)
  } finally {
    const fits = end >= 0 && end - at <= maxBytes
    if (!writer.takeBack(fits) || !fits) end = -1
  }
  return end
}

/** A writer that keeps everything in one growing buffer: for tests, tools and frames that are sent elsewhere. */
export class BufferWriter implements FrameWriter {
  buffer: Uint8Array
  position = 0
  #isLent = false

  constructor(initialBytes = 256) {
    this.buffer = new Uint8Array(initialBytes)
  }

  ensure(bytes: number): void {
    const needed = this.position + bytes
    if (this.#isLent) this.buffer = this.buffer.slice()
    this.#isLent = false
    if (needed <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.buffer.length))
    larger.set(this.buffer.subarray(0, this.position))
    this.buffer = larger
  }

  lend(bytes: number): void {
    this.ensure(bytes)
    this.#isLent = true
  }

  takeBack(_isUsed: boolean): boolean {
    const isLent = this.#isLent
    this.#isLent = false
    return isLent
  }

  large(bytes: Uint8Array): void {
    this.ensure(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** A copy of what was written. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.position)
  }
}
