/**
 * Numbers for schemas: two that are written alike, annotations and order aside, have one number. The texts of inner
 * schemas are not repeated in those of outer ones, so that a large description costs no more than its size.
 */
import { byCodePoint, canonicalData, sets } from './canonical.ts'
import { annotations, isJsonObject, type JsonValue, mapKeyword } from './json-schema.ts'

export interface Print {
  readonly number: number
  readonly hasRef: boolean
}

export class Interner {
  readonly #numbers = new Map<string, number>()
  readonly #prints = new WeakMap<object, Print>()

  printOf(schema: JsonValue): Print {
    if (!isJsonObject(schema)) return { number: this.numberOf(canonicalData(schema)), hasRef: false }
    const known = this.#prints.get(schema)
    if (known) return known
    let hasRef = '$ref' in schema
    const onSchema = (inner: unknown): string => {
      const print = this.printOf(inner as JsonValue) // of JSON, like the schema
      hasRef ||= print.hasRef
      return `#${print.number}`
    }
    const texts: string[] = []
    for (const [keyword, value] of Object.entries(schema)) {
      if (annotations.has(keyword) || keyword === '$defs') continue
      if (keyword === 'required' && Array.isArray(value) && value.length === 0) continue
      const mapped = mapKeyword<JsonValue>(keyword, value, onSchema, (data) => data as JsonValue) // of JSON, like the schema
      texts.push(`${JSON.stringify(keyword)}:${this.textOf(keyword, mapped)}`)
    }
    const print = { number: this.numberOf(`{${texts.sort(byCodePoint).join(',')}}`), hasRef }
    this.#prints.set(schema, print)
    return print
  }

  /** The text of a keyword's value, sets in order. */
  textOf(keyword: string, value: JsonValue): string {
    if (!sets.has(keyword) || !Array.isArray(value)) return canonicalData(value)
    const items: readonly JsonValue[] = value
    return `[${items.map(canonicalData).sort(byCodePoint).join(',')}]`
  }

  /** One number for one text; one made of numbers does not grow with what they stand for. */
  numberOf(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size
    this.#numbers.set(text, number)
    return number
  }
}
