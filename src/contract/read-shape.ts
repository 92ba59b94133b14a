/**
 * Reads a TypeBox schema into a `Shape`, by its keywords and not by its class, so that schemas from `Script`, from
 * `Unsafe` or from a file read the same (spec/types.md). Invariant: a shape that was returned can travel in full,
 * whatever its references lead to.
 */
import type { TSchema } from 'typebox'
import { refusal, refuseEndless, refuseNilAndUndefined } from './judge-shape.ts'
import { refuseForeign } from './refuse-schema.ts'
import type { LiteralValue, PropertyShape, RefShape, Scope, Shape, UnionShape } from './shape.ts'

type Keywords = TSchema & Readonly<Record<string, unknown>>

/** What a schema's `type` may say and MessagePack cannot. */
const refusedTypes: Readonly<Record<string, string>> = {
  function: 'a function',
  constructor: 'a constructor',
  symbol: 'a symbol',
  promise: 'a promise',
  iterator: 'an iterator',
  asyncIterator: 'an async iterator',
}

/** How TypeBox writes the pattern of `Record(String, …)`; its dot leaves out keys with line breaks, which are keys too. */
const ANY_KEY = '^.*$'

const leafKinds = {
  null: 'null',
  boolean: 'boolean',
  string: 'string',
  bigint: 'bigint',
  undefined: 'undefined',
  void: 'undefined',
} as const

/** Schemas inside each other; one that holds itself as an object, and not by `$ref`, has no end. */
const MAX_SCHEMA_DEPTH = 256

const shapes = new WeakMap<TSchema, Shape>()

/**
 * The shape of a schema, always the same one for the same schema.
 * @throws NanowireError `invalid_argument`, naming the place in the schema, what cannot travel and the remedy.
 */
export function shapeOf(schema: TSchema): Shape {
  const known = shapes.get(schema)
  if (known) return known
  // JSON Schema has these two, within others
  if (typeof schema === 'boolean') throw refusal('', `${String(schema)} for a schema`, 'pass a TypeBox schema')
  const shape = new ShapeReader().readWhole(schema)
  shapes.set(schema, shape)
  return shape
}

class ShapeReader {
  /** Per scope, so that one schema under two sets of definitions is two shapes. */
  readonly #known = new Map<Scope, Map<TSchema, Shape>>()
  readonly #unvisited: RefShape[] = []
  readonly #unions: { readonly shape: UnionShape; readonly path: string }[] = []
  /** The text of each definition by its name. */
  readonly #definitions = new Map<string, string>()
  #depth = 0

  readWhole(schema: TSchema): Shape {
    const shape = this.#read(schema, {}, '')
    for (let ref = this.#unvisited.pop(); ref; ref = this.#unvisited.pop()) ref.target()
    refuseEndless(shape)
    for (const union of this.#unions) refuseNilAndUndefined(union.shape, union.path)
    return shape
  }

  #read(schema: unknown, outer: Scope, path: string): Shape {
    if (schema === true) return { kind: 'unknown', schema: {}, scope: outer }
    if (schema === false) return { kind: 'never', schema: { not: {} }, scope: outer }
    if (typeof schema !== 'object' || schema === null) {
      throw refusal(path, `${String(schema)} where a schema should be`, 'pass a TypeBox schema')
    }
    if (this.#depth >= MAX_SCHEMA_DEPTH)
      throw refusal(`${path.slice(0, 40)}…`, 'no end', 'use Type.Cyclic for recursion')
    const keywords = schema as Keywords // any object can be asked for keywords
    refuseForeign(keywords, path)
    const defs = keywords['$defs']
    if (isRecord(defs)) this.#requireOneMeaning(defs, path)
    const scope = isRecord(defs) ? { ...outer, ...(defs as Scope) } : outer // each is looked at when it is read
    const known = this.#known.get(scope) ?? new Map<TSchema, Shape>()
    this.#known.set(scope, known)
    const before = known.get(keywords)
    if (before) return before
    this.#depth++
    const shape = this.#readKeywords(keywords, scope, path)
    this.#depth--
    known.set(keywords, shape)
    return shape
  }

  /** TypeBox finds a definition by its name alone, wherever in the schema it stands. */
  #requireOneMeaning(defs: Readonly<Record<string, unknown>>, path: string): void {
    for (const [name, definition] of Object.entries(defs)) {
      const text = textOf(definition)
      const before = this.#definitions.get(name) ?? text
      if (before !== text)
        throw refusal(path, `two definitions of the name ${JSON.stringify(name)}`, 'rename one of them')
      this.#definitions.set(name, text)
    }
  }

  #union(shape: UnionShape, path: string): Shape {
    this.#unions.push({ shape, path })
    return shape
  }

