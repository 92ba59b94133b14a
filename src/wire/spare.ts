/**
 * Large buffers that what comes in pieces is put together in and what leaves in pieces is copied to, used again: fresh memory of
 * 64 KiB for each message would cost more than all that is done with its bytes. Invariants: what is made here is for bytes that
 * are there, or that a message has announced (reassembly.ts); a buffer is here or with one who took it, never both.
 */
import { byteAt, copyBytes, newBuffer } from './octets.ts'

/** A smaller one is not worth the keeping, a larger one would be kept for too few. */
const LEAST_BYTES = 65_536
const MOST_BYTES = 4_194_304
/** For the process. */
const MAX_SPARE = 16
const MAX_SPARE_BYTES = 8_388_608
/** What is wanted may be so much shorter than what it gets. */
const MOST_TIMES = 4

/** Shorter ones first. */
const spare: Uint8Array[] = []
let spareBytes = 0

/** A buffer of at least so many bytes, whatever stands in it; `undefined` where there is none. */
export function takeSpare(leastBytes: number): Uint8Array | undefined {
  const place = spare.findIndex(({ length }) => length >= leastBytes)
  const found = place < 0 ? undefined : spare[place] // of -1 the engine would make text
  if (!found || found.length > Math.max(LEAST_BYTES, MOST_TIMES * leastBytes)) return undefined
  spare.splice(place, 1)
  spareBytes -= found.length
  return found
}

/** A spare buffer of at least so many bytes, or a fresh one, which can be kept if it is not much longer for that. */
export function roomFor(bytes: number): Uint8Array {
  if (bytes < LEAST_BYTES / 2) return new Uint8Array(bytes)
  return takeSpare(bytes) ?? new Uint8Array(newBuffer(Math.max(bytes, LEAST_BYTES)).buffer)
}

/** Keeps a buffer, whole, that nobody reads or writes any more; or lets it go. */
export function keepSpare(buffer: Uint8Array): void {
  const { length } = buffer
  if (length < LEAST_BYTES || length > MOST_BYTES) return
  if (spare.length === MAX_SPARE || spareBytes + length > MAX_SPARE_BYTES) return
  if (spare.some((other) => other.buffer === buffer.buffer)) throw new Error('a buffer was given back twice')
  const longer = spare.findIndex((other) => other.length > length)
  spare.splice(longer < 0 ? spare.length : longer, 0, buffer)
  spareBytes += length
}

/** What lies under buffers that nobody else has, and that have one value of bytes with little before it. */
const lendable = new WeakSet<ArrayBufferLike>()

/** Fresh memory for a value of bytes and what stands before it: the value is handed out where it lies, once. */
export function newLendable(bytes: number): Uint8Array {
  const { buffer } = newBuffer(bytes)
  lendable.add(buffer)
  return new Uint8Array(buffer)
}

/** Keeps memory that nothing was handed out of. */
export function keepUntouched(buffer: Uint8Array): void {
  lendable.delete(buffer.buffer)
  keepSpare(buffer)
}

/** Whether nothing of such memory was handed out; nothing is from now on. */
export function wasKept(buffer: Uint8Array): boolean {
  return lendable.delete(buffer.buffer)
}

/** Shorter ones are copied byte by byte: a message may have very many. */
const SHORT_BYTES = 32

/** The bytes from `from` to `to`, which are their taker's own. */
export function takeOut(buffer: Uint8Array, from: number, to: number): Uint8Array {
  const length = to - from
  if (length < SHORT_BYTES) return copyShort(buffer, from, length)
  const isMost = 2 * length >= buffer.buffer.byteLength
  return isMost && lendable.delete(buffer.buffer) ? buffer.subarray(from, to) : copyBytes(buffer, from, to)
}

function copyShort(buffer: Uint8Array, from: number, length: number): Uint8Array {
  const copy = new Uint8Array(length)
  for (let offset = 0; offset < length; offset++) copy[offset] = byteAt(buffer, from + offset)
  return copy
}
