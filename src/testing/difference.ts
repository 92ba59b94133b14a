/**
 * Whether two values are the same to a receiver: `Object.is` for what has no parts (-0 is not 0), bytes and dates by
 * content, the order of properties irrelevant, a property that is undefined as good as absent (spec/types.md).
 */

/** One place in which two values differ. */
export interface Difference {
  /** A JSON pointer; empty for the values themselves. */
  readonly pointer: string
  readonly before: unknown
  readonly after: unknown
}

/** Where two values differ first and how, in words, or `undefined`. The place is a JSON pointer. */
export function firstDifference(one: unknown, other: unknown): string | undefined {
  const difference = findDifference(one, other)
  if (difference === undefined) return undefined
  const { pointer, before, after } = difference
  return `${pointer === '' ? 'the value' : pointer}: ${show(before)} became ${show(after)}`
}

/** Where two values differ first, or `undefined`. */
export function findDifference(before: unknown, after: unknown, pointer = ''): Difference | undefined {
  if (Object.is(before, after)) return undefined
  const differ = { pointer, before, after }
  if (!isObject(before) || !isObject(after)) return differ
  if (before instanceof Date || after instanceof Date) return isSameDate(before, after) ? undefined : differ
  if (before instanceof Uint8Array || after instanceof Uint8Array)
    return isSameBytes(before, after) ? undefined : differ
  if ((Array.isArray(before) || Array.isArray(after)) && !isSameLength(before, after)) return differ
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const difference = findDifference(
      ownValue(before, name),
      ownValue(after, name),
      `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    )
    if (difference !== undefined) return difference
  }
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** An inherited `toString` is no property of the value. */
function ownValue(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function isSameDate(one: unknown, other: unknown): boolean {
  return one instanceof Date && other instanceof Date && one.getTime() === other.getTime()
}

function isSameLength(one: unknown, other: unknown): boolean {
  return Array.isArray(one) && Array.isArray(other) && one.length === other.length
}

function isSameBytes(one: unknown, other: unknown): boolean {
  if (!(one instanceof Uint8Array && other instanceof Uint8Array)) return false
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

/** Short enough for a line; the whole value stands in the counterexample. */
export function show(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array)
    return `${value.length} bytes [${value.subarray(0, 8).join(' ')}${value.length > 8 ? ' …' : ''}]`
  if (value instanceof Date) return `Date ${value.getTime()}`
  const text =
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
