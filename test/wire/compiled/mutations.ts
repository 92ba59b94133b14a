/** Bytes by chance from bytes: broken ones, and the same value in other words (properties moved, added, left out; other number forms). */
import { pack, unpack } from '../../../src/wire/index.ts'
import type { Chance } from '../../contract/compat-schemas.ts'

const tokens = [
  0x00, 0x7f, 0x80, 0x81, 0x90, 0x91, 0xa0, 0xa1, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc7, 0xca, 0xcb, 0xcc, 0xcf, 0xd3,
  0xd6, 0xd9, 0xdc, 0xde, 0xff,
]

/** With one to three bytes flipped, cut, put in, taken out or repeated. */
export function mutated(bytes: Uint8Array, chance: Chance): Uint8Array {
  let changed: Uint8Array = bytes
  for (let steps = chance.is(0.8) ? 1 : 3; steps > 0; steps--) changed = mutatedOnce(changed, chance)
  return changed
}

function mutatedOnce(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(Math.max(1, bytes.length))
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (chance.below(6)) {
    case 0:
      return joined(before, Uint8Array.of((after[0] ?? 0) ^ (1 << chance.below(8))), after.subarray(1))
    case 1:
      return before.slice()
    case 2:
      return joined(before, Uint8Array.of(chance.of(tokens)), after)
    case 3:
      return joined(before, after.subarray(1 + chance.below(3)))
    case 4: {
      const some = after.subarray(0, 1 + chance.below(8))
      return joined(before, some, after)
    }
    default:
      return joined(before, Uint8Array.of(chance.is(0.5) ? chance.of(tokens) : chance.below(256)), after.subarray(1))
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

const anyLimits = { maxDepth: 512, maxNodes: Number.POSITIVE_INFINITY }

/** A value that the strict walk passes, as another writer might have put it. */
export function reworded(bytes: Uint8Array, chance: Chance): Uint8Array {
  const parts: Uint8Array[] = []
  write(unpack(bytes, 0, bytes.length, anyLimits), chance, parts)
  return joined(...parts)
}

const extras: readonly unknown[] = [
  1,
  'text',
  null,
  [1, [2]],
  { a: 1 },
  new Uint8Array(3),
  5n,
  { deep: [[[[[[[[[1]]]]]]]]] },
]

function write(value: unknown, chance: Chance, parts: Uint8Array[]): void {
  if (Array.isArray(value)) {
    parts.push(countOf(value.length, 0x90, 0xdc, chance))
    for (const item of value) write(item, chance, parts)
  } else if (isMap(value)) {
    let entries = Object.entries(value)
    if (chance.is(0.4)) entries.sort(() => (chance.is(0.5) ? 1 : -1))
    if (chance.is(0.15)) entries = entries.filter(() => chance.is(0.8))
    for (let more = chance.is(0.4) ? 1 + chance.below(2) : chance.is(0.02) ? 12 : 0; more > 0; more--) {
      const name = chance.is(0.97) ? `extra${more}` : chance.of(['__proto__', 'toString', 'é', 'extra1'])
      entries.splice(chance.below(entries.length + 1), 0, [name, chance.of(extras)])
    }
    parts.push(countOf(entries.length, 0x80, 0xde, chance))
    for (const [name, inner] of entries) {
      parts.push(textOf(name, chance))
      write(inner, chance, parts)
    }
  } else if (typeof value === 'string') parts.push(textOf(value, chance))
  else if (typeof value === 'number' || typeof value === 'bigint') parts.push(numberOf(value, chance))
  else parts.push(pack(value).slice())
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array || value instanceof Date)
}

function countOf(count: number, short: number, long: number, chance: Chance): Uint8Array {
  if (count < 16 && chance.is(0.95)) return Uint8Array.of(short | count)
  return chance.is(0.5)
    ? Uint8Array.of(long, count >> 8, count)
    : Uint8Array.of(long + 1, 0, count >> 16, count >> 8, count)
}

function textOf(text: string, chance: Chance): Uint8Array {
  if (chance.is(0.95)) return pack(text).slice()
  const bytes = new TextEncoder().encode(text)
  return joined(Uint8Array.of(0xdb, 0, bytes.length >> 16, bytes.length >> 8, bytes.length), bytes)
}

function numberOf(value: number | bigint, chance: Chance): Uint8Array {
  if (chance.is(0.85)) return pack(value).slice()
  const view = new DataView(new ArrayBuffer(9))
  if (chance.is(0.4) && Number.isInteger(Number(value)) && BigInt.asIntN(64, BigInt(value)) === BigInt(value)) {
    view.setUint8(0, 0xd3)
    view.setBigInt64(1, BigInt(value))
  } else {
    view.setUint8(0, 0xcb)
    view.setFloat64(1, Number(value))
  }
  return new Uint8Array(view.buffer)
}
