/**
 * What a method is: its kind, the schemas of what each side sends, declared errors and options (spec/contract.md, C8 and
 * C9). Invariant: `request` is the schema of each thing that the client sends, `reply` of each that the server sends.
 */
import type { Static, TSchema, TUnsafe } from 'typebox'
import type { EventSlowPolicy, SlowOption } from './slow.ts'

/** Declared errors: a capitalised name, and the schema of the data that it carries. */
export type ErrorSchemas = { readonly [Name in string]: TSchema }

/** Who sends what, by kind. */
export const kinds = Object.freeze({
  /** One request, one reply. */
  unary: { input: false, output: false, oneWay: false },
  /** One request that is not answered. */
  notify: { input: false, output: false, oneWay: true },
  /** One request, items in answer. */
  serverStream: { input: false, output: true, oneWay: false },
  /** Items, one reply. */
  clientStream: { input: true, output: false, oneWay: false },
  /** Items both ways. */
  bidiStream: { input: true, output: true, oneWay: false },
  /** A subscription, and what is published in answer. */
  event: { input: false, output: true, oneWay: false },
})

export type MethodKind = keyof typeof kinds

export function isMethodKind(kind: unknown): kind is MethodKind {
  return typeof kind === 'string' && Object.hasOwn(kinds, kind)
}

/** What may be said of any method. */
export interface MethodOptions {
  /** A second run does no harm, so a call may be sent again when it is not known whether it ran. Default `false`. */
  readonly idempotent?: boolean | undefined
  /** The number on the wire, 1 to 2^32-1, where the name's hash must not be used. */
  readonly tag?: number | undefined
  /** The deadline where the call names none, in milliseconds. Default `limits.callTimeoutMs`; of a stream none. */
  readonly timeoutMs?: number | undefined
  /** Not to be used any more: `true`, or what to use instead. */
  readonly deprecated?: boolean | string | undefined
  readonly description?: string | undefined
}

/** Options of `unary` and `clientStream`. */
export interface UnaryOptions<Errors extends ErrorSchemas> extends MethodOptions {
  readonly errors?: Errors | undefined
}

/** Options of `serverStream` and `bidiStream`. */
export interface StreamOptions<Errors extends ErrorSchemas> extends UnaryOptions<Errors> {
  /** What the server does while its client does not keep up. Default `block`. */
  readonly slow?: SlowOption | undefined
}

/** Options of `event`. */
export interface EventOptions<Key extends string> extends Omit<MethodOptions, 'idempotent' | 'timeoutMs'> {
  /** The property of the body that subscribers may choose by; without it they get everything. */
  readonly key?: Key | undefined
  /** What the server does while a subscriber does not keep up. Default `dropOldest`. */
  readonly slow?: SlowOption<EventSlowPolicy> | undefined
}

interface Sending<Kind extends MethodKind, Request extends TSchema, Reply extends TSchema, Errors> {
  readonly kind: Kind
  readonly request: Request
  readonly reply: Reply
  readonly errors: Errors
  readonly options: MethodOptions & { readonly slow?: SlowOption | undefined }
}

/** One request, one reply or declared error. */
export interface UnaryMethod<
  Request extends TSchema = TSchema,
  Reply extends TSchema = TSchema,
  Errors extends ErrorSchemas = ErrorSchemas,
> extends Sending<'unary', Request, Reply, Errors> {}

/** One message that is not answered. */
export interface NotifyMethod<Request extends TSchema = TSchema>
  extends Sending<'notify', Request, TSchema, Record<never, TSchema>> {}

/** One request, and items in answer. */
export interface ServerStreamMethod<
  Request extends TSchema = TSchema,
  Item extends TSchema = TSchema,
  Errors extends ErrorSchemas = ErrorSchemas,
> extends Sending<'serverStream', Request, Item, Errors> {}

/** Items, and one reply. */
export interface ClientStreamMethod<
  Item extends TSchema = TSchema,
  Reply extends TSchema = TSchema,
  Errors extends ErrorSchemas = ErrorSchemas,
> extends Sending<'clientStream', Item, Reply, Errors> {}

/** Items both ways. */
export interface BidiStreamMethod<
  In extends TSchema = TSchema,
  Out extends TSchema = TSchema,
  Errors extends ErrorSchemas = ErrorSchemas,
> extends Sending<'bidiStream', In, Out, Errors> {}

/** What is published to whoever subscribes. */
export interface EventMethod<Body extends TSchema = TSchema, Filter = unknown>
  extends Sending<'event', TUnsafe<Filter>, Body, Record<never, TSchema>> {
  /** The property of the body that subscribers may choose by. */
  readonly key: string | undefined
}

/** What a subscriber chooses by: the event's key, or nothing for everything. */
export type FilterOf<Body, Key extends string> = [Key] extends [never]
  ? Readonly<Record<string, never>>
  : { readonly [K in Key]?: (K extends keyof Body ? Body[K] : never) | undefined }

export type Method =
  | UnaryMethod
  | NotifyMethod
  | ServerStreamMethod
  | ClientStreamMethod
  | BidiStreamMethod
  | EventMethod

/** The static type of each thing that a method's client sends: its request, or an item. */
export type RequestOf<M extends Method> = Static<M['request']>

/** The static type of each thing that its server sends: its reply, or an item. */
// biome-ignore lint/suspicious/noConfusingVoidType: it becomes the result of a function
export type ResultOf<M extends Method> = M['kind'] extends 'notify' ? void : Static<M['reply']>

/** The data of a method's declared errors by name. */
export type ErrorDataOf<M extends Method> = {
  [Name in keyof M['errors'] & string]: M['errors'][Name] extends TSchema ? Static<M['errors'][Name]> : never
}
