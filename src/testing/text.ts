/**
 * Strings within their keywords (spec/testing.md). Always well formed: half a surrogate pair cannot travel. Lengths
 * count code points, as TypeBox does. A string instead of an arbitrary says why there is no such string.
 */
import fc from 'fast-check'
import type { Shape } from '../contract/index.ts'
import { formatted } from './formats.ts'
import { matching } from './patterns.ts'

type StringShape = Extract<Shape, { kind: 'string' }>

interface Keywords {
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string | RegExp
  readonly format?: string
}

/** The edges of UTF-8's one to four bytes, what a careless decoder strips (a BOM, NUL), and what changes when normalised. */
const oddCharacters = ['\u0000', '\u007f', '\u0080', 'é', 'e\u0301'.charAt(1), '\u07ff', '\u0800', '漢', '\ufeff', '\uffff', '😀', '\u{10000}', '\u{10ffff}']

/** Where MessagePack's string header changes its form. */
const edgeLengths = [31, 32, 255, 256]

/** Any well-formed string of these many code points. */
export function wellFormedText(minLength = 0, maxLength?: number): fc.Arbitrary<string> {
  const bounds = { minLength, ...(maxLength === undefined ? {} : { maxLength }) }
  const lengths = edgeLengths.filter((length) => length >= minLength && length <= (maxLength ?? Number.POSITIVE_INFINITY))
  return fc.oneof(
    { weight: 6, arbitrary: fc.string({ ...bounds, unit: 'grapheme-ascii' }) },
    { weight: 2, arbitrary: fc.string({ ...bounds, unit: 'binary' }) },
    { weight: 2, arbitrary: fc.string({ ...bounds, unit: fc.constantFrom(...oddCharacters, 'a') }) },
    ...(lengths.length === 0 ? [] : [{ weight: 1, arbitrary: fc.constantFrom(...lengths).map((length) => 'x'.repeat(length)) }]),
  )
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
