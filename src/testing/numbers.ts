/**
 * Numbers, integers and bigints within their keywords (spec/testing.md), the edges of every MessagePack integer and of
 * double precision among them. A string instead of an arbitrary says why there is no such number.
 */
import fc from 'fast-check'
import { checkOf, type Shape } from '../contract/index.ts'

type NumberShape = Extract<Shape, { kind: 'number' }>
type BigIntShape = Extract<Shape, { kind: 'bigint' }>

interface Keywords {
  readonly minimum?: number | bigint
  readonly maximum?: number | bigint
  readonly exclusiveMinimum?: number | bigint
  readonly exclusiveMaximum?: number | bigint
  readonly multipleOf?: number | bigint
}

/** Where an encoding changes its form, or a number its exactness. */
const integerEdges = [
  -0,
  0,
  1,
  -1,
  127,
  128,
  255,
  256,
  -32,
  -33,
  -128,
  -129,
  32_767,
  32_768,
  65_535,
  65_536,
  -32_768,
  -32_769,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53) + 1,
  -(2 ** 53),
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  1e300,
]
const fractionEdges = [0.1, -0.5, 1 / 3, Number.MIN_VALUE, Number.EPSILON, Number.MAX_VALUE, -Number.MAX_VALUE]
const bigIntEdges = [
  0n,
  1n,
  -1n,
  127n,
  128n,
  -32n,
  -33n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n),
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  -(2n ** 63n),
]

const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

/** Multiples of a fraction get inexact as they grow, and past this they are not recognised as multiples any more. */
const MAX_FRACTION_MULTIPLE = 10_000

/** Numbers that fit all of these shapes. */
export function numbersOf(shapes: readonly NumberShape[]): fc.Arbitrary<number> | string {
  const keywords = shapes.map((shape) => shape.schema as Keywords) // the shape is a number, so these keywords are meant
  const min = Math.max(...keywords.map((k) => Number(k.minimum ?? -Number.MAX_VALUE)))
  const above = Math.max(...keywords.map((k) => Number(k.exclusiveMinimum ?? Number.NEGATIVE_INFINITY)))
  const max = Math.min(...keywords.map((k) => Number(k.maximum ?? Number.MAX_VALUE)))
  const below = Math.min(...keywords.map((k) => Number(k.exclusiveMaximum ?? Number.POSITIVE_INFINITY)))
  if (min > max || above >= max || below <= min || above >= below) return 'no number is within its bounds'

  const step = keywords.find((k) => k.multipleOf !== undefined)?.multipleOf
  const isInteger = shapes.some((shape) => shape.integer)
  const [low, high] = [Math.max(min, above), Math.min(max, below)]
  const whole = () =>
    integersWithin(
      above >= min ? Math.floor(above) + 1 : Math.ceil(min),
      below <= max ? Math.ceil(below) - 1 : Math.floor(max),
    )
  const doubles = () =>
    fc.double({ min: low, max: high, minExcluded: above >= min, maxExcluded: below <= max, noNaN: true })
  const common =
    step !== undefined ? multiplesOf(Number(step), low, high) : isInteger ? whole() : either(doubles(), whole())
  if (typeof common === 'string') return common
  const edges = [...integerEdges, ...(isInteger ? [] : fractionEdges), min, max].filter((edge) =>
    shapes.every((shape) => checkOf(shape)(edge)),
  )
  return withEdges(common, edges)
}

/** Doubles alone are nearly all far too large or small to be anybody's number. */
function either(doubles: fc.Arbitrary<number>, whole: fc.Arbitrary<number> | string): fc.Arbitrary<number> {
  return typeof whole === 'string' ? doubles : fc.oneof(doubles, whole)
}

function integersWithin(low: number, high: number): fc.Arbitrary<number> | string {
  if (low > high) return 'no whole number is within its bounds'
  const [min, max] = [Math.max(low, Number.MIN_SAFE_INTEGER), Math.min(high, Number.MAX_SAFE_INTEGER)]
  if (min <= max) return fc.integer({ min, max })
  return fc.double({ min: low, max: high, noNaN: true }) // past 2^53 every double is a whole number
}

function multiplesOf(step: number, low: number, high: number): fc.Arbitrary<number> | string {
  const limit = Number.isInteger(step) ? Number.MAX_SAFE_INTEGER / Math.max(1, Math.abs(step)) : MAX_FRACTION_MULTIPLE
  const nearest = (bound: number, round: (n: number) => number) => round(bound / step)
  const [from, to] = [nearest(low, Math.ceil), nearest(high, Math.floor)]
  if (from > to) return `no multiple of ${step} is within its bounds`
  // Bounds beyond the limit are honoured as far as possible: the check of the whole drops what is inexact.
  const min = Math.min(Math.max(from, -Math.floor(limit)), Math.floor(limit))
  const max = Math.max(Math.min(to, Math.floor(limit)), min)
  return fc
    .integer({ min: Math.max(min, Number.MIN_SAFE_INTEGER), max: Math.min(max, Number.MAX_SAFE_INTEGER) })
    .map((n) => n * step)
}

/** Bigints of 64 bits that fit all of these shapes. */
export function bigIntsOf(shapes: readonly BigIntShape[]): fc.Arbitrary<bigint> | string {
  const keywords = shapes.map((shape) => shape.schema as Keywords) // the shape is a bigint, so these keywords are meant
  let [min, max] = [MIN_INT64, MAX_UINT64]
  for (const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } of keywords) {
    if (minimum !== undefined) min = larger(min, bigIntFrom(minimum, Math.ceil))
    if (exclusiveMinimum !== undefined) min = larger(min, bigIntFrom(exclusiveMinimum, Math.floor) + 1n)
    if (maximum !== undefined) max = smaller(max, bigIntFrom(maximum, Math.floor))
    if (exclusiveMaximum !== undefined) max = smaller(max, bigIntFrom(exclusiveMaximum, Math.ceil) - 1n)
  }
  if (min > max) return 'no bigint of 64 bits is within its bounds'
  const step = keywords.find((k) => k.multipleOf !== undefined)?.multipleOf
  const edges = [...bigIntEdges, min, max].filter(
    (edge) => edge >= min && edge <= max && shapes.every((shape) => checkOf(shape)(edge)),
  )
  if (step === undefined) return withEdges(fc.bigInt({ min, max }), edges)

  const size = larger(bigIntFrom(step, Math.abs), -bigIntFrom(step, Math.abs))
  const [from, to] = [divideUp(min, size), -divideUp(-max, size)]
  if (from > to) return `no multiple of ${step} is within its bounds`
  return withEdges(
    fc.bigInt({ min: from, max: to }).map((n) => n * size),
    edges,
  )
}

function withEdges<T>(common: fc.Arbitrary<T>, edges: readonly T[]): fc.Arbitrary<T> {
  return edges.length === 0
    ? common
    : fc.oneof({ weight: 4, arbitrary: common }, { weight: 1, arbitrary: fc.constantFrom(...edges) })
}

function bigIntFrom(value: number | bigint, round: (n: number) => number): bigint {
  return typeof value === 'bigint' ? value : BigInt(round(value))
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** The quotient, rounded towards positive infinity. */
function divideUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  return dividend % divisor > 0n ? quotient + 1n : quotient
}
