/**
 * Makes the check of a covered schema for a value that stays in this process: the same object where it holds what is declared
 * and nothing else, a copy without the rest where it holds more (spec/codecs.md). Invariant: what it passes, the reference path
 * passes alike; whatever else it meets is `UNDECIDED`.
 */
import { checkOf, type Shape } from '../../contract/index.ts'
import { branchesOf, isRecord, needsCheck, type ObjectShape } from './cover.ts'
import { CLEAN } from './encoder.ts'
import { boundsOf, classTest, itemBounds, valuesOf } from './keywords.ts'
import { writeListing } from './listing.ts'
import { copyList, isPlainName, lookOver, pickDeclared } from './look.ts'
import { quote, Source } from './source.ts'
import { UNDECIDED } from './take.ts'

/** What becomes of a value of at most so many parts, or `UNDECIDED`. */
export type Passer = (value: unknown, maxNodes: number) => unknown

type Four = [string, string, string, string]

export function makePasser(shape: Shape): Passer {
  const source = new Source()
  source.line('return (value, max) => {')
  source.line(`for (const k in ${source.constant(CLEAN)}) return ${source.constant(UNDECIDED)}`)
  source.line(`let t = ${fixedNodes(shape)}`)
  const result = new PassWriter(source).write(shape, 'value')
  source.line(`return t > max ? ${source.constant(UNDECIDED)} : ${result}`)
  source.line('}')
  return source.make() as Passer // it is what the lines say
}

/** Values in a value of this shape at most, keys included, but for what its lists hold. */
function fixedNodes(shape: Shape): number {
  const sum = (shapes: readonly Shape[]): number => shapes.reduce((nodes, one) => nodes + fixedNodes(one), 0)
  switch (shape.kind) {
    case 'ref':
      return fixedNodes(shape.target())
    case 'tuple':
      return 1 + sum(shape.items)
    case 'union':
      return Math.max(...shape.branches.map(fixedNodes))
    case 'object':
      return 1 + shape.properties.size + sum([...shape.properties.values()].map((property) => property.shape))
    default:
      return 1
  }
}

class PassWriter {
  readonly #source: Source
  readonly #fail: string

  constructor(source: Source) {
    this.#source = source
    this.#fail = `return ${source.constant(UNDECIDED)}`
  }

