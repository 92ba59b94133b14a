/** A value within the process: the same object where it may be, and otherwise a copy of what was checked (spec/codecs.md). */
import Type, { type TSchema } from 'typebox'
import { afterEach, describe, expect, it } from 'vitest'
import { gateOf, Misfit } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { passInMemory } from '../../../src/wire/index.ts'
import { compiledOf, isOn, UNDECIDED } from './subject.ts'

const pass = (schema: TSchema, value: unknown): unknown => passInMemory(gateOf(schema), value, defaultLimits)
/** `UNDECIDED` where the reference path is asked. */
const decided = (schema: TSchema, value: unknown): unknown => compiledOf(gateOf(schema)).pass(value, defaultLimits)

const User = Type.Object({
  id: Type.Integer(),
  name: Type.Optional(Type.String()),
  tags: Type.Array(Type.String()),
  note: Type.Optional(Type.String()),
})
const Strict = Type.Object({ id: Type.Integer(), name: Type.Optional(Type.String()) }, { additionalProperties: false })

const soiled = Object.prototype as object
afterEach(() => {
  Reflect.deleteProperty(soiled, 'name')
})

describe('the same object', () => {
  it.each<[string, object]>([
    ['with all that is declared', { id: 1, name: 'x', tags: [], note: 'y' }],
    ['in another order', { note: 'y', tags: ['a'], name: 'x', id: 1 }],
    ['without what is optional', { id: 1, tags: [] }],
    ['without the first of what is optional', { id: 1, tags: [], note: 'y' }],
    ['with optional properties that are undefined', { id: 1, name: undefined, tags: [], note: undefined }],
    ['without some of it, in another order', { tags: [], name: 'x', id: 1 }],
  ])('%s', (_, value) => {
    expect(pass(User, value)).toBe(value)
    expect(decided(User, value)).toBe(isOn ? value : UNDECIDED)
  })
})

describe('a copy without what is not declared', () => {
  const secret = Symbol('secret')
  const hidden = Object.defineProperty({ id: 1, tags: ['a'] }, 'hash', { value: 'x', enumerable: false })

  it.each<[string, object]>([
    ['behind it', { id: 1, tags: ['a'], hash: 'x' }],
    ['before it', { hash: 'x', id: 1, tags: ['a'] }],
    ['within it, in another order', { tags: ['a'], hash: 'x', id: 1 }],
    ['under a symbol', { id: 1, tags: ['a'], [secret]: 'x' }],
    ['under a symbol, in another order', { tags: ['a'], id: 1, [secret]: 'x' }],
    ['that cannot be listed', hidden],
    ['under the name of the prototype', JSON.parse('{"id":1,"tags":["a"],"__proto__":{"hash":"x"}}') as object],
  ])('%s', (_, value) => {
    const before = Reflect.ownKeys(value)
    for (const schema of [User, Type.Array(User), Type.Object({ inner: User }), Type.Record(Type.String(), User)]) {
      const whole = schema === User ? value : schema.type === 'array' ? [value] : { inner: value }
      const passed = pass(schema, whole)
      expect(passed).not.toBe(whole)
      const copy = (schema === User ? passed : Object.values(passed as object)[0]) as object
      expect(Reflect.ownKeys(copy).sort()).toEqual(['id', 'tags'])
      expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
      expect(copy).toEqual({ id: 1, tags: ['a'] })
    }
    expect(Reflect.ownKeys(value)).toEqual(before)
  })

  it('does not look at what it leaves out', () => {
    const value = {
      id: 1,
      tags: [],
      get hash(): never {
        throw new Error('it was looked at')
      },
    }
    expect(pass(User, value)).toEqual({ id: 1, tags: [] })
    expect(pass(Type.Object({ inner: User }), { inner: value })).toEqual({ inner: { id: 1, tags: [] } })
  })

  it.skipIf(!isOn)('holds what was checked, though a property says something else at each read', () => {
    const changing = (): object => {
      let reads = 0
      return Object.defineProperty({ tags: [], hash: 'x' }, 'id', {
        get: () => (reads++ === 0 ? 1 : 'x'),
        enumerable: true,
      })
    }
    expect(pass(User, changing())).toEqual({ id: 1, tags: [] })
    const Around = Type.Object({ id: Type.Integer(), inner: Type.Object({}) })
    const around = Object.defineProperty({ inner: { hash: 'x' } }, 'id', {
      get: () => (once-- > 0 ? 1 : 'x'),
      enumerable: true,
    })
    let once = 1
    expect(pass(Around, around)).toEqual({ id: 1, inner: {} })
  })
})

