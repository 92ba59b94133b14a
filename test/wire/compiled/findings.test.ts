/** Schemas and values on which the compiled path once decided otherwise than the reference (spec/codecs.md). */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { decodeBody, encodeBody, encodeInto, joinBody, pack, passInMemory } from '../../../src/wire/index.ts'
import { compiledOf, isOn } from './subject.ts'

const ways = {
  encode: (schema: TSchema, value: unknown) => joinBody(encodeBody(gateOf(schema), value, defaultLimits)),
  decode: (schema: TSchema, value: unknown) => {
    const bytes = pack(value).slice()
    return decodeBody(gateOf(schema), bytes, 0, bytes.length, defaultLimits)
  },
  pass: (schema: TSchema, value: unknown) => passInMemory(gateOf(schema), value, defaultLimits),
}

const number = { N: { type: 'number' } }

describe.each(Object.entries(ways))('%s refuses', (_, way) => {
  it.each([
    [
      'a property’s keyword beside a $ref',
      { $defs: number, type: 'object', required: ['a'], properties: { a: { $ref: '#/$defs/N', minimum: 5 } } },
      { a: 3 },
      { a: 5 },
    ],
    ['a keyword beside a $ref that is the whole', { $defs: number, $ref: '#/$defs/N', minimum: 5 }, 3, 5],
    [
      'an item’s keyword beside a $ref',
      { $defs: { T: { type: 'string' } }, type: 'array', items: { $ref: '#/$defs/T', minLength: 2 } },
      ['a'],
      ['ab'],
    ],
    ['a constant of a union with a keyword', { anyOf: [{ const: 'a', pattern: '^z' }, { const: 'b' }] }, 'a', 'b'],
    ['a constant of a union of another type', { anyOf: [{ type: 'number', const: 'a' }, { const: 'b' }] }, 'a', 'b'],
    [
      'an enum of a union with a keyword',
      { anyOf: [{ enum: ['a', 'qqq'], minLength: 3 }, { const: 'b' }] },
      'a',
      'qqq',
    ],
  ])('what breaks %s', (_name, schema, bad, good) => {
    expect(() => way(Type.Unsafe(schema), bad)).toThrow()
    expect(() => way(Type.Unsafe(schema), good)).not.toThrow()
  })

  it('what breaks a keyword that its schema inherits', () => {
    const schema = Object.assign(Object.create({ minLength: 5 }) as TSchema, { type: 'string' })
    expect(() => way(schema, 'abc')).toThrow()
    expect(() => way(schema, 'abcde')).not.toThrow()
  })

  it('a constant that its enum has not', () => {
    const schema = Type.Unsafe({ enum: ['a', 'b'], const: 'c' })
    for (const value of ['a', 'c']) expect(() => way(schema, value)).toThrow()
  })

  it('what a check refuses that stands in the place of that of Bytes', () => {
    const schema = Type.Refine(Type.Unsafe({ 'x-nanowire': 'bytes' }), () => false)
    expect(() => way(schema, Uint8Array.of(1))).toThrow()
  })
})

it('bytes are as long as they are, whatever they say', () => {
  class Longer extends Uint8Array {
    override get length(): number {
      return 50
    }
  }
  const own = Object.defineProperty(Uint8Array.of(1, 2, 3), 'length', { value: 60 })
  for (const bytes of [own, Longer.of(1, 2, 3)]) {
    const room = new Uint8Array(200).fill(0x5a)
    const end = encodeInto(gateOf(Bytes()), bytes, room, 0, defaultLimits)
    if (isOn) expect([...room.subarray(0, end)]).toEqual([0xc4, 3, 1, 2, 3])
  }
})

it('a hidden property is seen, though an absent one is listed in its place', () => {
  const schema = Type.Object({
    a: Type.String(),
    opt: Type.Optional(Type.Integer()),
    other: Type.Optional(Type.String()),
    id: Type.Integer(),
  })
  const hidden = (name: string, fields: object): object =>
    Object.defineProperty({ ...fields }, name, { value: 'x', enumerable: false })
  for (const value of [hidden('a', { opt: undefined, id: 1 }), hidden('other', { a: 'b', opt: undefined, id: 1 })])
    expect(() => ways.encode(schema, value)).toThrow(/not enumerable/)
})

it('lists are copied by nobody’s own slice', () => {
  const schema = Type.Array(Type.Object({ a: Type.Integer() }))
  const evil = () => ({ hijacked: true })
  class Hijacked extends Array<unknown> {
    static override get [Symbol.species](): ArrayConstructor {
      return evil as unknown as ArrayConstructor // as nobody should
    }
  }
  const own = Object.assign([{ a: 1, z: 1 }], { slice: evil })
  for (const list of [own, Hijacked.from([{ a: 1, z: 1 }])])
    expect([...(ways.pass(schema, list) as object[])]).toEqual([{ a: 1 }])
})

describe('a schema that shares its parts', () => {
  const doubled = (times: number): TSchema => {
    let schema: TSchema = Type.Object({ leaf: Type.Integer() })
    for (let time = 0; time < times; time++) schema = Type.Object({ a: schema, b: Type.Optional(schema) })
    return schema
  }
  const nested = (times: number): unknown => (times === 0 ? { leaf: 1 } : { a: nested(times - 1) })

  it('is covered as long as its code is of a size', () => {
    expect(compiledOf(gateOf(doubled(8))).isCovered).toBe(isOn)
    expect(compiledOf(gateOf(doubled(14))).isCovered).toBe(false)
  })

  it('is read once for each part, however many ways lead there', () => {
    const $defs: Record<string, object> = { N0: { type: 'integer' } }
    for (let n = 1; n <= 40; n++) {
      const $ref = `#/$defs/N${n - 1}`
      $defs[`N${n}`] = { type: 'object', required: ['a'], properties: { a: { $ref }, b: { $ref } } }
    }
    expect(compiledOf(gateOf(Type.Unsafe({ $defs, $ref: '#/$defs/N40' }))).isCovered).toBe(false)
  })

  it('passes by the reference path where it is too large', () => {
    const schema = doubled(14)
    const value = nested(14)
    expect(ways.decode(schema, value)).toEqual(value)
    expect(ways.encode(schema, value)).toEqual(pack(value).slice())
    expect(ways.pass(schema, value)).toEqual(value)
  })
})
