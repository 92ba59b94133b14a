/**
 * A contract: what is said between a client and a service, as one value that both sides share. From its methods come
 * the tagged enum, the numbers on the wire, and the types of handlers and clients (spec/contract.md).
 */
import Type, { type TSchema, type TUnsafe } from 'typebox'
import { misuse, type NanowireError, type StatusCode } from '../errors.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type Gate, gateOf } from './gate.ts'
import { type ErrorDataOf, isMethodKind, kinds, type Method, type RequestOf, type ResultOf } from './method.ts'
import { readSlow, type SlowRule } from './slow.ts'
import {
  requireContractName,
  requireDistinctTags,
  requireErrorName,
  requireFreeName,
  requireMethodName,
  requireTag,
  tagOf,
} from './tag.ts'

/** Methods by name. */
export type Methods = { readonly [Name in string]: Method }

/** A reference to one method, which knows its name and its number. */
export interface MethodRef<Name extends string = string, M extends Method = Method> {
  /** `greeter/hello`: the only spelling of it, everywhere. */
  readonly name: Name
  /** The number on the wire. */
  readonly tag: number
  readonly definition: M
  /** The gate of each thing that the client sends: the request, or an item. */
  readonly request: Gate
  /** The gate of each thing that the server sends: the reply, or an item. */
  readonly reply: Gate
  /** The client sends items: `clientStream`, `bidiStream`. */
  readonly input: boolean
  /** The server answers with items: `serverStream`, `bidiStream`, `event`. */
  readonly output: boolean
  /** Nothing is answered: `notify`. */
  readonly oneWay: boolean
  /** Of an event, what subscribers choose by. */
  readonly event: { readonly key: string | undefined } | undefined
  /** What the server does with items while its client does not keep up: what the contract says, or its kind's default. */
  readonly slow: SlowRule
  /** The gates of the declared errors' data. */
  readonly errors: ReadonlyMap<string, Gate>
}

const contracts = new WeakMap<MethodRef, AnyContract>()

/** The contract of a method; `undefined` for one of another copy of this library. */
export function contractOf(method: MethodRef): AnyContract | undefined {
  return contracts.get(method)
}

type MethodNames<M extends Methods> = keyof M & string
type Variant<Tag extends string, Body> = { tag: Tag; body: Body }

/** Names of the methods whose call is one message. */
type MessageNames<M extends Methods> = {
  [K in MethodNames<M>]: M[K]['kind'] extends 'unary' | 'notify' | 'serverStream' ? K : never
}[MethodNames<M>]

/** Any message that a client of these methods may send, as the tagged enum. */
type RequestVariants<Name extends string, M extends Methods> = {
  [K in MessageNames<M>]: Variant<`${Name}/${K}`, RequestOf<M[K]>>
}[MessageNames<M>]

/** Without `as` in the keys: TypeScript 5.9 and 7 cannot compare such types for two names, as Contract's variance asks. */
type ResponseVariants<Name extends string, M extends Methods> = {
  [K in MethodNames<M>]: M[K]['kind'] extends 'notify' | 'event' ? never : Variant<`${Name}/${K}`, ResultOf<M[K]>>
}[MethodNames<M>]

/**
 * A contract. Its variance is said and not worked out: that would take the compiler seconds in each program.
 */
// biome-ignore lint/suspicious/noExplicitAny: a contract is contravariant in its bodies, so only any stands for all methods
export interface Contract<out Name extends string = string, in out M extends Methods = any> {
  readonly name: Name
  /** 32 hexadecimal digits: contracts of one fingerprint mean the same (spec/compatibility.md). */
  readonly fingerprint: string
  /** TypeBox union of the requests: `{ tag: 'greeter/hello', body }`; what takes items, and an event, has none. */
  readonly Request: TUnsafe<RequestVariants<Name, M>>
  /** TypeBox union of the replies and of the items that answer; a notify and an event have none. */
  readonly Response: TUnsafe<ResponseVariants<Name, M>>
  /** The number of each method on the wire. */
  readonly tags: { readonly [K in MethodNames<M>]: number }
  /** Builds a request's variant: `Greeter.message.hello({ name })`. */
  readonly message: {
    readonly [K in MessageNames<M>]: (body: RequestOf<M[K]>) => Variant<`${Name}/${K}`, RequestOf<M[K]>>
  }
  /** Calls the arm of the message's method. Does not compile when an arm is missing. */
  match<Arms extends { readonly [K in MessageNames<M>]: (body: RequestOf<M[K]>) => unknown }>(
    message: RequestVariants<Name, M>,
    arms: Arms,
  ): ReturnType<Arms[MessageNames<M>]>
  readonly methods: { readonly [K in MethodNames<M>]: MethodRef<`${Name}/${K}`, M[K]> }
}

/** Any contract at all. */
export type AnyContract = Contract

export type MethodsOf<C> = C extends Contract<string, infer M> ? M : never

/** The tagged union of a contract's requests. */
export type MessageOf<C extends AnyContract> =
  C extends Contract<infer Name, infer M> ? RequestVariants<Name, M> : never

