/**
 * A schema in one line for people: `{ name: string, age?: integer }` (spec/cli.md, "describe"). Invariant: whatever a peer's
 * schema says, the text has one line and a bounded length, and nothing of it is compiled or run.
 */
import type { JsonSchema, JsonValue } from '../contract/index.ts'

const MAX_DEPTH = 12
const MAX_LENGTH = 2_000
const MAX_TEXT_LENGTH = 120

/** The schema as text, cut with `…` where it is deep or long. */
export function typeText(schema: JsonSchema): string {
  const text = new TypeWriter().write(schema, 0)
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}

type Keywords = { readonly [Keyword in string]: JsonValue }

/** What is said otherwise than by its keyword, or is for people. */
const unsaid = new Set(
  (
    '$comment $defs $id $ref $schema additionalItems additionalProperties allOf anyOf const default deprecated description enum ' +
    'examples items not oneOf patternProperties prefixItems properties readOnly required title type unevaluatedProperties ' +
    'writeOnly x-nanowire'
  ).split(' '),
)

class TypeWriter {
  /** How much may still be written: what is wide ends here, as what is deep ends by its depth. */
  #room = MAX_LENGTH

  write(schema: JsonValue | undefined, depth: number): string {
    if (schema === true || schema === undefined) return 'unknown'
    if (schema === false) return 'never'
    if (!isObject(schema)) return this.#value(schema)
    if (depth > MAX_DEPTH) return '…'
    const text = this.#forms(schema, depth) + this.#bounds(schema)
    const definitions = this.#definitions(schema, depth)
    return definitions === '' ? text : `${text} where ${definitions}`
  }

  #forms(schema: Keywords, depth: number): string {
    const { $ref, not } = schema
    const forms: string[] = []
    if (typeof $ref === 'string') forms.push(nameText($ref.replace(/^#\/\$defs\//, '')))
    for (const branches of listsOf(schema, 'allOf')) forms.push(this.#list(branches, ' & ', depth))
    for (const branches of listsOf(schema, 'anyOf', 'oneOf')) forms.push(this.#list(branches, ' | ', depth))
    const own = this.#own(schema, depth)
    if (own !== undefined) forms.push(own)
    if (forms.length > 0) return forms.length === 1 ? String(forms[0]) : forms.map((form) => `(${form})`).join(' & ')
    if (!isObject(not)) return 'unknown'
    return Object.keys(not).length === 0 ? 'never' : `not ${this.#part(not, depth)}`
  }

  #own(schema: Keywords, depth: number): string | undefined {
    const mark = schema['x-nanowire']
    if (typeof mark === 'string') return nameText(mark)
    if ('const' in schema) return this.#value(schema['const'])
    if (Array.isArray(schema['enum'])) return this.#each(schema['enum'], ' | ', (value) => this.#value(value))
    const { type } = schema
    if (Array.isArray(type))
      return this.#each([...new Set<JsonValue>(type)], ' | ', (one) => this.#type(schema, one, depth))
    return type === undefined ? undefined : this.#type(schema, type, depth)
  }

  #type(schema: Keywords, type: JsonValue, depth: number): string {
    if (type === 'object') return this.#object(schema, depth)
    if (type === 'array') return this.#array(schema, depth)
    return typeof type === 'string' ? nameText(type) : this.#value(type)
  }

  #object(schema: Keywords, depth: number): string {
    const { properties, patternProperties, required, additionalProperties, unevaluatedProperties } = schema
    const mandatory = new Set(Array.isArray(required) ? required : [])
    const parts = [
      ...entriesOf(properties).map(
        ([name, inner]) =>
          () =>
            `${nameText(name)}${mandatory.has(name) ? '' : '?'}: ${this.write(inner, depth + 1)}`,
      ),
      ...entriesOf(patternProperties).map(
        ([source, inner]) =>
          () =>
            `[${source === ANY_KEY ? 'string' : `/${cut(source)}/`}]: ${this.write(inner, depth + 1)}`,
      ),
    ]
    const rest = additionalProperties ?? unevaluatedProperties
    if (rest === false && entriesOf(patternProperties).length === 0) parts.push(() => 'and no other')
    else if (rest !== undefined && rest !== false) parts.push(() => `[string]: ${this.write(rest, depth + 1)}`)
    return parts.length === 0 ? '{}' : `{ ${this.#each(parts, ', ', (part) => part())} }`
  }

  #array(schema: Keywords, depth: number): string {
    const { items, prefixItems } = schema
    const heads = Array.isArray(prefixItems) ? prefixItems : items
    if (Array.isArray(heads)) return `[${this.#each(heads, ', ', (item) => this.write(item, depth + 1))}]`
    return `${this.#part(items, depth)}[]`
  }

