/**
 * Makes the encoder of a covered schema: a function that writes a value where it leaves, and checks every type and keyword as
 * it goes (spec/codecs.md). Invariant: what it writes, the reference path would write; whatever else it meets is -1.
 */
import { checkOf, type Shape } from '../../contract/index.ts'
import { pack } from '../msgpack.ts'
import { branchesOf, isRecord, needsCheck, type ObjectShape } from './cover.ts'
import { boundsOf, classTest, itemBounds, valuesOf } from './keywords.ts'
import { writeListing } from './listing.ts'
import { areOwn, isPlainName } from './look.ts'
import { NO_ROOM, putBytes, putListHeader, putMapHeader, putNumber, putPacked } from './put.ts'
import { quote, Source } from './source.ts'
import { textPutter } from './text-putter.ts'

/** Writes `value` at `at`. Returns where it ends, or -1 or `NO_ROOM`; what stands there then is void. */
export type Encoder = (value: unknown, buffer: Uint8Array, at: number) => number

const FAIL = 'return -1'

/** What it lists, somebody has put on `Object.prototype`: then no loop says any more what is an object's own. */
export const CLEAN = {}

export function makeEncoder(shape: Shape): Encoder {
  const source = new Source()
  source.line('return (value, b, p) => {')
  source.line(`for (const k in ${source.constant(CLEAN)}) ${FAIL}`)
  new EncoderWriter(source).write(shape, 'value')
  source.line(`return p <= b.length ? p : ${NO_ROOM}`)
  source.line('}')
  return source.make() as Encoder // it is what the lines say
}

class EncoderWriter {
  readonly #source: Source

  constructor(source: Source) {
    this.#source = source
  }

