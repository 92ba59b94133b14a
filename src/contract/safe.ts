/**
 * What may stand where a schema says nothing (`Unknown`, `Any`): exactly what MessagePack carries, checked in every
 * place so that moving a service changes nothing (spec/types.md).
 */
import { type Bounds, requireBounds } from './bounds.ts'
import { Misfit } from './misfit.ts'

/** Throws unless `value` can travel; returns it, or a copy without undefined properties and with -0 replaced. */
export function requireSafe(negativeZero: object | undefined, bounds: Bounds): (value: unknown) => unknown {
  const copies = negativeZero !== undefined
  return (value) => {
    requireBounds(value, bounds) // what follows recurses
    return safe(value)
  }

  function safe(value: unknown): unknown {
    if (copies && value === negativeZero) return value // another part of an intersection has put it there
    switch (typeof value) {
      case 'string':
        if (!value.isWellFormed()) throw new Misfit('holds half of a surrogate pair, which UTF-8 cannot say')
        return value
      case 'number':
        if (!Number.isFinite(value)) throw new Misfit(`is ${value}, which is no finite number`)
        return copies && Object.is(value, -0) ? negativeZero : value
      case 'bigint':
        if (BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value)
          throw new Misfit('is a bigint of more than 64 bits')
        return value
      case 'boolean':
        return value
      case 'object':
        return value === null || value instanceof Uint8Array ? value : safeObject(value, copies, safe)
      default:
        throw new Misfit(`is ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}, which cannot travel`)
    }
  }
}

function safeObject(value: object, dropsUndefined: boolean, safe: (value: unknown) => unknown): unknown {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new Misfit('is an invalid Date')
    return value
  }
  if (Array.isArray(value)) {
    const items = Array.from(value, (item: unknown, index) => within(index, () => safe(item)))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new Misfit(`is a ${value.constructor?.name || 'class instance'}; send a plain object`)
  }
  const entries = Object.entries(value)
  const copy: Record<string, unknown> = {}
  let isSame = Reflect.ownKeys(value).length === entries.length // what cannot be listed does not travel
  for (const [name, item] of entries) {
    requireName(name)
    if (item === undefined && dropsUndefined) isSame = false
    else copy[name] = item === undefined ? item : within(name, () => safe(item))
    if (copy[name] !== item) isSame = false
  }
  return isSame ? value : copy
}

/** A property name that comes from the value and not from the schema. */
export function requireName(name: string): void {
  if (name === '__proto__') throw new Misfit('is a property name that is refused').within(name)
  if (!name.isWellFormed()) throw new Misfit('has a name with half of a surrogate pair').within(name)
}

function within<T>(segment: string | number, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw error instanceof Misfit ? error.within(segment) : error
  }
}
