import fc from 'fast-check'
import Type, { type Static, type TSchema } from 'typebox'
import { Format } from 'typebox/format'
import { afterEach, describe, expect, test } from 'vitest'
import { type ArbitraryOptions, arbitrary } from '../../src/testing/index.ts'

const SEED = 20_240_601

function sample<const S extends TSchema>(schema: S, numRuns = 300, options: ArbitraryOptions = {}): Static<S>[] {
  return fc.sample(arbitrary(schema, options), { numRuns, seed: SEED })
}

describe('override', () => {
  const Isbn = Type.String({ format: 'isbn' })

  afterEach(() => Format.Reset())

  test('generates what only the program knows', () => {
    Format.Set('isbn', (text) => text === '978-3')
    expect(() => arbitrary(Type.Object({ isbn: Isbn }))).toThrow(
      'no strings can be generated for the format "isbn", which this program registered: pass { override: (schema) => schema.format === … ? fc.constantFrom(…) : undefined } to arbitrary()',
    )
    const books = sample(Type.Object({ isbn: Isbn }), 20, {
      override: (schema) => (schema['format'] === 'isbn' ? fc.constant('978-3') : undefined),
    })
    expect(books).toEqual(Array.from({ length: 20 }, () => ({ isbn: '978-3' })))
  })

  test('is checked: what does not fit is dropped', () => {
    const values = sample(Type.Array(Type.Integer(), { minItems: 1 }), 100, {
      override: (schema) => (schema['type'] === 'integer' ? fc.constantFrom(1, 2.5, 'x') : undefined),
    })
    expect(new Set(values.flat())).toEqual(new Set([1]))
  })

  test('that never fits is an error', () => {
    expect(() => sample(Type.Integer(), 1, { override: () => fc.constant('x') })).toThrow(
      /^none of 5000 generated values fits \{"type":"integer"\}/,
    )
  })
})

describe('a schema that has no values is an error, not an endless search', () => {
  const refined = Type.Refine(Type.String({ 'x-name': 'impossible' }), () => false)
  const atOnce: readonly [string, TSchema, string][] = [
    ['a function', Type.Unsafe({ type: 'function' }), 'the schema cannot travel: it has a function'],
    ['an unnamed Refine', Type.Refine(Type.String(), () => true), 'the schema cannot travel: it has an unnamed Refine'],
    ['Never', Type.Never(), 'it is Never'],
    ['required Never', Type.Object({ a: Type.Never() }), 'it has no end'],
    ['recursion without an end', Type.Cyclic({ N: Type.Object({ next: Type.Ref('N') }) }, 'N'), 'it has no end'],
    ['bounds', Type.Number({ minimum: 2, maximum: 1 }), 'no number is within its bounds'],
    ['strict bounds', Type.Number({ exclusiveMinimum: 1, exclusiveMaximum: 1 }), 'no number is within its bounds'],
    ['whole bounds', Type.Integer({ minimum: 0.2, maximum: 0.8 }), 'no whole number is within its bounds'],
    ['multiples', Type.Number({ minimum: 1, maximum: 6, multipleOf: 7 }), 'no multiple of 7 is within its bounds'],
    ['bigint bounds', Type.BigInt({ minimum: 2n ** 64n }), 'no bigint of 64 bits is within its bounds'],
    [
      'bigint multiples',
      Type.BigInt({ minimum: 1n, maximum: 6n, multipleOf: 7n }),
      'no multiple of 7 is within its bounds',
    ],
    ['lengths', Type.String({ minLength: 3, maxLength: 2 }), 'no string is 3 or more and 2 or less long'],
    ['items', Type.Array(Type.Null(), { minItems: 3, maxItems: 2 }), 'no array has 3 items or more and 2 or less'],
    ['types at once', Type.Intersect([Type.String(), Type.Number()]), 'nothing is a string and a number at once'],
    ['constants', Type.Intersect([Type.Literal('a'), Type.Literal('b')]), 'none of its constants fits the rest of it'],
    [
      'closed parts',
      Type.Intersect([
        Type.Object({ a: Type.Null() }, { additionalProperties: false }),
        Type.Object({ b: Type.Null() }),
      ]),
      'requires the property "b" and another forbids it',
    ],
    ['tuples', Type.Intersect([Type.Tuple([Type.Null()]), Type.Tuple([])]), 'its tuples differ in length'],
    ['depth', deep(70), 'its values are 70 deep'],
    [
      'backreference',
      Type.String({ pattern: '^(a+)-\\1$' }),
      'no strings can be generated for the pattern "^(a+)-\\\\1$"',
    ],
    ['no ASCII', Type.String({ pattern: '^[^ -~]+$' }), '[^ -~] leaves out all of printable ASCII'],
  ]
  test.each(atOnce)('%s', (_, schema, message) => {
    expect(() => arbitrary(schema)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) }),
    )
  })

  const whileGenerating: readonly [string, TSchema][] = [
    ['a refinement', refined],
    ['a refinement within', Type.Object({ a: Type.Array(refined, { minItems: 1 }) })],
    ['pattern and length', Type.String({ pattern: '^a{9}$', maxLength: 3 })],
    ['a pattern that contradicts itself', Type.String({ pattern: '^(?!a)a$' })],
    ['too few different items', Type.Array(Type.Boolean(), { uniqueItems: true, minItems: 3 })],
    [
      'contains',
      Type.Array(Type.Integer({ maximum: 1 }), {
        contains: Type.Integer({ minimum: 0 }),
        minContains: 2,
        maxContains: 1,
      }),
    ],
    ['properties', Type.Object({ a: Type.Null(), b: Type.Null() }, { maxProperties: 1 })],
    [
      'more properties than there are',
      Type.Record(Type.String({ pattern: '^[xy]$' }), Type.Null(), { minProperties: 3 }),
    ],
    ['not', Type.Unsafe({ type: 'boolean', not: { type: 'boolean' } })],
  ]
  test.each(whileGenerating)('%s', (_, schema) => {
    expect(() => sample(schema, 1)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: expect.stringMatching(/no value fits|generated values fits/),
      }),
    )
  })

  test('within fc.assert it is this error that is seen', () => {
    expect(() => fc.assert(fc.property(arbitrary(refined), () => true))).toThrow(
      'none of 5000 generated values fits {"type":"string","x-name":"impossible"}: mend the schema if nothing can, or pass { override: (schema) => … } to arbitrary() with a generator of your own for it',
    )
  })

  test('what is optional and impossible is left out', () => {
    expect(sample(Type.Object({ a: Type.Null(), b: Type.Optional(Type.Never()) }), 5)).toEqual(
      Array.from({ length: 5 }, () => ({ a: null })),
    )
    expect(sample(Type.Array(Type.Never()), 5)).toEqual([[], [], [], [], []])
    expect(sample(Type.Record(Type.String(), Type.Never()), 5)).toEqual([{}, {}, {}, {}, {}])
    expect(sample(Type.Union([Type.Never(), Type.Null()]), 3)).toEqual([null, null, null])
  })
})

function deep(levels: number): TSchema {
  return levels === 0 ? Type.Null() : Type.Tuple([deep(levels - 1)])
}
