/**
 * A value that does not fit, and where. Only the first misfit is looked for: all errors of a large bad value cost a
 * thousand times its check.
 */
import type { ObjectShape, Shape, UnionShape } from './shape.ts'
import { checkOf, firstMessage } from './validator.ts'

/** A value does not fit its schema. `pointer` is a JSON pointer (RFC 6901) into the value, empty for the whole. */
export class Misfit extends Error {
  /** What is wrong, without the place and without the value. */
  readonly reason: string
  #segments: (string | number)[] = []

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }

  get pointer(): string {
    return this.#segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  }

  /** Says that what was looked at stands at `segment` of something larger. Returns itself. */
  within(segment: string | number): this {
    this.#segments.unshift(segment)
    return this
  }

  /** Place and reason in one line. */
  describe(): string {
    return `${this.pointer === '' ? 'the value' : this.pointer} ${this.reason}`
  }
}
Misfit.prototype.name = 'Misfit' // not within the class, which a bundler would then rename

/** The first misfit of a value that its check refused. */
export function firstMisfit(shape: Shape, value: unknown): Misfit {
  switch (shape.kind) {
    case 'ref':
      return firstMisfit(shape.target(), value)
    case 'object':
      return isObject(value) ? objectMisfit(shape, value) : new Misfit('must be an object')
    case 'array':
      return Array.isArray(value) ? itemMisfit(shape, value, () => shape.item) : new Misfit('must be an array')
    case 'tuple':
      if (!Array.isArray(value)) return new Misfit('must be an array')
      if (value.length !== shape.items.length) return new Misfit(`must have ${shape.items.length} items`)
      return itemMisfit(shape, value, (n) => shape.items[n])
    case 'intersect': {
      const part = shape.parts.find((one) => !checkOf(one)(value))
      return part ? firstMisfit(part, value) : new Misfit(firstMessage(shape, value))
    }
    case 'union':
      return unionMisfit(shape, value)
    case 'literal':
      return new Misfit(`must be ${shape.values.map(literalText).join(' or ')}`)
    case 'never':
      return new Misfit('must not be there: its schema is Never')
    default:
      return new Misfit(firstMessage(shape, value))
  }
}

function objectMisfit(shape: ObjectShape, value: Record<string, unknown>): Misfit {
  for (const [name, property] of shape.properties) {
    if (!Object.hasOwn(value, name)) {
      if (!property.optional) return new Misfit('is required').within(name)
    } else if (!(property.optional && value[name] === undefined) && !checkOf(property.shape)(value[name])) {
      return firstMisfit(property.shape, value[name]).within(name)
    }
  }
  for (const name of Object.keys(value)) {
    if (shape.properties.has(name)) continue
    const declared = shape.patterns.find((pattern) => pattern.regExp.test(name))?.shape ?? shape.rest
    if (declared === 'refuse')
      return new Misfit('is not declared, and its schema forbids undeclared properties').within(name)
    if (declared !== 'drop' && !checkOf(declared)(value[name])) return firstMisfit(declared, value[name]).within(name)
  }
  return new Misfit(firstMessage(shape, value))
}

function itemMisfit(shape: Shape, values: readonly unknown[], itemAt: (index: number) => Shape | undefined): Misfit {
  for (let index = 0; index < values.length; index++) {
    const item = itemAt(index)
    if (item && !checkOf(item)(values[index])) return firstMisfit(item, values[index]).within(index)
  }
  return new Misfit(firstMessage(shape, values))
}

/** The one branch that the value seems to be meant for, or all of their names. */
function unionMisfit(shape: UnionShape, value: unknown): Misfit {
  const meant = shape.branches.filter((branch) => seemsMeant(branch, value))
  const [only] = meant
  if (only && meant.length === 1) return firstMisfit(only, value)
  if (isObject(value) && meant.length === 0) {
    const discriminator = discriminatorMisfit(shape, value)
    if (discriminator) return discriminator
  }
  const forms = [...new Set(shape.branches.map(describeForm))]
  return new Misfit(forms.length > 8 ? `must fit one of ${forms.length} forms` : `must be ${forms.join(' or ')}`)
}

/** Where all objects of a union have a literal property of one name, and the value's says none of them. */
function discriminatorMisfit(shape: UnionShape, value: Record<string, unknown>): Misfit | undefined {
  const objects = shape.branches.flatMap((branch) => (branch.kind === 'object' ? [branch] : []))
  for (const name of objects[0]?.properties.keys() ?? []) {
    const literals = objects.map((object) => object.properties.get(name)?.shape)
    const texts = literals.flatMap((literal) => (literal?.kind === 'literal' ? literal.values.map(literalText) : []))
    if (literals.some((literal) => literal?.kind !== 'literal')) continue
    if (!Object.hasOwn(value, name)) return new Misfit('is required').within(name)
    return new Misfit(
      texts.length > 8 ? `must be one of ${texts.length} names` : `must be ${texts.join(' or ')}`,
    ).within(name)
  }
  return undefined
}

/** A cheap look at a value: its kind, and the literal properties that it has. Never excludes what would fit. */
export function seemsMeant(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case 'ref':
      return seemsMeant(shape.target(), value)
    case 'union':
      return shape.branches.some((branch) => seemsMeant(branch, value))
    case 'intersect':
      return shape.parts.every((part) => seemsMeant(part, value))
    case 'object':
      if (!isObject(value)) return false
      for (const [name, { shape: property, optional }] of shape.properties) {
        if (property.kind === 'literal' && !optional && !isOneOf(property.values, value[name])) return false
      }
      return true
    case 'literal':
      return isOneOf(shape.values, value)
    case 'array':
    case 'tuple':
      return Array.isArray(value)
    case 'bytes':
      return value instanceof Uint8Array
    case 'timestamp':
      return value instanceof Date
    case 'null':
    case 'undefined':
      return value === null || value === undefined
    case 'number':
    case 'bigint':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'string':
    case 'boolean':
      return typeof value === shape.kind
    case 'never':
      return false
    default:
      return true
  }
}

/** Numbers and bigints of one value are one: which of the two arrives depends on who packed it. */
function isOneOf(values: readonly unknown[], value: unknown): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: 5 == 5n is meant
  return values.some((one) => one === value || (isNumeric(one) && isNumeric(value) && one == value))
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function describeForm(shape: Shape): string {
  if (shape.kind === 'literal') return shape.values.map(literalText).join(' or ')
  if (shape.kind === 'ref') return shape.name
  return forms[shape.kind] ?? shape.kind
}

const forms: Readonly<Record<string, string>> = { object: 'an object', array: 'an array', tuple: 'a tuple' }

function literalText(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
