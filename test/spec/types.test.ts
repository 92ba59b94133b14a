/** Rules of spec/types.md that no vector can say: objects of JavaScript, what cannot travel, and what is checked where. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it, test } from 'vitest'
import { codec } from '../../src/codec.ts'
import { Bytes, contract, notify, service, Timestamp, unary } from '../../src/index.ts'
import { errorOf, open, placeNames } from './places.ts'
import { NOTHING, refusalOf } from './refusal.ts'
import { tableOf } from './tables.ts'

const Thing = Type.Object({ a: Type.Integer(), b: Type.Optional(Type.Unknown()) })

class Point {
  a = 1
  secret = 2
  get c() {
    return 3
  }
}

describe.each(placeNames)('in %s', (place) => {
  const Lab = contract('lab', { echo: unary(Thing, Thing), pass: unary(Type.Unknown(), Type.Unknown()) })
  const lab = service(Lab, { echo: (thing) => thing, pass: (value) => value })
  const { wire, outcome } = open(place, lab)
  const { echo, pass } = wire.client(Lab)

  it('T27: an object of a class arrives as a plain object of its own declared properties', async () => {
    expect(await outcome(echo(new Point()))).toStrictEqual({ value: { a: 1 } })
  })

  it('T27: what is inherited, not enumerable or under a symbol is not there', async () => {
    const hidden = Object.defineProperty({ [Symbol('s')]: 1 }, 'a', { value: 1, enumerable: false })
    expect(errorOf(await outcome(echo(Object.create({ a: 1 }))))).toMatchObject({ code: 'invalid_argument' })
    expect(errorOf(await outcome(echo(hidden as { a: number })))).toMatchObject({ code: 'invalid_argument' })
    expect(await outcome(echo({ a: 1, [Symbol('s')]: 1 } as { a: number }))).toStrictEqual({ value: { a: 1 } })
  })

  it('T27: no Map, Set or other class with a content of its own', async () => {
    for (const value of [
      new Map([['a', 1]]),
      new Set(),
      new Point(),
      new Error('x'),
      new Uint16Array(1),
      /x/,
      () => 1,
      Symbol('x'),
    ]) {
      expect(errorOf(await outcome(pass(value)))).toMatchObject({ code: 'invalid_argument', processed: 'no' })
      expect(errorOf(await outcome(echo({ a: 1, b: value })))).toMatchObject({ code: 'invalid_argument' })
    }
    expect(errorOf(await outcome(echo(Object.assign(new Map(), { a: 1 }))))).toMatchObject({ code: 'invalid_argument' })
  })

  it('T28: a value that holds itself, or is deeper than maxDepth', async () => {
    const loop: unknown[] = []
    loop.push(loop)
    const nested = (depth: number) => Array.from({ length: depth }).reduce((inner: unknown) => [inner], 0)
    expect(errorOf(await outcome(pass(loop))).message).toContain('maxDepth')
    expect(errorOf(await outcome(pass(nested(65)))).message).toContain('maxDepth 64')
    expect(await outcome(pass(nested(64)))).toEqual({ value: nested(64) })
  })

  it('T28: a value of more than maxNodes', async () => {
    const small = open(place, lab, { maxNodes: 10 })
    const list = (length: number) => small.outcome(small.wire.client(Lab).pass(Array.from({ length }, () => 0)))
    expect(errorOf(await list(10)).message).toContain('maxNodes')
    expect(await list(9)).toMatchObject({ value: { length: 9 } })
  })

  it('T26: an undeclared property is not even looked at', async () => {
    const thing = Object.defineProperty({ a: 1 }, 'trap', { enumerable: true, get: () => expect.unreachable() })
    expect(await outcome(echo(thing))).toStrictEqual({ value: { a: 1 } })
  })

  it('T31: a request is checked before its handler, and a reply after it', async () => {
    let ran = 0
    const Strict = contract('strict', { run: unary(Type.Integer({ minimum: 1 }), Type.Integer({ maximum: 1 })) })
    const strict = open(place, service(Strict, { run: (n) => n * ++ran }))
    const { run } = strict.wire.client(Strict)
    expect(errorOf(await strict.outcome(run(0)))).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(ran).toBe(0)
    expect(await strict.outcome(run(1))).toEqual({ value: 1 })
    expect(errorOf(await strict.outcome(run(1)))).toMatchObject({ code: 'internal', processed: 'yes' })
  })
})

test('T31: in memory nothing is copied but where something is left out', async () => {
  const seen: unknown[] = []
  const Lab = contract('lab', { give: notify(Type.Array(Thing)) })
  const { wire, outcome } = open('memory', service(Lab, { give: (things) => void seen.push(things) }))
  const whole = [{ a: 1 }]
  const extra = [{ a: 1, z: 2 } as { a: number }, { a: 2 }]
  await outcome(wire.client(Lab).give(whole))
  await outcome(wire.client(Lab).give(extra))
  expect(seen[0]).toBe(whole)
  expect(seen[1]).toEqual([{ a: 1 }, { a: 2 }])
  expect((seen[1] as unknown[])[1]).toBe(extra[1])
})

test('T30: Bytes and Timestamp as data', () => {
  expect(JSON.parse(JSON.stringify(Bytes({ minBytes: 1, maxBytes: 3 })))).toEqual({
    'x-nanowire': 'bytes',
    minBytes: 1,
    maxBytes: 3,
  })
  expect(JSON.parse(JSON.stringify(Bytes()))).toEqual({ 'x-nanowire': 'bytes' })
  expect(JSON.parse(JSON.stringify(Timestamp()))).toEqual({ 'x-nanowire': 'timestamp' })
})

describe('T29: refused', () => {
  const asSchema = (schema: unknown) => schema as TSchema // which it is not, and that is the point
  const recursive: Record<string, unknown> = { type: 'object', required: ['a'] }
  recursive['properties'] = { a: recursive }
  /** By the row of the table in the spec. */
  const refused: Readonly<Record<string, readonly TSchema[]>> = {
    'functions, constructors, symbols, promises, iterators': [
      Type.Function([], NOTHING),
      Type.Constructor([], NOTHING),
      Type.Symbol(),
      ...['promise', 'iterator', 'asyncIterator'].map((type) => asSchema({ type })),
    ],
    'a type that TypeBox does not have': [asSchema({ type: 'date' }), asSchema({ type: ['string', 'Uint8Array'] })],
    'Refine without a name': [Type.Refine(Type.String(), () => true)],
    'Codec without a name': [
      Type.Codec(Type.String())
        .Decode((text) => text)
        .Encode((text) => text),
    ],
    'a schema of @sinclair/typebox 0.x': [asSchema({ type: 'string', [Symbol.for('TypeBox.Kind')]: 'String' })],
    'what is no schema': [asSchema(5), asSchema(undefined), asSchema(null), asSchema('string')],
    'This, Parameter, Infer, Generic, Call, Rest and other parts of types': [
      Type.This(),
      Type.Parameter('T'),
      Type.Infer('T'),
      Type.Generic([], Type.String()),
      Type.Rest(Type.Array(Type.String())),
      Type.Identifier('x'),
    ],
    'a $ref that leads nowhere': [Type.Ref('Nobody')],
    'a schema that reaches itself with no object or array between, or without $ref': [
      Type.Cyclic({ A: Type.Union([Type.Ref('A'), Type.String()]) }, 'A'),
      asSchema(recursive),
    ],
    'a union of null and undefined': [
      Type.Union([Type.Null(), Type.Undefined()]),
      Type.Union([Type.Unknown(), Type.Void()]),
      Type.Union([Type.Null(), Type.Union([Type.String(), Type.Undefined()])]),
    ],
    'a constant that is NaN, infinite or no plain value': [
      asSchema({ const: Number.NaN }),
      asSchema({ const: Number.POSITIVE_INFINITY }),
      asSchema({ enum: [{}] }),
    ],
    'a tuple of open length': [
      asSchema({ type: 'array', items: [{ type: 'string' }] }),
      asSchema({ type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'null' } }),
    ],
    'if, dependentSchemas, dependencies': ['if', 'dependentSchemas', 'dependencies'].map((keyword) =>
      asSchema({ type: 'object', [keyword]: {} }),
    ),
    'propertyNames, unevaluatedItems, $dynamicRef, $recursiveRef': [
      'propertyNames',
      'unevaluatedItems',
      '$dynamicRef',
      '$recursiveRef',
    ].map((keyword) => asSchema({ type: 'object', [keyword]: {} })),
    'properties, patternProperties, items or prefixItems without a type': [
      'properties',
      'patternProperties',
      'items',
      'prefixItems',
    ].map((keyword) => asSchema({ [keyword]: {} })),
    'a pattern that is no text, or no pattern': [
      asSchema({ type: 'string', pattern: /x/ }),
      Type.String({ pattern: '(' }),
      asSchema({ type: 'object', patternProperties: { '(': {} } }),
    ],
    'an empty anyOf or oneOf': [asSchema({ anyOf: [] }), asSchema({ oneOf: [] })],
    'a property named as Object.prototype names one, but for a required constructor': [
      Type.Object({ toString: Type.String() }),
      Type.Object(JSON.parse('{"__proto__":{"type":"null"}}')),
      Type.Object({ constructor: Type.Optional(Type.String()) }),
    ],
    'two definitions of one name, in one schema or in two methods of one contract': [
      Type.Object({
        a: Type.Cyclic({ N: Type.Object({ next: Type.Optional(Type.Ref('N')), a: Type.Null() }) }, 'N'),
        b: Type.Cyclic({ N: Type.Object({ next: Type.Optional(Type.Ref('N')), b: Type.Null() }) }, 'N'),
      }),
    ],
    'the mark x-nanowire without its check': [asSchema({ 'x-nanowire': 'bytes' })],
  }

  it('has every row of the table', () => {
    expect(tableOf('types.md', 'What').map((row) => row['What'])).toEqual(Object.keys(refused))
  })

  it.each(Object.entries(refused))('%s', (_, schemas) => {
    for (const schema of schemas) {
      expect(refusalOf(() => contract('c', { m: unary(schema, NOTHING) }))).toMatch(
        /^c\/m request: the schema.* cannot travel: it has .+; .+/,
      )
      expect(refusalOf(() => codec(schema))).toContain('cannot travel')
    }
  })

  it('two definitions of one name in two methods', () => {
    const node = (property: string) =>
      Type.Cyclic({ N: Type.Object({ next: Type.Optional(Type.Ref('N')), [property]: Type.Null() }) }, 'N')
    const defining = () => contract('c', { a: unary(node('a'), NOTHING), b: unary(node('b'), NOTHING) })
    expect(refusalOf(defining)).toContain('two definitions of the name "N"')
  })
})
