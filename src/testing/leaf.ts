/**
 * Values without parts of their own, for shapes that must all hold at once (spec/testing.md). A string instead of an
 * arbitrary says why there is no such value.
 */
import fc from 'fast-check'
import { checkOf, type Shape } from '../contract/index.ts'
import { anything, bytes, timestamps } from './anything.ts'
import { bigIntsOf, numbersOf } from './numbers.ts'
import { stringsOf } from './text.ts'

/** Containers inside each other where the schema says nothing. */
const UNKNOWN_DEPTH = 3

/** Values of shapes that are no containers; of none at all, any value. Where there are several the caller checks them all. */
export function leavesOf(shapes: readonly Shape[]): fc.Arbitrary<unknown> | string {
  const [first] = shapes
  if (!first) return anything(UNKNOWN_DEPTH)
  const literal = shapes.find((shape) => shape.kind === 'literal')
  if (literal) {
    const values = literal.values.filter((value) => shapes.every((shape) => checkOf(shape)(value)))
    return values.length > 0 ? fc.constantFrom(...values) : 'none of its constants fits the rest of it'
  }
  const other = shapes.find((shape) => shape.kind !== first.kind)
  if (other) return `nothing is ${nameOf(first)} and ${nameOf(other)} at once`
  return leafOf(first.kind, shapes)
}

function leafOf(kind: Shape['kind'], shapes: readonly Shape[]): fc.Arbitrary<unknown> | string {
  switch (kind) {
    case 'null':
      return fc.constant(null)
    case 'undefined':
      return fc.constant(undefined)
    case 'boolean':
      return fc.boolean()
    case 'number':
      return numbersOf(shapes.filter((shape) => shape.kind === 'number'))
    case 'bigint':
      return bigIntsOf(shapes.filter((shape) => shape.kind === 'bigint'))
    case 'string':
      return stringsOf(shapes.filter((shape) => shape.kind === 'string'))
    case 'timestamp':
      return timestamps()
    case 'bytes':
      return bytesOf(shapes)
    default:
      return `${kind} has parts of its own` // the planner takes these apart before it comes here
  }
}

function bytesOf(shapes: readonly Shape[]): fc.Arbitrary<Uint8Array> | string {
  const bounds = shapes.map((shape) => shape.schema as { minBytes?: number; maxBytes?: number }) // as Bytes() writes them
  const min = Math.max(0, ...bounds.map((bound) => bound.minBytes ?? 0))
  const max = Math.min(...bounds.map((bound) => bound.maxBytes ?? Number.POSITIVE_INFINITY))
  if (min > max) return `no bytes are ${min} or more and ${max} or less`
  return bytes(min, Number.isFinite(max) ? max : undefined)
}

function nameOf(shape: Shape): string {
  return 'aeiou'.includes(shape.kind.charAt(0)) ? `an ${shape.kind}` : `a ${shape.kind}`
}
