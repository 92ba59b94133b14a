/**
 * Values for a schema that says nothing (`Unknown`, `Any`): all that MessagePack carries and nothing else (spec/types.md).
 */
import fc from 'fast-check'
import { namesOf } from './names.ts'
import { wellFormedText } from './well-formed.ts'

/** Seconds before and after which MessagePack's timestamp takes 4, 8 and 12 bytes, and the ends of `Date`. */
const timestampEdges = [
  0,
  1,
  -1,
  999,
  2 ** 32 * 1000 - 1,
  2 ** 32 * 1000,
  2 ** 34 * 1000 - 1,
  2 ** 34 * 1000,
  8.64e15,
  -8.64e15,
]

/** Points in time, whole milliseconds. */
export function timestamps(): fc.Arbitrary<Date> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.date({ noInvalidDate: true }) },
    { weight: 1, arbitrary: fc.constantFrom(...timestampEdges).map((ms) => new Date(ms)) },
  )
}

/** Binary data; 255 and 256 bytes are where MessagePack's header changes. */
export function bytes(minLength = 0, maxLength?: number): fc.Arbitrary<Uint8Array> {
  const common = fc.uint8Array({ minLength, ...(maxLength === undefined ? {} : { maxLength }) })
  const edges = [255, 256].filter((length) => length >= minLength && length <= (maxLength ?? Number.POSITIVE_INFINITY))
  if (edges.length === 0) return common
  return fc.oneof(
    { weight: 9, arbitrary: common },
    { weight: 1, arbitrary: fc.constantFrom(...edges).map((length) => new Uint8Array(length).fill(7)) },
  )
}

const scalars = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constantFrom(-0, 2 ** 31, 2 ** 32, 2 ** 53),
    ),
    wellFormedText(),
    fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.constantFrom(0n, -1n, 2n ** 63n - 1n, 2n ** 63n),
    ),
    bytes(0, 300),
    timestamps(),
  )

/** Any value that can travel, with at most `maxDepth` containers inside each other. */
export function anything(maxDepth: number): fc.Arbitrary<unknown> {
  let values = scalars()
  for (let depth = 0; depth < maxDepth; depth++) {
    const inner = values
    values = fc.oneof(
      { weight: 4, arbitrary: scalars() },
      { weight: 1, arbitrary: fc.array(inner, { maxLength: 4 }) },
      { weight: 1, arbitrary: fc.dictionary(namesOf(), inner, { maxKeys: 4, noNullPrototype: true }) },
    )
  }
  return values
}
