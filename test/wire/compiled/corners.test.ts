/** Corners of the compiled path that schemas and values by chance hardly come to (spec/codecs.md). */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { NO_ROOM } from '../../../src/wire/compiled/index.ts'
import { pack } from '../../../src/wire/index.ts'
import { compiledOf, isOn, UNDECIDED } from './subject.ts'

const room = new Uint8Array(1 << 21)

/** Both paths have the value as it is, and the compiled one has decided so. */
function expectSame(schema: TSchema, value: unknown): void {
  const gate = gateOf(schema)
  const compiled = compiledOf(gate)
  expect(compiled.isCovered).toBe(true)
  const packed = pack(gate.toWire(value, defaultLimits)).slice()
  const end = compiled.encode(value, room, 7, defaultLimits)
  expect(Buffer.compare(room.subarray(7, end), packed)).toBe(0)
  expect(compiled.decode(packed, 0, packed.length, defaultLimits)).toEqual(value)
  expect(compiled.pass(value, defaultLimits)).toEqual(value)
}

/** The reference path refuses the value, and the compiled one leaves it to that. */
function expectRefused(schema: TSchema, value: unknown): void {
  const gate = gateOf(schema)
  const compiled = compiledOf(gate)
  expect(() => gate.toWire(value, defaultLimits)).toThrow()
  expect(compiled.encode(value, room, 7, defaultLimits)).toBe(-1)
  expect(compiled.pass(value, defaultLimits)).toBe(UNDECIDED)
  const packed = pack(value).slice()
  expect(compiled.decode(packed, 0, packed.length, defaultLimits)).toBe(UNDECIDED)
}

describe.runIf(isOn)('constants', () => {
  it.each([
    ['of their type', { type: 'integer', enum: [1, 2] }, [1, 2], [3, 1.5, 'a']],
    ['null, of its type', { type: 'null', const: null }, [null], [0, '']],
    ['null among others', { enum: [null, 'a', 7, true] }, [null, 'a', 7, true], [0, 'b', false]],
    ['of texts', { type: 'string', enum: ['a', 'b'] }, ['a', 'b'], ['c', null]],
    ['of another type than they should be', { type: 'integer', enum: [1, 1.5] }, [1], [1.5]],
    ['null, and not of its type', { type: 'string', enum: ['a', null] }, ['a'], [null]],
    ['that no type can have', { type: 'null', enum: [null, 'a'] }, [null], ['a']],
    ['longer than what is written at once', { const: 'é'.repeat(40) }, ['é'.repeat(40)], ['é'.repeat(39)]],
  ] as const)('%s', (_, schema, good, bad) => {
    const made = Type.Unsafe(schema as unknown as TSchema)
    for (const value of good) expectSame(made, value)
    for (const value of bad) expectRefused(made, value)
    const listed = Type.Object({ a: made, b: Type.Array(made) })
    expectSame(listed, { a: good[0], b: [...good] })
  })

  it.each([
    ['null among constants', [Type.Unsafe({ enum: [null] }), Type.Literal('a')], [null, 'a'], ['b', 0]],
    ['two lists of constants', [Type.Unsafe({ enum: ['a', 'b'] }), Type.Unsafe({ enum: ['c'] })], ['a', 'c'], ['d']],
  ] as const)('in a union: %s', (_, branches, good, bad) => {
    const union = Type.Union([...branches] as TSchema[])
    for (const value of good) expectSame(union, value)
    for (const value of bad) expectRefused(union, value)
  })
})

describe.runIf(isOn)('parts that are named', () => {
  const refs = Type.Unsafe({
    $defs: {
      Name: { type: 'string' },
      Point: { type: 'object', required: ['x'], properties: { x: { type: 'integer' } } },
    },
    type: 'object',
    required: ['a', 'b', 'names'],
    properties: {
      a: { $ref: '#/$defs/Point' },
      b: { $ref: '#/$defs/Point' },
      names: { type: 'array', items: { $ref: '#/$defs/Name' } },
    },
  } as unknown as TSchema)

  it('are what they stand for, wherever they are named', () => {
    expectSame(refs, { a: { x: 1 }, b: { x: -2 }, names: ['a', ''] })
    expectRefused(refs, { a: { x: 1 }, b: { x: 'no' }, names: [] })
    expectRefused(refs, { a: { x: 1 }, b: { x: 2 }, names: [0] })
  })
})

describe.runIf(isOn)('too little room', () => {
  /** Each length of memory up to what is needed, and one more. */
  function expectRoomToMatter(schema: TSchema, value: unknown, step = 1): void {
    const compiled = compiledOf(gateOf(schema))
    const packed = pack(gateOf(schema).toWire(value, defaultLimits)).slice()
    for (let length = 0; length < packed.length; length += step)
      expect(compiled.encode(value, new Uint8Array(length), 0, defaultLimits), `of ${length}`).toBe(NO_ROOM)
    // Some writers want a few bytes more than they use; no more than a number can have.
    const enough = new Uint8Array(packed.length + 12)
    const end = compiled.encode(value, enough, 0, defaultLimits)
    expect(Buffer.compare(enough.subarray(0, end), packed)).toBe(0)
  }

  it('is told for bytes, long constants and maps alike, and nothing is written behind it', () => {
    expectRoomToMatter(Bytes(), new Uint8Array(300).fill(7))
    expectRoomToMatter(Type.Literal('x'.repeat(100)), 'x'.repeat(100))
    expectRoomToMatter(Type.Record(Type.String(), Type.Integer()), { a: 1, bb: 200, ccc: 70_000 })
    expectRoomToMatter(Type.Object({ a: Type.Literal('y'.repeat(65)), b: Bytes() }), {
      a: 'y'.repeat(65),
      b: new Uint8Array(20),
    })
  })
})

describe.runIf(isOn)('large maps and lists', () => {
  it('say how many there are in as few bytes as that takes', () => {
    const record = Type.Record(Type.String(), Type.Null())
    const list = Type.Array(Type.Null())
    for (const count of [15, 16, 0xffff, 0x1_0000]) {
      const limits = { ...defaultLimits, maxNodes: 1_000_000 }
      const value = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, null]))
      const compiled = compiledOf(gateOf(record))
      const end = compiled.encode(value, room, 0, limits)
      expect(Buffer.compare(room.subarray(0, end), pack(value))).toBe(0)
      const nulls = Array<null>(count).fill(null)
      const listEnd = compiledOf(gateOf(list)).encode(nulls, room, 0, limits)
      expect(Buffer.compare(room.subarray(0, listEnd), pack(nulls))).toBe(0)
    }
  })
})

describe.runIf(isOn)('an optional property that is not listed', () => {
  const schema = Type.Object({ a: Type.Integer(), b: Type.Optional(Type.Integer()) })
  const hiding = (value: unknown) => Object.defineProperty({ a: 1 }, 'b', { value, enumerable: false })

  it('is absent where it is undefined, and for the reference path to judge otherwise', () => {
    const compiled = compiledOf(gateOf(schema))
    expect(compiled.encode(hiding(undefined), room, 0, defaultLimits)).toBe(pack({ a: 1 }).length)
    expect(compiled.encode(hiding(2), room, 0, defaultLimits)).toBe(-1)
    expect(compiled.pass(hiding(undefined), defaultLimits)).toEqual({ a: 1 })
    expect(compiled.pass(hiding(2), defaultLimits)).toBe(UNDECIDED)
  })
})
