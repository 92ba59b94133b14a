/** A misfit names the first place that does not fit, as a JSON pointer, and what it must be; never the value itself. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf, Misfit, Timestamp } from '../../src/contract/index.ts'
import { misfitOf, received } from './over-wire.ts'

const User = Type.Object({ name: Type.String({ minLength: 2 }), age: Type.Optional(Type.Integer({ minimum: 0 })) })
const Shape = Type.Union([
  Type.Object({ kind: Type.Literal('circle'), radius: Type.Number() }),
  Type.Object({ kind: Type.Literal('square'), side: Type.Object({ length: Type.Number() }) }),
])
const Tree = Type.Cyclic({ Node: Type.Object({ value: Type.Number(), kids: Type.Array(Type.Ref('Node')) }) }, 'Node')

const misfits: readonly (readonly [name: string, schema: TSchema, value: unknown, misfit: string])[] = [
  ['the value itself', Type.String(), 1, 'the value must be string'],
  ['a property', User, { name: 1 }, '/name must be string'],
  ['a property that is too short', User, { name: 'A' }, '/name must not have fewer than 2 characters'],
  ['an optional property', User, { name: 'Ada', age: -1 }, '/age must be >= 0'],
  ['a property that is missing', User, { age: 1 }, '/name is required'],
  ['a property that is missing inside', Type.Object({ u: User }), { u: {} }, '/u/name is required'],
  ['the first of two', User, { name: 1, age: 'x' }, '/name must be string'],
  ['an item', Type.Array(Type.Number()), [1, 2, 'x', 'y'], '/2 must be number'],
  ['an item of an item', Type.Array(Type.Array(User)), [[], [{ name: 'Ada' }, {}]], '/1/1/name is required'],
  ['an item of a tuple', Type.Tuple([Type.String(), Type.Number()]), ['x', 'y'], '/1 must be number'],
  ['a value of a record', Type.Record(Type.String(), Type.Number()), { a: 1, b: 'x' }, '/b must be number'],
  ['a further property', Type.Object({}, { additionalProperties: Type.Null() }), { z: 1 }, '/z must be null'],
  ['a part of an intersection', Type.Intersect([User, Type.Object({ id: Type.Null() })]), { name: 'Ada' }, '/id is'],
  ['a branch, by its literal', Shape, { kind: 'circle', radius: 'x' }, '/radius must be number'],
  ['deep in a branch', Shape, { kind: 'square', side: { length: null } }, '/side/length must be number'],
  ['no branch', Shape, { kind: 'hexagon' }, '/kind must be "circle" or "square"'],
  ['the only branch of its kind', Type.Union([User, Type.Null()]), { name: 1 }, '/name must be string'],
  ['the branch of arrays', Type.Union([Type.Array(User), User]), [{ name: 1 }], '/0/name must be string'],
  ['kinds to choose from', Type.Union([Type.String(), Type.Null()]), 1, 'the value must be string or null'],
  ['a union inside', Type.Object({ s: Type.Array(Shape) }), { s: [{ kind: 'circle' }] }, '/s/0/radius is required'],
  ['a literal', Type.Literal('a'), 'b', 'the value must be "a"'],
  ['an enum', Type.Enum(['a', 'b', 3]), 'c', 'the value must be "a" or "b" or 3'],
  ['a bigint literal', Type.Literal(5n), 6n, 'the value must be 5n'],
  ['Never', Type.Object({ n: Type.Optional(Type.Never()) }), { n: 1 }, '/n must not be there: its schema is Never'],
  ['a format', Type.String({ format: 'email' }), 'x', 'the value must match format "email"'],
  ['a pattern', Type.String({ pattern: '^a' }), 'b', 'the value must match pattern "^a"'],
  ['bytes', Type.Object({ b: Bytes({ maxBytes: 1 }) }), { b: new Uint8Array(2) }, '/b must be a Uint8Array of 0 to 1'],
  ['a time', Type.Object({ t: Timestamp() }), { t: 'now' }, '/t must be a valid Date'],
  ['a level of a recursion', Tree, { value: 1, kids: [{ value: 2, kids: [{}] }] }, '/kids/0/kids/0/value is required'],
  ['too few items', Type.Array(Type.Null(), { minItems: 2 }), [null], 'the value must not have fewer than 2 items'],
  ['too many items of a tuple', Type.Tuple([Type.Null()]), [null, 1], 'the value must'],
  ['a slash', Type.Object({ 'a/b': Type.Null() }), { 'a/b': 1 }, '/a~1b must be null'],
  ['a tilde', Type.Object({ 'm~n': Type.Object({ '~1': Type.Null() }) }), { 'm~n': { '~1': 1 } }, '/m~0n/~01 must'],
  ['the empty name', Type.Object({ '': Type.Object({ '': Type.Null() }) }), { '': { '': 1 } }, '// must be null'],
]

describe('the first misfit', () => {
  it.each(misfits)('is %s', (_, schema, value, misfit) => {
    const words = misfitOf(() => gateOf(schema).inMemory(value))
    expect(words.startsWith(misfit), words).toBe(true)
    expect(misfitOf(() => gateOf(schema).toWire(value))).toBe(words)
  })

  it.each(misfits.filter(([name]) => name !== 'a time'))('is %s, also from a peer', (_, schema, value, misfit) => {
    const words = misfitOf(() => received(schema, value))
    expect(words.startsWith(misfit), words).toBe(true)
  })

  it('has the pointer and the reason by themselves', () => {
    const error = new Misfit('must be null').within('b').within(0).within('a/~')
    expect(error.pointer).toBe('/a~1~0/0/b')
    expect(error.reason).toBe('must be null')
    expect(error.describe()).toBe('/a~1~0/0/b must be null')
  })

  it('names no form twice, and not all of very many', () => {
    const union = Type.Union([User, Type.Object({ id: Type.Null() }), Type.String()])
    expect(misfitOf(() => gateOf(union).inMemory(1))).toBe('the value must be an object or string')
    const many = Type.Union(Array.from({ length: 12 }, (_, n) => Type.Literal(n)))
    expect(misfitOf(() => gateOf(many).inMemory('x'))).toBe('the value must fit one of 12 forms')
  })

  it('does not repeat the value, which may be a secret', () => {
    const secret = 'correct horse battery staple'
    const schemas = [User, Shape, Tree, Type.Number(), Type.Enum(['a']), Type.String({ format: 'email' }), Bytes()]
    for (const schema of schemas) {
      for (const value of [secret, { name: [secret], kind: secret, value: secret, [secret]: 1 }]) {
        expect(misfitOf(() => gateOf(schema).inMemory(value))).not.toContain(secret)
      }
    }
  })

  it('is found at once in a large value', () => {
    const users = Array.from({ length: 50_000 }, () => ({ name: 'Ada' }) as { name: unknown })
    users.push({ name: 1 })
    expect(misfitOf(() => gateOf(Type.Array(User)).inMemory(users))).toBe('/50000/name must be string')
  })
})
