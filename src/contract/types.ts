/**
 * The two types that TypeBox lacks. Their form as data (`x-nanowire`) is what a fingerprint and a peer see
 * (spec/types.md).
 */
import Type, { type TUnsafe } from 'typebox'

/** Bounds of `Bytes`, in bytes. */
export interface BytesOptions {
  readonly minBytes?: number | undefined
  readonly maxBytes?: number | undefined
  readonly description?: string | undefined
}

/**
 * Binary data: a `Uint8Array`, MessagePack's `bin` on the wire.
 * @example `Type.Object({ picture: Bytes({ maxBytes: 65_536 }) })`
 */
export function Bytes(options: BytesOptions = {}): TUnsafe<Uint8Array> {
  const { minBytes = 0, maxBytes = Number.POSITIVE_INFINITY } = options
  const schema = Type.Unsafe<Uint8Array>({ 'x-nanowire': 'bytes', ...definedOnly(options) })
  return Type.Refine(
    schema,
    own((value) => value instanceof Uint8Array && value.length >= minBytes && value.length <= maxBytes),
    () => `must be a Uint8Array${boundsText(minBytes, maxBytes)}`,
  )
}

/** Options of `Timestamp`. */
export interface TimestampOptions {
  readonly description?: string | undefined
}

/** A point in time: a valid `Date`, whole milliseconds, MessagePack's timestamp extension on the wire. */
export function Timestamp(options: TimestampOptions = {}): TUnsafe<Date> {
  return Type.Refine(
    Type.Unsafe<Date>({ 'x-nanowire': 'timestamp', ...definedOnly(options) }),
    own((value) => value instanceof Date && !Number.isNaN(value.getTime())),
    () => 'must be a valid Date',
  )
}

const ownChecks = new WeakSet<object>()

function own<Check extends object>(check: Check): Check {
  ownChecks.add(check)
  return check
}

/** Whether an entry of a schema's `~refine` is one that `Bytes` or `Timestamp` has put there. */
export function isOwnRefinement(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && 'check' in entry && ownChecks.has(entry.check as object) // a check is a function
}

function definedOnly(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function boundsText(min: number, max: number): string {
  if (max !== Number.POSITIVE_INFINITY) return ` of ${min} to ${max} bytes`
  return min === 0 ? '' : ` of at least ${min} bytes`
}
