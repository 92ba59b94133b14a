import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { describe, expect, test } from 'vitest'
import { Bytes, contract, notify, Timestamp, unary } from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { checkRoundTrip } from '../../src/testing/index.ts'
import { type CodecOf, checkRoundTripWith } from '../../src/testing/round-trip.ts'
import { codec } from '../../src/wire/index.ts'
import { arbitrarySchema, schemaTable } from './schemas.ts'

const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Timestamp() }) },
  }),
  log: notify(Type.Object({ line: Type.String() })),
})

/** The error that `act` throws, for a look at its parts. */
function errorOf(act: () => unknown): NanowireError<string, { part: string; counterexample: unknown; seed: number }> {
  try {
    act()
  } catch (error) {
    if (error instanceof NanowireError)
      return error as NanowireError<string, { part: string; counterexample: unknown; seed: number }> // as documented
    throw error
  }
  return expect.fail('nothing was thrown')
}

describe('checkRoundTrip', () => {
  test.each(schemaTable)('$name survives the wire', ({ schema }) => {
    expect(checkRoundTrip(schema, { numRuns: 150 })).toEqual({ checked: 150 })
  })

  test('any supported schema survives the wire', () => {
    fc.assert(
      fc.property(arbitrarySchema(), fc.integer(), (schema, seed) => {
        checkRoundTrip(schema, { numRuns: 20, seed })
      }),
      { numRuns: 300 },
    )
  })

  test('of a contract takes each request, reply and declared error; a notify has no reply', () => {
    expect(checkRoundTrip(Greeter, { numRuns: 10 })).toEqual({ checked: 40 })
    expect(checkRoundTrip(Greeter)).toEqual({ checked: 400 })
  })

  test('passes overrides on', () => {
    const seen: unknown[] = []
    const watch: CodecOf = (schema) => {
      const { encode, decode } = codec(schema)
      return {
        encode: (value) => {
          seen.push(value)
          return encode(value)
        },
        decode,
      }
    }
    const override = (schema: Readonly<Record<string, unknown>>) =>
      schema['type'] === 'string' ? fc.constant('Ada') : undefined
    checkRoundTripWith(watch, Type.Object({ name: Type.String() }), { numRuns: 3, override })
    expect(seen).toEqual([{ name: 'Ada' }, { name: 'Ada' }, { name: 'Ada' }])
  })

  test('refuses a run of nothing, and what cannot travel', () => {
    expect(() => checkRoundTrip(Greeter, { numRuns: 0 })).toThrow('numRuns is a whole number from 1, not 0')
    expect(() => checkRoundTrip(Type.Unsafe({ type: 'function' }))).toThrow(/cannot travel.* a function/)
  })
})

/** A codec that changes what it decodes, or what it encodes. */
function broken(change: {
  decoded?: (value: unknown) => unknown
  encoded?: (bytes: Uint8Array) => Uint8Array
}): CodecOf {
  return (schema) => {
    const { encode, decode } = codec(schema)
    const { decoded = (value) => value, encoded = (bytes) => bytes } = change
    return { encode: (value) => encoded(encode(value)), decode: (bytes) => decoded(decode(bytes)) }
  }
}

/** Applies `change` to everything in a value that has no parts. */
function leaves(value: unknown, change: (leaf: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date)
    return change(value)
  if (Array.isArray(value)) return value.map((item) => leaves(item, change))
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, leaves(inner, change)]))
}

