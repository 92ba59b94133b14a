/**
 * Values of every kind where a schema expects something, alone and inside of all that holds values (spec/codecs.md): what the compiled
 * path writes or passes, the reference writes and passes alike; and it decides what fits.
 */
import { isDeepStrictEqual } from 'node:util'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, type Gate, gateOf, Misfit, Timestamp } from '../../../src/contract/index.ts'
import { pack, unpack } from '../../../src/wire/index.ts'
import { compiledOf, isOn, UNDECIDED } from './subject.ts'

const limits = { maxDepth: 64, maxNodes: 10_000 }
const room = new Uint8Array(4_096)

class Thing {
  a = 1
}

/** Of every kind, and of the forms that an object or a list may have. */
const values: readonly unknown[] = [
  ...[undefined, null, true, false, 0, -0, 1, 5, 127, 128, 1.5, -40, -41, 65_535, 65_536, Number.NaN],
  ...[Number.POSITIVE_INFINITY, 2 ** 60, 'a', 'b', '', 'é', '\ud800', 'x'.repeat(50), Symbol('s'), () => 1],
  ...[5n, -1n, 2n ** 63n - 1n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 63n), -(2n ** 63n) - 1n],
  ...[new Date(5), new Date(Number.NaN), Uint8Array.of(1), new Uint8Array(300), new Map(), new Thing(), /x/],
  ...[[], [true], [1, true], [1, true, 1], ['a', true], [null], [undefined], new Array(2), { length: 0 }],
  ...[
    [true, true, true, true, true, true],
    [true, true, true, true, true, true, true],
  ],
  ...[
    {},
    { a: 1 },
    { a: 0 },
    { a: 2 },
    { a: 1, b: true },
    { a: 1, b: 2 },
    { b: true, a: 1 },
    { a: 1, c: 1 },
    { a: 'x' },
  ],
  ...[
    { a: undefined },
    { a: 1, b: undefined },
    { c: 1, a: 1 },
    { a: 1, [Symbol('s')]: 1 },
    { toString: 1 },
    { 'x\ny': 1 },
  ],
  ...[{ '\ud800': 1 }, JSON.parse('{"__proto__":1}'), JSON.parse('{"a":1,"__proto__":1}')],
  Object.assign(Object.create(null), { a: 1 }),
  Object.assign([], { a: 1 }),
  Object.defineProperty({}, 'a', { value: 1 }),
  Object.defineProperty({ a: 1 }, 'b', { value: true }),
  Object.defineProperty({ a: 1 }, 'c', { value: 1 }),
  Object.create({ a: 1 }),
]
const schemas: Readonly<Record<string, TSchema>> = {
  Null: Type.Null(),
  Undefined: Type.Undefined(),
  Boolean: Type.Boolean(),
  Number: Type.Number(),
  Integer: Type.Integer({ minimum: -40, exclusiveMaximum: 65_536 }),
  BigInt: Type.BigInt(),
  String: Type.String(),
  Bytes: Bytes(),
  Timestamp: Timestamp(),
  Literal: Type.Literal('a'),
  'a checked text': Type.String({ minLength: 1, maxLength: 40 }),
  'a checked number': Type.Number({ multipleOf: 2 }),
  'checked bytes': Bytes({ maxBytes: 100 }),
  'one of several': Type.Unsafe({ enum: ['a', 0, 5, true, null] }),
  'a list': Type.Array(Type.Boolean(), { minItems: 1, maxItems: 6 }),
  'a tuple': Type.Tuple([Type.Integer(), Type.Boolean()]),
  'an object': Type.Object({ a: Type.Integer(), b: Type.Optional(Type.Boolean()) }),
  'a strict object': Type.Object({ a: Type.Integer() }, { additionalProperties: false }),
  'a strict object with what may be absent': Type.Object(
    { a: Type.Integer(), b: Type.Optional(Type.Boolean()) },
    { additionalProperties: false },
  ),
  'an object of none': Type.Object({}),
  'a record': Type.Record(Type.String(), Type.Integer()),
  'a union': Type.Union([Type.Null(), Type.Boolean(), Type.String(), Type.Array(Type.Null()), Type.Literal(5)]),
  'objects that a constant tells apart, and constants': Type.Union([
    Type.Object({ a: Type.Literal(0) }),
    Type.Object({ a: Type.Literal(1), b: Type.Optional(Type.Boolean()) }),
    Type.Literal('a'),
    Type.Literal('b'),
  ]),
}
const holders: readonly [schema: (inner: TSchema) => TSchema, value: (inner: unknown) => unknown][] = [
  [(inner) => inner, (inner) => inner],
  [(inner) => Type.Array(inner), (inner) => [inner]],
  [(inner) => Type.Tuple([inner, Type.Null()]), (inner) => [inner, null]],
  [(inner) => Type.Object({ k: inner, n: Type.Null() }), (inner) => ({ k: inner, n: null })],
  [(inner) => Type.Object({ k: Type.Optional(inner) }, { additionalProperties: false }), (inner) => ({ k: inner })],
  [(inner) => Type.Record(Type.String(), inner), (inner) => ({ k: inner })],
]

