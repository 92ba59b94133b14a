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
 * What is to be done with an object that does not list exactly what is declared: nothing, for what is not declared is hidden
 * nowhere; a copy without the rest; or the reference path is to look.
 */
export function lookOver(value: object, declared: Declared, refuses: boolean): 'same' | 'more' | 'undecided' {
  if (!areOwn(value, declared, refuses)) return 'undecided'
  const names = getOwnPropertyNames(value)
  const isSame = names.every((name) => declared.has(name) && isListed.call(value, name))
  return isSame && getOwnPropertySymbols(value).length === 0 ? 'same' : 'more'
}

/** A copy with what is declared and listed. */
export function pickDeclared(value: object, declared: Declared): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => declared.has(name)))
}

const LINE_BREAK = /[\n\r\u2028\u2029]/

/** A name of a record that both paths take alike. */
export function isPlainName(name: string): boolean {
  return name !== '__proto__' && !(name in Object.prototype) && !LINE_BREAK.test(name) && name.isWellFormed()
}
