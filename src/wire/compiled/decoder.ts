/**
 * Makes the decoder of a covered schema: a function that reads declared properties where it expects them and checks every
 * type and keyword as it goes (spec/codecs.md). Invariant: what it returns, the reference path would return; whatever it does
 * not expect is `UNDECIDED`.
 */
import { checkOf, type Shape } from '../../contract/index.ts'
import { pack } from '../msgpack.ts'
import { branchesOf, isRecord, needsCheck, type ObjectShape } from './cover.ts'
import { LeafWriter, matches, tokenTest } from './decode-leaf.ts'
import { writeBuild, writeExpected, writeUnexpected } from './decode-object.ts'
import { itemBounds, valuesOf } from './keywords.ts'
import { Source } from './source.ts'
import { findTag, takeListHeader, takeMapHeader, takeName, UNDECIDED } from './take.ts'
import { skipUnknown } from './unknown.ts'

/**
 * The value at `start`, or `UNDECIDED`. Where it ends is in the cursor: what ends behind `end` is void, and may be what lies there.
 */
export type Decoder = (buffer: Uint8Array, start: number, end: number) => unknown

export function makeDecoder(shape: Shape): Decoder {
  const source = new Source()
  const writer = new DecoderWriter(source)
  const name = writer.functionOf(shape)
  source.line(`return ${name}`)
  return source.make() as Decoder // it is what the lines say
}

/** A list of so many items is made at once: one that grows has room for seventeen. */
const SHORT_LIST = 4

/** Bits that a mask holds without leaving the small integers. */
const MASK_BITS = 30

class DecoderWriter {
  readonly #source: Source
  readonly #functions = new Map<Shape, string>()
  readonly #leaves: LeafWriter
  readonly #fail: string
  readonly #cursor: string

  constructor(source: Source) {
    this.#source = source
    this.#leaves = new LeafWriter(source)
    this.#fail = this.#leaves.fail
    this.#cursor = this.#leaves.cursor
  }