const REFUSED = Symbol('refused')
function outcomeOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    if (error instanceof Misfit) return REFUSED
    throw error
  }
}

const back = (gate: Gate, bytes: Uint8Array) => gate.fromWire(unpack(bytes, 0, bytes.length, limits))

/** Says where the two paths differ about a value, if they do. */
function differenceOf(gate: Gate, value: unknown): string | undefined {
  const compiled = compiledOf(gate)
  const written = outcomeOf(() => pack(gate.toWire(value, limits)).slice())
  const end = compiled.encode(value, room, 3, limits)
  if (end >= 0) {
    if (written === REFUSED) return 'encodes what does not fit'
    const bytes = written as Uint8Array // as it was not refused
    if (bytes.length !== end - 3 || !isDeepStrictEqual(back(gate, room.slice(3, end)), back(gate, bytes)))
      return 'encodes otherwise'
  }
  const passed = compiled.pass(value, limits)
  if (passed === UNDECIDED) return undefined
  const reference = outcomeOf(() => gate.inMemory(value, limits))
  if (reference === REFUSED) return 'passes what does not fit'
  return isDeepStrictEqual(passed, reference) ? undefined : 'passes otherwise'
}

describe.runIf(isOn)('any value where there should be', () => {
  it.each(Object.entries(schemas))('%s is what the reference says, wherever it stands', (name, inner) => {
    for (const [schemaOf, wrap] of holders) {
      const schema = schemaOf(inner)
      if (name === 'Undefined' && schema !== inner) continue // it may be absent, and is not covered
      const gate = gateOf(schema)
      expect(compiledOf(gate).isCovered).toBe(true)
      for (const [index, value] of values.entries()) {
        const whole = wrap(value)
        const difference = differenceOf(gate, whole)
        if (difference) expect.unreachable(`${JSON.stringify(schema)} ${difference}: the value ${index}`)
      }
    }
  })

  it.each(Object.entries(schemas))('%s is decided by the compiled path where it fits as many do', (_, inner) => {
    const gate = gateOf(inner)
    const compiled = compiledOf(gate)
    const fitting = values.filter((value) => outcomeOf(() => gate.toWire(value, limits)) !== REFUSED)
    const bytes = fitting.map((value) => pack(gate.toWire(value, limits)).slice())
    const decided = [
      fitting.filter((value) => compiled.encode(value, room, 3, limits) >= 0),
      fitting.filter((value) => compiled.pass(value, limits) !== UNDECIDED),
      bytes.filter((one) => compiled.decode(one, 0, one.length, limits) !== UNDECIDED),
    ]
    expect(fitting.length).toBeGreaterThan(0)
    for (const { length } of decided) expect(length).toBeGreaterThanOrEqual(fitting.length / 3)
  })
})

describe.runIf(isOn)('an object of many properties', () => {
  it.each([16, 29, 30, 31, 61, 120])('of %i has each of them, once, and in any order', (count) => {
    const names = Array.from({ length: count }, (_, index) => `p${index}`)
    const gate = gateOf(Type.Object(Object.fromEntries(names.map((name) => [name, Type.Integer()]))))
    const compiled = compiledOf(gate)
    const entries = names.map((name, index) => [name, index % 100] as const)
    const value = Object.fromEntries(entries)
    const decoded = (some: readonly (readonly [string, number])[]) => {
      const body = some.flatMap(([name, number]) => [...pack(name), ...pack(number)])
      return compiled.decode(Uint8Array.from([0xde, 0, some.length, ...body]), 0, 3 + body.length, limits)
    }
    expect(decoded(entries)).toEqual(value)
    expect(decoded([...entries].reverse())).toEqual(value)
    for (const [index, entry] of entries.entries()) {
      const others = entries.toSpliced(index, 1)
      expect(decoded(others), `without ${entry[0]}`).toBe(UNDECIDED)
      expect(decoded([...others, entries[(index + 1) % count] ?? entry]), `without ${entry[0]}, of another two`).toBe(
        UNDECIDED,
      )
      expect(decoded([...entries, entry]), `with ${entry[0]} twice`).toBe(UNDECIDED)
      const without = Object.fromEntries(others)
      expect([compiled.encode(without, room, 0, limits), compiled.pass(without, limits)]).toEqual([-1, UNDECIDED])
    }
    const end = compiled.encode(value, room, 0, limits)
    expect(Buffer.compare(room.subarray(0, end), pack(value))).toBe(0)
    expect(compiled.pass(value, limits)).toBe(value)
  })
})

describe.runIf(isOn)('a list that changes while it is looked at', () => {
  it('is left to the reference', () => {
    const compiled = compiledOf(gateOf(Type.Array(Type.Object({ a: Type.Integer() }))))
    const list: unknown[] = [
      {
        get a() {
          list.push({ a: 1 })
          return 1
        },
      },
    ]
    expect(compiled.encode(list, room, 0, limits)).toBe(-1)
  })
})
