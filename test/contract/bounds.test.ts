/** No value and no schema of a contract takes the stack with it: depth and number are bounded before anything recurses. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { gateOf } from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { inMemory, misfitOf, overWire } from './over-wire.ts'

const List = Type.Cyclic({ List: Type.Object({ next: Type.Union([Type.Ref('List'), Type.Null()]) }) }, 'List')
const Arrays = Type.Cyclic({ Arrays: Type.Array(Type.Ref('Arrays')) }, 'Arrays')
const Json = Type.Cyclic(
  {
    Json: Type.Union([
      Type.Null(),
      Type.Number(),
      Type.Array(Type.Ref('Json')),
      Type.Record(Type.String(), Type.Ref('Json')),
    ]),
  },
  'Json',
)

/** `depth` containers inside each other. */
function arraysOf(depth: number): unknown[] {
  let value: unknown[] = []
  for (let level = 1; level < depth; level++) value = [value]
  return value
}

function listOf(depth: number): unknown {
  let value: unknown = null
  for (let level = 0; level < depth; level++) value = { next: value }
  return value
}

const openEnded: readonly (readonly [string, TSchema, (depth: number) => unknown])[] = [
  ['Unknown', Type.Unknown(), arraysOf],
  ['an array of Unknown', Type.Array(Type.Unknown()), arraysOf],
  ['a recursive array', Arrays, arraysOf],
  ['a recursive object', List, listOf],
  ['a recursive union', Json, arraysOf],
  ['a recursive record', Json, listOf],
  ['an object with something unknown in it', Type.Object({ next: Type.Unknown() }), listOf],
]

describe('depth', () => {
  it.each(openEnded)('is bounded in %s, at the limit and past it', (_, schema, make) => {
    const limits = { maxDepth: 10, maxNodes: 1_000 }
    const gate = gateOf(schema)
    for (const pass of ['inMemory', 'toWire'] as const) {
      expect(misfitOf(() => gate[pass](make(10), limits))).toBe('it fits')
      expect(misfitOf(() => gate[pass](make(11), limits))).toBe(
        'the value is nested deeper than maxDepth 10, or holds itself (option limits.maxDepth)',
      )
    }
  })

  it.each(openEnded)('is 64 in %s where nothing else is said, also far past it', (_, schema, make) => {
    for (const place of [inMemory, overWire]) {
      expect(misfitOf(() => place(schema, make(64)))).toBe('it fits')
      expect(misfitOf(() => place(schema, make(65)))).toContain('maxDepth 64')
      expect(misfitOf(() => place(schema, make(200_000)))).toContain('maxDepth 64')
    }
  })

  it('has an end for what holds itself', () => {
    const object: Record<string, unknown> = {}
    object['next'] = object
    const array: unknown[] = []
    array.push([array])
    for (const [schema, value] of [
      [Type.Unknown(), object],
      [Type.Unknown(), array],
      [List, object],
      [Arrays, array],
    ] as const) {
      for (const place of [inMemory, overWire]) {
        expect(misfitOf(() => place(schema, value))).toContain('or holds itself')
      }
    }
  })

  it('does not matter in what is not declared', () => {
    const value: Record<string, unknown> = { a: 1, deep: arraysOf(100_000) }
    value['self'] = value
    for (const place of [inMemory, overWire]) {
      expect(place(Type.Object({ a: Type.Number() }), value)).toStrictEqual({ a: 1 })
    }
  })

  it('of a schema that does not recurse is the schema’s own', () => {
    let schema: TSchema = Type.Number()
    let value: unknown = 1
    for (let level = 0; level < 60; level++) {
      schema = Type.Object({ in: schema })
      value = { in: value }
    }
    expect(inMemory(schema, value)).toBe(value)
    expect(overWire(schema, value)).toStrictEqual(value)
  })

  it.each([100, 300, 1_000, 5_000, 100_000])(
    'of a schema of %i levels is taken or refused, never a broken stack',
    (n) => {
      let schema: TSchema = Type.Number()
      for (let level = 0; level < n; level++) schema = { type: 'array', items: schema } as TSchema // as from a file
      let outcome: unknown = 'taken'
      try {
        gateOf(schema).inMemory([])
      } catch (error) {
        outcome = error
      }
      if (outcome !== 'taken') expect(outcome).toBeInstanceOf(NanowireError)
    },
  )
})

describe('what a peer wrote', () => {
  it('was bounded by the walk over its bytes, whoever packed it', () => {
    let deep: unknown = 1
    for (let depth = 0; depth < 100; depth++) deep = [deep]
    const gate = gateOf(Type.Object({ n: Type.Number(), any: Type.Unknown() }))
    expect(gate.fromWire({ n: 5n, any: deep })).toEqual({ n: 5, any: deep }) // 5n: not as our own packer writes 5
  })
})

describe('the number of values', () => {
  it('is bounded in what the schema leaves open, at the limit and past it', () => {
    const limits = { maxDepth: 64, maxNodes: 100 }
    const gate = gateOf(Type.Unknown())
    expect(misfitOf(() => gate.inMemory(new Array(99).fill(1), limits))).toBe('it fits')
    expect(misfitOf(() => gate.inMemory(new Array(100).fill(1), limits))).toBe(
      'the value has more values than maxNodes 100 (option limits.maxNodes)',
    )
    const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]))
    expect(misfitOf(() => gate.toWire(entries(49), limits))).toBe('it fits')
    expect(misfitOf(() => gate.toWire(entries(50), limits))).toBe(
      'the value has more values than maxNodes 100 (option limits.maxNodes)',
    )
  })

  it('counts what is shared each time, so that a small graph is no large message', () => {
    let value: unknown = [1]
    for (let level = 0; level < 40; level++) value = [value, value]
    for (const place of [inMemory, overWire]) {
      expect(misfitOf(() => place(Type.Unknown(), value))).toContain('maxNodes 524288')
    }
  })

  it('does not grow the stack', () => {
    const wide = new Array(400_000).fill(null)
    expect(inMemory(Type.Unknown(), wide)).toBe(wide)
    expect(overWire(Json, wide)).toHaveLength(400_000)
    const objects = Array.from({ length: 100_000 }, (_, n) => ({ n, hash: 'x' }))
    const schema = Type.Array(Type.Object({ n: Type.Integer() }))
    expect(inMemory(schema, objects)).toHaveLength(100_000)
    expect((overWire(schema, objects) as object[]).at(-1)).toStrictEqual({ n: 99_999 })
  })
})
