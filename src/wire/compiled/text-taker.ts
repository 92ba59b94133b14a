/**
 * Makes the function that takes a text (spec/codecs.md). `String.fromCharCode` with all units at once takes half the time of
 * a loop, whose strings are ropes besides, and a third of a call of the platform's decoder; so there is a case for each length.
 */
import { Source } from './source.ts'
import { cursor, takeText, UNDECIDED } from './take.ts'

type TakeText = typeof takeText

/** Above this length the platform's decoder is as fast. */
const MAX_UNITS = 40

let made: TakeText | undefined

/** As `takeText`, and always the same function. */
export function textTaker(): TakeText {
  made ??= makeTextTaker()
  return made
}

function makeTextTaker(): TakeText {
  const source = new Source()
  const other = `return ${source.constant(takeText)}(b, p, e)`
  source.line('return (b, p, e) => {')
  source.line('let n = b[p], s = p + 1, v')
  source.line('if ((n & 0xe0) === 0xa0) n &= 0x1f')
  source.line('else if (n === 0xd9) n = b[s++]')
  source.line(`else ${other}`)
  source.line(`if (s + n > e) return ${source.constant(UNDECIDED)}`)
  source.line('switch (n) {')
  source.line("case 0: v = ''; break")
  for (let length = 1; length <= MAX_UNITS; length++) {
    const units = Array.from({ length }, (_, index) => `a${index}`)
    source.line(`case ${length}: {`)
    source.line(`const ${units.map((unit, index) => `${unit} = b[s + ${index}]`).join(', ')}`)
    source.line(`if ((${units.join(' | ')}) > 0x7f) ${other}`)
    source.line(`v = String.fromCharCode(${units.join(', ')}); break }`)
  }
  source.line(`default: ${other}`)
  source.line('}')
  source.line(`${source.constant(cursor)}.at = s + n`)
  source.line('return v')
  source.line('}')
  return source.make() as TakeText // it is what the lines say
}