  #readKeywords(schema: Keywords, scope: Scope, path: string): Shape {
    const base = { schema, scope }
    const mark = schema['x-nanowire']
    if (mark === 'bytes' || mark === 'timestamp') return { kind: mark, ...base }
    if (isRecord(schema['not']) && Object.keys(schema['not']).length === 0) return { kind: 'never', ...base }

    const parts: Shape[] = []
    if (typeof schema['$ref'] === 'string') parts.push(this.#readRef(schema, schema['$ref'], scope, path))
    for (const part of listOf(schema['allOf'])) parts.push(this.#read(part, scope, `${path}/allOf/${parts.length}`))
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      if (!(keyword in schema)) continue
      const branches = listOf(schema[keyword]).map((branch, n) => this.#read(branch, scope, `${path}/${keyword}/${n}`))
      if (branches.length === 0) throw refusal(path, `an empty ${keyword}`, 'name at least one form')
      const [only] = branches
      parts.push(only && branches.length === 1 ? only : this.#union({ kind: 'union', ...base, branches }, path))
    }
    const own = this.#readOwn(schema, scope, path)
    if (own) parts.push(own)
    const [first] = parts
    if (!first) return this.#readUnknown(schema, scope, path)
    return parts.length === 1 && first.schema === schema ? first : { kind: 'intersect', ...base, parts }
  }

  /** A schema that says nothing takes anything; an object that is no schema at all is a slip. */
  #readUnknown(schema: Keywords, scope: Scope, path: string): Shape {
    const isSchema = '~kind' in schema || '~unsafe' in schema
    const inner = Object.entries(schema).find(([, value]) => typeof value === 'object' && value !== null)
    if (isSchema || !(inner || Array.isArray(schema))) return { kind: 'unknown', schema, scope }
    throw refusal(
      path,
      `no keyword of a schema${inner ? `, but ${JSON.stringify(inner[0])}` : ''}`,
      'write Type.Object({ … })',
    )
  }

  /** What the schema says by `const`, `enum` and `type` alone. */
  #readOwn(schema: Keywords, scope: Scope, path: string): Shape | undefined {
    if ('const' in schema) return { kind: 'literal', schema, scope, values: [literal(schema['const'], path)] }
    if ('enum' in schema) {
      return { kind: 'literal', schema, scope, values: listOf(schema['enum']).map((value) => literal(value, path)) }
    }
    const type = schema['type']
    if (Array.isArray(type)) {
      const branches = type.map((one) => this.#readType({ ...schema, type: one }, String(one), scope, path))
      return this.#union({ kind: 'union', schema, scope, branches }, path)
    }
    if (type !== undefined) return this.#readType(schema, String(type), scope, path)
    const structural = ['properties', 'patternProperties', 'items', 'prefixItems'].find((keyword) => keyword in schema)
    if (structural) throw refusal(path, `"${structural}" without a type`, 'say type "object" or "array"')
    return undefined
  }

  #readType(schema: Keywords, type: string, scope: Scope, path: string): Shape {
    const base = { schema, scope }
    if (type === 'object') return this.#readObject(schema, scope, path)
    if (type === 'array') return this.#readArray(schema, scope, path)
    if (type === 'number' || type === 'integer') return { kind: 'number', ...base, integer: type === 'integer' }
    if (type === 'string' && 'pattern' in schema) regExpOf(schema['pattern'], path)
    if (Object.hasOwn(leafKinds, type)) return { kind: leafKinds[type as keyof typeof leafKinds], ...base } // own, checked
    throw refusal(path, refusedTypes[type] ?? `the type ${JSON.stringify(type)}`, 'send the data it stands for')
  }

