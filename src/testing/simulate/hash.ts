/** A quick hash of bytes, for telling bytes apart and not against anybody who wants them to collide. */

/** 32 bits, four bytes at a step. */
export function hashBytes(bytes: Uint8Array, seed = 0x811c9dc5): number {
  const { length } = bytes
  const words = new DataView(bytes.buffer, bytes.byteOffset, length)
  let hash = seed ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    hash = Math.imul(hash ^ words.getInt32(at, true), 0x01000193)
    hash ^= hash >>> 15
  }
  for (; at < length; at++) hash = Math.imul(hash ^ words.getUint8(at), 0x01000193)
  return (hash ^ (hash >>> 13)) >>> 0
}
