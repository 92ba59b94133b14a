/**
 * Every first byte where a schema expects something (spec/codecs.md): alone, and inside of all that holds values, cut wherever. What
 * the compiled decoder decides, the reference decides alike; and what is no value of the schema it never decides.
 */
import { isDeepStrictEqual } from 'node:util'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, type Gate, gateOf, Misfit, Timestamp } from '../../../src/contract/index.ts'
import { decodeBody, decodeItem, encodeBody, itemEnd, pack, StrictError, unpack } from '../../../src/wire/index.ts'
import { compiledOf, isOn, UNDECIDED } from './subject.ts'

const limits = { maxDepth: 64, maxNodes: 10_000 }

function reference(gate: Gate, bytes: Uint8Array): unknown {
  try {
    return gate.fromWire(unpack(bytes, 0, bytes.length, limits))
  } catch (error) {
    if (error instanceof Misfit || error instanceof StrictError) return UNDECIDED
    throw error
  }
}

const leaves: Readonly<Record<string, TSchema>> = {
  Null: Type.Null(),
  Boolean: Type.Boolean(),
  Number: Type.Number(),
  Integer: Type.Integer({ minimum: -40, exclusiveMaximum: 0x1_0000 }),
  BigInt: Type.BigInt(),
  String: Type.String(),
  Bytes: Bytes(),
  Timestamp: Timestamp(),
  Literal: Type.Literal('a'),
  'a checked text': Type.String({ minLength: 2 }),
  'a checked number': Type.Number({ multipleOf: 2 }),
  'a list': Type.Array(Type.Boolean(), { maxItems: 6 }),
  'a tuple': Type.Tuple([Type.Integer(), Type.Boolean()]),
  'an object': Type.Object({ a: Type.Integer(), b: Type.Optional(Type.Boolean()) }),
  'a strict object': Type.Object({ a: Type.Integer() }, { additionalProperties: false }),
  'a record': Type.Record(Type.String(), Type.Integer()),
  'a union': Type.Union([Type.Null(), Type.Boolean(), Type.String(), Type.Array(Type.Null()), Type.Literal(5)]),
  'objects that a constant tells apart': Type.Union([
    Type.Object({ a: Type.Literal(0) }),
    Type.Object({ a: Type.Literal(1), b: Type.Optional(Type.Integer()) }),
  ]),
}
const holders: readonly [
  name: string,
  schema: (inner: TSchema) => TSchema,
  before: readonly number[],
  after: number[],
][] = [
  ['alone', (inner) => inner, [], []],
  ['in a list', (inner) => Type.Array(inner), [0x91], []],
  ['in a longer list', (inner) => Type.Array(Type.Union([inner, Type.Null()])), [0x95, 0xc0, 0xc0, 0xc0, 0xc0], []],
  ['in a tuple', (inner) => Type.Tuple([inner, Type.Null()]), [0x92], [0xc0]],
  ['in an object', (inner) => Type.Object({ k: inner, n: Type.Null() }), [0x82, 0xa1, 0x6b], [0xa1, 0x6e, 0xc0]],
  ['behind others', (inner) => Type.Object({ n: Type.Null(), k: inner }), [0x82, 0xa1, 0x6b], [0xa1, 0x6e, 0xc0]],
  ['in a record', (inner) => Type.Record(Type.String(), inner), [0x81, 0xa1, 0x6b], []],
]
const tails = [
  new Array<number>(12).fill(0),
  new Array<number>(12).fill(0xc2),
  new Array<number>(12).fill(0xff),
  [0xff, ...new Array<number>(11).fill(0)],
  [0xa1, 0x61, 0x01, 0xa1, 0x62, 0xc3, 0xa1, 0x63, 0xc0, 0xa1, 0x61, 0x01],
  [0xa1, 0x61, 0x00, 0xa1, 0xff, 0x01, 0xa1, 0x62, 0xc2, 0xa1, 0x63, 0x05],
  [0x00, 0x02, 0xa1, 0x61, 0x01, 0xa1, 0x62, 0xc3, 0xa1, 0x63, 0xc0, 0x00],
  [0x05, 0xc3, 0x05, 0xc2, 0x05, 0xc3, 0x05, 0xc2, 0x05, 0xc3, 0x05, 0xc2],
  [0xa1, 0x61, 0x01, 0xa1, 0x61, 0x02, 0xa1, 0x61, 0x03, 0xa1, 0x61, 0x04],
]
/** How many bytes of a value are there: of one that stands alone, and of one inside of another. */
const lengths = { alone: [1, 2, 3, 4, 5, 6, 7, 9, 10, 13], inside: [1, 3, 6] }

describe.runIf(isOn)('any bytes where there should be', () => {
  it.each(Object.entries(leaves))('%s are what the reference says, wherever they stand', (name, inner) => {
    for (const [place, schemaOf, before, after] of holders) {
      if (place === 'in a longer list' && /union|apart|list|tuple|object|record|Null|BigInt|checked/.test(name))
        continue // not all are covered
      const gate = gateOf(schemaOf(inner))
      const compiled = compiledOf(gate)
      expect(compiled.isCovered, `${name} ${place}`).toBe(true)
      for (let token = 0; token < 256; token++) {
        for (const tail of tails) {
          for (const length of place === 'alone' ? lengths.alone : lengths.inside) {
            const bytes = Uint8Array.from([...before, token, ...tail.slice(0, length - 1), ...after])
            const value = compiled.decode(Uint8Array.from([...bytes, 0xc1, 0xc1]), 0, bytes.length, limits)
            if (value === UNDECIDED) continue
            const expected = reference(gate, bytes)
            if (!isDeepStrictEqual(value, expected))
              expect(value, `${place} ${Buffer.from(bytes).toString('hex')}`).toEqual(expected)
          }
        }
      }
    }
  })
})

describe.runIf(isOn)('the compiled path', () => {
  const Item = Type.Object({ id: Type.Integer(), name: Type.String() })
  const gate = gateOf(Item)

  it('is asked first, which the order of names shows: it is that of the declaration, and not of the bytes', () => {
    const bytes = Uint8Array.from(pack({ name: 'x', id: 1 }))
    expect(Object.keys(decodeBody(gate, bytes, 0, bytes.length, limits) as object)).toEqual(['id', 'name'])
    const another = gateOf(Type.Object({ id: Type.Integer(), name: Type.String() })) // whose code is not made yet
    expect(Object.keys(decodeItem(another, bytes, 0, bytes.length, limits) as object)).toEqual(['id', 'name'])
    expect(itemEnd()).toBe(bytes.length)
    expect(Object.keys(reference(gate, bytes) as object)).toEqual(['name', 'id'])
  })

  it('has a body in one piece, and pieces only where large bytes stand', () => {
    expect(encodeBody(gate, { id: 1, name: 'x' }, limits)).toBeInstanceOf(Uint8Array)
    const large = new Uint8Array(8_192)
    const blob = encodeBody(gateOf(Bytes()), large, limits)
    expect(blob instanceof Uint8Array || blob.pieces.map(({ length }) => length)).toEqual([3, 8_192])
    const pair = encodeBody(gateOf(Type.Tuple([Bytes(), Type.Null()])), [large, null], limits)
    expect(pair instanceof Uint8Array || pair.pieces.map(({ length }) => length)).toEqual([4, 8_192, 1])
  })
})
