/** Lines of a decoder that take a value without parts (spec/codecs.md). */
import type { Shape } from '../../contract/index.ts'
import type { TokenClass } from './cover.ts'
import { boundsOf, valuesOf } from './keywords.ts'
import { quote, type Source } from './source.ts'
import { cursor, takeBigInt, takeBytes, takeNumber, takeTimestamp, UNDECIDED } from './take.ts'
import { textTaker } from './text-taker.ts'

export class LeafWriter {
  /** The statement of a function that does not know. */
  readonly fail: string
  /** Where the value that was taken last has ended. */
  readonly cursor: string
  readonly #source: Source

  constructor(source: Source) {
    this.#source = source
    this.fail = `return ${source.constant(UNDECIDED)}`
    this.cursor = `${source.constant(cursor)}.at`
  }

  #line(text: string): void {
    this.#source.line(text)
  }

  #constant(value: unknown): string {
    return this.#source.constant(value)
  }

  /** Lines that take a leaf at `p` into a variable that is there, and move `p`. */
  take(shape: Shape, variable: string): void {
    switch (shape.kind) {
      case 'null':
        return this.#line(`if (b[p++] !== 0xc0) ${this.fail}; ${variable} = null`)
      case 'undefined':
        return this.#line(`if (b[p++] !== 0xc0) ${this.fail}; ${variable} = undefined`)
      case 'boolean':
        this.#line(`if ((b[p] | 1) !== 0xc3) ${this.fail}`)
        return this.#line(`${variable} = b[p++] === 0xc3`)
      case 'number':
        return this.#number(shape, variable)
      case 'literal':
        return this.#literal(shape, variable)
      case 'string':
        return this.call(textTaker(), variable)
      case 'bytes':
        return this.call(takeBytes, variable)
      case 'timestamp':
        return this.call(takeTimestamp, variable)
      case 'bigint':
        return this.call(takeBigInt, variable)
      default:
        throw new Error(`a shape that is not covered: ${shape.kind}`)
    }
  }

  /** Lines that call what takes a value. */
  call(take: (buffer: Uint8Array, at: number, end: number) => unknown, variable: string): void {
    this.#line(`${variable} = ${this.#constant(take)}(b, p, e)`)
    this.#line(`if (${variable} === ${this.#constant(UNDECIDED)}) ${this.fail}`)
    this.#line(`p = ${this.cursor}`)
  }

  #number(shape: Extract<Shape, { kind: 'number' }>, variable: string): void {
    this.#line(`if ((${variable} = b[p]) < 0x80) p++; else {`)
    this.call(takeNumber, variable)
    this.#line('}')
    const isWrong = shape.integer ? `!Number.isInteger(${variable})` : 'false'
    const tests = `${isWrong}${boundsOf(shape, variable)}`
    if (tests !== 'false') this.#line(`if (${tests}) ${this.fail}`)
  }

  #literal(shape: Shape, variable: string): void {
    const values = valuesOf([shape])
    const take = values.some((one) => typeof one === 'string') ? textTaker() : takeNumber
    const kinds = new Set(values.map((one) => (one === null ? 'null' : typeof one)))
    if (kinds.size === 1 && (kinds.has('string') || kinds.has('number'))) this.call(take, variable)
    else this.#anyScalar(kinds, variable)
    this.#line(
      `switch (${variable}) { ${values.map((one) => `case ${quote(one)}:`).join(' ')} break; default: ${this.fail} }`,
    )
  }

  #anyScalar(kinds: ReadonlySet<string>, variable: string): void {
    this.#line(`if (b[p] === 0xc0) { ${variable} = null; p++ }`)
    this.#line(`else if ((b[p] | 1) === 0xc3) ${variable} = b[p++] === 0xc3`)
    if (kinds.has('string')) {
      this.#line(`else if (${tokenTest('text')}) {`)
      this.call(textTaker(), variable)
      this.#line('}')
    }
    this.#line('else {')
    this.call(takeNumber, variable)
    this.#line('}')
  }
}

/** Whether the byte at `p` begins a value of this class. */
export function tokenTest(found: TokenClass): string {
  switch (found) {
    case 'nil':
      return 'b[p] === 0xc0'
    case 'boolean':
      return '(b[p] | 1) === 0xc3'
    case 'number':
      return 'b[p] < 0x80 || b[p] >= 0xe0 || (b[p] >= 0xca && b[p] <= 0xd3)'
    case 'text':
      return '(b[p] & 0xe0) === 0xa0 || (b[p] >= 0xd9 && b[p] <= 0xdb)'
    case 'bytes':
      return 'b[p] >= 0xc4 && b[p] <= 0xc6'
    case 'timestamp':
      return 'b[p] === 0xd6 || b[p] === 0xd7 || b[p] === 0xc7'
    case 'list':
      return '(b[p] & 0xf0) === 0x90 || b[p] === 0xdc || b[p] === 0xdd'
    default:
      return '(b[p] & 0xf0) === 0x80 || b[p] === 0xde || b[p] === 0xdf'
  }
}
