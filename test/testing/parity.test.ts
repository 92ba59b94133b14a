/** The permitted difference between a call in memory and one over a wire is that values are shared: nothing else. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Gate, gateOf, Misfit } from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { anything } from '../../src/testing/anything.ts'
import { firstDifference } from '../../src/testing/difference.ts'
import { arbitrary } from '../../src/testing/index.ts'
import { codec } from '../../src/wire/index.ts'
import { arbitrarySchema } from './schemas.ts'

/** The value with an undeclared property in each of its objects. */
function withExtra(value: unknown, extra: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value
  if (Array.isArray(value)) return value.map((item) => withExtra(item, extra))
  const entries = Object.entries(value).map(([name, inner]) => [name, withExtra(inner, extra)] as const)
  return { ...Object.fromEntries(entries), undeclared: extra }
}

function inMemory(gate: Gate, value: unknown): unknown {
  try {
    return gate.inMemory(value)
  } catch (error) {
    if (error instanceof Misfit) return error.describe()
    throw error
  }
}

function overWire({ shape }: Gate, value: unknown): unknown {
  const { encode, decode } = codec(shape.schema)
  try {
    return decode(encode(value as never)) // a schema made by chance has no static type
  } catch (error) {
    if (error instanceof NanowireError) return error.message.replace('cannot encode: ', '')
    throw error
  }
}

test('what arrives in memory is what arrives over a wire, undeclared properties and refusals included', () => {
  fc.assert(
    fc.property(arbitrarySchema(), anything(2), fc.integer(), (schema, extra, seed) => {
      const gate = gateOf(schema)
      for (const value of fc.sample(arbitrary(schema), { numRuns: 5, seed })) {
        for (const sent of [value, withExtra(value, extra)]) {
          expect(firstDifference(inMemory(gate, sent), overWire(gate, sent))).toBeUndefined()
        }
      }
    }),
    { numRuns: 300 },
  )
})
