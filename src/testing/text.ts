/**
 * Strings within their keywords (spec/testing.md). Always well formed: half a surrogate pair cannot travel. Lengths
 * count code points, as TypeBox does. A string instead of an arbitrary says why there is no such string.
 */
import type fc from 'fast-check'
import type { Shape } from '../contract/index.ts'
import { formatted } from './formats.ts'
import { matching } from './patterns.ts'
import { wellFormedText } from './well-formed.ts'

type StringShape = Extract<Shape, { kind: 'string' }>

interface Keywords {
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
}

/** Strings that fit the first of these shapes that is hard to fit; the rest is for the caller's filter. */
export function stringsOf(shapes: readonly StringShape[]): fc.Arbitrary<string> | string {
  const keywords = shapes.map((shape) => shape.schema as Keywords) // the shape is a string, so these keywords are meant
  const minLength = Math.max(0, ...keywords.map((k) => Math.ceil(k.minLength ?? 0)))
  const maxLength = Math.min(...keywords.map((k) => Math.floor(k.maxLength ?? Number.POSITIVE_INFINITY)))
  if (minLength > maxLength) return `no string is ${minLength} or more and ${maxLength} or less long`
  const pattern = keywords.find((k) => k.pattern !== undefined)?.pattern
  if (pattern !== undefined) return matching(pattern, minLength)
  for (const { format } of keywords) {
    const known = format === undefined ? undefined : formatted(format)
    if (known) return known
  }
  return wellFormedText(minLength, Number.isFinite(maxLength) ? maxLength : undefined)
}