/** The tagged union of a contract's replies. */
export type ReplyOf<C extends AnyContract> = C extends Contract<infer Name, infer M> ? ResponseVariants<Name, M> : never

/** What a call of this method may fail with: its declared errors with their data, or a status. */
export type ErrorOf<C extends AnyContract, K extends keyof MethodsOf<C> & string> = MethodErrorOf<
  Extract<MethodsOf<C>[K], Method>
>

export type MethodErrorOf<M extends Method> =
  | { [Name in keyof ErrorDataOf<M>]: NanowireError<Name & string, ErrorDataOf<M>[Name]> }[keyof ErrorDataOf<M>]
  | NanowireError<StatusCode, undefined>

/**
 * Defines a contract. Every schema is looked at now, so that what cannot travel is known before the first call.
 *
 * @param name begins with a small letter; with the method's name it is what the wire, logs and the command line say
 * @throws NanowireError `invalid_argument` for a name that is refused, a schema that cannot travel, or two methods with one tag
 * @example
 * ```ts
 * const Greeter = contract('greeter', { hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() })) })
 * ```
 */
export function contract<const Name extends string, const M extends Methods>(
  name: Name,
  methods: M,
): Contract<Name, M> {
  requireContractName(name)
  requireFreeName(name)
  return defineContract(name, methods)
}

/** Defines a contract under any name: the library's own, and one that was learned. */
export function defineContract<const Name extends string, const M extends Methods>(
  name: Name,
  methods: M,
): Contract<Name, M> {
  if (typeof methods !== 'object' || methods === null) throw misuse(`contract ${name}: methods are an object of them`)
  const refs = Object.entries(methods).map(([key, method]) => [key, methodRef(name, key, method)] as const)
  if (refs.length === 0) throw misuse(`the contract ${JSON.stringify(name)} has no methods`)
  requireDistinctTags(refs.map(([, ref]) => ref))

  const asked = refs.filter(([, ref]) => !ref.input && !ref.event)
  const answered = refs.filter(([, ref]) => !ref.oneWay && !ref.event)
  const byName = new Map(asked.map(([key, ref]) => [ref.name, key]))
  const built = {
    name,
    Request: unionOf(asked.map(([, { name, definition }]) => variantOf(name, definition.request))),
    Response: unionOf(answered.map(([, { name, definition }]) => variantOf(name, definition.reply))),
    tags: mapRefs(refs, (ref) => ref.tag),
    message: mapRefs(asked, (ref) => (body: unknown) => ({ tag: ref.name, body })),
    methods: mapRefs(refs, (ref) => ref),
    get fingerprint() {
      return fingerprintOf(built)
    },
    match(message: Variant<string, unknown>, arms: Readonly<Record<string, (body: unknown) => unknown>>) {
      const key = byName.get(message.tag)
      const arm = key === undefined ? undefined : arms[key]
      if (!arm) throw misuse(`${name} has no method ${JSON.stringify(message.tag)} with an arm here`)
      return arm(message.body)
    },
  }
  for (const union of [built.Request, built.Response]) gateIn(name, union) // definitions must agree across methods
  const whole = Object.freeze(built) as unknown as Contract<Name, M> // built key by key from the methods whose types Contract spells out
  for (const [, ref] of refs) contracts.set(ref, whole)
  return whole
}

function variantOf(name: string, body: TSchema): TSchema {
  return Type.Object({ tag: Type.Literal(name), body })
}

function unionOf(variants: TSchema[]): TSchema {
  return variants.length === 0 ? Type.Never() : Type.Union(variants)
}

function mapRefs<T>(
  refs: readonly (readonly [string, MethodRef])[],
  map: (ref: MethodRef) => T,
): Readonly<Record<string, T>> {
  return Object.freeze(Object.fromEntries(refs.map(([key, ref]) => [key, map(ref)])))
}

function methodRef(contractName: string, key: string, method: Method): MethodRef {
  requireMethodName(contractName, key)
  const name = `${contractName}/${key}`
  if (!isMethodKind(method?.kind))
    throw misuse(`${name}: a method is made by ${Object.keys(kinds).join(', ')}; call one of them with its schemas`)
  const { tag = tagOf(name), slow = method.kind === 'event' ? 'dropOldest' : 'block' } = method.options
  requireTag(name, tag)
  const errors = new Map<string, Gate>()
  for (const [error, schema] of Object.entries(method.errors)) {
    requireErrorName(name, error)
    errors.set(error, gateIn(`${name} error ${error}`, schema))
  }
  return Object.freeze({
    name,
    tag,
    definition: method,
    request: gateIn(`${name} request`, method.request),
    reply: gateIn(`${name} reply`, method.reply),
    errors,
    ...kinds[method.kind],
    event: method.kind === 'event' ? { key: method.key } : undefined,
    slow: readSlow(name, slow),
  })
}

function gateIn(place: string, schema: TSchema): Gate {
  try {
    return gateOf(schema)
  } catch (error) {
    throw error instanceof Error ? misuse(`${place}: ${error.message}`, error) : error
  }
}
