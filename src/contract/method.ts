/**
 * What a method is: its kind, schemas, declared errors and options, as `unary` and `notify` make them (spec/contract.md).
 */
import Type, { type Static, type TSchema } from 'typebox'
import { misuse } from '../errors.ts'

/** Declared errors: a capitalised name, and the schema of the data that it carries. */
export type ErrorSchemas = { readonly [Name in string]: TSchema }

/** What may be said of any method. */
export interface MethodOptions {
  /** A second run does no harm, so a call may be sent again when it is not known whether it ran. Default `false`. */
  readonly idempotent?: boolean | undefined
  /** The number on the wire, 1 to 2^32-1, where the name's hash must not be used. */
  readonly tag?: number | undefined
  /** The deadline where the call names none, in milliseconds. Default `limits.callTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Not to be used any more: `true`, or what to use instead. */
  readonly deprecated?: boolean | string | undefined
  readonly description?: string | undefined
}

/** Options of `unary`. */
export interface UnaryOptions<Errors extends ErrorSchemas> extends MethodOptions {
  readonly errors?: Errors | undefined
}

/** One request, one reply or declared error. */
export interface UnaryMethod<
  Request extends TSchema = TSchema,
  Reply extends TSchema = TSchema,
  Errors extends ErrorSchemas = ErrorSchemas,
> {
  readonly kind: 'unary'
  readonly request: Request
  readonly reply: Reply
  readonly errors: Errors
  readonly options: MethodOptions
}

/** One message that is not answered. */
export interface NotifyMethod<Request extends TSchema = TSchema> {
  readonly kind: 'notify'
  readonly request: Request
  readonly reply: TSchema
  readonly errors: Record<never, TSchema>
  readonly options: MethodOptions
}

export type Method = UnaryMethod | NotifyMethod

/** The static type of a method's request, reply, and declared errors by name. */
export type RequestOf<M extends Method> = Static<M['request']>
// biome-ignore lint/suspicious/noConfusingVoidType: it becomes the result of a function
export type ResultOf<M extends Method> = M extends UnaryMethod ? Static<M['reply']> : void
export type ErrorDataOf<M extends Method> = {
  [Name in keyof M['errors'] & string]: M['errors'][Name] extends TSchema ? Static<M['errors'][Name]> : never
}

/**
 * A method with one request and one reply.
 * @example
 * ```ts
 * unary(Type.Object({ id: Type.String() }), User, { errors: { Gone: Type.Object({ since: Timestamp() }) }, idempotent: true })
 * ```
 */
// biome-ignore lint/complexity/noBannedTypes: {} is "no declared errors", and keyof {} is never
export function unary<Request extends TSchema, Reply extends TSchema, const Errors extends ErrorSchemas = {}>(
  request: Request,
  reply: Reply,
  options: UnaryOptions<Errors> = {},
): UnaryMethod<Request, Reply, Errors> {
  requireObject(options)
  const { errors, ...rest } = options
  return Object.freeze({
    kind: 'unary',
    request,
    reply,
    errors: Object.freeze(errors ?? {}) as Errors, // absent only where Errors is {}
    options: methodOptions(rest),
  })
}

/** A method whose caller waits for no answer. What becomes of the message stands in the server's log and counters. */
export function notify<Request extends TSchema>(request: Request, options: MethodOptions = {}): NotifyMethod<Request> {
  return Object.freeze({
    kind: 'notify',
    request,
    reply: Type.Void(),
    errors: Object.freeze({}),
    options: methodOptions(options),
  })
}

function requireObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw misuse("a method's options are an object")
}

const optionNames = new Set(['idempotent', 'tag', 'timeoutMs', 'deprecated', 'description'])

function methodOptions(options: MethodOptions): MethodOptions {
  requireObject(options)
  const unknown = Object.keys(options).find((name) => !optionNames.has(name))
  if (unknown !== undefined)
    throw misuse(
      `a method has no option ${JSON.stringify(unknown)}; there are ${[...optionNames].join(', ')} and, for unary, errors`,
    )
  const { timeoutMs } = options
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs < 2 ** 31)) {
    throw misuse(
      `a method's timeoutMs is a whole number of milliseconds from 1 to 2147483647, not ${String(timeoutMs)}`,
    )
  }
  return Object.freeze({ ...options })
}
