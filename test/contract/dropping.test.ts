/** Undeclared properties never arrive, wherever they stand and whichever way a value goes; all else stays as it is. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf, Timestamp } from '../../src/contract/index.ts'
import { frozen, inMemory, misfitOf, overWire, received } from './over-wire.ts'

const A = Type.Object({ a: Type.Number() })
const AB = Type.Object({ a: Type.Number(), b: Type.String() })
const Tree = Type.Cyclic(
  { Node: Type.Object({ v: Type.Number(), kids: Type.Array(Type.Ref('Node')), up: Type.Optional(Type.Ref('Node')) }) },
  'Node',
)
const Kinds = Type.Union([
  Type.Object({ kind: Type.Literal('point'), at: A }),
  Type.Object({ kind: Type.Literal('name'), text: Type.String() }),
])
/** A record of names that begin with `x-`. */
const Headers = Type.Record(Type.TemplateLiteral([Type.Literal('x-'), Type.String()]), A)

interface Case {
  readonly name: string
  readonly schema: TSchema
  readonly sent: unknown
  readonly arrives: unknown
}

const dropped: readonly Case[] = [
  { name: 'at the top', schema: A, sent: { a: 1, hash: 'x' }, arrives: { a: 1 } },
  { name: 'before what is declared', schema: AB, sent: { hash: 'x', b: 'b', a: 1 }, arrives: { b: 'b', a: 1 } },
  { name: 'all there is', schema: Type.Object({}), sent: { a: 1, b: 2 }, arrives: {} },
  { name: 'with undefined', schema: A, sent: { a: 1, hash: undefined }, arrives: { a: 1 } },
  { name: 'with what cannot travel', schema: A, sent: { a: 1, f: () => 1, s: Symbol('s') }, arrives: { a: 1 } },
  { name: 'named as every object is', schema: A, sent: { a: 1, toString: 'x', constructor: 1 }, arrives: { a: 1 } },
  { name: '__proto__ of JSON', schema: A, sent: JSON.parse('{"a":1,"__proto__":{"admin":true}}'), arrives: { a: 1 } },
  {
    name: 'three objects deep',
    schema: Type.Object({ x: Type.Object({ y: A }) }),
    sent: { x: { y: { a: 1, hash: 'x' } } },
    arrives: { x: { y: { a: 1 } } },
  },
  { name: 'in an array', schema: Type.Array(A), sent: [{ a: 1 }, { a: 2, hash: 'x' }], arrives: [{ a: 1 }, { a: 2 }] },
  { name: 'in a tuple', schema: Type.Tuple([Type.Null(), A]), sent: [null, { a: 1, b: 2 }], arrives: [null, { a: 1 }] },
  {
    name: 'in a record',
    schema: Type.Record(Type.String(), A),
    sent: { k: { a: 1, hash: 'x' }, l: { a: 2 } },
    arrives: { k: { a: 1 }, l: { a: 2 } },
  },
  {
    name: 'whose names fit no pattern',
    schema: Headers,
    sent: { 'x-k': { a: 1, hash: 'x' }, y: { a: 1 } },
    arrives: { 'x-k': { a: 1 } },
  },
  {
    name: 'in further properties that have a schema',
    schema: Type.Object({ a: Type.Number() }, { additionalProperties: AB }),
    sent: { a: 1, more: { a: 1, b: 'b', hash: 'x' } },
    arrives: { a: 1, more: { a: 1, b: 'b' } },
  },
  {
    name: 'in an optional property',
    schema: Type.Object({ a: Type.Optional(A) }),
    sent: { a: { a: 1, hash: 'x' } },
    arrives: { a: { a: 1 } },
  },
  {
    name: 'in the only branch that fits',
    schema: Type.Union([A, Type.Null()]),
    sent: { a: 1, b: 2 },
    arrives: { a: 1 },
  },
  {
    name: 'declared by a branch that does not fit',
    schema: Type.Union([A, AB]),
    sent: { a: 1, b: 2 },
    arrives: { a: 1 },
  },
  {
    name: 'declared by another kind',
    schema: Kinds,
    sent: { kind: 'point', at: { a: 1, z: 1 }, text: 'x' },
    arrives: { kind: 'point', at: { a: 1 } },
  },
  {
    name: 'in an array of a union',
    schema: Type.Array(Kinds),
    sent: [{ kind: 'name', text: 'x', at: 1 }],
    arrives: [{ kind: 'name', text: 'x' }],
  },
  {
    name: 'that no part of an intersection declares',
    schema: Type.Intersect([A, Type.Object({ b: Type.String() })]),
    sent: { a: 1, b: 'b', hash: 'x' },
    arrives: { a: 1, b: 'b' },
  },
  {
    name: 'within a property that both parts declare',
    schema: Type.Intersect([Type.Object({ p: A }), Type.Object({ p: Type.Object({ b: Type.String() }) })]),
    sent: { p: { a: 1, b: 'b', hash: 'x' } },
    arrives: { p: { a: 1, b: 'b' } },
  },
  {
    name: 'in an intersection of unions',
    schema: Type.Intersect([Type.Union([A, Type.Object({ c: Type.Null() })]), Type.Object({ b: Type.String() })]),
    sent: { a: 1, b: 'b', c: 'no null', hash: 'x' },
    arrives: { a: 1, b: 'b' },
  },
  {
    name: 'at every level of a recursion',
    schema: Tree,
    sent: { v: 1, kids: [{ v: 2, kids: [], hash: 'x' }], up: { v: 0, kids: [], hash: 'y' }, hash: 'z' },
    arrives: { v: 1, kids: [{ v: 2, kids: [] }], up: { v: 0, kids: [] } },
  },
]

