/** Whether a leaf takes all that another one gives, by its keywords (spec/compatibility.md, K14). */
import type { Atom, BothForm, Constant, ConstantForm, LeafForm } from './form.ts'
import { constantText, cut } from './form.ts'
import { bigintOf } from './form-values.ts'
import type { JsonValue } from './json-schema.ts'

/** What a receiver takes and a sender exceeds: `at most 5 characters (maxLength)`. */
export type Misgiving = string

/** Why `receiver` may refuse what `sender` gives, both of the same kind; `undefined` if it never does. */
export function leafMisgiving(sender: LeafForm, receiver: LeafForm): Misgiving | undefined {
  for (const [keyword, text] of receiver.extras) {
    if (sender.extras.get(keyword) !== text)
      return `has the keyword ${JSON.stringify(cut(keyword))}, which says something else here or nothing`
  }
  switch (receiver.kind) {
    case 'string':
      return (
        lengthMisgiving(sender, receiver, 'minLength', 'maxLength', 'characters') ?? sameMisgiving(sender, receiver)
      )
    case 'bytes':
      return lengthMisgiving(sender, receiver, 'minBytes', 'maxBytes', 'bytes')
    case 'bigint':
      return bigintMisgiving(sender, receiver)
    case 'timestamp':
      return undefined
    default:
      if (receiver.kind === 'integer' && sender.kind !== 'integer') return 'takes whole numbers only'
      return numberMisgiving(sender, receiver)
  }
}

function lengthMisgiving(
  sender: LeafForm,
  receiver: LeafForm,
  min: string,
  max: string,
  unit: string,
): Misgiving | undefined {
  const least = receiver.schema[min] ?? 0
  const most = receiver.schema[max]
  if (typeof least !== 'number' || !(most === undefined || typeof most === 'number'))
    return 'has a length that is no number'
  const from = sender.schema[min] ?? 0
  const to = sender.schema[max]
  if (least > 0 && !(typeof from === 'number' && from >= least)) return `takes at least ${least} ${unit} (${min})`
  if (most !== undefined && !(typeof to === 'number' && to <= most)) return `takes at most ${most} ${unit} (${max})`
  return undefined
}

/** A pattern is text here, and is never run. */
function sameMisgiving(sender: LeafForm, receiver: LeafForm): Misgiving | undefined {
  for (const keyword of ['pattern', 'format']) {
    const wanted = receiver.schema[keyword]
    if (wanted === undefined || sender.schema[keyword] === wanted) continue
    return `takes only text of the ${keyword} ${cut(JSON.stringify(wanted))}`
  }
  return undefined
}

/** A bound; one that is exclusive leaves its very value out. */
interface Bound<T> {
  readonly value: T
  readonly isExclusive: boolean
}

const lowest = ['minimum', 'exclusiveMinimum'] as const
const highest = ['maximum', 'exclusiveMaximum'] as const

/** The narrower of two bounds; `sign` 1 for lower ones, -1 for upper ones. `'strange'` for what is no number. */
function boundOf<T extends number | bigint>(
  leaf: LeafForm,
  [inclusive, exclusive]: readonly [string, string],
  isLower: boolean,
  read: (value: JsonValue) => T | undefined,
): Bound<T> | 'strange' | undefined {
  let bound: Bound<T> | undefined
  for (const keyword of [inclusive, exclusive]) {
    const said = leaf.schema[keyword]
    if (said === undefined) continue
    const value = read(said)
    if (value === undefined) return 'strange'
    const next = { value, isExclusive: keyword === exclusive }
    if (!bound || isWithin(next, bound, isLower)) bound = next
  }
  return bound
}

/** Whether `inner` allows no more than `outer` does. */
function isWithin<T extends number | bigint>(inner: Bound<T>, outer: Bound<T>, isLower: boolean): boolean {
  if (inner.value === outer.value) return inner.isExclusive || !outer.isExclusive
  return isLower ? inner.value > outer.value : inner.value < outer.value
}

function boundsMisgiving<T extends number | bigint>(
  sender: LeafForm,
  receiver: LeafForm,
  read: (value: JsonValue) => T | undefined,
  /** For whole numbers: an exclusive bound as an inclusive one. */
  tighten: (bound: Bound<T>, isLower: boolean) => Bound<T>,
): Misgiving | undefined {
  for (const isLower of [true, false]) {
    const keywords = isLower ? lowest : highest
    const outer = boundOf(receiver, keywords, isLower, read)
    if (outer === undefined) continue
    const inner = boundOf(sender, keywords, isLower, read)
    if (outer === 'strange' || inner === 'strange') return 'has a bound that is no number'
    if (inner && isWithin(tighten(inner, isLower), tighten(outer, isLower), isLower)) continue
    const words = outer.isExclusive
      ? isLower
        ? 'numbers above'
        : 'numbers below'
      : isLower
        ? 'numbers from'
        : 'numbers up to'
    return `takes only ${words} ${constantText(outer.value)} (${keywords[outer.isExclusive ? 1 : 0]})`
  }
  return undefined
}

