/**
 * The check of schemas that a peer told: a walk over their shapes that compiles nothing, runs no pattern and looks at no value
 * twice for one shape (spec/compatibility.md, K22). It knows the keywords that `learnContract` leaves in them, and no more.
 */
import type { ObjectShape, Shape } from './shape.ts'

/** Looks at values in one check. */
const MAX_LOOKS = 1_000_000

/** Whether `value` fits a learned shape; one that is too much work to look at does not. */
export function checkBounded(shape: Shape, value: unknown): boolean {
  return new BoundedCheck().fits(shape, value)
}

class BoundedCheck {
  #looks = 0
  /** What was found of a container; while it is being looked at, that it fits. */
  readonly #found = new Map<object, Map<Shape, boolean>>()

  fits(shape: Shape, value: unknown): boolean {
    if (++this.#looks > MAX_LOOKS) return false
    if (typeof value !== 'object' || value === null) return this.#look(shape, value)
    const found = this.#found.get(value) ?? new Map<Shape, boolean>()
    this.#found.set(value, found)
    const before = found.get(shape)
    if (before !== undefined) return before
    found.set(shape, true)
    const doesFit = this.#look(shape, value)
    found.set(shape, doesFit)
    return doesFit
  }

  #look(shape: Shape, value: unknown): boolean {
    switch (shape.kind) {
      case 'unknown':
        return true
      case 'ref':
        return this.fits(shape.target(), value)
      case 'union':
        return shape.branches.some((branch) => this.fits(branch, value))
      case 'intersect':
        return shape.parts.every((part) => this.fits(part, value))
      case 'literal':
        return shape.values.some((one) => one === value)
      case 'array':
        return (
          Array.isArray(value) &&
          isWithin(value.length, shape, 'Items') &&
          value.every((item) => this.fits(shape.item, item))
        )
      case 'tuple':
        return (
          Array.isArray(value) &&
          value.length === shape.items.length &&
          shape.items.every((item, index) => this.fits(item, value[index]))
        )
      case 'object':
        return this.#fitsObject(shape, value)
      default:
        return fitsLeaf(shape, value)
    }
  }

  #fitsObject(shape: ObjectShape, value: unknown): boolean {
    if (!isMap(value)) return false
    for (const [name, property] of shape.properties) {
      const isAbsent = !Object.hasOwn(value, name) || (property.optional && value[name] === undefined)
      if (isAbsent ? !property.optional : !this.fits(property.shape, value[name])) return false
    }
    const names = Object.keys(value)
    if (!isWithin(names.length, shape, 'Properties')) return false
    const rest = shape.patterns[0]?.shape ?? shape.rest
    if (rest === 'drop') return true
    return names.every((name) => shape.properties.has(name) || (rest !== 'refuse' && this.fits(rest, value[name])))
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  const isList = Array.isArray(value) || value instanceof Uint8Array || value instanceof Date
  return typeof value === 'object' && value !== null && !isList
}

function fitsLeaf(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case 'null':
      return value === null
    case 'undefined':
      return value === undefined
    case 'boolean':
    case 'bigint':
      return typeof value === shape.kind && (typeof value === 'boolean' || isBetween(value as bigint, shape)) // one of the two
    case 'number':
      return (
        typeof value === 'number' &&
        Number.isFinite(value) &&
        isBetween(value, shape) &&
        (!shape.integer || Number.isInteger(value))
      )
    case 'string':
      return typeof value === 'string' && isWithin(lengthOf(value), shape, 'Length')
    case 'bytes':
      return value instanceof Uint8Array && isWithin(value.length, shape, 'Bytes')
    case 'timestamp':
      return value instanceof Date && !Number.isNaN(value.getTime())
    default:
      return false
  }
}

/** In code points. */
function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length++
  return length
}

function keywordOf(shape: Shape, keyword: string): number | bigint | undefined {
  const value: unknown = Reflect.get(shape.schema, keyword)
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined
}

function isWithin(count: number, shape: Shape, what: 'Length' | 'Bytes' | 'Items' | 'Properties'): boolean {
  return (
    count >= (keywordOf(shape, `min${what}`) ?? 0) &&
    count <= (keywordOf(shape, `max${what}`) ?? Number.POSITIVE_INFINITY)
  )
}

function isBetween(value: number | bigint, shape: Shape): boolean {
  const [min, max] = [keywordOf(shape, 'minimum'), keywordOf(shape, 'maximum')]
  const [above, below] = [keywordOf(shape, 'exclusiveMinimum'), keywordOf(shape, 'exclusiveMaximum')]
  return (
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  )
}
