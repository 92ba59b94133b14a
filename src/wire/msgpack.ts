/** Values to MessagePack, the path without a compiled codec (spec/msgpack.md): msgpackr writes. `unpack.ts` reads. */
// @ts-expect-error this entry has no declarations; it exports what 'msgpackr' does
import * as entry from 'msgpackr/index-no-eval'
import { NegativeZero } from '../contract/index.ts'
import { newBuffer } from './octets.ts'

/**
 * msgpackr keeps its extensions and its output buffer in the module, so that all users of 'msgpackr' in a process
 * share them: an `addExtension` for Date elsewhere would change our bytes, and ours theirs. This entry is a copy of
 * its own, without the native addon and without `new Function`.
 */
const { Packr, addExtension } = entry as typeof import('msgpackr') // the same module, built once more

addExtension({
  Class: NegativeZero,
  type: 0x7f, // msgpackr wants one; it is never written
  pack: ((_: unknown, allocate: (size: number) => { target: Uint8Array; targetView: DataView; position: number }) => {
    const { target, targetView, position } = allocate(9)
    target[position] = 0xcb // float 64
    targetView.setFloat64(position + 1, -0)
  }) as (value: unknown) => Buffer, // its declarations leave out the second parameter, and that nothing need be returned
})

const options = {
  useRecords: false,
  moreTypes: false,
  useToJSON: false,
  encodeUndefinedAsNil: true,
  variableMapSize: true,
}
const packr = new Packr(options)
/** A getter of what is packed may pack something itself, and msgpackr writes both to one place. */
let isPacking = false
let wasDisturbed = false

/** msgpackr goes on in the slab that its largest value needed; each small one after it would keep all of that alive. */
const MAX_SLAB_BYTES = 64 * 1024
const SLAB_BYTES = 8 * 1024

function newSlab(): Uint8Array {
  return newBuffer(SLAB_BYTES)
}

/**
 * Writes one value as standard MessagePack (spec/msgpack.md, M17), -0 where a `NegativeZero` stands.
 *
 * The caller has checked the value, for what a strict reader refuses is written all the same: halves of surrogate
 * pairs, invalid dates, Maps and Sets, the key `__proto__`, any depth. Undefined is written as nil.
 *
 * @returns a view that stays valid, into a slab that it shares with others: copy it before it is handed to anyone who
 * might change or transfer its `buffer`.
 * @throws RangeError for a bigint of more than 64 bits.
 * @example
 * ```ts
 * pack({ name: 'Ada' }) // 81 a4 6e 61 6d 65 a3 41 64 61
 * ```
 */
export function pack(value: unknown): Uint8Array {
  if (isPacking) {
    wasDisturbed = true
    return bytesOf(new Packr(options).pack(withoutGetters(value)))
  }
  const copy = packAlone(value) ?? packAlone(withoutGetters(value))
  if (!copy) throw new Error('packing a value without getters was disturbed')
  return copy
}

/** `undefined` where something else was packed meanwhile. */
function packAlone(value: unknown): Uint8Array | undefined {
  isPacking = true
  wasDisturbed = false
  try {
    const packed = packr.pack(value)
    if (wasDisturbed) return undefined
    if (packed.buffer.byteLength > MAX_SLAB_BYTES) packr.useBuffer(newSlab())
    return bytesOf(packed)
  } finally {
    isPacking = false
  }
}

function withoutGetters(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutGetters)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => [name, withoutGetters(inner)]),
  )
}

/** No Buffer, whose `slice` does not copy. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
