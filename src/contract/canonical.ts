/**
 * Canonical text: schemas of one meaning written alike, as far as that is cheap (spec/compatibility.md, K4).
 */
import { annotations, isJsonObject, type JsonObject, type JsonSchema, type JsonValue, placeOf } from './json-schema.ts'

/** Lists in which the order says nothing. */
export const sets: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'enum', 'oneOf', 'required', 'type'])

/** The text of a schema without what is for people, its names and sets in order. */
export function canonicalSchema(schema: JsonSchema): string {
  return isJsonObject(schema) ? objectText(entriesOfSchema(schema)) : String(schema)
}

function entriesOfSchema(schema: JsonObject): [string, string][] {
  const entries: [string, string][] = []
  for (const [keyword, value] of Object.entries(schema)) {
    if (annotations.has(keyword)) continue
    if (keyword === 'required' && Array.isArray(value) && value.length === 0) continue
    entries.push([keyword, keywordText(keyword, value)])
  }
  return entries
}

function keywordText(keyword: string, value: JsonValue): string {
  const place = placeOf(keyword)
  if (isJsonObject(value)) {
    if (place === 'map') return objectText(Object.entries(value).map(([name, inner]) => [name, schemaText(inner)]))
    return place === 'schema' || place === 'schemaOrList' ? canonicalSchema(value) : canonicalData(value)
  }
  if (!Array.isArray(value)) return canonicalData(value)
  const holdsSchemas = place === 'list' || place === 'schemaOrList'
  const items = (value as readonly JsonValue[]).map(holdsSchemas ? schemaText : canonicalData) // a list of JSON's values is one
  return `[${(sets.has(keyword) ? items.sort(byCodePoint) : items).join(',')}]`
}

function schemaText(value: JsonValue): string {
  return isJsonObject(value) ? canonicalSchema(value) : canonicalData(value)
}

/** The text of data that is no schema: names in order, and numbers as K4 says. */
export function canonicalData(value: JsonValue): string {
  if (typeof value === 'number') return numberText(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalData).join(',')}]`
  return objectText(Object.entries(value as JsonObject).map(([name, inner]) => [name, canonicalData(inner)])) // no array, so an object
}

function objectText(entries: readonly (readonly [string, string])[]): string {
  const sorted = [...entries].sort(([one], [other]) => byCodePoint(one, other))
  return `{${sorted.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

/** Decimal digits where they are short and exact in any language, else the eight bytes of the double. */
function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value + 0)
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return `f${view.getBigUint64(0).toString(16).padStart(16, '0')}`
}

const SURROGATE = /[\ud800-\udfff]/

/** The order of code points, which is the order of UTF-8 bytes; JavaScript's own puts U+10000 before U+E000. */
export function byCodePoint(one: string, other: string): number {
  if (!SURROGATE.test(one) && !SURROGATE.test(other)) return one < other ? -1 : one > other ? 1 : 0
  const left = [...one]
  const right = [...other]
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
