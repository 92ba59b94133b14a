/** Values that some place could not say, or would say otherwise, are refused or turned in every place alike. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf, NegativeZero, Timestamp } from '../../src/contract/index.ts'
import { firstDifference } from '../../src/testing/difference.ts'
import { inMemory, misfitOf, overWire, received } from './over-wire.ts'

const A = Type.Object({ a: Type.Number() })
const Open = Type.Record(Type.String(), Type.Unknown())
const HALF = '\ud800'

class WithField {
  a = 1
}
class WithGetter {
  get a() {
    return 1
  }
}

const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

/** Refused in memory and on the way to the wire, in the same words. */
const refused: readonly (readonly [name: string, schema: TSchema, value: unknown, misfit: string])[] = [
  [
    'a property that is inherited',
    A,
    Object.create({ a: 1 }),
    '/a is inherited; make it a property of the object itself',
  ],
  ['a property that is a getter of the class', A, new WithGetter(), '/a is inherited'],
  ['a Map', Type.Object({}), new Map(), 'the value is a Map, not a plain object'],
  ['a Map with the property', A, Object.assign(new Map(), { a: 1 }), 'the value is a Map, not a plain object'],
  ['a Set', Type.Object({}), new Set(), 'the value is a Set, not a plain object'],
  ['a Date as an object', Type.Object({}), new Date(0), 'the value must be an object'],
  ['bytes as an object', Type.Object({}), new Uint8Array(1), 'the value must be an object'],
  ['bytes as a record', Open, new Uint8Array(1), 'the value must be an object'],
  ['an Error as an object', Type.Object({}), new Error('x'), 'not a plain object'],
  ['a Promise as an object', Type.Object({}), Promise.resolve(), 'the value is a Promise, not a plain object'],
  ['a Map inside', Type.Object({ m: Type.Object({}) }), { m: new Map() }, '/m is a Map, not a plain object'],
  ['an array as an object', Type.Object({}), [], 'the value must be an object'],
  ['a function as an object', Type.Object({}), () => 1, 'the value must be an object'],
  ['null as an object', Type.Object({}), null, 'the value must be an object'],
  ['a Map as unknown', Type.Unknown(), new Map(), 'the value is a Map; send a plain object'],
  ['a class as unknown', Type.Unknown(), new WithField(), 'the value is a WithField; send a plain object'],
  ['a RegExp as unknown', Type.Unknown(), /x/, 'the value is a RegExp; send a plain object'],
  ['floats as unknown', Type.Unknown(), new Float32Array(1), 'the value is a Float32Array; send a plain object'],
  ['a function as unknown', Type.Unknown(), { f: () => 1 }, '/f is a function, which cannot travel'],
  ['a symbol as unknown', Type.Unknown(), [Symbol('s')], '/0 is a symbol, which cannot travel'],
  ['undefined as unknown', Type.Array(Type.Unknown()), [undefined], '/0 is undefined, which cannot travel'],
  ['a hole as unknown', Type.Unknown(), new Array(1), '/0 is undefined, which cannot travel'],
  ['NaN as unknown', Type.Unknown(), { n: Number.NaN }, '/n is NaN, which is no finite number'],
  ['Infinity as unknown', Type.Unknown(), [-1 / 0], '/0 is -Infinity, which is no finite number'],
  ['an invalid Date as unknown', Type.Unknown(), { t: new Date(Number.NaN) }, '/t is an invalid Date'],
  ['NaN', Type.Number(), Number.NaN, 'the value must be number'],
  ['Infinity', Type.Array(Type.Number()), [1, 1 / 0], '/1 must be number'],
  ['a bigint as a number', Type.Number(), 5n, 'the value must be number'],
  ['a number as a bigint', Type.BigInt(), 5, 'the value must be bigint'],
  ['a bigint past 2^64', Type.BigInt(), MAX_UINT64 + 1n, 'the value is a bigint of more than 64 bits'],
  ['a bigint below -2^63', Type.BigInt(), MIN_INT64 - 1n, 'the value is a bigint of more than 64 bits'],
  ['a bigint past 2^64 as unknown', Type.Unknown(), { n: [MAX_UINT64 + 1n] }, '/n/0 is a bigint of more than 64 bits'],
  ['half a pair', Type.String(), HALF, 'the value holds half of a surrogate pair'],
  ['half a pair inside', Type.Array(A, { minItems: 0 }), [{ a: HALF }], '/0/a must be number'],
  [
    'half a pair in a record',
    Type.Record(Type.String(), Type.String()),
    { k: HALF },
    '/k holds half of a surrogate pair',
  ],
  ['half a pair as unknown', Type.Unknown(), [HALF], '/0 holds half of a surrogate pair'],
  ['half a pair in a name', Open, { [HALF]: 1 }, 'has a name with half of a surrogate pair'],
  ['half a pair in a name in unknown', Type.Unknown(), { [HALF]: 1 }, 'has a name with half of a surrogate pair'],
  ['__proto__ in a record', Open, JSON.parse('{"__proto__":1}'), '/__proto__ is a property name that is refused'],
  ['__proto__ in unknown', Type.Unknown(), JSON.parse('[{"__proto__":1}]'), '/0/__proto__ is a property name'],
  ['an invalid Date', Timestamp(), new Date(Number.NaN), 'the value must be a valid Date'],
  ['a number as a Date', Timestamp(), 0, 'the value must be a valid Date'],
  ['too few bytes', Bytes({ minBytes: 2 }), new Uint8Array(1), 'the value must be a Uint8Array of at least 2 bytes'],
  ['too many bytes', Bytes({ maxBytes: 2 }), new Uint8Array(3), 'the value must be a Uint8Array of 0 to 2 bytes'],
  ['an ArrayBuffer', Bytes(), new ArrayBuffer(1), 'the value must be a Uint8Array'],
  ['null as void', Type.Void(), null, 'the value must be void'],
]

