/**
 * A contract as plain data: what a server tells, what a file keeps, what is compared (spec/compatibility.md, chapter
 * "Descriptions"). Invariant: JSON says all of it, and it is frozen.
 */
import { misuse } from '../errors.ts'
import { isJsonObject, type JsonSchema, type JsonValue, mapKeyword } from './json-schema.ts'
import type { Method } from './method.ts'

/** A method as data. */
export interface MethodDescription {
  /** `unary`, `notify`, `serverStream` … (spec/contract.md, C8); a peer of a later version may have more. */
  readonly kind: string
  readonly tag: number
  readonly request: JsonSchema
  /** Of a notify `{ "type": "void" }`. */
  readonly reply: JsonSchema
  readonly errors: { readonly [Name in string]: JsonSchema }
  readonly idempotent?: boolean | undefined
  readonly timeoutMs?: number | undefined
  readonly deprecated?: boolean | string | undefined
  readonly description?: string | undefined
}

/** A contract as data; `nanowire` is the version of this form. */
export interface ContractDescription {
  readonly nanowire: 1
  readonly name: string
  readonly methods: { readonly [Key in string]: MethodDescription }
}

/** What is described of a contract. */
export interface Describable {
  readonly name: string
  readonly methods: { readonly [Key in string]: { readonly tag: number; readonly definition: Method } }
}

const descriptions = new WeakMap<Describable, ContractDescription>()

/**
 * A contract as plain, frozen data that JSON can say; always the same for the same contract. Of a learned contract it is
 * the description that it was learned from.
 * @throws NanowireError `invalid_argument` for a schema whose text UTF-8 cannot say, or that has no end
 */
export function describeContract(contract: Describable): ContractDescription {
  const known = descriptions.get(contract)
  if (known) return known
  const methods = Object.entries(contract.methods).map(([key, { tag, definition }]) => [
    key,
    describeMethod(`${contract.name}/${key}`, tag, definition),
  ])
  const described = freezeDeep<ContractDescription>({
    nanowire: 1,
    name: contract.name,
    methods: Object.fromEntries(methods),
  })
  descriptions.set(contract, described)
  return described
}

/** Says what a contract's description is: of one that was learned, its server's. */
export function setDescription(contract: Describable, description: ContractDescription): void {
  descriptions.set(contract, description)
}

function describeMethod(name: string, tag: number, method: Method): MethodDescription {
  const { idempotent, timeoutMs, deprecated, description } = method.options
  const errors = Object.entries<unknown>(method.errors)
  return {
    kind: method.kind,
    tag,
    request: describeSchema(method.request, `${name} request`),
    reply: describeSchema(method.reply, `${name} reply`),
    errors: Object.fromEntries(
      errors.map(([error, schema]) => [error, describeSchema(schema, `${name} error ${error}`)]),
    ),
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(deprecated === undefined ? {} : { deprecated }),
    ...(description === undefined ? {} : { description: requireText(description, name) }),
  }
}

/** Deeper than any schema that a contract takes; what holds itself in a `default` has no end. */
const MAX_DEPTH = 1_024

/** A TypeBox schema as data: without its functions and marks, and with what JSON lacks written out. */
export function describeSchema(schema: unknown, where: string, depth = 0): JsonSchema {
  if (typeof schema === 'boolean') return schema
  if (depth > MAX_DEPTH) throw misuse(`${where}: the schema holds itself, or has more than ${MAX_DEPTH} levels`)
  const described: [string, JsonValue][] = []
  for (const [keyword, value] of Object.entries<unknown>(Object(schema))) {
    if (keyword.startsWith('~') || value === undefined || typeof value === 'function') continue
    const data = mapKeyword<JsonValue>(
      keyword,
      value,
      (inner) => describeSchema(inner, where, depth + 1),
      (inner) => describeData(inner, where, depth + 1),
    )
    described.push([requireName(keyword, where), data])
    if (isJsonObject(data)) for (const name of Object.keys(data)) requireName(name, where)
  }
  return Object.fromEntries(described)
}

/** What JSON lacks is an object with one name that begins with `$`, as nowhere else in a keyword's value. */
function describeData(value: unknown, where: string, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw misuse(`${where}: a keyword's value holds itself, or has more than ${MAX_DEPTH} levels`)
  switch (typeof value) {
    case 'string':
      return requireText(value, where)
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value + 0 : { $number: String(value) }
    case 'bigint':
      return { $bigint: String(value) }
    case 'object':
      return value === null ? null : describeObject(value, where, depth)
    default:
      return null
  }
}

function describeObject(value: object, where: string, depth: number): JsonValue {
  if (value instanceof Date) return { $date: value.getTime() }
  if (value instanceof Uint8Array) return { $bytes: [...value] }
  if (Array.isArray(value)) return value.map((item: unknown) => describeData(item, where, depth + 1))
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && typeof inner !== 'function')
  return Object.fromEntries(
    entries.map(([name, inner]) => [requireName(name, where), describeData(inner, where, depth + 1)]),
  )
}

function requireName(name: string, where: string): string {
  if (name === '__proto__') throw misuse(`${where}: the name "__proto__" is refused in a schema; rename it`)
  return requireText(name, where)
}

function requireText(text: string, where: string): string {
  if (text.isWellFormed()) return text
  throw misuse(`${where}: ${JSON.stringify(text)} has half of a surrogate pair, which UTF-8 cannot say`)
}

/** Freezes plain data with all that is in it. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freezeDeep<unknown>(inner)
  return Object.freeze(value)
}
