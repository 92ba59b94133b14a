/** The 128-bit FNV-1a hash in plain numbers (spec/compatibility.md, K5): no bigint for each byte. */

/** The prime is 2^88 + 0x13b, so a product is a sum of a shift and a small multiple. */
const SMALL = 0x13b

/** 16 bytes, the highest first. */
export function fnv128(bytes: Uint8Array): Uint8Array {
  // The offset basis 0x6c62272e07bb014262b821756295c58d as limbs of 32 bits.
  let a = 0x6c62272e
  let b = 0x07bb0142
  let c = 0x62b82175
  let d = 0x6295c58d
  for (const byte of bytes) {
    d = (d ^ byte) >>> 0
    const low = d * SMALL
    const third = c * SMALL + Math.floor(low / 2 ** 32)
    // 2^88 moves the lowest limb by two limbs and 24 bits.
    const second = b * SMALL + Math.floor(third / 2 ** 32) + ((d << 24) >>> 0)
    const first = a * SMALL + Math.floor(second / 2 ** 32) + ((c << 24) >>> 0) + (d >>> 8)
    a = first % 2 ** 32
    b = second % 2 ** 32
    c = third % 2 ** 32
    d = low % 2 ** 32
  }
  const hash = new Uint8Array(16)
  const view = new DataView(hash.buffer)
  for (const [index, limb] of [a, b, c, d].entries()) view.setUint32(index * 4, limb)
  return hash
}
