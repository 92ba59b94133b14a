/**
 * Names of properties that a schema declares by a pattern, or not at all (spec/testing.md). `__proto__` is never one:
 * it is refused in every place.
 */
import fc from 'fast-check'
import { boundedFilter } from './bounded.ts'
import { matching } from './patterns.ts'
import { wellFormedText } from './well-formed.ts'

/** How TypeBox writes `Record(String, …)`; names with line breaks are meant too (spec/types.md). */
const ANY_NAME = '^.*$'

const oddNames = ['toString', 'constructor', 'length', '0', '', 'a\nb', 'é']

/** Names that match `source`, or any name where there is none. */
export function namesOf(source?: string): fc.Arbitrary<string> {
  if (source !== undefined && source !== ANY_NAME) {
    const regExp = new RegExp(source, 'u')
    return boundedFilter(
      matching(source),
      (name) => regExp.test(name) && name !== '__proto__',
      () => `the pattern ${JSON.stringify(source)} of its names`,
    )
  }
  const names = fc.oneof(
    { weight: 6, arbitrary: wellFormedText(0, 12) },
    { weight: 1, arbitrary: fc.constantFrom(...oddNames) },
  )
  return names.filter((name) => name !== '__proto__')
}
