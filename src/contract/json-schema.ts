/**
 * Schemas as plain JSON data, and which of their keywords hold other schemas (spec/compatibility.md, chapter
 * "Descriptions"). Invariant: nothing here looks into a pattern, compiles or checks anything.
 */

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export type JsonObject = { readonly [Name in string]: JsonValue }

/** A JSON schema; TypeBox's own form without what is not data. */
export type JsonSchema = boolean | JsonObject

/** How a keyword's value holds schemas, where it does. */
export type SchemaPlace = 'schema' | 'list' | 'map' | 'schemaOrList'

const places: Readonly<Record<string, SchemaPlace>> = {
  additionalItems: 'schema',
  additionalProperties: 'schema',
  contains: 'schema',
  not: 'schema',
  unevaluatedItems: 'schema',
  unevaluatedProperties: 'schema',
  allOf: 'list',
  anyOf: 'list',
  oneOf: 'list',
  prefixItems: 'list',
  $defs: 'map',
  patternProperties: 'map',
  properties: 'map',
  items: 'schemaOrList',
}

export function placeOf(keyword: string): SchemaPlace | undefined {
  return Object.hasOwn(places, keyword) ? places[keyword] : undefined
}

/** Keywords for people and tools: no value passes or fails by them, and Nanowire puts in no defaults. */
export const annotations: ReadonlySet<string> = new Set([
  '$comment',
  '$id',
  '$schema',
  'default',
  'deprecated',
  'description',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
])

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether something of a peer can stand where a schema should. */
export function isJsonSchema(value: JsonValue | undefined): value is JsonSchema {
  return typeof value === 'boolean' || isJsonObject(value)
}

/** What a keyword's value is rebuilt from: each schema in it by `onSchema`, all else by `onData`. */
export function mapKeyword<T>(
  keyword: string,
  value: unknown,
  onSchema: (schema: unknown) => T,
  onData: (value: unknown) => T,
): T | readonly T[] | { readonly [Name in string]: T } {
  const place = placeOf(keyword)
  const isList = Array.isArray(value)
  if (isList && (place === 'list' || place === 'schemaOrList')) return value.map((schema) => onSchema(schema))
  const isMap = typeof value === 'object' && value !== null && !isList
  if (isMap && place === 'map') {
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, onSchema(schema)]))
  }
  const isSchema = isMap || typeof value === 'boolean'
  return isSchema && (place === 'schema' || place === 'schemaOrList') ? onSchema(value) : onData(value)
}

/**
 * All definitions of a schema by their names, wherever they stand: a name has one meaning in a schema (spec/types.md, T29). Of two
 * with one name the outer one counts. Does not recurse.
 */
export function definitionsOf(root: JsonSchema): Map<string, JsonSchema> {
  const definitions = new Map<string, JsonSchema>()
  let level: readonly JsonValue[] = [root]
  while (level.length > 0) {
    const inner: JsonValue[] = []
    for (const schema of level) {
      if (!isJsonObject(schema)) continue
      const own = schema['$defs']
      for (const [name, definition] of Object.entries(own !== undefined && isJsonObject(own) ? own : {})) {
        if (isJsonSchema(definition) && !definitions.has(name)) definitions.set(name, definition)
      }
      for (const [keyword, value] of Object.entries(schema)) {
        mapKeyword(
          keyword,
          value,
          (one) => inner.push(one as JsonValue), // of JSON, like all of it
          () => 0,
        )
      }
    }
    level = inner
  }
  return definitions
}
