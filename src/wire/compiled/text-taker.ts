/**
 * Makes the function that takes a short text (spec/codecs.md). `String.fromCharCode` with all units at once takes half the time
 * of a loop, whose strings are ropes besides, and a third of a call of the platform's decoder; so there is a case for each length.
 */
import { byteAt, sequenceLength } from '../octets.ts'
import { Source } from './source.ts'
import { UNDECIDED } from './take.ts'

/** The text of so many bytes, fewer than 32, from `at`, or `UNDECIDED`. They lie within the buffer. */
type TakeShortText = (buffer: Uint8Array, at: number, length: number) => string | typeof UNDECIDED

/** A longer text has another header. From there on the platform's decoder is as fast. */
const MAX_UNITS = 31

let made: TakeShortText | undefined

/** Always the same function. */
export function shortTextTaker(): TakeShortText {
  made ??= makeShortTextTaker()
  return made
}

function makeShortTextTaker(): TakeShortText {
  const source = new Source()
  const [taken, from] = [source.constant(takeUnits), source.constant(units)]
  source.line('return (b, p, n) => {')
  source.line('switch (n) {')
  source.line("case 0: return ''")
  writeCases(source, 'b', 'p', (names) => `if ((${names.join(' | ')}) > 0x7f) break`)
  source.line('}')
  source.line(`switch (${taken}(b, p, p + n)) {`)
  writeCases(source, from, '0', () => '')
  source.line('}')
  source.line(`return ${source.constant(UNDECIDED)}`)
  source.line('}')
  return source.make() as TakeShortText // it is what the lines say
}

/** For each number of units a case that makes a text of them. */
function writeCases(source: Source, list: string, at: string, before: (names: readonly string[]) => string): void {
  for (let count = 1; count <= MAX_UNITS; count++) {
    const names = Array.from({ length: count }, (_, index) => `a${index}`)
    source.line(`case ${count}: {`)
    source.line(`const ${names.map((name, index) => `${name} = ${list}[${at} + ${index}]`).join(', ')}`)
    source.line(before(names))
    source.line(`return String.fromCharCode(${names.join(', ')}) }`)
  }
}

/** Of the text that is taken, as UTF-16. */
const units = new Uint16Array(MAX_UNITS)

/** Takes bytes into `units`. Returns how many those are, or -1 for what is no UTF-8. */
function takeUnits(buffer: Uint8Array, at: number, to: number): number {
  let count = 0
  let position = at
  while (position < to) {
    const lead = byteAt(buffer, position)
    const length = sequenceLength(buffer, position, to)
    if (length === 1) units[count++] = lead
    else if (length === 2) units[count++] = ((lead & 0x1f) << 6) | bitsAt(buffer, position + 1)
    else if (length === 3) units[count++] = ((lead & 0x0f) << 12) | lowerBits(buffer, position + 1)
    else if (length === 4) {
      const upper = ((lead & 0x07) << 8) | (bitsAt(buffer, position + 1) << 2) | (bitsAt(buffer, position + 2) >> 4)
      units[count++] = 0xd800 - 0x40 + upper // less what has fewer than 17 bits
      units[count++] = 0xdc00 | (lowerBits(buffer, position + 2) & 0x3ff)
    } else return -1
    position += length
  }
  return count
}

function lowerBits(buffer: Uint8Array, at: number): number {
  return (bitsAt(buffer, at) << 6) | bitsAt(buffer, at + 1)
}

function bitsAt(buffer: Uint8Array, at: number): number {
  return byteAt(buffer, at) & 0x3f
}
