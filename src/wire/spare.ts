/**
 * Large buffers that what comes in pieces is put together in, used again: a fresh one for each message of 64 KiB would cost
 * more than all that is done with its bytes. Invariants: nothing is made here, so nothing grows ahead of what has come; a
 * buffer is here or with one who took it, never both.
 */

/** A smaller one is not worth the keeping, a larger one would be kept for too few. */
const LEAST_BYTES = 65_536
const MOST_BYTES = 262_144
/** 2 MiB for the process at most. */
const MAX_SPARE = 8

/** Shorter ones first. */
const spare: Uint8Array[] = []

/** A buffer of at least so many bytes, whatever stands in it; `undefined` where there is none. */
export function takeSpare(leastBytes: number): Uint8Array | undefined {
  const index = spare.findIndex(({ length }) => length >= leastBytes)
  return index < 0 ? undefined : spare.splice(index, 1)[0]
}

/** Keeps a buffer, whole, that nobody reads or writes any more; or lets it go. */
export function keepSpare(buffer: Uint8Array): void {
  const { length } = buffer
  if (length < LEAST_BYTES || length > MOST_BYTES || spare.length === MAX_SPARE) return
  if (spare.some((other) => other.buffer === buffer.buffer)) throw new Error('a buffer was given back twice')
  const longer = spare.findIndex((other) => other.length > length)
  spare.splice(longer < 0 ? spare.length : longer, 0, buffer)
}
