/**
 * Strings that match a pattern (spec/testing.md): fast-check's generator, helped over what it does not know. What comes
 * out may still not match; the caller filters.
 */
import fc from 'fast-check'
import { misuse } from '../errors.ts'
import { wellFormedText } from './well-formed.ts'

/** Put in place of generated characters wherever the pattern takes them: fast-check's dot is ASCII only. */
const exotics = ['é', 'ß', '漢', '😀', '\u0000', '\u{10ffff}', '\n', ' ']

const printable = Array.from({ length: 0x7f - 0x20 }, (_, n) => String.fromCodePoint(0x20 + n))

/**
 * Strings that hold a match of the pattern `source`, mostly of `minLength` characters or more.
 * @throws NanowireError `invalid_argument` for a pattern beyond the generator.
 */
export function matching(source: string, minLength = 0): fc.Arbitrary<string> {
  const regExp = new RegExp(source, 'u')
  const plain = withoutAssertions(source)
  if (plain === '') return wellFormedText(minLength)
  let strings: fc.Arbitrary<string>
  try {
    strings = fc.stringMatching(new RegExp(plain, 'u'), {
      size: minLength > 100 ? 'large' : minLength > 8 ? 'medium' : 'small',
    })
  } catch (error) {
    throw beyond(source, error instanceof Error ? error.message : String(error))
  }
  return fc
    .tuple(strings, fc.array(fc.tuple(fc.nat(), fc.constantFrom(...exotics)), { maxLength: 2 }))
    .map(([text, changes]) => changes.reduce((before, [at, exotic]) => replaced(before, at, exotic, regExp), text))
}

function replaced(text: string, at: number, exotic: string, regExp: RegExp): string {
  const characters = [...text]
  if (characters.length === 0) return text
  characters[at % characters.length] = exotic
  const changed = characters.join('')
  return regExp.test(changed) ? changed : text
}

/** The pattern without lookarounds and word boundaries, which only say where it does *not* match. */
function withoutAssertions(source: string): string {
  let plain = ''
  let index = 0
  while (index < source.length) {
    const rest = source.slice(index)
    const token = /^(?:\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\((?:\?(?:=|!|<=|<!))|[\s\S])/u.exec(rest)?.[0] ?? rest
    if (token.startsWith('(?')) {
      index = endOfGroup(source, index)
      continue
    }
    if (token.startsWith('[^') && !printable.some((character) => new RegExp(token, 'u').test(character))) {
      throw beyond(source, `${token} leaves out all of printable ASCII`) // fast-check would look for one for ever
    }
    if (token !== '\\b' && token !== '\\B') plain += token
    index += token.length
  }
  return plain
}

/** The index after the group that opens at `start`. */
function endOfGroup(source: string, start: number): number {
  let depth = 0
  for (const { 0: token, index } of source.slice(start).matchAll(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|[()]/gu)) {
    if (token === '(') depth++
    if (token === ')' && --depth === 0) return start + index + 1
  }
  return source.length
}

function beyond(source: string, reason: string): Error {
  return misuse(
    `no strings can be generated for the pattern ${JSON.stringify(source)} (${reason}): ` +
      'pass { override: (schema) => schema.pattern === … ? fc.constantFrom(…) : undefined } to arbitrary()',
  )
}
