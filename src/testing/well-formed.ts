/**
 * Strings that UTF-8 can say (spec/types.md): no halves of surrogate pairs, and whatever a careless codec stumbles over.
 */
import fc from 'fast-check'

/** The edges of UTF-8's one to four bytes, what a careless decoder strips (a BOM, NUL), and what changes when normalised. */
const oddCharacters = [
  '\u0000',
  '\u007f',
  '\u0080',
  'é',
  '\u0301',
  '\u07ff',
  '\u0800',
  '漢',
  '\ufeff',
  '\uffff',
  '😀',
  '\u{10000}',
  '\u{10ffff}',
]

/** Where MessagePack's string header changes its form. */
const edgeLengths = [31, 32, 255, 256]

/** Any well-formed string of these many code points. */
export function wellFormedText(minLength = 0, maxLength?: number): fc.Arbitrary<string> {
  const bounds = { minLength, ...(maxLength === undefined ? {} : { maxLength }) }
  const lengths = edgeLengths.filter(
    (length) => length >= minLength && length <= (maxLength ?? Number.POSITIVE_INFINITY),
  )
  return fc.oneof(
    { weight: 6, arbitrary: fc.string({ ...bounds, unit: 'grapheme-ascii' }) },
    { weight: 2, arbitrary: fc.string({ ...bounds, unit: 'binary' }) },
    { weight: 2, arbitrary: fc.string({ ...bounds, unit: fc.constantFrom(...oddCharacters, 'a') }) },
    ...(lengths.length === 0
      ? []
      : [{ weight: 1, arbitrary: fc.constantFrom(...lengths).map((length) => 'x'.repeat(length)) }]),
  )
}