/** Arrives in memory and over a wire, as what is named last, or as itself. */
const taken: readonly (readonly [name: string, schema: TSchema, value: unknown, arrives?: unknown])[] = [
  ['an object of a class, as its own properties', A, new WithField(), { a: 1 }],
  ['an object without a prototype', A, Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ['a Proxy of an object', A, new Proxy({ a: 1, b: 2 }, {}), { a: 1 }],
  ['constructor as a name in a record', Open, JSON.parse('{"constructor":{"prototype":1}}')],
  ['a name with a line break', Type.Record(Type.String(), Type.Number()), { 'a\nb': 1, '\r': 2 }],
  ['the empty name', Open, { '': 1 }],
  ['-0', Type.Number(), -0],
  ['-0 inside', Type.Array(A), [{ a: -0 }]],
  ['-0 as unknown', Type.Unknown(), { a: [-0] }],
  ['-0 in a union', Type.Union([Type.Number(), Type.String()]), -0],
  ['the largest bigint', Type.BigInt(), MAX_UINT64],
  ['the smallest bigint', Type.BigInt(), MIN_INT64],
  ['a small bigint', Type.Array(Type.BigInt()), [0n, -1n, 5n, 127n, 128n, 2n ** 53n]],
  ['a literal bigint', Type.Literal(5n), 5n],
  ['a number that could be a bigint', Type.Array(Type.Number()), [5, 2 ** 53, 2 ** 64, -(2 ** 63), 1e300, 5e-324]],
  ['numbers and bigints as unknown', Type.Unknown(), [5, 5.5, 2 ** 70, 2n ** 60n, -(2n ** 60n)]],
  ['a whole pair', Type.String(), '\ud83d\ude00'],
  ['the end of time', Timestamp(), new Date(8.64e15)],
  ['the beginning of time', Timestamp(), new Date(-8.64e15)],
  ['a time before 1970', Timestamp(), new Date(-1)],
  ['bytes as unknown', Type.Unknown(), [new Uint8Array([0, 255]), new Date(5)]],
  ['no bytes', Bytes(), new Uint8Array(0)],
  ['undefined as void', Type.Void(), undefined],
  ['undefined in an array', Type.Array(Type.Union([Type.Number(), Type.Undefined()])), [1, undefined, 2]],
]

describe('a value', () => {
  it.each(refused)('that is refused: %s', (_, schema, value, misfit) => {
    const words = misfitOf(() => inMemory(schema, value))
    expect(words).toContain(misfit)
    expect(misfitOf(() => gateOf(schema).toWire(value))).toBe(words)
  })

  it.each(taken.map(([name, schema, value, arrives = value]) => ({ name, schema, value, arrives })))(
    'that arrives: $name',
    ({ schema, value, arrives }) => {
      expect(firstDifference(inMemory(schema, value), arrives)).toBeUndefined()
      expect(firstDifference(overWire(schema, value), arrives)).toBeUndefined()
    },
  )

  it('that is a declared property which cannot be listed is alike in every place', () => {
    const hidden = Object.defineProperty({}, 'a', { value: 1, enumerable: false })
    expect(misfitOf(() => inMemory(A, hidden))).toBe(misfitOf(() => overWire(A, hidden)))
  })

  it('that has no optional constructor fits, or the contract was refused', () => {
    let gate: ReturnType<typeof gateOf>
    try {
      gate = gateOf(Type.Object({ constructor: Type.Optional(Type.Number()) }))
    } catch (error) {
      expect(String(error)).toContain('"constructor"')
      return
    }
    expect(misfitOf(() => gate.inMemory({}))).toBe('it fits')
  })

  it('is -0 to MessagePack only as NegativeZero, and the sent value stays as it was', () => {
    const sent = Object.freeze({ a: -0 })
    expect(gateOf(A).toWire(sent)).toStrictEqual({ a: expect.any(NegativeZero) })
    expect(inMemory(A, sent)).toBe(sent)
  })

  it('is read as the schema means it, whichever integer a peer wrote', () => {
    expect(received(Type.BigInt(), 5)).toBe(5n)
    expect(received(Type.Number(), 2n ** 60n)).toBe(2 ** 60)
    expect(received(Type.Literal(5), 5n)).toBe(5)
    expect(received(Type.Union([Type.BigInt(), Type.String()]), 5)).toBe(5n)
    expect(misfitOf(() => received(Type.Number(), 2n ** 60n + 1n))).toBe('the value must be number')
    expect(misfitOf(() => received(Type.BigInt(), 5.5))).toBe('the value must be bigint')
  })

  it('is read as the schema means it, where a peer wrote nil', () => {
    expect(received(Type.Void(), null)).toBeUndefined()
    expect(received(Type.Array(Type.Union([Type.String(), Type.Undefined()])), [null, 'x'])).toStrictEqual([
      undefined,
      'x',
    ])
    expect(received(Type.Union([Type.String(), Type.Null()]), null)).toBeNull()
    expect(misfitOf(() => received(Type.Object({ a: Type.Optional(Type.String()) }), { a: null }))).toBe(
      '/a must be string',
    )
  })
})