describe('what is not an object’s own', () => {
  it('is refused where it is declared, though others of the same name are undefined', () => {
    Object.defineProperty(soiled, 'name', { value: 'inherited', configurable: true, enumerable: false })
    for (const value of [
      { id: 1, tags: [] },
      { id: 1, tags: [], note: undefined },
      { tags: [], id: 1, note: undefined },
    ]) {
      expect(() => pass(User, value)).toThrow(Misfit)
      expect(decided(User, value)).toBe(UNDECIDED)
    }
    const own = { id: 1, name: 'own', tags: [] }
    expect(pass(User, own)).toBe(own)
  })

  it('is refused as well where it cannot be listed', () => {
    expect(() => pass(User, Object.defineProperty({ tags: [] }, 'id', { value: 1 }))).toThrow('not enumerable')
  })
})

describe('a schema that forbids the rest', () => {
  it('takes what it declares, with symbols left out', () => {
    const value = { id: 1 }
    expect(pass(Strict, value)).toBe(value)
    expect(pass(Strict, { name: 'x', id: 1, [Symbol('s')]: 1 })).toEqual({ id: 1, name: 'x' })
  })

  it('refuses everything else', () => {
    for (const value of [
      { id: 1, hash: 'x' },
      { hash: 'x', id: 1, name: 'x' },
      Object.defineProperty({ id: 1, name: 'x' }, 'hash', { value: 1 }),
      Object.defineProperty({ id: 1 }, 'hash', { value: 1 }),
    ]) {
      expect(() => pass(Strict, value)).toThrow(Misfit)
      expect(decided(Strict, value)).toBe(UNDECIDED)
    }
  })
})

describe('constants', () => {
  it('are the very ones that are declared', () => {
    const Level = Type.Union([Type.Literal(0), Type.Literal(1), Type.Null()])
    for (const schema of [Level, Type.Unsafe({ enum: [0, 1, null] })]) {
      for (const value of [0, 1, null]) expect(pass(schema, value)).toBe(value)
      expect(pass(schema, -0)).toBe(0)
      expect(() => pass(schema, 2)).toThrow(Misfit)
    }
  })

  it('of which there are none are never there', () => {
    expect(() => pass(Type.Object({ a: Type.Unsafe({ enum: [] }) }), { a: 'x' })).toThrow(Misfit)
  })
})

describe.runIf(isOn)('how many parts a value may have', () => {
  const Two = Type.Tuple([Type.Null(), Type.Null()])

  it.each<[string, TSchema, unknown, number]>([
    ['a number', Type.Integer(), 5, 1],
    ['a tuple, with its items', Two, [null, null], 3],
    ['an object, with names and values', Type.Object({ a: Type.Integer(), b: Two }), { a: 1, b: [null, null] }, 7],
    ['an object, with what may be absent', Type.Object({ a: Type.Optional(Type.Null()) }), {}, 3],
    ['a list, with each of its items', Type.Array(Two), [Two, Two].map(() => [null, null]), 7],
    ['a list of none', Type.Array(Two), [], 1],
    ['a record, with each of its names', Type.Record(Type.String(), Two), { a: [null, null], b: [null, null] }, 9],
    ['a union, as its largest branch', Type.Union([Type.Null(), Two]), null, 3],
    ['what is named, as what it stands for', Type.Unsafe({ $defs: { Two }, $ref: '#/$defs/Two' }), [null, null], 3],
  ])('%s: is left to the reference where it may be more', (_, schema, value, nodes) => {
    const at = (maxNodes: number) => compiledOf(gateOf(schema)).pass(value, { maxDepth: 64, maxNodes })
    expect([at(nodes), at(nodes - 1)]).toEqual([value, UNDECIDED])
  })
})