  #line(text: string): void {
    this.#source.line(text)
  }

  #constant(value: unknown): string {
    return this.#source.constant(value)
  }

  /** The name of the function that takes a value of this shape at `p`, and leaves its end in the cursor. */
  functionOf(shape: Shape): string {
    const known = this.#functions.get(shape)
    if (known) return known
    const body = this.#bodyOf(shape) // first, for it may need functions of its own
    const name = this.#source.local('f')
    this.#functions.set(shape, name)
    this.#line(`function ${name}(b, p, e) {`)
    body()
    this.#line('}')
    return name
  }

  /** Makes the functions of what is inside, and returns what writes the lines of this one. */
  #bodyOf(shape: Shape): () => void {
    switch (shape.kind) {
      case 'ref': {
        const take = this.#prepare(shape.target())
        return () => {
          this.#line('let v')
          take('v')
          this.#finish(shape, 'v')
        }
      }
      case 'array': {
        const take = this.#prepare(shape.item)
        return () => this.#array(shape, take)
      }
      case 'tuple': {
        const takes = shape.items.map((item) => this.#prepare(item))
        return () => this.#tuple(shape, takes)
      }
      case 'union':
        return this.#unionBody(shape)
      case 'object':
        return isRecord(shape) ? this.#recordBody(shape) : this.#objectBody(shape)
      default:
        return () => {
          this.#leaf(shape, 'v')
          this.#finish(shape, 'v')
        }
    }
  }

  /** Returns what writes lines that take a value at `p` into a new variable, and move `p`. */
  #prepare(shape: Shape): (variable: string) => void {
    if (shape.kind === 'ref' && !needsCheck(shape)) return this.#prepare(shape.target())
    if (!isLeaf(shape)) {
      const name = this.functionOf(shape)
      return (variable) => {
        this.#line(`${variable} = ${name}(b, p, e)`)
        this.#line(`if (${variable} === ${this.#constant(UNDECIDED)}) ${this.#fail}`)
        this.#line(`p = ${this.#cursor}`)
      }
    }
    return (variable) => {
      this.#leaves.take(shape, variable)
      if (needsCheck(shape)) this.#check(shape, variable)
    }
  }

  #check(shape: Shape, variable: string): void {
    this.#line(`if (!${this.#constant(checkOf(shape))}(${variable})) ${this.#fail}`)
  }

  /** The end of a function whose value is in `variable` and whose end is in `p`. */
  #finish(shape: Shape, variable: string): void {
    if (needsCheck(shape)) this.#check(shape, variable) // which may call back to a user, so the cursor comes after it
    this.#line(`${this.#cursor} = p`)
    this.#line(`return ${variable}`)
  }

  #leaf(shape: Shape, variable: string): void {
    this.#line(`let ${variable}`)
    this.#leaves.take(shape, variable)
  }

  #array(shape: Shape, take: (variable: string) => void): void {
    this.#openList('n')
    this.#line(itemBounds(shape, 'n', this.#fail))
    const items = Array.from({ length: SHORT_LIST }, (_, index) => `x${index}`)
    this.#line('let v')
    this.#line(`if (n <= ${SHORT_LIST}) {`)
    this.#line(`let ${items.join(', ')}`)
    for (const [index, item] of items.entries()) {
      this.#line(`if (n > ${index}) {`)
      take(item)
      this.#line('}')
    }
    const lists = items.map((_, index) => `n === ${index} ? [${items.slice(0, index).join(', ')}] : `)
    this.#line(`v = ${lists.join('')}[${items.join(', ')}]`)
    this.#line('} else {')
    this.#line('v = []')
    this.#line('for (let i = 0; i < n; i++) {')
    this.#line('let x')
    take('x')
    this.#line('v.push(x)')
    this.#line('}')
    this.#line('}')
    this.#finish(shape, 'v')
  }

  #openList(count: string): void {
    this.#line(`const ${count} = ${this.#constant(takeListHeader)}(b, p, e)`)
    this.#line(`if (${count} < 0) ${this.#fail}`)
    this.#line(`p = ${this.#cursor}`)
  }

  #tuple(shape: Shape, takes: readonly ((variable: string) => void)[]): void {
    this.#openList('n')
    this.#line(`if (n !== ${takes.length}) ${this.#fail}`)
    const names = takes.map((_, index) => `v${index}`)
    if (names.length > 0) this.#line(`let ${names.join(', ')}`)
    for (const [index, take] of takes.entries()) take(`v${index}`)
    this.#line(`const v = [${names.join(', ')}]`)
    this.#finish(shape, 'v')
  }

  #openMap(): void {
    this.#line('let n')
    this.#line('if ((b[p] & 0xf0) === 0x80) n = b[p++] & 0x0f; else {')
    this.#line(`n = ${this.#constant(takeMapHeader)}(b, p, e)`)
    this.#line(`if (n < 0) ${this.#fail}`)
    this.#line(`p = ${this.#cursor}`)
    this.#line('}')
  }

  #recordBody(shape: ObjectShape): () => void {
    const [pattern] = shape.patterns
    const take = pattern && this.#prepare(pattern.shape)
    return () => {
      this.#openMap()
      this.#line('const v = {}')
      this.#line('for (; n > 0; n--) {')
      this.#line('let k, x')
      this.#leaves.call(takeName, 'k')
      this.#line(`if (Object.hasOwn(v, k)) ${this.#fail}`)
      take?.('x')
      this.#line('v[k] = x')
      this.#line('}')
      this.#finish(shape, 'v')
    }
  }

  /**
   * First the properties as they are declared; from the first key on that is another, each by its own key, in whatever order
   * and with whatever is not declared between them.
   */
  #objectBody(shape: ObjectShape): () => void {
    const properties = [...shape.properties].map(([name, { shape: inner, optional }], index) => {
      const mask = `s${Math.floor(index / MASK_BITS)}`
      return {
        name,
        key: pack(name).slice(),
        optional,
        take: this.#prepare(inner),
        variable: `v${index}`,
        mask,
        bit: 1 << (index % MASK_BITS),
      }
    })
    const masks = new Set(properties.map(({ mask }) => mask))
    return () => {
      this.#openMap()
      for (const { variable } of properties) this.#line(`let ${variable}`)
      for (const mask of masks) this.#line(`let ${mask} = 0`)
      writeExpected(this.#source, properties)
      writeUnexpected(this.#source, this.#fail, properties, shape.rest === 'refuse')
      for (const mask of masks) {
        const required = properties.reduce(
          (bits, one) => (one.mask === mask && !one.optional ? bits | one.bit : bits),
          0,
        )
        if (required !== 0) this.#line(`if ((${mask} & ${required}) !== ${required}) ${this.#fail}`)
      }
      writeBuild(this.#source, properties)
      this.#finish(shape, 'v')
    }
  }

  #unionBody(shape: Extract<Shape, { kind: 'union' }>): () => void {
    const branches = branchesOf(shape)
    if (!branches) throw new Error('a union that is not covered')
    const { tag } = branches
    const plans = [...branches.byClass].map(([found, shapes]) => {
      const [only] = shapes
      if (shapes.length === 1 && only) return { found, write: this.#prepare(only) }
      if (found === 'map' && tag !== undefined) return { found, write: this.#tagged(shapes as ObjectShape[], tag) } // of one class
      const values = valuesOf(shapes)
      const merged = { ...shape, kind: 'literal', values } as Shape // of literals only
      return { found, write: (variable: string) => this.#leaves.take(merged, variable) }
    })
    return () => {
      this.#line('let v')
      for (const { found, write } of plans) {
        this.#line(`if (${tokenTest(found)}) {`)
        write('v')
        this.#line('} else')
      }
      this.#line(this.#fail)
      this.#finish(shape, 'v')
    }
  }

  #tagged(objects: readonly ObjectShape[], tag: string): (variable: string) => void {
    const cases = objects.map((object) => ({
      values: valuesOf([object.properties.get(tag)?.shape as Shape]), // it has the tag
      take: this.#prepare(object),
    }))
    const [key, skip] = [this.#constant(pack(tag).slice()), this.#constant(skipUnknown)]
    return (variable) => {
      const found = this.#source.local('q')
      this.#line(`const ${found} = ${this.#constant(findTag)}(b, p, e, ${key}, ${skip})`)
      for (const { values, take } of cases) {
        this.#line(`if (${values.map((one) => `(${matches(pack(one), found)})`).join(' || ')}) {`)
        take(variable)
        this.#line('} else')
      }
      this.#line(this.#fail)
    }
  }
}

function isLeaf({ kind }: Shape): boolean {
  return kind !== 'ref' && kind !== 'array' && kind !== 'tuple' && kind !== 'object' && kind !== 'union'
}
