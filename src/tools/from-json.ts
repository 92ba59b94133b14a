/**
 * JSON as people write it on a command line to the value that a schema wants (spec/cli.md, "Values as JSON"). Invariant:
 * nothing is checked here but what must be read to convert; whether the value fits is for the library to say.
 */
import { checkOf, Misfit, type Shape } from '../contract/index.ts'

/** As deep as any `maxDepth` lets a value go: nothing recurses further. */
const MAX_DEPTH = 512

/**
 * Converts what JSON cannot say: bytes from base64, timestamps from ISO 8601, bigints from decimal text, undefined from
 * null. What is there already as the schema wants it stays.
 * @throws Misfit for text that cannot be read as what the schema wants there
 */
export function fromJson(shape: Shape, json: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new Misfit(`is nested deeper than ${MAX_DEPTH}`)
  switch (shape.kind) {
    case 'bytes':
      return json instanceof Uint8Array ? json : bytesFrom(json)
    case 'timestamp':
      return json instanceof Date ? json : timestampFrom(json)
    case 'bigint':
      return typeof json === 'bigint' ? json : bigIntFrom(json)
    case 'undefined':
      return json === null ? undefined : json
    case 'literal':
      return literalFrom(shape.values, json)
    case 'array':
      return mapItems(json, () => shape.item, depth)
    case 'tuple':
      return mapItems(json, (index) => shape.items[index], depth)
    case 'object':
      return objectFrom(shape, json, depth)
    case 'union':
      return unionFrom(shape.branches, json, depth)
    case 'intersect':
      return shape.parts.reduce((value, part) => fromJson(part, value, depth), json)
    case 'ref':
      return fromJson(shape.target(), json, depth)
    default: // JSON says it itself, or the schema says nothing
      return json
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

function bytesFrom(json: unknown): Uint8Array {
  if (typeof json !== 'string' || !BASE64.test(json)) throw new Misfit('must be bytes, written as base64 text')
  return Uint8Array.from(Buffer.from(json, 'base64'))
}

/** A date, or a date with a time and its zone; nothing that would mean another instant elsewhere. */
const INSTANT = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/

function timestampFrom(json: unknown): Date {
  const date = typeof json === 'string' && INSTANT.test(json) ? new Date(json) : undefined
  if (!date || Number.isNaN(date.getTime()))
    throw new Misfit('must be a timestamp, written as ISO 8601 text: "2025-01-31T12:00:00.000Z"')
  return date
}

function bigIntFrom(json: unknown): bigint {
  if (typeof json === 'string' && /^-?\d+$/.test(json)) return BigInt(json)
  if (typeof json === 'number' && Number.isSafeInteger(json)) return BigInt(json)
  throw new Misfit('must be a whole number, written as decimal text: "9007199254740993"')
}

/** The literal that is meant: 5n may be written as 5 or "5". */
function literalFrom(values: readonly unknown[], json: unknown): unknown {
  if (values.includes(json)) return json
  const isNumeric = typeof json === 'string' || typeof json === 'number'
  return isNumeric
    ? (values.find((value) => typeof value === 'bigint' && String(value) === String(json)) ?? json)
    : json
}

function mapItems(json: unknown, shapeAt: (index: number) => Shape | undefined, depth: number): unknown {
  if (!Array.isArray(json)) return json
  return json.map((item: unknown, index) => {
    const shape = shapeAt(index)
    return shape ? within(index, () => fromJson(shape, item, depth + 1)) : item
  })
}

function objectFrom(shape: Extract<Shape, { kind: 'object' }>, json: unknown, depth: number): unknown {
  if (!isObject(json)) return json
  const entries = Object.entries(json).map(([name, value]): [string, unknown] => {
    const declared =
      shape.properties.get(name)?.shape ??
      shape.patterns.find(({ regExp }) => regExp.test(name))?.shape ??
      (typeof shape.rest === 'string' ? undefined : shape.rest)
    return [name, declared ? within(name, () => fromJson(declared, value, depth + 1)) : value]
  })
  return Object.fromEntries(entries)
}

/** The first form that fits decides, and those after it as far as they agree. */
function unionFrom(branches: readonly Shape[], json: unknown, depth: number): unknown {
  const meant = branches.filter((branch) => mayBeMeant(branch, json))
  const [only] = meant
  if (only && meant.length === 1) return fromJson(only, json, depth)
  const fitting: Shape[] = []
  let value = json
  for (const branch of meant) {
    const attempt = tryFromJson(branch, value, depth)
    if (!attempt || ![...fitting, branch].every((one) => checkOf(one)(attempt.value))) continue
    value = attempt.value
    fitting.push(branch)
  }
  return value
}

function tryFromJson(shape: Shape, json: unknown, depth: number): { readonly value: unknown } | undefined {
  try {
    return { value: fromJson(shape, json, depth) }
  } catch (error) {
    if (error instanceof Misfit) return undefined
    throw error
  }
}

/** A cheap look, so that a union of unions takes no exponential time. Never excludes what would fit. */
function mayBeMeant(shape: Shape, json: unknown): boolean {
  switch (shape.kind) {
    case 'ref':
      return mayBeMeant(shape.target(), json)
    case 'union':
      return shape.branches.some((branch) => mayBeMeant(branch, json))
    case 'intersect':
      return shape.parts.every((part) => mayBeMeant(part, json))
    case 'object':
      return isObject(json) && [...shape.properties].every(([name, property]) => literalAgrees(property, json[name]))
    case 'array':
    case 'tuple':
      return Array.isArray(json)
    case 'bytes':
    case 'timestamp':
      return typeof json === 'string' || typeof json === 'object' // an object: converted already
    case 'bigint':
      return typeof json === 'string' || typeof json === 'number' || typeof json === 'bigint'
    case 'null':
    case 'undefined':
      return json === null || json === undefined
    case 'literal':
      return shape.values.includes(literalFrom(shape.values, json) as never) // any value may be looked for
    case 'string':
    case 'number':
    case 'boolean':
      return typeof json === shape.kind
    default:
      return shape.kind === 'unknown'
  }
}

function literalAgrees({ shape, optional }: { readonly shape: Shape; readonly optional: boolean }, json: unknown) {
  return shape.kind !== 'literal' || mayBeMeant(shape, json) || (optional && json === undefined)
}

function within<T>(segment: string | number, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw error instanceof Misfit ? error.within(segment) : error
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return (
    typeof json === 'object' &&
    json !== null &&
    !Array.isArray(json) &&
    !(json instanceof Uint8Array || json instanceof Date)
  )
}
