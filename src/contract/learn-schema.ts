/**
 * A peer's schema rebuilt from a list of keywords that are safe to check (spec/compatibility.md, K21). Invariant: what comes
 * out allows at least what the peer's schema does, and is small enough for all that recurses over it.
 */
import type { TSchema } from 'typebox'
import { misuse } from '../errors.ts'
import { ANY_KEY } from './form.ts'
import { bigintOf } from './form-values.ts'
import {
  definitionsOf,
  isJsonObject,
  isJsonSchema,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
} from './json-schema.ts'
import { Bytes, Timestamp } from './types.ts'
import { LEARNED } from './validator.ts'

/** Schemas in one request, reply or error. A thousand of them inside each other still leave most of the stack. */
const MAX_SCHEMAS = 1_000
/** Forms that a value may be tried as before anything of it is taken out: unions of unions multiply. */
const MAX_FORMS = 1_000

type Rebuilt = Record<string, unknown>

/** Keywords of each type that hold one number, which is not below zero where it counts. */
const counts: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength'],
  array: ['minItems', 'maxItems'],
  object: ['minProperties', 'maxProperties'],
}
const bounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']

export class LearnedSchema {
  readonly #where: string
  readonly #root: JsonSchema
  readonly #definitions: ReadonlyMap<string, JsonSchema>
  /** By the definition's name, how many forms it stands for; while that is being counted, too many. */
  readonly #forms = new Map<string, number>()
  #schemas = 0

  constructor(schema: JsonSchema, where: string) {
    this.#where = where
    this.#root = schema
    this.#definitions = definitionsOf(schema)
  }

