/** Bytes that end too soon, with nothing behind them in their memory (spec/codecs.md): declared errors, whatever was cut. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { type Codec, codec } from '../../../src/codec.ts'
import { Bytes, Timestamp } from '../../../src/index.ts'
import { outcomeOf } from './outcome.ts'

const values: readonly (readonly [what: string, schema: TSchema, values: readonly unknown[]])[] = [
  ['a number', Type.Number(), [5, -5, 200, -100, 40_000, -40_000, 3e9, -2e9, 2 ** 40, -(2 ** 40), 1.5]],
  ['a bigint', Type.BigInt(), [5n, -5n, 200n, -100n, 40_000n, -40_000n, 3_000_000_000n, -2_000_000_000n, 2n ** 63n]],
  ['a text', Type.String(), ['short', 'x'.repeat(40), 'x'.repeat(300), 'é'.repeat(40_000)]],
  ['bytes', Bytes(), [new Uint8Array(5), new Uint8Array(300), new Uint8Array(70_000)]],
  ['a time', Timestamp(), [new Date(0), new Date(1.5), new Date(-1), new Date(2 ** 40)]],
  ['a list', Type.Array(Type.BigInt()), [[200n, 300n], Array.from({ length: 20 }, (_, index) => BigInt(index))]],
  ['an object', Type.Object({ a: Type.BigInt(), b: Type.Optional(Type.Boolean()) }), [{ a: 200n }, { a: 1n, b: true }]],
]

describe('bytes that end too soon', () => {
  it.each(values)('are refused with a declared error: %s', (_, schema, given) => {
    const { encode, decode } = codec(schema) as Codec<unknown> // of any of them
    for (const value of given) {
      const bytes = encode(value)
      expect(outcomeOf(() => decode(bytes)).value).toEqual(value)
      const cuts = bytes.length < 400 ? Array.from(bytes.keys()) : [0, 1, 2, 3, 4, 5, bytes.length - 1]
      for (const cut of cuts)
        expect(outcomeOf(() => decode(bytes.slice(0, cut))).error, `${cut}`).toContain('invalid_argument')
    }
  })

  it('are refused where another peer wrote fewer bytes for a bigint than this one does', () => {
    const formats = { 'cc c8': 200n, 'cd 01 00': 256n, 'ce 00 01 00 00': 65_536n, 'd0 80': -128n, 'd1 80 00': -32_768n }
    const { decode } = codec(Type.BigInt())
    for (const [hex, value] of Object.entries(formats)) {
      const bytes = Uint8Array.from(hex.split(' '), (digits) => Number.parseInt(digits, 16))
      expect(decode(bytes)).toBe(value)
      for (const cut of bytes.keys()) expect(outcomeOf(() => decode(bytes.slice(0, cut))).error).toContain('truncated')
    }
  })
})