const kept: readonly Case[] = [
  {
    name: 'what any branch that fits declares',
    schema: Type.Union([A, AB]),
    sent: { a: 1, b: 'b' },
    arrives: { a: 1, b: 'b' },
  },
  {
    name: 'what two branches that fit declare between them',
    schema: Type.Union([Type.Object({ a: Type.Optional(A) }), Type.Object({ b: Type.Optional(A) })]),
    sent: { a: { a: 1, b: 1 }, b: { a: 2, z: 1 }, hash: 'x' },
    arrives: { a: { a: 1 }, b: { a: 2 } },
  },
  {
    name: 'what Unknown takes',
    schema: Type.Object({ any: Type.Unknown() }),
    sent: { any: { deep: [{ down: 1 }] } },
    arrives: { any: { deep: [{ down: 1 }] } },
  },
  {
    name: 'what a branch of Unknown takes',
    schema: Type.Union([A, Type.Unknown()]),
    sent: { a: 1, more: 2 },
    arrives: { a: 1, more: 2 },
  },
  {
    name: 'a name that is declared and looks like a method',
    schema: Type.Object({ constructor: Type.Number() }),
    sent: { constructor: 1, toString: 2 },
    arrives: { constructor: 1 },
  },
]

describe('undeclared properties', () => {
  it.each(dropped)('are dropped $name', ({ schema, sent, arrives }) => {
    frozen(sent)
    expect(inMemory(schema, sent)).toStrictEqual(arrives)
    expect(gateOf(schema).toWire(sent)).toStrictEqual(arrives)
  })

  it.each(dropped.filter(({ name }) => !/cannot travel|__proto__/.test(name)))(
    'are dropped $name, when a peer sends them',
    ({ schema, sent, arrives }) => {
      expect(received(schema, sent)).toStrictEqual(arrives)
    },
  )

  it.each(kept)('are told from $name', ({ schema, sent, arrives }) => {
    frozen(sent)
    expect(inMemory(schema, sent)).toStrictEqual(arrives)
    expect(overWire(schema, sent)).toStrictEqual(arrives)
    expect(received(schema, sent)).toStrictEqual(arrives)
  })

  it('are not even looked at', () => {
    const trap = () => expect.unreachable('an undeclared property was read')
    const sent = Object.defineProperty({ a: 1 }, 'hash', { get: trap, enumerable: true })
    expect(inMemory(A, sent)).toStrictEqual({ a: 1 })
    expect(overWire(A, sent)).toStrictEqual({ a: 1 })
  })

  it('do not arrive under a symbol', () => {
    expect(Reflect.ownKeys(inMemory(A, { a: 1, [Symbol('hash')]: 'x' }) as object)).toEqual(['a'])
  })

  it('do not arrive where they cannot be listed', () => {
    const sent = Object.defineProperty({ a: 1 }, 'hash', { value: 'x', enumerable: false })
    expect(Reflect.ownKeys(inMemory(A, sent) as object)).toEqual(['a'])
  })
})

