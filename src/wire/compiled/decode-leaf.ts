/** Lines of a decoder that take a value without parts (spec/codecs.md). */
import type { Shape } from '../../contract/index.ts'
import { pack } from '../msgpack.ts'
import { float64At } from '../octets.ts'
import type { TokenClass } from './cover.ts'
import { boundsOf, valuesOf } from './keywords.ts'
import { quote, type Source } from './source.ts'
import { cursor, takeBigInt, takeBytes, takeNumber, takeText, takeTimestamp, UNDECIDED } from './take.ts'
import { shortTextTaker } from './text-taker.ts'

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
        return this.text(variable)
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

  /** Most texts are short, and where those end is known before they are taken. */
  text(variable: string): void {
    const length = this.#source.local('l')
    this.#line(`const ${length} = b[p] ^ 0xa0`)
    this.#line(`if (${length} < 0x20 && p + ${length} < e) {`)
    this.#line(`${variable} = ${this.#constant(shortTextTaker())}(b, p + 1, ${length})`)
    this.#line(`if (${variable} === ${this.#constant(UNDECIDED)}) ${this.fail}`)
    this.#line(`p += ${length} + 1`)
    this.#line('} else {')
    this.call(takeText, variable)
    this.#line('}')
  }

  #number(shape: Extract<Shape, { kind: 'number' }>, variable: string): void {
    this.#line(`if ((${variable} = b[p]) < 0x80) p++`)
    if (!shape.integer) {
      this.#line(`else if (${variable} === 0xcb) {`)
      this.#line(`if (!Number.isFinite(${variable} = ${this.#constant(float64At)}(b, p + 1))) ${this.fail}`)
      this.#line('p += 9 }')
    }
    this.#line('else {')
    this.call(takeNumber, variable)
    this.#line('}')
    const isWrong = shape.integer ? `!Number.isInteger(${variable})` : 'false'
    const tests = `${isWrong}${boundsOf(shape, variable)}`
    if (tests !== 'false') this.#line(`if (${tests}) ${this.fail}`)
  }

  /** Each by its own bytes, so that the text or number is always the same one. */
  #literal(shape: Shape, variable: string): void {
    const values = valuesOf([shape]).map((value) => ({ value, bytes: pack(value).slice() }))
    this.#line('switch (b[p]) {')
    for (const header of new Set(values.map(({ bytes }) => bytes[0]))) {
      this.#line(`case ${header}:`)
      for (const { value, bytes } of values.filter((one) => one.bytes[0] === header)) {
        this.#line(`if (${matches(bytes)}) { ${variable} = ${quote(value)}; p += ${bytes.length}; break }`)
      }
      this.#line(this.fail)
    }
    this.#line(`default: ${this.fail}`)
    this.#line('}')
  }
}

/** Whether the bytes at a place are these. */
export function matches(bytes: Uint8Array, at = 'p'): string {
  return Array.from(bytes, (byte, index) => `b[${index === 0 ? at : `${at} + ${index}`}] === ${byte}`).join(' && ')
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