  #readObject(schema: Keywords, scope: Scope, path: string): Shape {
    const required = new Set(listOf(schema['required']))
    const properties = new Map<string, PropertyShape>()
    for (const [name, property] of Object.entries(isRecord(schema['properties']) ? schema['properties'] : {})) {
      const isInherited = name in Object.prototype
      if (isInherited && !(name === 'constructor' && required.has(name))) {
        throw refusal(
          `${path}/${name}`,
          `the property name ${JSON.stringify(name)}, which every object has`,
          'rename it',
        )
      }
      properties.set(name, { shape: this.#read(property, scope, `${path}/${name}`), optional: !required.has(name) })
    }
    for (const name of required) {
      if (!properties.has(String(name)))
        properties.set(String(name), { shape: this.#read(true, scope, path), optional: false })
    }
    const patterns = Object.entries(isRecord(schema['patternProperties']) ? schema['patternProperties'] : {}).map(
      ([source, pattern]) => ({
        source,
        regExp: regExpOf(source, path),
        shape: this.#read(pattern, scope, `${path}/*`),
      }),
    )
    const rest = schema['additionalProperties'] ?? schema['unevaluatedProperties']
    return {
      kind: 'object',
      schema,
      scope,
      properties,
      patterns,
      rest: rest === undefined ? 'drop' : rest === false ? 'refuse' : this.#read(rest, scope, `${path}/*`),
    }
  }

  #readArray(schema: Keywords, scope: Scope, path: string): Shape {
    const heads = schema['prefixItems'] ?? (Array.isArray(schema['items']) ? schema['items'] : undefined)
    if (heads === undefined) {
      return { kind: 'array', schema, scope, item: this.#read(schema['items'] ?? true, scope, `${path}/*`) }
    }
    const closed = schema['additionalItems'] === false || schema['items'] === false
    const items = listOf(heads).map((item, n) => this.#read(item, scope, `${path}/${n}`))
    if (!closed || schema['minItems'] !== items.length) {
      if (items.length > 0) throw refusal(path, 'a tuple of open length', 'use Type.Tuple, or an Array of a Union')
    }
    return { kind: 'tuple', schema, scope, items }
  }

  #readRef(schema: Keywords, ref: string, scope: Scope, path: string): Shape {
    const name = ref.startsWith('#/$defs/') ? ref.slice('#/$defs/'.length) : ref
    if (!Object.hasOwn(scope, name)) {
      throw refusal(
        path,
        `the reference ${JSON.stringify(ref)}, which leads nowhere`,
        'define it in Type.Cyclic or Type.Module',
      )
    }
    let target: Shape | undefined
    const shape: RefShape = {
      kind: 'ref',
      schema,
      scope,
      name,
      target: () => (target ??= this.#read(scope[name], scope, `${path}/${name}`)),
    }
    this.#unvisited.push(shape)
    return shape
  }
}

function literal(value: unknown, path: string): LiteralValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint')
    return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw refusal(path, `the constant ${String(value)}`, 'use a string, finite number, bigint, boolean or null')
}

function regExpOf(source: unknown, path: string): RegExp {
  if (typeof source !== 'string') throw refusal(path, 'a pattern that is no text', 'write the source of the RegExp')
  try {
    return source === ANY_KEY ? /^/u : new RegExp(source, 'u')
  } catch (cause) {
    throw refusal(path, `the pattern ${JSON.stringify(source)}: ${String(cause)}`, 'mend it; patterns have the flag u')
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(definition: unknown): string {
  return JSON.stringify(definition, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}
