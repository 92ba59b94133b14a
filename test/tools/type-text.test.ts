/** Schemas in one line, and what is nearest to a name: what people read, whatever a server has said. */
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '../../src/contract/index.ts'
import { describeContract } from '../../src/contract/index.ts'
import { Bytes, contract, Timestamp, unary } from '../../src/index.ts'
import { distanceBetween } from '../../src/rpc/index.ts'
import { listNearest } from '../../src/tools/nearest.ts'
import { typeText } from '../../src/tools/type-text.ts'
import { runs } from '../support/runs.ts'

/** As `describe` sees it. */
function textOf(schema: TSchema): string {
  const { methods } = describeContract(contract('x', { y: unary(schema, Type.Null()) }))
  return typeText(methods['y']?.request ?? {})
}

const Node = Type.Cyclic({ Node: Type.Object({ v: Type.Null(), next: Type.Optional(Type.Ref('Node')) }) }, 'Node')

describe('a schema in one line', () => {
  it.each<[string, TSchema]>([
    ['string', Type.String()],
    ['string(minLength: 1, format: "email")', Type.String({ minLength: 1, format: 'email' })],
    ['integer(minimum: -5)', Type.Integer({ minimum: -5 })],
    ['bytes(maxBytes: 8)', Bytes({ maxBytes: 8 })],
    ['timestamp', Timestamp()],
    ['bigint(minimum: 5n)', Type.BigInt({ minimum: 5n })],
    ['"a"', Type.Literal('a')],
    ['5n', Type.Literal(5n)],
    ['"a" | "b"', Type.Enum(['a', 'b'])],
    ['string | null', Type.Union([Type.String(), Type.Null()])],
    ['{ a: string, b?: integer }', Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer()) })],
    ['{ "a b": null }', Type.Object({ 'a b': Type.Null() })],
    ['{ a: null, and no other }', Type.Object({ a: Type.Null() }, { additionalProperties: false })],
    ['{ a: null, [string]: string }', Type.Object({ a: Type.Null() }, { additionalProperties: Type.String() })],
    ['{}', Type.Object({})],
    ['{ [string]: null }', Type.Record(Type.String(), Type.Null())],
    ['{ [/^x/]: null }', Type.Record(Type.String({ pattern: '^x' }), Type.Null())],
    ['string[]', Type.Array(Type.String())],
    ['(string | null)[](maxItems: 3)', Type.Array(Type.Union([Type.String(), Type.Null()]), { maxItems: 3 })],
    [
      '({ a: null } | { b: null })[]',
      Type.Array(Type.Union([Type.Object({ a: Type.Null() }), Type.Object({ b: Type.Null() })])),
    ],
    ['[string, bigint]', Type.Tuple([Type.String(), Type.BigInt()])],
    ['{ a: null } & { b: null }', Type.Intersect([Type.Object({ a: Type.Null() }), Type.Object({ b: Type.Null() })])],
    ['unknown', Type.Unknown()],
    ['never', Type.Never()],
    ['undefined', Type.Undefined()],
    ['Node where Node = { v: null, next?: Node }', Node],
    ['{ a: string }', Type.Object({ a: Type.String({ description: 'for people', default: 'x' }) }, { title: 'A' })],
  ])('is %s', (text, schema) => {
    expect(textOf(schema)).toBe(text)
  })

  it.each<[string, JsonSchema]>([
    ['unknown', true],
    ['never', false],
    ['string | null', { type: ['string', 'null'] }],
    ['string | null', { type: ['string', 'string', 'null', 'string'] }],
    ['not string', { not: { type: 'string' } }],
    ['(A) & (string)', { $ref: '#/$defs/A', type: 'string' }],
    ['string(enumerable: { a: … }, list: […])', { type: 'string', enumerable: { a: 1 }, list: [1] }],
    ['"a\\nb"', { const: 'a\nb' }],
  ])('is %s, also where no TypeBox would write it so', (text, schema) => {
    expect(typeText(schema)).toBe(text)
  })

  it('ends, however deep, wide or long the schema is', () => {
    const deep = (levels: number): JsonSchema => (levels === 0 ? {} : { type: 'array', items: deep(levels - 1) })
    const names = Array.from({ length: 100_000 }, (_, index) => `p${index}`)
    for (const schema of [
      deep(120),
      { type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])), required: names },
      { anyOf: names.map((name) => ({ const: name })) },
      { type: names },
      { const: 'x'.repeat(1_000_000) },
      { $defs: Object.fromEntries(names.map((name) => [name, { $ref: name }])), $ref: 'p0' },
    ] satisfies JsonSchema[]) {
      const text = typeText(schema)
      expect(text).toContain('…')
      expect(text.length).toBeLessThanOrEqual(2_001)
    }
  })

  it('is one line of a bounded length for any JSON at all', () => {
    const keyword = fc.constantFrom(
      ...'type properties patternProperties items prefixItems anyOf allOf oneOf not const enum $ref $defs required'.split(
        ' ',
      ),
      ...'additionalProperties x-nanowire minLength __proto__ \n'.split(' '),
    )
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 8 },
        fc.string({ unit: 'binary' }),
        fc.constantFrom('object', 'array', 'string', null, true, false, 0, -1.5),
        fc.array(tie('json'), { maxLength: 5 }),
        fc.dictionary(fc.oneof(keyword, fc.string()), tie('json'), { maxKeys: 6 }),
      ),
    }))
    fc.assert(
      fc.property(json, (value) => {
        const text = typeText(value as JsonSchema) // whatever it is
        expect(text).not.toMatch(/[\n\r\t]/)
        expect(text.length).toBeLessThanOrEqual(2_001)
      }),
      runs(500),
    )
  })
})

describe('what is nearest', () => {
  it('stands first, and what is as near keeps its order', () => {
    expect(listNearest(['users', 'shop', 'shops'], 'shpo')).toBe('shop, shops, users')
    expect(listNearest(['b', 'a', 'c'], '')).toBe('b, a, c')
    expect(listNearest([], 'x')).toBe('')
  })

  it('is not more than can be read', () => {
    const names = Array.from({ length: 25 }, (_, index) => `n${index}`)
    expect(listNearest(names, 'n24')).toMatch(/^n24, .* and 5 more$/)
  })

  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['shop', 'shpo', 2],
    ['x'.repeat(1_000), 'y'.repeat(1_000), 128],
  ])('%j and %j are %d apart', (one, other, distance) => {
    expect(distanceBetween(one, other)).toBe(distance)
    expect(distanceBetween(other, one)).toBe(distance)
  })
})
