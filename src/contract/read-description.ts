/**
 * Reads a description that a peer or a file gives (spec/compatibility.md, chapter "Reading a description"). Invariant:
 * what comes out is plain frozen data of a bounded size; nothing of it was compiled, run or set as a prototype.
 */
import { misuse } from '../errors.ts'
import { type ContractDescription, freezeDeep, type MethodDescription } from './describe.ts'
import type { JsonObject, JsonSchema, JsonValue } from './json-schema.ts'
import { isContractName, requireErrorName, requireMethodName, requireTag } from './tag.ts'

/** How large a description may be, whoever tells it. */
export const descriptionBounds = {
  /** Objects and arrays inside each other. */
  maxDepth: 128,
  /** Values, names included. */
  maxNodes: 262_144,
  /** Characters (UTF-16) in all texts and names. */
  maxTextLength: 4_194_304,
} as const

/**
 * Takes a description from outside.
 * @throws NanowireError `invalid_argument` saying what is wrong and where
 */
export function readDescription(value: unknown): ContractDescription {
  const whole = new Reader().read(value, '', 0)
  const described = requireObject(whole, '')
  const { nanowire, name } = described
  if (nanowire !== 1) throw unreadable('/nanowire', `is ${shown(nanowire)}; this version reads the form 1`)
  if (typeof name !== 'string' || !isContractName(name))
    throw unreadable('/name', `is no contract's name: ${shown(name)}`)
  const methods = Object.entries(requireObject(described['methods'], '/methods')).map(
    ([key, method]) => [key, readMethod(name, key, method)] as const,
  )
  return freezeDeep<ContractDescription>({ nanowire: 1, name, methods: Object.fromEntries(methods) })
}

const KIND = /^[a-z][A-Za-z]{0,31}$/

function readMethod(contract: string, key: string, value: JsonValue): MethodDescription {
  const at = `/methods/${key.slice(0, 80)}`
  requireKnown(at, () => requireMethodName(contract, key))
  const method = requireObject(value, at)
  const { kind, tag, idempotent, timeoutMs, deprecated, description } = method
  if (typeof kind !== 'string' || !KIND.test(kind))
    throw unreadable(`${at}/kind`, `is no kind of method: ${shown(kind)}`)
  if (typeof tag !== 'number') throw unreadable(`${at}/tag`, `is no number: ${shown(tag)}`)
  requireKnown(`${at}/tag`, () => requireTag(`${contract}/${key}`, tag))
  const errors = Object.entries(requireObject(method['errors'] ?? {}, `${at}/errors`)).map(([name, schema]) => {
    const place = `${at}/errors/${name.slice(0, 80)}`
    requireKnown(place, () => requireErrorName(`${contract}/${key}`, name))
    return [name, requireSchema(schema, place)] as const
  })
  return {
    kind,
    tag,
    request: requireSchema(method['request'], `${at}/request`),
    reply: requireSchema(method['reply'], `${at}/reply`),
    errors: Object.fromEntries(errors),
    ...(typeof idempotent === 'boolean' ? { idempotent } : {}),
    ...(isTimeout(timeoutMs) ? { timeoutMs } : {}),
    ...(typeof deprecated === 'boolean' || typeof deprecated === 'string' ? { deprecated } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  }
}

function isTimeout(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value < 2 ** 31
}

function requireObject(value: JsonValue | undefined, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unreadable(at, `is no object: ${shown(value)}`)
  return value as JsonObject // no array, so an object
}

function requireSchema(value: JsonValue | undefined, at: string): JsonSchema {
  return typeof value === 'boolean' ? value : requireObject(value, at)
}

/** A name or number that a contract would refuse too, with its place in the description. */
function requireKnown(at: string, require: () => void): void {
  try {
    require()
  } catch (error) {
    throw unreadable(at, error instanceof Error ? error.message : String(error), error)
  }
}

/** Copies what JSON can say, within bounds. */
class Reader {
  #nodes = 0
  #textLength = 0

  read(value: unknown, at: string, depth: number): JsonValue {
    this.#count(at)
    switch (typeof value) {
      case 'string':
        return this.#text(value, at)
      case 'boolean':
        return value
      case 'number':
        if (Number.isFinite(value)) return value + 0
        throw unreadable(at, `is ${value}, which is no number of JSON`)
      case 'bigint': // a number that another language wrote as an integer of 64 bits
        if (BigInt(Number(value)) === value) return Number(value)
        throw unreadable(at, 'is an integer that a double does not hold exactly')
      case 'object':
        return value === null ? null : this.#container(value, at, depth)
      default:
        throw unreadable(at, `is ${typeof value}, which is no value of JSON`)
    }
  }

  #container(value: object, at: string, depth: number): JsonValue {
    if (depth >= descriptionBounds.maxDepth) throw unreadable(at, `is deeper than ${descriptionBounds.maxDepth} levels`)
    if (Array.isArray(value)) return value.map((item: unknown, index) => this.read(item, `${at}/${index}`, depth + 1))
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) throw unreadable(at, 'is no value of JSON')
    const copy: [string, JsonValue][] = []
    for (const [name, inner] of Object.entries(value)) {
      if (inner === undefined) continue
      this.#count(at)
      if (name === '__proto__') throw unreadable(at, 'has the name "__proto__"')
      copy.push([this.#text(name, at), this.read(inner, `${at}/${pointerSegment(name)}`, depth + 1)])
    }
    return Object.fromEntries(copy)
  }

  #count(at: string): void {
    if (++this.#nodes > descriptionBounds.maxNodes) throw unreadable(at, `is past ${descriptionBounds.maxNodes} values`)
  }

  #text(text: string, at: string): string {
    this.#textLength += text.length
    if (this.#textLength > descriptionBounds.maxTextLength) {
      throw unreadable(at, `is past ${descriptionBounds.maxTextLength} characters of text`)
    }
    if (!text.isWellFormed()) throw unreadable(at, 'has half of a surrogate pair, which UTF-8 cannot say')
    return text
  }
}

const MAX_SHOWN = 80

/** A segment of a JSON pointer, cut where a peer made it long. */
function pointerSegment(name: string): string {
  const cut = name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name
  return cut.replaceAll('~', '~0').replaceAll('/', '~1')
}

function shown(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? 'a list'
        : 'an object'
      : String(JSON.stringify(value))
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

const MAX_POINTER = 400

function unreadable(at: string, what: string, cause?: unknown) {
  const where = at.length > MAX_POINTER ? `…${at.slice(-MAX_POINTER)}` : at
  return misuse(`the description cannot be read: ${where === '' ? 'it' : where} ${what}`, cause)
}
