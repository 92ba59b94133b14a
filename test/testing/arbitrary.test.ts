import fc from 'fast-check'
import Type, { type Static, type TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defaultLimits } from '../../src/limits.ts'
import { type ArbitraryOptions, arbitrary } from '../../src/testing/index.ts'
import { Even } from './schema-table.ts'
import { arbitrarySchema, schemaTable } from './schemas.ts'

const SEED = 20_240_601

function sample<const S extends TSchema>(schema: S, numRuns = 300, options: ArbitraryOptions = {}): Static<S>[] {
  return fc.sample(arbitrary(schema, options), { numRuns, seed: SEED })
}

/** Every string in a value, names included. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return []
  return Array.isArray(value)
    ? value.flatMap(stringsIn)
    : Object.entries(value).flatMap(([name, inner]) => [name, ...stringsIn(inner)])
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

describe('every value', () => {
  test.each(schemaTable)('of $name fits, is well formed and not too deep', ({ schema }) => {
    for (const value of sample(schema, 150)) {
      if (!Check(schema, value)) expect.fail(`does not fit: ${fc.stringify(value)}`)
      for (const text of stringsIn(value)) expect(text.isWellFormed()).toBe(true)
      expect(depthOf(value)).toBeLessThan(defaultLimits.maxDepth)
    }
  })

  test.each(schemaTable)('of $name fits while it is made smaller', ({ schema }) => {
    let runs = 0
    const misfits: unknown[] = []
    const property = fc.property(fc.limitShrink(arbitrary(schema), 100), (value) => {
      if (!Check(schema, value)) misfits.push(value)
      return ++runs < 3
    })
    expect(fc.check(property, { seed: SEED }).failed).toBe(true)
    expect(misfits).toEqual([])
  })

  test('of any supported schema fits', () => {
    fc.assert(
      fc.property(arbitrarySchema(), fc.integer(), (schema, seed) => {
        for (const value of fc.sample(arbitrary(schema), { numRuns: 20, seed })) expect(Check(schema, value)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('has the static type of its schema', () => {
    const User = Type.Object({ name: Type.String(), age: Type.Optional(Type.Integer()) })
    expectTypeOf(arbitrary(User)).toEqualTypeOf<fc.Arbitrary<{ name: string; age?: number }>>()
    expectTypeOf(arbitrary(Type.Union([Type.Literal('a'), Type.BigInt()]))).toEqualTypeOf<fc.Arbitrary<'a' | bigint>>()
  })
})

describe('values are worth testing with', () => {
  test('numbers: edges of encodings, -0, fractions and everyday ones', () => {
    const numbers = sample(Type.Number(), 2_000)
    for (const edge of [-0, 0, -1, 255, 256, 2 ** 31, 2 ** 32, 2 ** 53, Number.MAX_VALUE]) {
      expect(
        numbers.some((n) => Object.is(n, edge)),
        `${edge}`,
      ).toBe(true)
    }
    expect(numbers.some((n) => !Number.isInteger(n))).toBe(true)
    const integers = sample(Type.Integer(), 2_000)
    expect(integers.every(Number.isInteger)).toBe(true)
    expect(integers.some((n) => Object.is(n, -0))).toBe(true)
    expect(sample(Type.Integer({ minimum: 1 }), 2_000).some((n) => Object.is(n, -0))).toBe(false)
  })

  test('bigints: both ends of 64 bits, never beyond', () => {
    const bigints = sample(Type.BigInt(), 2_000)
    for (const edge of [-(2n ** 63n), 0n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) expect(bigints).toContain(edge)
    expect(bigints.every((n) => n >= -(2n ** 63n) && n < 2n ** 64n)).toBe(true)
  })

  test('strings: empty, two to four bytes of UTF-8, a BOM, NUL, lengths where the header changes', () => {
    const strings = sample(Type.String(), 2_000)
    for (const odd of ['é', '漢', '😀', '\ufeff', '\0'])
      expect(
        strings.some((text) => text.includes(odd)),
        odd,
      ).toBe(true)
    for (const length of [0, 31, 32, 255, 256])
      expect(
        strings.some((text) => text.length === length),
        `${length}`,
      ).toBe(true)
  })

  test('lengths count code points', () => {
    const strings = sample(Type.String({ minLength: 3, maxLength: 3 }))
    expect(strings.every((text) => [...text].length === 3)).toBe(true)
    expect(strings.some((text) => text.length > 3)).toBe(true)
  })

  test('patterns get characters beyond ASCII where they take them', () => {
    expect(sample(Type.String({ pattern: '^[^/]+$' })).some((text) => /[^\0-\x7f]/.test(text))).toBe(true)
    expect(sample(Type.String({ pattern: 'needle' })).some((text) => text !== 'needle')).toBe(true)
  })

  test('optional properties are absent or present, never undefined, and in any order', () => {
    const values = sample(
      Type.Object({ a: Type.Number(), b: Type.Optional(Type.Number()), c: Type.Optional(Type.Undefined()) }),
    )
    expect(values.some((value) => 'b' in value)).toBe(true)
    expect(values.some((value) => !('b' in value))).toBe(true)
    expect(values.some((value) => 'b' in value && value.b === undefined)).toBe(false)
    expect(values.some((value) => 'c' in value)).toBe(true)
    expect(values.some((value) => Object.keys(value)[0] === 'b')).toBe(true)
  })

  test('undeclared properties only where the schema says what they are', () => {
    const Closed = Type.Object({ a: Type.Optional(Type.Null()) })
    expect(
      sample(Closed)
        .flatMap(Object.keys)
        .every((name) => name === 'a'),
    ).toBe(true)
    const Open = Type.Object({ a: Type.Optional(Type.Null()) }, { additionalProperties: Type.Boolean() })
    const names = new Set(sample(Open).flatMap(Object.keys))
    expect(names.size).toBeGreaterThan(50)
    expect(names).not.toContain('__proto__')
    expect(names).toContain('toString')
  })

  test('a union shows each branch, also within an intersection', () => {
    const kinds = new Set(sample(Type.Union([Type.String(), Type.Number(), Type.Null()])).map((value) => typeof value))
    expect(kinds).toEqual(new Set(['string', 'number', 'object']))
    const Both = Type.Intersect([
      Type.Object({ id: Type.Integer() }),
      Type.Union([Type.Object({ a: Type.Null() }), Type.Object({ b: Type.Null() })]),
    ])
    const forms = new Set(sample(Both).map((value) => Object.keys(value).toSorted().join()))
    expect(forms).toEqual(new Set(['a,id', 'b,id']))
  })

  test('a refinement holds where another branch would let anything pass', () => {
    const Loose = Type.Union([Type.Object({ a: Even }), Type.Record(Type.String({ pattern: '^b' }), Type.Null())])
    const values = sample(Loose).filter((value) => 'a' in value)
    expect(values.length).toBeGreaterThan(50)
    expect(values.every((value) => Check(Even, value.a))).toBe(true)
  })

  test('unknown is whatever can travel and nothing else', () => {
    const kindsIn = (value: unknown): string[] => {
      const kind = value === null ? 'null' : Object.prototype.toString.call(value).slice(8, -1)
      const isContainer = kind === 'Array' || kind === 'Object'
      return [kind, ...(isContainer ? Object.values(value as object).flatMap(kindsIn) : [])] // a container is an object
    }
    const kinds = new Set(sample(Type.Unknown(), 1_000).flatMap(kindsIn))
    expect(kinds).toEqual(
      new Set(['null', 'Boolean', 'Number', 'String', 'BigInt', 'Uint8Array', 'Date', 'Array', 'Object']),
    )
  })

  test('recursion goes some levels down and ends', () => {
    const List = Type.Cyclic({ L: Type.Union([Type.Null(), Type.Object({ next: Type.Ref('L') })]) }, 'L')
    const depths = sample(List, 1_000).map(depthOf)
    expect(Math.min(...depths)).toBe(0)
    expect(Math.max(...depths)).toBeGreaterThanOrEqual(4)
    const Wide = Type.Cyclic({ W: Type.Record(Type.String(), Type.Ref('W')) }, 'W')
    expect(Math.max(...sample(Wide).map((value) => stringsIn(value).length))).toBeLessThan(1_000)
  })

  test('recursion that must go on ends as soon as it can', () => {
    const Deep = Type.Cyclic(
      {
        D: Type.Union([
          Type.Object({ left: Type.Ref('D'), right: Type.Ref('D') }),
          Type.Tuple([Type.Array(Type.Ref('E'), { minItems: 2 })]),
        ]),
        E: Type.Union([Type.Ref('D'), Type.Boolean()]),
      },
      'D',
    )
    for (const value of sample(Deep)) expect(depthOf(value)).toBeLessThan(20)
  })

  test('a failure shrinks to something small', () => {
    const Tree = Type.Cyclic(
      { T: Type.Object({ n: Type.Integer({ minimum: 0 }), children: Type.Array(Type.Ref('T')) }) },
      'T',
    )
    const hasTwo = (tree: Static<typeof Tree>): boolean =>
      tree.children.length > 1 || tree.children.some((child) => hasTwo(child))
    const { counterexample } = fc.check(
      fc.property(arbitrary(Tree), (tree) => !hasTwo(tree)),
      { seed: SEED },
    )
    expect(counterexample).toEqual([
      {
        n: 0,
        children: [
          { n: 0, children: [] },
          { n: 0, children: [] },
        ],
      },
    ])
  })
})
