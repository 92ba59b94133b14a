/**
 * Reads what stands in the bodies of a stream's frames before and beside its items (spec/streams.md). As body.ts, it trusts
 * nothing of a peer: what it returns is as the rules say.
 */
import { metadataEnd, readMetadata } from './body.ts'
import type { Metadata } from './encode.ts'
import { flags as flag, ProtocolError } from './frame.ts'
import { byteAt, uint32At } from './octets.ts'

/** Of the number that stands before the items where GAP is set. */
const GAP_BYTES = 4

/** Where the items of a DATA begin, whole or its first fragment: `[u32 left out], items`. */
export function itemsStart(flags: number, start: number, end: number): number {
  if ((flags & flag.GAP) === 0) return start
  // F3, F20
  if (end - start < GAP_BYTES) throw new ProtocolError('body', 'a DATA with GAP that ends within the number of its gap')
  return start + GAP_BYTES
}

/** How many items were left out directly before the first one of a DATA whose items begin at `at`. */
export function readGap(flags: number, buffer: Uint8Array, at: number): number {
  return (flags & flag.GAP) === 0 ? 0 : uint32At(buffer, at - GAP_BYTES)
}

/** The metadata of an END: `[u16 length, metadata]`, and nothing else. */
export function readEnd(
  flags: number,
  buffer: Uint8Array,
  start: number,
  end: number,
  maxMetadataBytes: number,
): Metadata {
  const bodyStart = (flags & flag.METADATA) === 0 ? start : metadataEnd(buffer, start, end)
  // F4
  if (bodyStart !== end) throw new ProtocolError('body', `an END with ${end - bodyStart} bytes behind its metadata`)
  return readMetadata(buffer, start, end, maxMetadataBytes)
}

/** PRIORITY: `u8`, 0 low, 1 normal, 2 high. */
export function readPriority(buffer: Uint8Array, start: number): 0 | 1 | 2 {
  const priority = byteAt(buffer, start)
  // F17
  if (priority === 0 || priority === 1 || priority === 2) return priority
  throw new ProtocolError('body', `a PRIORITY of ${priority}: it is 0, 1 or 2`)
}

/** CREDIT: `u32 increment`. */
export function readIncrement(buffer: Uint8Array, start: number): number {
  const increment = uint32At(buffer, start)
  // F11
  if (increment === 0) throw new ProtocolError('credit', 'a CREDIT of 0 bytes')
  return increment
}
