/** The strict walk and the reader of MessagePack against their slow twin, and the writer behind them (spec/msgpack.md). */
import { isDeepStrictEqual } from 'node:util'
import { defaultLimits } from '../../src/limits.ts'
import { pack, StrictError, unpack } from '../../src/wire/index.ts'
import { type Outcome, outcomeOf, slowUnpack } from '../../test/wire/slow-msgpack.ts'
import { bytesOf, vectorsOf } from '../seeds.ts'
import { require, type Target } from '../target.ts'

const limitsOf = [defaultLimits, { maxDepth: 3, maxNodes: 12 }, { maxDepth: 64, maxNodes: 40 }] as const
const PADDING = 5

export const msgpack: Target = {
  about: 'the strict walk and the reader against their slow twin, then written and read again',
  maxBytes: 4_096,
  dictionary: [
    '__proto__',
    'constructor',
    'toString',
    '\ufeff',
    ...[0xc1, 0xc4, 0xc7, 0xca, 0xcb, 0xcf, 0xd3, 0xd9, 0xdc, 0xde, 0xdf].map((token) => Uint8Array.of(token, 0, 0)),
    Uint8Array.of(0xd6, 0xff, 0, 0, 0, 1),
    Uint8Array.of(0xd7, 0xff, 0, 0, 0, 0, 0, 0, 0, 1),
    Uint8Array.of(0xc7, 12, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
  ],
  *seeds() {
    for (const { hex } of vectorsOf('msgpack.json')) yield Uint8Array.of(0, ...bytesOf(hex))
    for (const { cases } of vectorsOf('types.json')) {
      // As spec/vectors/README.md says of that file.
      for (const one of cases as readonly { readonly hex?: string }[])
        if (one.hex !== undefined) yield Uint8Array.of(0, ...bytesOf(one.hex))
    }
  },
  judge(input) {
    const limits = limitsOf[(input[0] ?? 0) % limitsOf.length] ?? defaultLimits
    const bytes = input.subarray(1)
    const padded = new Uint8Array(bytes.length + 2 * PADDING).fill(0xc0)
    padded.set(bytes, PADDING)
    const expected = outcomeOf(() => slowUnpack(bytes, limits))
    const found = outcomeOf(() => unpack(padded, PADDING, PADDING + bytes.length, limits))
    require(isSame(found, expected), () => `read as ${shown(found)}, and slowly as ${shown(expected)}`)
    if (!('value' in found)) return
    padded.fill(0xaa)
    require(isSame(found, expected), 'the value changes with the bytes that it was read from')
    requireWritten(found.value)
  },
}

/** What was read can be written, is then read as the same, and is written so from then on. */
function requireWritten(value: unknown): void {
  const written = pack(value).slice()
  const again = unpack(written, 0, written.length, { maxDepth: 64, maxNodes: 1_000_000 })
  require(isDeepStrictEqual(narrowed(again), narrowed(value)), () =>
    `written as ${hex(written)}, which is another value`)
  const twice = pack(again)
  require(Buffer.compare(twice, written) === 0, () => `written as ${hex(written)}, and then as ${hex(twice)}`)
}

/** A bigint that is written as an integer of fewer bits is a number when it is read; -0 travels only by a schema (T10). */
function narrowed(value: unknown): unknown {
  if (typeof value === 'bigint' || value === 0) return Number(value) + 0
  if (Array.isArray(value)) return value.map(narrowed)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value
  return Object.entries(value).map(([key, inner]) => [key, narrowed(inner)])
}

function isSame(one: Outcome, other: Outcome): boolean {
  return isDeepStrictEqual(one, other)
}

function shown(outcome: Outcome): string {
  if (!('value' in outcome)) return new StrictError(outcome.rule, outcome.offset, 'refused').message
  return String(
    JSON.stringify(outcome.value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner)),
  ).slice(0, 400)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').slice(0, 400)
}
