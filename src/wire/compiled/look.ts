/** What generated code asks about an object that is not in the form that most have (spec/types.md). */

const { getOwnPropertyNames, getOwnPropertySymbols } = Object
const { propertyIsEnumerable: isListed } = Object.prototype

/** Declared names, and whether each is optional. */
export type Declared = ReadonlyMap<string, boolean>

/**
 * Whether all that is declared and there is a listed property of the object itself, as only such travel.
 * @param refuses undeclared properties are not to be there
 */
export function areOwn(value: object, declared: Declared, refuses: boolean): boolean {
  for (const [name, isOptional] of declared) {
    if (!(name in value) || isListed.call(value, name)) continue
    if (!isOptional || (value as Readonly<Record<string, unknown>>)[name] !== undefined) return false // any object may be asked
  }
  return !refuses || getOwnPropertyNames(value).every((name) => declared.has(name))
}

/**
 * What is to be done with an object that does not list what is declared in its order: nothing, for what is not declared is hidden
 * nowhere; a copy without the rest; or the reference path is to look.
 */
export function lookOver(value: object, declared: Declared, refuses: boolean): 'same' | 'more' | 'undecided' {
  let listed = 0
  let rest = 0
  for (const name in value) {
    if (declared.has(name)) listed++
    else rest++
  }
  const isWhole = listed === declared.size && !(refuses && hasMore(value, listed))
  if (!isWhole && !areOwn(value, declared, refuses)) return 'undecided'
  return rest > 0 || hasMore(value, listed) ? 'more' : 'same'
}

/** Whether it has more properties of its own than so many, under symbols too. */
function hasMore(value: object, listed: number): boolean {
  return getOwnPropertyNames(value).length !== listed || getOwnPropertySymbols(value).length > 0
}

/** A property as an object may be asked for it. */
export interface DeclaredName {
  readonly name: string
  readonly isOptional: boolean
}

/**
 * The place after `name` in a list, looked for from `at` on, -1 where it is not there or one before it may not be absent or is
 * there and not listed; with no name, whether all that are left are absent. What `Object.prototype` has is absent of no object.
 */
export function skipAbsent(
  list: readonly DeclaredName[],
  value: Readonly<Record<string, unknown>>,
  at: number,
  name: string | undefined,
): number {
  for (let place = at; place < list.length; place++) {
    const one = list[place] as DeclaredName // it is within the list
    if (one.name === name) return place + 1
    if (!one.isOptional || one.name in Object.prototype || value[one.name] !== undefined) return -1
  }
  return name === undefined ? list.length : -1
}

/** A copy with what is declared and listed, of the values that were read of it. The rest is not looked at. */
export function pickDeclared(
  value: object,
  places: ReadonlyMap<string, number>,
  values: readonly unknown[],
): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const name in value) {
    const place = places.get(name)
    if (place !== undefined) copy[name] = values[place]
  }
  return copy
}

/** A copy of a list that was looked at. Its own `slice`, and that of its class, may be anything. */
export function copyList(value: readonly unknown[]): unknown[] {
  return Array.from({ length: value.length }, (_, index) => value[index])
}

const LINE_BREAK = /[\n\r\u2028\u2029]/

/** A name of a record that both paths take alike. */
export function isPlainName(name: string): boolean {
  return name !== '__proto__' && !(name in Object.prototype) && !LINE_BREAK.test(name) && name.isWellFormed()
}