  /** @throws NanowireError `invalid_argument` for a schema that is too large to be learned */
  whole(): TSchema {
    const rebuilt = this.#rebuild(this.#root)
    const definitions = [...this.#definitions].map(([name, schema]) => [name, this.#rebuild(schema)] as const)
    if (this.#formsOf(this.#root) > MAX_FORMS) throw this.#tooLarge(`${MAX_FORMS} forms at once`)
    for (const schema of this.#definitions.values()) {
      if (this.#formsOf(schema) > MAX_FORMS) throw this.#tooLarge(`${MAX_FORMS} forms at once`)
    }
    if (definitions.length === 0) return rebuilt as TSchema // of TypeBox's keywords alone
    // Beside the references, never within a schema that they lead to: a definition's place says nothing to TypeBox.
    return { ...this.#marked({}), $defs: Object.fromEntries(definitions), allOf: [rebuilt] } as unknown as TSchema // likewise
  }

  #tooLarge(bound: string): Error {
    return misuse(`${this.#where}: the schema that the server tells has more than ${bound}; call it with its module`)
  }

  #marked(rebuilt: Rebuilt): Rebuilt {
    if (++this.#schemas > MAX_SCHEMAS) throw this.#tooLarge(`${MAX_SCHEMAS} schemas`)
    return { [LEARNED]: true, ...rebuilt }
  }

  #rebuild(schema: JsonValue | undefined): Rebuilt {
    if (!isJsonObject(schema ?? null)) return this.#marked(schema === false ? { not: {} } : {})
    const described = schema as JsonObject // as was just seen
    const mark = described['x-nanowire']
    if (mark === 'bytes')
      return { ...this.#marked({}), ...whole(Bytes(numbersOf(described, ['minBytes', 'maxBytes']))) }
    if (mark === 'timestamp') return { ...this.#marked({}), ...whole(Timestamp()) }
    const { not } = described
    if (isJsonObject(not ?? null) && Object.keys(not as JsonObject).length === 0) return this.#marked({ not: {} }) // seen to be one
    const parts = this.#partsOf(described)
    const [only] = parts
    if (only && parts.length === 1) return only
    return this.#marked(parts.length === 0 ? {} : { allOf: parts })
  }

  /** What a schema says by each of its keywords that say what a value is. */
  #partsOf(schema: JsonObject): Rebuilt[] {
    const parts: Rebuilt[] = []
    const { $ref, allOf, type } = schema
    if (typeof $ref === 'string')
      parts.push(this.#marked(this.#definitions.has(nameOf($ref)) ? { $ref: nameOf($ref) } : {}))
    if (Array.isArray(allOf)) parts.push(...allOf.map((part: JsonValue) => this.#rebuild(part)))
    for (const keyword of ['anyOf', 'oneOf']) {
      const branches = schema[keyword]
      if (Array.isArray(branches) && branches.length > 0)
        parts.push(this.#union(branches.map((one: JsonValue) => this.#rebuild(one))))
    }
    const own = this.#constants(schema) ?? this.#ofTypes(schema, type)
    return own ? [...parts, own] : parts
  }

  #union(branches: readonly Rebuilt[]): Rebuilt {
    const [only] = branches
    return only && branches.length === 1 ? only : this.#marked({ anyOf: branches })
  }

  #constants(schema: JsonObject): Rebuilt | undefined {
    const said = 'const' in schema ? [schema['const'] ?? null] : schema['enum']
    if (!Array.isArray(said)) return undefined
    const values = said.map((value: JsonValue) => (isJsonObject(value) ? bigintOf(value) : value))
    const areConstants = values.every((value) => value !== undefined && !Array.isArray(value))
    return this.#marked(areConstants && values.length > 0 ? { enum: values } : {})
  }

  #ofTypes(schema: JsonObject, type: JsonValue | undefined): Rebuilt | undefined {
    if (type === undefined) return undefined
    return Array.isArray(type) && type.length > 0
      ? this.#union([...new Set(type)].map((one: JsonValue) => this.#ofType(schema, one)))
      : this.#ofType(schema, type)
  }

  #ofType(schema: JsonObject, type: JsonValue): Rebuilt {
    switch (type) {
      case 'null':
      case 'boolean':
      case 'undefined':
      case 'void':
        return this.#marked({ type })
      case 'string':
        return this.#marked({ type, ...numbersOf(schema, counts['string'] ?? []) })
      case 'number':
      case 'integer':
        return this.#marked({ type, ...numbersOf(schema, bounds) })
      case 'bigint':
        return this.#marked({ type, ...bigintsOf(schema) })
      case 'array':
        return this.#list(schema)
      case 'object':
        return this.#object(schema)
      default:
        return this.#marked({}) // of a later version: anything
    }
  }

  #list(schema: JsonObject): Rebuilt {
    const { items } = schema
    const heads = schema['prefixItems'] ?? (Array.isArray(items) ? items : undefined)
    if (heads === undefined) {
      return this.#marked({ type: 'array', items: this.#rebuild(items), ...numbersOf(schema, counts['array'] ?? []) })
    }
    const isTuple =
      Array.isArray(heads) &&
      (schema['additionalItems'] === false || items === false) &&
      schema['minItems'] === heads.length
    if (!isTuple) return this.#marked({ type: 'array', items: this.#marked({}) })
    const rebuilt = heads.map((item: JsonValue) => this.#rebuild(item))
    return this.#marked({ type: 'array', items: rebuilt, additionalItems: false, minItems: rebuilt.length })
  }

  /** Names by a pattern become names of any kind: the pattern would have to be run. */
  #object(schema: JsonObject): Rebuilt {
    const { required, additionalProperties, unevaluatedProperties } = schema
    const needed = Array.isArray(required) ? required.filter((name: JsonValue) => typeof name === 'string') : []
    const isSafe = (name: string) => !(name in Object.prototype) || (name === 'constructor' && needed.includes(name))
    const properties = Object.entries(mapOf(schema['properties'])).filter(([name]) => isSafe(name))
    const patterns = Object.entries(mapOf(schema['patternProperties']))
    const rest = additionalProperties ?? unevaluatedProperties
    const isRecord =
      patterns.length === 1 && patterns[0]?.[0] === ANY_KEY && rest === undefined && properties.length === 0
    const open = patterns.map(([, inner]) => this.#rebuild(inner))
    if (isJsonSchema(rest) && rest !== false) open.push(this.#rebuild(rest))
    const others =
      open.length > 0
        ? isRecord
          ? { patternProperties: { [ANY_KEY]: open[0] } }
          : { additionalProperties: this.#union(open) }
        : {}
    return this.#marked({
      type: 'object',
      properties: Object.fromEntries(properties.map(([name, inner]) => [name, this.#rebuild(inner)])),
      required: needed.filter(isSafe),
      ...others,
      ...(rest === false && open.length === 0 && schema['allOf'] === undefined ? { additionalProperties: false } : {}),
      ...(patterns.length === 0 || isRecord ? numbersOf(schema, counts['object'] ?? []) : {}),
    })
  }

  /** How many forms a value of this may be tried as, unions within unions counted through. */
  #formsOf(schema: JsonValue | undefined): number {
    if (!isJsonObject(schema ?? null)) return 1
    const { $ref, allOf, anyOf, oneOf } = schema as JsonObject // as was just seen
    let count = 1
    for (const branches of [allOf, anyOf, oneOf]) {
      if (Array.isArray(branches)) for (const branch of branches) count += this.#formsOf(branch as JsonValue) // of JSON
    }
    if (typeof $ref === 'string') count += this.#formsOfDefinition(nameOf($ref))
    return count
  }

  #formsOfDefinition(name: string): number {
    const definition = this.#definitions.get(name)
    const known = this.#forms.get(name)
    if (known !== undefined || definition === undefined) return known ?? 0
    this.#forms.set(name, Number.POSITIVE_INFINITY)
    const count = this.#formsOf(definition)
    this.#forms.set(name, count)
    return count
  }
}

/** Everything of a schema, what TypeBox hides too. */
function whole(schema: TSchema): object {
  return Object.fromEntries(Object.getOwnPropertyNames(schema).map((name) => [name, Reflect.get(schema, name)]))
}

function nameOf(ref: string): string {
  return ref.startsWith('#/$defs/') ? ref.slice('#/$defs/'.length) : ref
}

function mapOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value ?? null) ? (value as JsonObject) : {} // as was just seen
}

function numbersOf(schema: JsonObject, keywords: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    keywords.flatMap((keyword) => {
      const value = schema[keyword]
      return typeof value === 'number' ? [[keyword, value]] : []
    }),
  )
}

function bigintsOf(schema: JsonObject): Record<string, number | bigint> {
  return Object.fromEntries(
    bounds.flatMap((keyword) => {
      const value = schema[keyword]
      const bound = typeof value === 'number' ? value : bigintOf(value)
      return bound === undefined ? [] : [[keyword, bound]]
    }),
  )
}