function numberMisgiving(sender: LeafForm, receiver: LeafForm): Misgiving | undefined {
  const isWhole = sender.kind === 'integer'
  const tighten = ({ value, isExclusive }: Bound<number>, isLower: boolean): Bound<number> => {
    if (!isWhole || Math.abs(value) >= Number.MAX_SAFE_INTEGER) return { value, isExclusive }
    if (!isExclusive) return { value: isLower ? Math.ceil(value) : Math.floor(value), isExclusive }
    return { value: isLower ? Math.floor(value) + 1 : Math.ceil(value) - 1, isExclusive: false }
  }
  const misgiving = boundsMisgiving(
    sender,
    receiver,
    (value) => (typeof value === 'number' ? value : undefined),
    tighten,
  )
  if (misgiving) return misgiving
  const wanted = receiver.schema['multipleOf']
  if (wanted === undefined || wanted === sender.schema['multipleOf']) return undefined
  if (typeof wanted !== 'number') return 'has a multipleOf that is no number'
  const given = sender.schema['multipleOf']
  if (isWhole && wanted > 0 && (1 / wanted) % 1 === 0) return undefined
  const areWhole = isWhole && Number.isSafeInteger(wanted) && Number.isSafeInteger(given) && wanted > 0
  if (areWhole && (given as number) > 0 && (given as number) % wanted === 0) return undefined // a safe integer, as was just seen
  return `takes only multiples of ${wanted} (multipleOf)`
}

function bigintMisgiving(sender: LeafForm, receiver: LeafForm): Misgiving | undefined {
  const read = (value: JsonValue): bigint | undefined =>
    typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : bigintOf(value)
  const tighten = ({ value, isExclusive }: Bound<bigint>, isLower: boolean): Bound<bigint> =>
    isExclusive ? { value: isLower ? value + 1n : value - 1n, isExclusive: false } : { value, isExclusive }
  const misgiving = boundsMisgiving(sender, receiver, read, tighten)
  if (misgiving) return misgiving
  const wanted = receiver.schema['multipleOf']
  if (wanted === undefined) return undefined
  const divisor = read(wanted)
  const given = sender.schema['multipleOf']
  const factor = given === undefined ? undefined : read(given)
  if (divisor !== undefined && divisor > 0n && factor !== undefined && factor % divisor === 0n) return undefined
  return `takes only multiples of ${divisor ?? 'what is no number'} (multipleOf)`
}

/** Why a receiver may refuse this very value; `undefined` if it takes it. */
export function constantMisgiving(value: Constant, receiver: Atom): Misgiving | undefined {
  switch (receiver.kind) {
    case 'unknown':
      return undefined
    case 'constant':
      return receiver.extras.size === 0 && receiver.values.has(value)
        ? undefined
        : 'does not have it among its constants'
    case 'both':
      return firstOf(receiver, (part) => constantMisgiving(value, part))
    case 'string':
      return typeof value === 'string' ? textMisgiving(value, receiver) : 'takes text'
    case 'number':
    case 'integer':
    case 'bigint': {
      const own = receiver.kind === 'bigint' ? 'bigint' : 'number'
      const schema = typeof value === 'bigint' ? { $bigint: String(value) } : (value as JsonValue) // a constant of JSON
      // As if the sender said: from this value to this value.
      const kind = Number.isInteger(value) && own === 'number' ? 'integer' : own
      const exact: LeafForm = {
        ...receiver,
        kind,
        extras: new Map(),
        schema: { minimum: schema, maximum: schema, multipleOf: sizeOf(value) },
      }
      return typeof value === own ? leafMisgiving(exact, receiver) : `takes ${own === 'bigint' ? 'bigints' : 'numbers'}`
    }
    default:
      return 'takes another type'
  }
}

function sizeOf(value: Constant): JsonValue {
  return typeof value === 'bigint' ? { $bigint: String(value) } : Math.abs(Number(value))
}

function textMisgiving(text: string, { schema, extras }: LeafForm): Misgiving | undefined {
  if (extras.size > 0 || schema['pattern'] !== undefined || schema['format'] !== undefined)
    return 'takes text by a rule that is not run here'
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  const { length } = [...text]
  return typeof minLength === 'number' && typeof maxLength === 'number' && length >= minLength && length <= maxLength
    ? undefined
    : 'takes text of another length'
}

export function firstOf(
  both: BothForm,
  misgivingOf: (part: LeafForm | ConstantForm) => Misgiving | undefined,
): Misgiving | undefined {
  for (const part of both.parts) {
    const misgiving = misgivingOf(part)
    if (misgiving !== undefined) return misgiving
  }
  return undefined
}
