/** What cannot travel is refused when a contract is defined: by its place in the schema, by name, with the remedy. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, contract, gateOf, notify, Timestamp, unary } from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'

/** A schema as JSON says it, without TypeBox's classes. */
const raw = (keywords: object): TSchema => Type.Unsafe(keywords)

/** The error that reading a schema ends with. */
function refusalOf(schema: unknown): string {
  try {
    gateOf(schema as TSchema) // some of them are none, which is the point
  } catch (error) {
    if (error instanceof NanowireError && error.code === 'invalid_argument' && error.processed === 'no') {
      return error.message
    }
    throw error
  }
  return 'it was taken'
}

const Short = Type.Refine(Type.String(), (text) => text.length < 3)
const Upper = Type.Codec(Type.String())
  .Decode((text) => text.toUpperCase())
  .Encode((text) => text.toLowerCase())

const refused: readonly (readonly [name: string, schema: unknown, what: string, remedy: string])[] = [
  ['a function', Type.Function([Type.String()], Type.Number()), 'a function', 'send the data it stands for'],
  ['a constructor', Type.Constructor([], Type.Number()), 'a constructor', 'send the data it stands for'],
  ['a symbol', Type.Symbol(), 'a symbol', 'send the data it stands for'],
  ['a promise', raw({ type: 'promise', item: {} }), 'a promise', 'send the data it stands for'],
  ['an iterator', raw({ type: 'iterator' }), 'an iterator', 'send the data it stands for'],
  ['an async iterator', raw({ type: 'asyncIterator' }), 'an async iterator', 'send the data it stands for'],
  ['another type', raw({ type: 'Date' }), 'the type "Date"', 'send the data it stands for'],
  ['an unnamed Refine', Short, 'an unnamed Refine', "'x-name'"],
  ['an unnamed Codec', Upper, 'an unnamed Codec', "'x-name'"],
  ['a parameter', Type.Parameter('A'), 'a Parameter', 'instantiate it first'],
  ['a generic', Type.Generic([Type.Parameter('A')], Type.Ref('A')), 'a Generic', 'instantiate it first'],
  ['what is deferred', Type.Partial(Type.Ref('A')), 'a Deferred', 'instantiate it first'],
  ['an unresolved Ref', Type.Ref('Nobody'), 'the reference "Nobody", which leads nowhere', 'Type.Cyclic'],
  ['This', Type.This(), 'a This', 'use Type.Cyclic'],
  ['if, then, else', raw(JSON.parse('{"if":{},"then":{},"else":{}}')), 'the keyword "if"', 'as a Union'],
  ['dependentSchemas', raw({ type: 'object', dependentSchemas: {} }), 'the keyword "dependentSchemas"', 'as a Union'],
  ['dependencies', raw({ type: 'object', dependencies: {} }), 'the keyword "dependencies"', 'as a Union'],
  ['propertyNames', raw({ type: 'object', propertyNames: {} }), 'the keyword "propertyNames"', 'use a Record'],
  ['unevaluatedItems', raw({ type: 'array', unevaluatedItems: {} }), 'the keyword "unevaluatedItems"', 'Tuple'],
  ['$dynamicRef', raw({ $dynamicRef: '#a' }), 'the keyword "$dynamicRef"', 'use Type.Cyclic'],
  ['$recursiveRef', raw({ $recursiveRef: '#' }), 'the keyword "$recursiveRef"', 'use Type.Cyclic'],
  ['a property toString', Type.Object({ toString: Type.String() }), 'the property name "toString"', 'rename it'],
  ['__proto__', raw(JSON.parse('{"type":"object","properties":{"__proto__":{}}}')), '"__proto__"', 'rename it'],
  ['hasOwnProperty', Type.Object({ hasOwnProperty: Type.Null() }), '"hasOwnProperty"', 'rename it'],
  ['properties without a type', raw({ properties: {} }), '"properties" without a type', 'say type "object"'],
  ['items without a type', raw({ items: {} }), '"items" without a type', 'say type "object" or "array"'],
  ['an open tuple', raw({ type: 'array', prefixItems: [{}] }), 'a tuple of open length', 'use Type.Tuple'],
  ['a constant object', raw({ const: { a: 1 } }), 'the constant [object Object]', 'use a string, finite number'],
  ['an enum of arrays', raw({ enum: ['a', []] }), 'the constant ', 'use a string, finite number'],
  ['a constant NaN', raw({ const: Number.NaN }), 'the constant NaN', 'use a string, finite number'],
  ['an empty union', Type.Union([]), 'an empty anyOf', 'name at least one form'],
  ['a pattern of keys that is none', raw({ type: 'object', patternProperties: { '(': {} } }), '"("', 'mend it'],
  ['a pattern that is none', raw({ type: 'string', pattern: '(' }), '"("', 'mend it'],
  ['null | undefined', Type.Union([Type.Null(), Type.Undefined()]), 'a union of null and undefined', 'Optional'],
  ['null | void', Type.Union([Type.Null(), Type.Void()]), 'a union of null and undefined', 'Optional'],
  ['unknown | undefined', Type.Union([Type.Unknown(), Type.Undefined()]), 'a union of null and', 'Optional'],
  ['literal null | undefined', Type.Union([raw({ const: null }), Type.Undefined()]), 'a union of null and', 'Optional'],
  ['type null, undefined', raw({ type: ['null', 'undefined'] }), 'a union of null and undefined', 'Optional'],
  [
    'null | (undefined | string)',
    Type.Union([Type.Null(), Type.Union([Type.Undefined(), Type.String()])]),
    'a union of null and undefined',
    'Optional',
  ],
  [
    'undefined | a reference to null',
    Type.Cyclic({ Nil: Type.Null(), Either: Type.Union([Type.Undefined(), Type.Ref('Nil')]) }, 'Either'),
    'a union of null and undefined',
    'Optional',
  ],
  ['a reference to itself', Type.Cyclic({ A: Type.Ref('A') }, 'A'), 'a reference to nothing but itself', 'between'],
  [
    'a union with itself',
    Type.Cyclic({ A: Type.Union([Type.Ref('B'), Type.Null()]), B: Type.Ref('A') }, 'A'),
    'a reference to nothing but itself',
    'put an object or array between',
  ],
  [
    'an intersection with itself',
    Type.Cyclic({ A: Type.Intersect([Type.Object({}), Type.Ref('A')]) }, 'A'),
    'a reference to nothing but itself',
    'put an object or array between',
  ],
  [
    '@sinclair/typebox 0.x',
    { [Symbol('TypeBox.Kind')]: 'String', type: 'string' },
    'a schema of @sinclair/typebox 0.x',
    'build it with the package typebox',
  ],
  ['undefined', undefined, 'undefined where a schema should be', 'pass a TypeBox schema'],
  ['null', null, 'null where a schema should be', 'pass a TypeBox schema'],
  ['a class', String, 'where a schema should be', 'pass a TypeBox schema'],
]

