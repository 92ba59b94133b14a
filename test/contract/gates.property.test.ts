/** What holds of every gate, for schemas and values made by chance: nothing is lost, changed or copied without need. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gateOf, Misfit } from '../../src/contract/index.ts'
import { anything } from '../../src/testing/anything.ts'
import { firstDifference } from '../../src/testing/difference.ts'
import { arbitrary } from '../../src/testing/index.ts'
import { arbitrarySchema, schemaTable } from '../testing/schemas.ts'
import { frozen, inMemory, overWire } from './over-wire.ts'

const schemas = fc.oneof(fc.constantFrom(...schemaTable.map(({ schema }) => schema)), arbitrarySchema(2))

/** A schema with some values that fit it. */
const fitting = fc.tuple(schemas, fc.nat()).map(([schema, seed]) => {
  return { schema, values: fc.sample(arbitrary(schema), { numRuns: 4, seed }) }
})

/** The value with an undeclared property in its outermost objects. */
function withExtra(value: unknown, extra: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value
  return Array.isArray(value) ? value.map((item) => withExtra(item, extra)) : { ...value, undeclared: extra }
}

test('what fits is the same object in memory, and the same value over a wire', () => {
  fc.assert(
    fc.property(fitting, ({ schema, values }) => {
      for (const value of values) {
        frozen(value)
        expect(inMemory(schema, value)).toBe(value)
        expect(gateOf(schema).fromWire(value)).toBe(value)
        expect(firstDifference(value, overWire(schema, value))).toBeUndefined()
      }
    }),
    { numRuns: 200 },
  )
})

test('what has passed once passes again, and does not change any more', () => {
  fc.assert(
    fc.property(fitting, anything(1), ({ schema, values }, extra) => {
      for (const value of values) {
        const sent = frozen(withExtra(value, extra))
        let once: unknown
        try {
          once = inMemory(schema, sent)
        } catch (error) {
          expect(error).toBeInstanceOf(Misfit)
          continue
        }
        expect(inMemory(schema, once)).toBe(once)
        expect(firstDifference(once, overWire(schema, once))).toBeUndefined()
      }
    }),
    { numRuns: 200 },
  )
})

test('any value at all passes or is a misfit: nothing else is thrown', () => {
  const values = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true })
  fc.assert(
    fc.property(schemas, values, (schema, value) => {
      const gate = gateOf(schema)
      for (const way of ['inMemory', 'toWire', 'fromWire'] as const) {
        try {
          gate[way](value)
        } catch (error) {
          expect(error).toBeInstanceOf(Misfit)
        }
      }
    }),
    { numRuns: 500 },
  )
})
