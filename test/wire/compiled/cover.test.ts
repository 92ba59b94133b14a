/** What of a schema the compiled path covers, asked of `cover.ts` itself: in doubt it covers less, which no outcome shows (spec/codecs.md). */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf, type Shape, Timestamp } from '../../../src/contract/index.ts'
import { branchesOf, depthOf, isRecord, needsCheck } from '../../../src/wire/compiled/cover.ts'
import { makeDecoder } from '../../../src/wire/compiled/decoder.ts'
import { makeEncoder } from '../../../src/wire/compiled/encoder.ts'
import { makePasser } from '../../../src/wire/compiled/passer.ts'

const shapeOf = (schema: TSchema): Shape => gateOf(schema).shape
const depth = (schema: TSchema) => depthOf(shapeOf(schema))
/** A shape of this kind with these keywords, sense or not. */
const made = (kind: string, schema: object, more: object = {}): Shape => ({ kind, schema, ...more }) as unknown as Shape

describe('TypeBox is asked itself', () => {
  it.each([
    'type',
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
    'items',
    'anyOf',
    'enum',
    'const',
    '$defs',
    '$ref',
    'additionalItems',
    'prefixItems',
    'x-nanowire',
    'x-name',
    '~kind',
    '~unsafe',
    '~optional',
    '~readonly',
    'title',
    'description',
    'default',
  ])('not because of %s, which is in the shape or means nothing', (keyword) => {
    expect(needsCheck(made('string', { [keyword]: 1 }))).toBe(false)
  })

  it.each(['minLength', 'pattern', 'format', 'uniqueItems', 'multipleOf', '~refine', 'oneOf', 'not', 'anything', ''])(
    'because of %s',
    (keyword) => expect(needsCheck(made('string', { type: 'string', [keyword]: 1 }))).toBe(true),
  )

  it.each([
    ['number', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
    ['array', 'minItems', 'maxItems'],
    ['tuple', 'minItems', 'maxItems'],
  ])('of %s not because of a bound that is a number', (kind, ...keywords) => {
    for (const keyword of keywords) {
      expect(needsCheck(made(kind, { [keyword]: 5 })), keyword).toBe(false)
      for (const other of [Number.POSITIVE_INFINITY, Number.NaN, '5', 5n, undefined])
        expect(needsCheck(made(kind, { [keyword]: other })), `${keyword} ${String(other)}`).toBe(true)
      expect(needsCheck(made('string', { [keyword]: 5 })), `of a text, ${keyword}`).toBe(true)
    }
  })

  it('because of keywords that nobody sees, or that are inherited', () => {
    expect(needsCheck(made('string', Object.defineProperty({}, 'minLength', { value: 1 })))).toBe(true)
    expect(needsCheck(made('string', Object.create({ minLength: 1 })))).toBe(true)
    expect(needsCheck(made('string', Object.create(null)))).toBe(false)
  })

  it('of bytes and instants only because of a check that is not their own', () => {
    expect([needsCheck(shapeOf(Bytes())), needsCheck(shapeOf(Timestamp()))]).toEqual([false, false])
    for (const schema of [Bytes(), Timestamp()]) {
      const twice = Type.Refine(schema, () => true)
      expect(needsCheck(shapeOf(twice))).toBe(true)
      for (const refines of [[], 'x', [{ refine: () => true }]])
        expect(needsCheck(made(shapeOf(schema).kind, { '~refine': refines }))).toBe(true)
    }
    const { schema } = shapeOf(Bytes())
    const own: unknown = Reflect.get(schema, '~refine')
    expect(needsCheck(made('bytes', { '~refine': own }))).toBe(false)
    expect(needsCheck(made('bytes', { '~refine': own, minLength: 1 }))).toBe(true)
    expect(needsCheck(made('string', { '~refine': Reflect.get(schema, '~refine') }))).toBe(true) // of another kind
  })

  it('of constants because of a type that is not theirs, or of two lists of them', () => {
    const asks = (values: unknown[], schema: object) => needsCheck(made('literal', schema, { values }))
    expect([asks([1, 2], {}), asks([1, 2], { type: 'integer' }), asks([1, 0.5], { type: 'number' })]).toEqual([
      false,
      false,
      false,
    ])
    expect([asks([1, 0.5], { type: 'integer' }), asks(['1'], { type: 'number' })]).toEqual([true, true])
    expect([asks([null], { type: 'null' }), asks([null], { type: 'object' }), asks(['a'], { type: 'null' })]).toEqual([
      false,
      true,
      true,
    ])
    expect([asks(['a'], { enum: ['a'] }), asks(['a'], { const: 'a' })]).toEqual([false, false])
    expect(asks(['a'], { enum: ['a'], const: 'a' })).toBe(true)
    expect(needsCheck(made('string', { type: 'number', enum: ['a'], const: 'a' }))).toBe(false) // no constants
  })
})

describe('a union', () => {
  const branches = (...schemas: TSchema[]) =>
    branchesOf(shapeOf(Type.Union(schemas)) as Extract<Shape, { kind: 'union' }>) // by its making
  const classes = (...schemas: TSchema[]) => [...(branches(...schemas)?.byClass.keys() ?? ['none'])]

  it('has its branches told apart by what the next value is', () => {
    const Item = Type.Object({ a: Type.Integer() })
    expect(
      classes(Type.Null(), Type.Boolean(), Type.Number(), Type.String(), Bytes(), Timestamp(), Type.Tuple([]), Item),
    ).toEqual(['nil', 'boolean', 'number', 'text', 'bytes', 'timestamp', 'list', 'map'])
    expect(classes(Type.Array(Type.Null()), Type.Unsafe({ enum: [null] }))).toEqual(['list', 'nil'])
    const literals = [Type.Literal('a'), Type.Literal(1), Type.Literal('b'), Type.Literal(true)]
    expect(branches(...literals)?.byClass.get('text')).toHaveLength(2)
    expect(classes(...literals)).toEqual(['text', 'number', 'boolean'])
  })

  it('within a union is part of it, but where it has keywords of its own', () => {
    const inner = Type.Union([Type.String(), Type.Null()])
    expect(classes(inner, Type.Integer())).toEqual(['text', 'nil', 'number'])
    expect(classes(Type.Unsafe({ ...inner, minLength: 1 }), Type.Integer())).toEqual(['none'])
  })

  it('is not covered where two branches look alike, or one may be several things', () => {
    const Item = Type.Object({ a: Type.Integer() })
    for (const [one, other] of [
      [Type.String(), Type.Literal('a')],
      [Type.Integer(), Type.Number()],
      [Type.Array(Type.Null()), Type.Tuple([])],
      [Type.Unsafe({ type: 'number', const: 'a' }), Type.Literal('b')],
      [Item, Type.Object({ b: Type.Integer() })],
      [Type.Unsafe({ enum: ['a', 1] }), Type.Null()],
      [Type.BigInt(), Type.Null()],
      [Type.Unknown(), Type.Null()],
    ] as const) {
      expect(branches(one, other)).toBeUndefined()
      expect(depth(Type.Union([one, other]))).toBeUndefined()
    }
    expect(depth(Type.Union([Item, Type.Null()]))).toBe(1)
    expect(depth(Type.Unsafe({ oneOf: [Item, Type.Null()] }))).toBeUndefined()
  })

  it('of objects has the first property that tells all of them apart', () => {
    const tagOf = (...objects: Record<string, TSchema>[]) => branches(...objects.map((one) => Type.Object(one)))?.tag
    const [A, B, C] = [Type.Literal('a'), Type.Literal('b'), Type.Literal('c')]
    expect(tagOf({ kind: A }, { kind: B })).toBe('kind')
    expect(tagOf({ same: A, kind: A }, { same: A, kind: B }, { same: B, kind: C })).toBe('kind')
    expect(tagOf({ kind: A }, { kind: B }, { kind: A })).toBeUndefined()
    expect(tagOf({ kind: A }, { kind: Type.Optional(B) })).toBeUndefined()
    expect(tagOf({ kind: A }, { kind: Type.String() })).toBeUndefined()
    expect(tagOf({ kind: A }, { other: B })).toBeUndefined()
    expect(tagOf({}, { kind: A })).toBeUndefined()
    expect(tagOf({ kind: Type.Unsafe({ enum: ['a', 'b'] }) }, { kind: C })).toBe('kind')
    expect(tagOf({ kind: Type.Unsafe({ enum: ['a', 'b'] }) }, { kind: B })).toBeUndefined()
    expect(branches(Type.Object({ kind: A }), Type.Null())?.tag).toBeUndefined() // there is nothing to tell
  })
})

describe('a schema', () => {
  const nested = (times: number): TSchema => (times === 0 ? Type.Integer() : Type.Array(nested(times - 1)))

  it('is as deep as its deepest part', () => {
    for (const leaf of [
      Type.Null(),
      Type.Boolean(),
      Type.BigInt(),
      Type.String(),
      Bytes(),
      Timestamp(),
      Type.Undefined(),
    ])
      expect(depth(leaf)).toBe(0)
    expect([depth(Type.Literal('a')), depth(nested(3)), depth(Type.Tuple([]))]).toEqual([0, 3, 1])
    expect(depth(Type.Object({ a: nested(2), b: nested(1) }))).toBe(3)
    expect(depth(Type.Tuple([nested(1), nested(2)]))).toBe(3)
    expect(depth(Type.Union([nested(2), Type.Null()]))).toBe(2)
    expect(depth(Type.Record(Type.String(), nested(1)))).toBe(2)
    expect(depth(Type.Unsafe({ $defs: { T: nested(2) }, $ref: '#/$defs/T' }))).toBe(2)
  })

  it('is not covered with what may be anything, holds itself, or cannot be written as code', () => {
    const object = (count: number) =>
      Type.Object(Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, Type.Null()])))
    expect([depth(object(120)), depth(object(121))]).toEqual([1, undefined])
    const $ref = '#/$defs/Node'
    const Node = Type.Unsafe({ $defs: { Node: { type: 'array', items: { $ref } } }, $ref })
    for (const schema of [
      Node,
      Type.Unknown(),
      Type.Array(Type.Unknown()),
      Type.Tuple([Type.Null(), Type.Unknown()]),
      Type.Object({ a: Type.Optional(Type.Undefined()) }),
      Type.Literal(-0),
      Type.Unsafe({ type: 'object', properties: {}, patternProperties: { '^a': { type: 'null' } } }),
      Type.Object({ a: Type.Null() }, { additionalProperties: Type.Null() }),
    ])
      expect(depth(schema)).toBeUndefined()
    expect(depth(Type.Object({ a: Type.Null() }, { additionalProperties: false }))).toBe(1)
    const literal = (values: unknown[]) => depthOf(made('literal', {}, { values }))
    expect([literal([5n]), literal([1, -0]), literal([0, 'a'])]).toEqual([undefined, undefined, 0])
    const oneOf = (values: unknown[]) =>
      branchesOf(made('union', {}, { branches: [made('literal', {}, { values }), made('null', {})] }) as never) // by its kind
    expect([oneOf([5n]), oneOf([5])?.byClass.size]).toEqual([undefined, 2])
    const named = (name: string) => {
      const properties = new Map([[name, { shape: made('null', {}), optional: false }]])
      return depthOf(made('object', {}, { properties, patterns: [], rest: 'drop' }))
    }
    expect([named('a'), named('__proto__')]).toEqual([1, undefined])
  })

  it('is not covered where its code would have more than 16,384 places', () => {
    const nil = made('null', {})
    const tuple = (count: number) => depthOf(made('tuple', {}, { items: new Array<Shape>(count).fill(nil) }))
    expect([tuple(16_383), tuple(16_384)]).toEqual([1, undefined])
  })

  it('is a record where any name may stand, and nothing else', () => {
    const asked = (schema: TSchema) => isRecord(shapeOf(schema) as Extract<Shape, { kind: 'object' }>) // by its making
    expect(asked(Type.Record(Type.String(), Type.Null()))).toBe(true)
    expect(asked(Type.Object({}))).toBe(false)
    expect(asked(Type.Record(Type.String({ pattern: '^a' }), Type.Null()))).toBe(false)
    const pattern = { source: '^.*$', regExp: /^.*$/u, shape: made('null', {}) }
    const record = (more: object) =>
      isRecord(
        made('object', {}, { properties: new Map(), patterns: [pattern], rest: 'drop', ...more }) as Extract<
          Shape,
          { kind: 'object' }
        >, // as its kind says
      )
    expect([record({}), record({ rest: 'refuse' })]).toEqual([true, true])
    expect([record({ patterns: [pattern, pattern] }), record({ patterns: [] })]).toEqual([false, false])
    expect([record({ rest: made('null', {}) }), record({ properties: new Map([['a', 1]]) })]).toEqual([false, false])
  })

  it('that is not covered is a fault of whoever has it made', () => {
    const unknown = made('unknown', {})
    const union = made('union', {}, { branches: [unknown, unknown] })
    for (const make of [makeEncoder, makeDecoder, makePasser]) {
      expect(() => make(unknown)).toThrow('a shape that is not covered: unknown')
      expect(() => make(union)).toThrow('a union that is not covered')
    }
  })
})