describe('what cannot travel', () => {
  it.each(refused)('%s is refused by name and with a remedy', (_, schema, what, remedy) => {
    const message = refusalOf(schema)
    expect(message).toMatch(/^the schema cannot travel: |^the schema at \S+ cannot travel: /)
    expect(message).toContain(what)
    expect(message).toContain(remedy)
  })

  it.each([
    ['a property', Type.Object({ a: Short }), '/a'],
    ['an item', Type.Array(Short), '/*'],
    ['an item of a tuple', Type.Tuple([Type.Null(), Short]), '/1'],
    ['a value of a record', Type.Record(Type.String(), Short), '/*'],
    ['any further property', Type.Object({}, { additionalProperties: Short }), '/*'],
    ['a branch', Type.Union([Type.Null(), Short]), '/anyOf/1'],
    ['a part', Type.Intersect([Short, Type.String()]), '/allOf/0'],
    ['a definition', Type.Cyclic({ A: Type.Object({ b: Type.Ref('B') }), B: Type.Object({ c: Short }) }, 'A'), '/c'],
    ['a definition that a reference leads to', Type.Array(Type.Cyclic({ A: Type.Array(Short) }, 'A')), '/*'],
    ['deep inside', Type.Object({ a: Type.Array(Type.Object({ b: Short })) }), '/a/*/b'],
  ])('is named by its place: %s', (_, schema, place) => {
    const message = refusalOf(schema)
    expect(message).toContain('an unnamed Refine')
    expect(/^the schema at (\S+) cannot travel/.exec(message)?.[1]).toMatch(
      new RegExp(`${place.replaceAll('*', '\\*')}$`),
    )
  })

  it.each([
    ['request', () => contract('c', { m: unary(Short, Type.Null()) }), 'c/m request: the schema cannot travel'],
    ['reply', () => contract('c', { m: unary(Type.Null(), Short) }), 'c/m reply: the schema cannot travel'],
    ['notify', () => contract('c', { m: notify(Short) }), 'c/m request: the schema cannot travel'],
    [
      'error',
      () => contract('c', { m: unary(Type.Null(), Type.Null(), { errors: { Gone: Type.Object({ a: Short }) } }) }),
      'c/m error Gone: the schema at /a cannot travel',
    ],
  ])('stops the contract: %s', (_, define, words) => {
    expect(define).toThrow(words)
  })

  it('ends at a schema that holds itself as an object, however the stack is', () => {
    const self = { type: 'object', properties: {} as Record<string, unknown> }
    self.properties['self'] = self
    expect(refusalOf(self)).toContain('it has no end; use Type.Cyclic for recursion')
    const list = { type: 'array', items: {} }
    list.items = list
    expect(refusalOf(list)).toContain('it has no end; use Type.Cyclic for recursion')
  })

  it('is said again the second time', () => {
    const schema = Type.Object({ a: Short })
    expect(refusalOf(schema)).toBe(refusalOf(schema))
  })
})

describe('what can travel although it looks alike', () => {
  it.each([
    ['a named Refine', Type.Refine(Type.String({ 'x-name': 'short' }), (text) => text.length < 3)],
    ['Bytes, which is a Refine', Bytes()],
    ['Timestamp, which is a Refine', Timestamp()],
    ['null in one property and undefined in another', Type.Object({ a: Type.Null(), b: Type.Undefined() })],
    ['an optional null', Type.Object({ a: Type.Optional(Type.Null()) })],
    ['recursion through an array', Type.Cyclic({ A: Type.Array(Type.Ref('A')) }, 'A')],
    [
      'recursion through an optional property',
      Type.Cyclic({ A: Type.Object({ a: Type.Optional(Type.Ref('A')) }) }, 'A'),
    ],
    ['Never', Type.Object({ a: Type.Optional(Type.Never()) })],
    ['the empty tuple', Type.Tuple([])],
    ['a property constructor', Type.Object({ constructor: Type.String() })],
    ['a schema as JSON', raw({ type: 'object', properties: { a: { type: ['string', 'null'] } } })],
  ])('%s is taken', (_, schema) => {
    expect(refusalOf(schema)).toBe('it was taken')
  })

  it('is read as it stands: a named Codec travels undecoded', () => {
    const gate = gateOf(Object.assign(Upper, { 'x-name': 'upper' }))
    expect(gate.toWire('Ada')).toBe('Ada')
    expect(gate.fromWire('Ada')).toBe('Ada')
  })
})