  #line(text: string): void {
    this.#source.line(text)
  }

  #constant(value: unknown): string {
    return this.#source.constant(value)
  }

  #locals(...[one, two, three, four]: Four): Four {
    const source = this.#source
    return [source.local(one), source.local(two), source.local(three), source.local(four)]
  }

  #require(condition: string): void {
    this.#line(`if (!(${condition})) ${this.#fail}`)
  }

  /** Lines that check what is in a variable. Returns the variable that holds what becomes of it. */
  write(shape: Shape, value: string): string {
    const result = this.#writeKind(shape, value)
    if (needsCheck(shape)) this.#require(`${this.#constant(checkOf(shape))}(${value})`)
    return result
  }

  #writeKind(shape: Shape, value: string): string {
    switch (shape.kind) {
      case 'ref':
        return this.write(shape.target(), value)
      case 'array':
        return this.#array(shape, value)
      case 'tuple':
        return this.#tuple(shape.items, value)
      case 'union':
        return this.#union(shape, value)
      case 'object':
        return isRecord(shape) ? this.#record(shape, value) : this.#object(shape, value)
      default:
        this.#leaf(shape, value)
        return value
    }
  }

  #leaf(shape: Shape, value: string): void {
    switch (shape.kind) {
      case 'null':
        return this.#require(`${value} === null`)
      case 'undefined':
        return this.#require(`${value} === undefined`)
      case 'boolean':
        return this.#require(`typeof ${value} === 'boolean'`)
      case 'number':
        return this.#line(
          `if (!${shape.integer ? 'Number.isInteger' : 'Number.isFinite'}(${value})${boundsOf(shape, value)}) ${this.#fail}`,
        )
      case 'string':
        return this.#require(`typeof ${value} === 'string' && ${value}.isWellFormed()`)
      case 'bytes':
        return this.#require(`${value} instanceof Uint8Array`)
      case 'bigint':
        return this.#require(`${this.#constant(isInt64)}(${value})`)
      case 'timestamp':
        return this.#require(`${value} instanceof Date && !Number.isNaN(${value}.getTime())`)
      case 'literal':
        return this.#require(isOneOf(valuesOf([shape]), value))
      default:
        throw new Error(`a shape that is not covered: ${shape.kind}`)
    }
  }

  /** Lines that put what has become of a part where it stands, in a copy where it has changed. */
  #keep(result: string, whole: string, place: string, before: string, after: string, copy: string): void {
    if (after === before) return
    this.#line(
      `if (${after} !== ${before}) { if (${result} === ${whole}) ${result} = ${copy}; ${result}[${place}] = ${after} }`,
    )
  }

  #array(shape: Extract<Shape, { kind: 'array' }>, value: string): string {
    const [index, item, count, result] = this.#locals('i', 'v', 'n', 'r')
    this.#require(`Array.isArray(${value})`)
    this.#line(`const ${count} = ${value}.length`)
    this.#line(itemBounds(shape, count, this.#fail))
    this.#line(`t += ${count} * ${fixedNodes(shape.item)}`)
    this.#line(`if (t > max) ${this.#fail}`)
    this.#line(`let ${result} = ${value}`)
    this.#line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`)
    this.#line(`const ${item} = ${value}[${index}]`)
    this.#keep(result, value, index, item, this.write(shape.item, item), `${this.#constant(copyList)}(${value})`)
    this.#line('}')
    return result
  }

  #tuple(items: readonly Shape[], value: string): string {
    const result = this.#source.local('r')
    this.#require(`Array.isArray(${value}) && ${value}.length === ${items.length}`)
    this.#line(`let ${result} = ${value}`)
    for (const [index, shape] of items.entries()) {
      const item = this.#source.local('v')
      this.#line(`const ${item} = ${value}[${index}]`)
      this.#keep(result, value, String(index), item, this.write(shape, item), `${this.#constant(copyList)}(${value})`)
    }
    return result
  }

  #requirePlain(value: string): void {
    this.#require(`${this.#constant(Object.getPrototypeOf)}(${value}) === ${this.#constant(Object.prototype)}`)
  }

  #object(shape: ObjectShape, value: string): string {
    const properties = [...shape.properties].map(([name, property]) => ({
      ...property,
      name,
      variable: this.#source.local('v'),
    }))
    const result = this.#source.local('r')
    const places = this.#constant(new Map(properties.map(({ name }, place) => [name, place])))
    const variables = properties.map(({ variable }) => variable)
    const copy = `${this.#constant(pickDeclared)}(${value}, ${places}, [${variables.join(', ')}])`
    this.#require(`typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value})`)
    for (const { name, variable } of properties) this.#line(`const ${variable} = ${value}[${quote(name)}]`)
    this.#requirePlain(value)
    this.#line(`let ${result} = ${value}`)
    this.#lookOver(shape, value, `${result} = ${copy}`)
    for (const { name, variable, optional, shape: inner } of properties) {
      if (optional) this.#line(`if (${variable} !== undefined) {`)
      this.#keep(result, value, quote(name), variable, this.write(inner, variable), copy)
      if (optional) this.#line('}')
    }
    return result
  }

  /** An object that lists what is declared, in this order, and hides nothing, stays; others are looked at name by name. */
  #lookOver(shape: ObjectShape, value: string, copy: string): void {
    const { isDeclared, listed } = writeListing(this.#source, shape, value)
    const verdict = this.#source.local('l')
    this.#line(`if (!(${isDeclared}) || ${this.#hides(value, listed)}) {`)
    const byName = this.#constant(new Map([...shape.properties].map(([one, { optional }]) => [one, optional])))
    this.#line(`const ${verdict} = ${this.#constant(lookOver)}(${value}, ${byName}, ${shape.rest === 'refuse'})`)
    this.#require(`${verdict} !== 'undecided'`)
    this.#line(`if (${verdict} === 'more') ${copy}`)
    this.#line('}')
  }

  /** Whether it has more properties of its own than are listed. */
  #hides(value: string, listed: string): string {
    const [strings, symbols] = [
      this.#constant(Object.getOwnPropertyNames),
      this.#constant(Object.getOwnPropertySymbols),
    ]
    return `${strings}(${value}).length !== ${listed} || ${symbols}(${value}).length > 0`
  }

  #record(shape: ObjectShape, value: string): string {
    const [names, name, inner, result] = this.#locals('n', 'k', 'v', 'r')
    const [pattern] = shape.patterns
    this.#require(`typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value})`)
    this.#requirePlain(value)
    this.#line(`const ${names} = Object.keys(${value})`)
    this.#line(`if (${this.#hides(value, `${names}.length`)}) ${this.#fail}`)
    this.#line(`t += ${names}.length * ${1 + (pattern ? fixedNodes(pattern.shape) : 0)}`)
    this.#line(`if (t > max) ${this.#fail}`)
    this.#line(`let ${result} = ${value}`)
    this.#line(`for (const ${name} of ${names}) {`)
    this.#require(`${this.#constant(isPlainName)}(${name})`)
    this.#line(`const ${inner} = ${value}[${name}]`)
    if (pattern) this.#keep(result, value, name, inner, this.write(pattern.shape, inner), `{ ...${value} }`)
    this.#line('}')
    return result
  }

  #union(shape: Extract<Shape, { kind: 'union' }>, value: string): string {
    const branches = branchesOf(shape)
    if (!branches) throw new Error('a union that is not covered')
    const result = this.#source.local('r')
    this.#line(`let ${result} = ${value}`)
    for (const [found, shapes] of branches.byClass) {
      const [only] = shapes
      this.#line(`if (${classTest(found, value)}) {`)
      if (shapes.length === 1 && only) this.#line(`${result} = ${this.write(only, value)}`)
      else if (found === 'map')
        this.#tagged(shapes as ObjectShape[], branches.tag ?? '', value, result) // of one class
      else this.#require(isOneOf(valuesOf(shapes), value))
      this.#line('} else')
    }
    this.#line(this.#fail)
    return result
  }

  #tagged(objects: readonly ObjectShape[], tag: string, value: string, result: string): void {
    this.#line(`switch (${value}[${quote(tag)}]) {`)
    for (const object of objects) {
      const literal = object.properties.get(tag)?.shape as Shape // it has the tag
      for (const one of valuesOf([literal])) this.#line(`case ${quote(one)}:`)
      this.#line('{')
      this.#line(`${result} = ${this.write(object, value)}`)
      this.#line('break')
      this.#line('}')
    }
    this.#line(`default: ${this.#fail}`)
    this.#line('}')
  }
}

/** Whether a value is one of these constants. The reference path makes 0 of -0. */
function isOneOf(constants: ReturnType<typeof valuesOf>, value: string): string {
  const tests = constants.map((one) => (one === 0 ? `Object.is(${value}, 0)` : `${value} === ${quote(one)}`))
  return tests.join(' || ') || 'false'
}

function isInt64(value: unknown): boolean {
  return typeof value === 'bigint' && (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value)
}