describe('a broken codec is found out', () => {
  const Everything = Type.Object({
    n: Type.Number(),
    i: Type.Integer(),
    big: Type.BigInt(),
    text: Type.String(),
    bytes: Bytes(),
    at: Timestamp(),
    list: Type.Array(Type.Unknown()),
    maybe: Type.Optional(Type.Number()),
    nil: Type.Union([Type.Null(), Type.Boolean()]),
  })
  const mutations: readonly [string, (leaf: unknown) => unknown][] = [
    ['-0 becomes 0', (leaf) => (Object.is(leaf, -0) ? 0 : leaf)],
    ['doubles become floats', (leaf) => (typeof leaf === 'number' ? Math.fround(leaf) : leaf)],
    ['integers become 32 bits', (leaf) => (Number.isInteger(leaf) ? Number(leaf) | 0 : leaf)],
    ['bigints become numbers', (leaf) => (typeof leaf === 'bigint' ? Number(leaf) : leaf)],
    ['bigints become signed', (leaf) => (typeof leaf === 'bigint' ? BigInt.asIntN(64, leaf) : leaf)],
    ['a BOM is stripped', (leaf) => (typeof leaf === 'string' ? leaf.replace(/^\ufeff/, '') : leaf)],
    ['text ends at NUL', (leaf) => (typeof leaf === 'string' ? leaf.replace(/\0.*$/s, '') : leaf)],
    ['text is Latin-1', (leaf) => (typeof leaf === 'string' ? Buffer.from(leaf, 'latin1').toString('latin1') : leaf)],
    ['text is normalised', (leaf) => (typeof leaf === 'string' ? leaf.normalize('NFC') : leaf)],
    ['text is cut at 255', (leaf) => (typeof leaf === 'string' ? leaf.slice(0, 255) : leaf)],
    ['bytes become a list', (leaf) => (leaf instanceof Uint8Array ? [...leaf] : leaf)],
    ['bytes lose their last', (leaf) => (leaf instanceof Uint8Array ? leaf.subarray(0, -1) : leaf)],
    [
      'dates lose milliseconds',
      (leaf) => (leaf instanceof Date ? new Date(Math.trunc(leaf.getTime() / 1_000) * 1_000) : leaf),
    ],
    ['dates before 1970 are clamped', (leaf) => (leaf instanceof Date ? new Date(Math.max(0, leaf.getTime())) : leaf)],
    ['null becomes undefined', (leaf) => (leaf === null ? undefined : leaf)],
  ]
  test.each(mutations)('%s', (_, change) => {
    const mutant = broken({ decoded: (value) => leaves(value, change) })
    expect(errorOf(() => checkRoundTripWith(mutant, Everything, { numRuns: 1_000, seed: 7 })).code).toBe('data_loss')
  })

  test('a bit of the encoding is flipped', () => {
    const mutant = broken({
      encoded: (bytes) => bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)),
    })
    expect(errorOf(() => checkRoundTripWith(mutant, Everything, { numRuns: 1_000, seed: 7 })).code).toBe('data_loss')
  })

  test('an optional property is lost', () => {
    const mutant = broken({ decoded: (value) => (({ maybe: _, ...rest }) => rest)(value as { maybe?: unknown }) }) // Everything is an object
    expect(errorOf(() => checkRoundTripWith(mutant, Everything, { numRuns: 100, seed: 7 })).message).toMatch(
      /\/maybe: .* became undefined/,
    )
  })

  test('a required undefined is lost, though it equals absence', () => {
    const mutant = broken({ decoded: () => ({}) })
    expect(errorOf(() => checkRoundTripWith(mutant, Type.Object({ a: Type.Undefined() }), {})).message).toContain(
      'what arrives does not fit the schema any more: {}',
    )
  })

  test('the error names method, part, place, the smallest value and the seed', () => {
    const shouting: CodecOf = (schema: TSchema) =>
      broken({ decoded: (value) => leaves(value, (leaf) => (typeof leaf === 'string' ? leaf.toUpperCase() : leaf)) })(
        schema,
      )
    const error = errorOf(() => checkRoundTripWith(shouting, Greeter, { seed: 7 }))
    expect(error).toMatchObject({
      code: 'data_loss',
      processed: 'no',
      data: { part: 'greeter/hello request', seed: 7 },
    })
    expect(error.message).toMatch(
      /^greeter\/hello request does not survive the wire: \/name: "(.)" became "(.)"\n {2}counterexample: \{"name":"\1"\}\n {2}after \d+ values and \d+ steps of shrinking; again with \{ seed: 7 \}$/,
    )
    expect(error.data.counterexample).toEqual({ name: expect.stringMatching(/^.$/u) })
    expect(errorOf(() => checkRoundTripWith(shouting, Greeter, { seed: 7 })).message).toBe(error.message)
  })

  test('the error names replies and declared errors', () => {
    const { reply, errors } = Greeter.methods.hello.definition
    const brokenFor =
      (target: TSchema): CodecOf =>
      (schema) =>
        schema === target ? broken({ decoded: () => null })(schema) : codec(schema)
    expect(errorOf(() => checkRoundTripWith(brokenFor(reply), Greeter, {})).data.part).toBe('greeter/hello reply')
    expect(errorOf(() => checkRoundTripWith(brokenFor(errors.Banned), Greeter, {})).data.part).toBe(
      'greeter/hello error Banned',
    )
  })

  test('an error of the codec is a failure with its message', () => {
    const mutant: CodecOf = (schema) => ({
      ...codec(schema),
      decode: () => {
        throw new Error('out of order')
      },
    })
    expect(errorOf(() => checkRoundTripWith(mutant, Type.Null(), {})).message).toContain(
      'does not survive the wire: out of order',
    )
  })
})
