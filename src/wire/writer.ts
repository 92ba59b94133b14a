/**
 * Where frames are written: into a buffer that the link owns and sends when it sees fit. Small bodies are copied in,
 * large ones go beside it uncopied. May not allocate for a small frame.
 */
import { HEADER_BYTES, type Kind } from './frame.ts'

/** A link's outbound half as an encoder sees it. */
export interface FrameWriter {
  /** Valid until the next `ensure` or `large`. */
  readonly buffer: Uint8Array
  position: number
  /** Makes room for `bytes` more after `position`, perhaps in another buffer with another position. */
  ensure(bytes: number): void
  /** Takes bytes as they are, after what was written so far. They may not change any more. */
  large(bytes: Uint8Array): void
}

/** From here on a body is cheaper to hand on than to copy. */
const LARGE_BYTES = 8_192

export function writeHeader(writer: FrameWriter, length: number, kind: Kind, flags: number, id: number): void {
  writer.ensure(HEADER_BYTES)
  const { buffer } = writer
  let at = writer.position
  buffer[at++] = length >>> 16
  buffer[at++] = length >>> 8
  buffer[at++] = length
  buffer[at++] = kind
  buffer[at++] = flags
  buffer[at++] = id >>> 24
  buffer[at++] = id >>> 16
  buffer[at++] = id >>> 8
  buffer[at++] = id
  writer.position = at
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
  writer.buffer[writer.position++] = value >>> 24
  writer.buffer[writer.position++] = value >>> 16
  writer.buffer[writer.position++] = value >>> 8
  writer.buffer[writer.position++] = value
}

/** A writer that keeps everything in one growing buffer: for tests, tools and frames that are sent elsewhere. */
export class BufferWriter implements FrameWriter {
  buffer: Uint8Array
  position = 0

  constructor(initialBytes = 256) {
    this.buffer = new Uint8Array(initialBytes)
  }

  ensure(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.buffer.length))
    larger.set(this.buffer.subarray(0, this.position))
    this.buffer = larger
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
