/** What generated code asks about an object that is not in the form that most have (spec/types.md). */

const { getOwnPropertyNames } = Object
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

const LINE_BREAK = /[\n\r\u2028\u2029]/

/** A name of a record that both paths take alike. */
export function isPlainName(name: string): boolean {
  return name !== '__proto__' && !(name in Object.prototype) && !LINE_BREAK.test(name) && name.isWellFormed()
}
