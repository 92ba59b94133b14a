/** Objects as the wire has them: own listed properties, and nothing behind them. */
import { Misfit } from './misfit.ts'
import type { ObjectShape } from './shape.ts'

/** TypeBox's check takes what a prototype has, and what cannot be listed; the wire carries own listed properties only. */
export function requireOwn(shape: ObjectShape, value: Record<string, unknown>): void {
  for (const [name, { optional }] of shape.properties) {
    if (name in value && !isOwn.call(value, name) && !(optional && value[name] === undefined)) {
      const what = Object.hasOwn(value, name) ? 'is not enumerable' : 'is inherited'
      throw new Misfit(`${what}; make it a property of the object itself`).within(name)
    }
  }
}

const { propertyIsEnumerable: isOwn } = Object.prototype

/**
 * Whether an object has its listed properties and nothing else. One of a user's class is copied; a built-in class with
 * a content of its own is refused.
 */
export function isPlain(value: object, listed: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return Reflect.ownKeys(value).length === listed
  const tag = Object.prototype.toString.call(value)
  if (tag !== '[object Object]') throw new Misfit(`is a ${tag.slice(8, -1)}, not a plain object`)
  return false
}

/** The object with its declared properties first and in their order, so that a value has the same bytes whoever made it. */
export function inOrder(places: ReadonlyMap<string, number>, value: Record<string, unknown>): Record<string, unknown> {
  const placeOf = (name: string): number => places.get(name) ?? places.size
  const names = Object.keys(value)
  if (names.every((name, index) => index === 0 || placeOf(names[index - 1] ?? '') <= placeOf(name))) return value
  names.sort((one, other) => placeOf(one) - placeOf(other))
  return Object.fromEntries(names.map((name) => [name, value[name]]))
}

export function copyUntil(value: Record<string, unknown>, end: string): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    if (name === end) break
    copy[name] = value[name]
  }
  return copy
}
