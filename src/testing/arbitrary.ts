/**
 * `arbitrary`: fast-check values of a schema (spec/testing.md). Invariant: every value fits the schema and can travel.
 */
import type fc from 'fast-check'
import type { Static, TSchema } from 'typebox'
import { checkOf, shapeOf } from '../contract/index.ts'
import { misuse } from '../errors.ts'
import { defaultLimits } from '../limits.ts'
import { requireOptions } from '../rpc/index.ts'
import { boundedFilter, describeSchema } from './bounded.ts'
import { Builder } from './build.ts'
import { type Override, Planner } from './plan.ts'
import { requireFunction } from './require.ts'

/** Options of `arbitrary`. */
export interface ArbitraryOptions {
  /**
   * Asked for every schema within the schema; what it returns generates the values of that one. They are checked all
   * the same. Needed for formats that the program registered itself, and for patterns and refinements that chance
   * hardly ever meets.
   */
  readonly override?: Override | undefined
}

/** What generated values leave of `maxDepth` for whatever they are put into. */
const MAX_DEPTH = defaultLimits.maxDepth - 4

/**
 * Values of any schema that can travel, with all its keywords: edges of encodings, empty and odd text, -0, recursion.
 *
 * @throws NanowireError `invalid_argument` when the schema cannot travel, when nothing fits it, or when a part of it
 *   needs an `override`, and for bad options; while generating, when hardly any value passes its refinements
 * @example
 * ```ts
 * fc.assert(fc.property(arbitrary(User), (user) => isDeepStrictEqual(decode(encode(user)), user)))
 * ```
 */
export function arbitrary<const S extends TSchema>(schema: S, options: ArbitraryOptions = {}): fc.Arbitrary<Static<S>> {
  requireOptions('arbitrary', options, ['override'])
  requireFunction('override', options.override)
  const shape = shapeOf(schema)
  const plan = new Planner(options.override).planOf([shape])
  const builder = new Builder()
  const height = builder.graph.heightOf(plan)
  if (height > MAX_DEPTH) {
    const reason =
      plan.kind === 'never'
        ? plan.reason
        : height === Number.POSITIVE_INFINITY
          ? 'it has no end'
          : `its values are ${height} deep`
    throw misuse(`no value fits the schema ${describeSchema(schema)}: ${reason}`)
  }
  const fitsWhole = (value: unknown) => checkOf(shape)(value) && depthOf(value) <= MAX_DEPTH
  const values = boundedFilter(builder.build(plan), fitsWhole, () => describeSchema(schema))
  return values as fc.Arbitrary<Static<S>> // every value was checked against the schema
}

/** Maps and arrays inside each other. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