describe('a schema that forbids undeclared properties', () => {
  const Closed = Type.Object({ a: Type.Number() }, { additionalProperties: false })
  const Whole = Type.Intersect([A, Type.Object({ b: Type.String() })], { unevaluatedProperties: false })
  it.each([
    ['an object', Closed, { a: 1, b: 2 }, '/b'],
    ['within another', Type.Object({ x: Type.Array(Closed) }), { x: [{ a: 1 }, { a: 1, b: 2 }] }, '/x/1/b'],
    ['in a record', Type.Record(Type.String(), Closed), { k: { a: 1, b: 2 } }, '/k/b'],
  ])('refuses them: %s', (_, schema, sent, pointer) => {
    const words = `${pointer} is not declared, and its schema forbids undeclared properties`
    expect(misfitOf(() => inMemory(schema, sent))).toBe(words)
    expect(misfitOf(() => gateOf(schema).toWire(sent))).toBe(words)
    expect(misfitOf(() => received(schema, sent))).toBe(words)
  })

  it('refuses them for an intersection as a whole', () => {
    expect(inMemory(Whole, { a: 1, b: 'b' })).toStrictEqual({ a: 1, b: 'b' })
    for (const act of [inMemory, overWire, received]) {
      expect(misfitOf(() => act(Whole, { a: 1, b: 'b', c: 2 }))).not.toBe('it fits')
    }
  })

  it('leaves the choice to a union: the branch that forbids does not fit, the other one drops', () => {
    const schema = Type.Union([Closed, Type.Object({ a: Type.Number(), c: Type.Null() })])
    for (const act of [inMemory, overWire, received]) {
      expect(act(schema, { a: 1, c: null, d: 2 })).toStrictEqual({ a: 1, c: null })
      expect(misfitOf(() => act(schema, { a: 1, d: 2 }))).not.toBe('it fits')
    }
  })
})

describe('what does not change is not copied', () => {
  const Everything = Type.Object({
    list: Type.Array(Type.Union([A, Type.Null()])),
    pair: Type.Tuple([Type.String(), Type.BigInt()]),
    map: Type.Record(Type.String(), A),
    both: Type.Intersect([A, Type.Object({ b: Type.String() })]),
    tree: Tree,
    bytes: Bytes(),
    time: Timestamp(),
    any: Type.Unknown(),
    maybe: Type.Optional(Type.Number()),
  })
  const value = frozen({
    list: [{ a: 1 }, null],
    pair: ['x', 5n],
    map: { k: { a: 1 } },
    both: { a: 1, b: 'b' },
    tree: { v: 1, kids: [{ v: 2, kids: [] }] },
    bytes: new Uint8Array(3),
    time: new Date(0),
    any: [{ x: 1 }],
  })

  it('in memory, nor on the way from the wire', () => {
    expect(inMemory(Everything, value)).toBe(value)
    expect(gateOf(Everything).fromWire(value)).toBe(value)
  })

  it('nor on the way to the wire, where nothing in it is unknown', () => {
    const { any: _, ...known } = value
    const schema = Type.Omit(Everything, ['any'])
    const sent = frozen(known)
    expect(gateOf(schema).toWire(sent)).toBe(sent)
  })

  it('beside what is dropped', () => {
    const sent = frozen({ ...value, both: { a: 1, b: 'b', hash: 'x' } })
    const arrived = inMemory(Everything, sent) as typeof value
    expect(arrived).toStrictEqual(value)
    expect(arrived).not.toBe(sent)
    expect(arrived.list).toBe(sent.list)
    expect(arrived.tree).toBe(sent.tree)
    expect(arrived.any).toBe(sent.any)
  })

  it('and an undefined optional stays in memory and is absent elsewhere', () => {
    const schema = Type.Object({ a: Type.Optional(Type.Number()) })
    const sent = frozen({ a: undefined })
    expect(inMemory(schema, sent)).toBe(sent)
    expect(Object.keys(overWire(schema, sent) as object)).toEqual([])
  })
})

describe('a misfit that only the way itself finds', () => {
  const record = Type.Object({ r: Type.Record(Type.String(), Type.Object({ a: Type.Number() })) })
  const secret = { r: { 'y\n': { a: 'x' } }, s: 1, secret: 1 }

  it.each<[string, TSchema, unknown, string]>([
    ['text in a union', Type.Union([Type.String(), Type.Null()]), '\ud800', 'half of a surrogate pair'],
    ['a key with a line break in a union', Type.Union([record, Type.Null()]), secret, '/a must be number'],
    [
      'a key with a line break in a union of an intersection',
      Type.Intersect([Type.Object({ s: Type.Number() }), Type.Union([record, Type.Object({ z: Type.Null() })])]),
      secret,
      '/a must be number',
    ],
  ])('is one also for %s: it does not pass as it is', (_, schema, value, misfit) => {
    expect(misfitOf(() => inMemory(schema, value))).toContain(misfit)
    expect(misfitOf(() => overWire(schema, value))).toContain(misfit)
  })
})