  #list(branches: readonly JsonValue[], between: string, depth: number): string {
    return this.#each(branches, between, (branch) => this.#part(branch, depth))
  }

  /** Something that others stand beside. */
  #part(schema: JsonValue | undefined, depth: number): string {
    const text = this.write(schema, depth + 1)
    return isObject(schema) && isCompound(schema) ? `(${text})` : text
  }

  /** `(minLength: 1)`: what bounds the values. */
  #bounds(schema: Keywords): string {
    const isTuple = Array.isArray(schema['items']) || Array.isArray(schema['prefixItems'])
    const bounds = Object.entries(schema).filter(([keyword]) => {
      return !unsaid.has(keyword) && !(isTuple && (keyword === 'minItems' || keyword === 'maxItems'))
    })
    if (bounds.length === 0) return ''
    return `(${this.#each(bounds, ', ', ([keyword, value]) => `${nameText(keyword)}: ${this.#value(value)}`)})`
  }

  #definitions(schema: Keywords, depth: number): string {
    return this.#each(
      entriesOf(schema['$defs']),
      ', ',
      ([name, inner]) => `${nameText(name)} = ${this.write(inner, depth + 1)}`,
    )
  }

  #value(value: JsonValue | undefined): string {
    if (isObject(value)) {
      const [name, inner] = Object.entries(value)[0] ?? []
      if (name === '$bigint') return `${cut(String(inner))}n`
      return name === undefined ? '{}' : `{ ${nameText(name)}: … }`
    }
    if (Array.isArray(value)) return value.length === 0 ? '[]' : '[…]'
    return cut(JSON.stringify(value) ?? 'undefined')
  }

  /** As many as there is room for. */
  #each<T>(items: readonly T[], between: string, write: (item: T) => string): string {
    const texts: string[] = []
    for (const item of items) {
      if (this.#room <= 0) {
        texts.push('…')
        break
      }
      this.#room -= between.length + 1
      const text = write(item)
      this.#room -= text.length
      texts.push(text)
    }
    return texts.join(between)
  }
}

/** How TypeBox writes the pattern of `Record(String, …)`. */
const ANY_KEY = '^.*$'

/** As an identifier, or in quotes. */
function nameText(name: string): string {
  return /^[\w$-]{1,64}$/.test(name) ? name : cut(JSON.stringify(name))
}

function cut(text: string): string {
  const line = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\')
  return line.length > MAX_TEXT_LENGTH ? `${line.slice(0, MAX_TEXT_LENGTH)}…` : line
}

function listsOf(schema: Keywords, ...keywords: readonly string[]): readonly (readonly JsonValue[])[] {
  return keywords.flatMap((keyword) => {
    const value = schema[keyword]
    return Array.isArray(value) ? [value] : []
  })
}

/** Whether its text has ` | ` or ` & ` outside of brackets. */
function isCompound(schema: Keywords): boolean {
  return '$defs' in schema || listsOf(schema, 'allOf', 'anyOf', 'oneOf', 'enum', 'type').some((list) => list.length > 1)
}

function entriesOf(value: JsonValue | undefined): [string, JsonValue][] {
  return isObject(value) ? Object.entries(value) : []
}

function isObject(value: JsonValue | undefined): value is Keywords {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