  #line(text: string): void {
    this.#source.line(text)
  }

  #constant(value: unknown): string {
    return this.#source.constant(value)
  }

  /** Lines that write what is in the variable `value` at `p`, and move `p`. */
  write(shape: Shape, value: string): void {
    this.#writeKind(shape, value)
    if (needsCheck(shape)) this.#line(`if (!${this.#constant(checkOf(shape))}(${value})) ${FAIL}`)
  }

  #writeKind(shape: Shape, value: string): void {
    switch (shape.kind) {
      case 'ref':
        return this.write(shape.target(), value)
      case 'null':
        return this.#byte(`${value} === null`, '0xc0')
      case 'undefined':
        return this.#byte(`${value} === undefined`, '0xc0')
      case 'boolean':
        return this.#byte(`typeof ${value} === 'boolean'`, `${value} ? 0xc3 : 0xc2`)
      case 'number':
        return this.#number(shape, value)
      case 'string':
        return this.#put(`typeof ${value} === 'string'`, textPutter(), value)
      case 'bytes':
        return this.#put(`${value} instanceof Uint8Array`, putBytes, value)
      case 'bigint':
        return this.#packed(`typeof ${value} === 'bigint'`, packBigInt, value)
      case 'timestamp':
        return this.#packed(`${value} instanceof Date`, packDate, value)
      case 'literal':
        return this.#literal(shape.values as readonly (string | number | boolean | null)[], value) // others are not covered
      case 'array':
        return this.#array(shape, value)
      case 'tuple':
        return this.#tuple(shape.items, value)
      case 'union':
        return this.#union(shape, value)
      case 'object':
        return isRecord(shape) ? this.#record(shape, value) : this.#object(shape, value)
      default:
        throw new Error(`a shape that is not covered: ${shape.kind}`)
    }
  }

  #byte(condition: string, byte: string): void {
    this.#line(`if (!(${condition})) ${FAIL}`)
    this.#line(`b[p++] = ${byte}`)
  }

  #put(condition: string, put: (buffer: Uint8Array, at: number, value: never) => number, value: string): void {
    this.#line(`if (!(${condition})) ${FAIL}`)
    this.#line(`if ((p = ${this.#constant(put)}(b, p, ${value})) < 0) return p`)
  }

  #packed(condition: string, packed: (value: never) => Uint8Array | undefined, value: string): void {
    const bytes = this.#source.local('k')
    this.#line(`if (!(${condition})) ${FAIL}`)
    this.#line(`const ${bytes} = ${this.#constant(packed)}(${value})`)
    this.#line(`if (${bytes} === undefined) ${FAIL}`)
    this.#line(`if ((p = ${this.#constant(putPacked)}(b, p, ${bytes})) < 0) return p`)
  }

  #number(shape: Extract<Shape, { kind: 'number' }>, value: string): void {
    const wanted = shape.integer ? 'Number.isInteger' : 'Number.isFinite'
    this.#line(`if (!${wanted}(${value})${boundsOf(shape, value)}) ${FAIL}`)
    this.#line(`if (${value} < 0x80 && ${value} > 0 && (${value} | 0) === ${value}) b[p++] = ${value}`)
    this.#line(`else p = ${this.#constant(putNumber)}(b, p, ${value})`)
  }

  #literal(values: readonly (string | number | boolean | null)[], value: string): void {
    this.#line(`switch (${value}) {`)
    for (const one of values) {
      this.#line(`case ${quote(one)}:`)
      this.#bytes(pack(one))
      this.#line('break')
    }
    this.#line(`default: ${FAIL}`)
    this.#line('}')
  }

  /** Bytes that are known beforehand. */
  #bytes(bytes: Uint8Array): void {
    if (bytes.length > 64) {
      this.#line(`if ((p = ${this.#constant(putPacked)}(b, p, ${this.#constant(bytes.slice())})) < 0) return p`)
      return
    }
    const stores = Array.from(bytes, (byte, index) => `b[p + ${index}] = ${byte}`)
    this.#line(`${stores.join('; ')}; p += ${bytes.length}`)
  }

  #array(shape: Extract<Shape, { kind: 'array' }>, value: string): void {
    const [index, item, count] = [this.#source.local('i'), this.#source.local('v'), this.#source.local('n')]
    this.#line(`if (!Array.isArray(${value})) ${FAIL}`)
    this.#line(`const ${count} = ${value}.length`)
    this.#line(itemBounds(shape, count, FAIL))
    this.#line(`if (${count} < 0x10) b[p++] = 0x90 | ${count}`)
    this.#line(`else p = ${this.#constant(putListHeader)}(b, p, ${count})`)
    this.#line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`)
    this.#line(`if (p > b.length) return ${NO_ROOM}`)
    this.#line(`const ${item} = ${value}[${index}]`)
    this.write(shape.item, item)
    this.#line('}')
    this.#line(`if (${value}.length !== ${count}) ${FAIL}`) // a getter of an item may have changed it
  }

  #tuple(items: readonly Shape[], value: string): void {
    this.#line(`if (!Array.isArray(${value}) || ${value}.length !== ${items.length}) ${FAIL}`)
    this.#line(`p = ${this.#constant(putListHeader)}(b, p, ${items.length})`)
    for (const [index, item] of items.entries()) {
      const inner = this.#source.local('v')
      this.#line(`const ${inner} = ${value}[${index}]`)
      this.write(item, inner)
    }
  }

  #requireObject(value: string): void {
    this.#line(`if (typeof ${value} !== 'object' || ${value} === null || Array.isArray(${value})) ${FAIL}`)
  }

  /** Asked after its properties were read, when the engine knows its form, this costs nothing. */
  #requirePlain(value: string): void {
    const prototype = this.#constant(Object.getPrototypeOf)
    this.#line(`if (${prototype}(${value}) !== ${this.#constant(Object.prototype)}) ${FAIL}`)
  }

  #object(shape: ObjectShape, value: string): void {
    const properties = [...shape.properties]
    const names = properties.map(([name]) => name)
    const optional = properties.filter(([, property]) => property.optional)
    const variables = new Map(names.map((name) => [name, this.#source.local('v')]))
    const variableOf = (name: string): string => variables.get(name) as string // each name has one
    const count = this.#source.local('n')
    this.#requireObject(value)
    for (const name of names) this.#line(`const ${variableOf(name)} = ${value}[${quote(name)}]`)
    this.#requirePlain(value)
    this.#line(`let ${count} = ${names.length - optional.length}`)
    for (const [name] of optional) this.#line(`if (${variableOf(name)} !== undefined) ${count}++`)
    this.#requireListed(shape, value)
    if (names.length < 0x10) this.#line(`b[p++] = 0x80 | ${count}`)
    else this.#line(`p = ${this.#constant(putMapHeader)}(b, p, ${count})`)
    for (const [name, property] of properties) {
      const variable = variableOf(name)
      if (property.optional) this.#line(`if (${variable} !== undefined) {`)
      this.#bytes(pack(name))
      this.write(property.shape, variable)
      if (property.optional) this.#line('}')
    }
  }

  #requireListed(shape: ObjectShape, value: string): void {
    const { isDeclared, listed } = writeListing(this.#source, shape, value)
    const declared = new Map([...shape.properties].map(([one, { optional }]) => [one, optional]))
    const refuses = shape.rest === 'refuse'
    const hides = refuses ? ` || ${this.#constant(Object.getOwnPropertyNames)}(${value}).length !== ${listed}` : ''
    const areAllOwn = `${this.#constant(areOwn)}(${value}, ${this.#constant(declared)}, ${refuses})`
    this.#line(`if ((!(${isDeclared})${hides}) && !${areAllOwn}) ${FAIL}`)
  }

  #record(shape: ObjectShape, value: string): void {
    const [names, name, inner] = [this.#source.local('n'), this.#source.local('k'), this.#source.local('v')]
    const [pattern] = shape.patterns
    this.#requireObject(value)
    this.#requirePlain(value)
    this.#line(`const ${names} = Object.keys(${value})`)
    this.#line(`p = ${this.#constant(putMapHeader)}(b, p, ${names}.length)`)
    this.#line(`for (const ${name} of ${names}) {`)
    this.#line(`if (p > b.length) return ${NO_ROOM}`)
    this.#line(`if (!${this.#constant(isPlainName)}(${name})) ${FAIL}`)
    this.#line(`if ((p = ${this.#constant(textPutter())}(b, p, ${name})) < 0) return p`)
    this.#line(`const ${inner} = ${value}[${name}]`)
    if (pattern) this.write(pattern.shape, inner)
    this.#line('}')
  }

  #union(shape: Extract<Shape, { kind: 'union' }>, value: string): void {
    const branches = branchesOf(shape)
    if (!branches) throw new Error('a union that is not covered')
    for (const [found, shapes] of branches.byClass) {
      this.#line(`if (${classTest(found, value)}) {`)
      const [only] = shapes
      if (shapes.length === 1 && only) this.write(only, value)
      else if (found === 'map')
        this.#tagged(shapes as ObjectShape[], branches.tag ?? '', value) // of one class
      else this.#literal(valuesOf(shapes), value)
      this.#line('} else')
    }
    this.#line(FAIL)
  }

  #tagged(objects: readonly ObjectShape[], tag: string, value: string): void {
    this.#line(`switch (${value}[${quote(tag)}]) {`)
    for (const object of objects) {
      for (const one of valuesOf([object.properties.get(tag)?.shape as Shape])) this.#line(`case ${quote(one)}:`) // it has the tag
      this.#line('{')
      this.write(object, value)
      this.#line('break')
      this.#line('}')
    }
    this.#line(`default: ${FAIL}`)
    this.#line('}')
  }
}

function packBigInt(value: bigint): Uint8Array | undefined {
  return BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value ? pack(value) : undefined
}

function packDate(value: Date): Uint8Array | undefined {
  return Number.isNaN(value.getTime()) ? undefined : pack(value)
}
