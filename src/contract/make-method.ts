/** The functions that make methods: `unary`, `notify`, the three streams and `event` (spec/contract.md, C8 and C9). */
import Type, { type Static, type TSchema } from 'typebox'
import { misuse } from '../errors.ts'
import { filterSchema } from './event-filter.ts'
import type {
  BidiStreamMethod,
  ClientStreamMethod,
  ErrorSchemas,
  EventMethod,
  EventOptions,
  FilterOf,
  Method,
  MethodOptions,
  NotifyMethod,
  ServerStreamMethod,
  StreamOptions,
  UnaryMethod,
  UnaryOptions,
} from './method.ts'
import { readSlow } from './slow.ts'

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
  return make('unary', request, reply, options)
}

/** A method whose caller waits for no answer. What becomes of the message stands in the server's log and counters. */
export function notify<Request extends TSchema>(request: Request, options: MethodOptions = {}): NotifyMethod<Request> {
  return make('notify', request, Type.Void(), options)
}

/**
 * A method with one request, that is answered with items: an `AsyncIterable` at the client, a generator at the server.
 * @example
 * ```ts
 * serverStream(Type.Object({ count: Type.Integer() }), Type.Object({ n: Type.Integer() }), { slow: 'dropOldest' })
 * ```
 */
// biome-ignore lint/complexity/noBannedTypes: as above
export function serverStream<Request extends TSchema, Item extends TSchema, const Errors extends ErrorSchemas = {}>(
  request: Request,
  item: Item,
  options: StreamOptions<Errors> = {},
): ServerStreamMethod<Request, Item, Errors> {
  return make('serverStream', request, item, options)
}

/**
 * A method that takes items and has one reply.
 * @example `clientStream(Bytes(), Type.Object({ stored: Type.Integer() }), { errors: { Full: Type.Void() } })`
 */
// biome-ignore lint/complexity/noBannedTypes: as above
export function clientStream<Item extends TSchema, Reply extends TSchema, const Errors extends ErrorSchemas = {}>(
  item: Item,
  reply: Reply,
  options: UnaryOptions<Errors> = {},
): ClientStreamMethod<Item, Reply, Errors> {
  return make('clientStream', item, reply, options)
}

/**
 * A method that takes items and is answered with items.
 * @example `bidiStream(Type.Object({ text: Type.String() }), Type.Object({ from: Type.String(), text: Type.String() }))`
 */
// biome-ignore lint/complexity/noBannedTypes: as above
export function bidiStream<In extends TSchema, Out extends TSchema, const Errors extends ErrorSchemas = {}>(
  item: In,
  out: Out,
  options: StreamOptions<Errors> = {},
): BidiStreamMethod<In, Out, Errors> {
  return make('bidiStream', item, out, options)
}

/**
 * What a service publishes to whoever subscribes, by key or all of it; at most once (spec/events.md).
 * @throws NanowireError `invalid_argument` for a key that is no property of each body, or no plain value
 * @example
 * ```ts
 * event(Type.Object({ orderId: Type.String(), cents: Type.Integer() }), { key: 'orderId' })
 * ```
 */
export function event<Body extends TSchema, const Key extends keyof Static<Body> & string = never>(
  body: Body,
  options: EventOptions<Key> = {},
): EventMethod<Body, FilterOf<Static<Body>, Key>> {
  requireObject(options)
  const { key, ...rest } = options
  return eventOf(body, filterSchema(body, key), key, rest) as EventMethod<Body, FilterOf<Static<Body>, Key>> // of these very parts
}

/** An event whose subscribers send what `filter` says. */
export function eventOf(
  body: TSchema,
  filter: TSchema,
  key: string | undefined,
  options: Omit<EventOptions<string>, 'key'>,
): EventMethod {
  const made = make<EventMethod>('event', filter, body, options)
  const { slow } = made.options
  if (slow !== undefined && readSlow('event', slow).policy === 'block')
    throw misuse('event: slow cannot be block, for who publishes waits for nobody; drop items, or disconnect')
  return Object.freeze({ ...made, key })
}

const anyKind = ['tag', 'deprecated', 'description']
const calls = ['idempotent', 'timeoutMs', ...anyKind]
const optionNames: Readonly<Record<Method['kind'], ReadonlySet<string>>> = {
  unary: new Set([...calls, 'errors']),
  notify: new Set(calls),
  serverStream: new Set([...calls, 'errors', 'slow']),
  clientStream: new Set([...calls, 'errors']),
  bidiStream: new Set([...calls, 'errors', 'slow']),
  event: new Set(['key', ...anyKind, 'slow']),
}

function requireObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw misuse("a method's options are an object")
}

/** A method of the kind and the schemas that whoever asks has said: `M` is made of these very parts. */
function make<M extends Method>(
  kind: M['kind'],
  request: TSchema,
  reply: TSchema,
  given: StreamOptions<ErrorSchemas>,
): M {
  requireObject(given)
  const names = optionNames[kind]
  const unknown = Object.keys(given).find((name) => !names.has(name))
  if (unknown !== undefined)
    throw misuse(`${kind} has no option ${JSON.stringify(unknown)}; there are ${[...names].join(', ')}`)
  const { errors = {}, slow, ...options } = given
  const { timeoutMs } = options
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs < 2 ** 31)) {
    throw misuse(
      `a method's timeoutMs is a whole number of milliseconds from 1 to 2147483647, not ${String(timeoutMs)}`,
    )
  }
  const whole: Method['options'] = slow === undefined ? options : { ...options, slow: readSlow(kind, slow) }
  const made: Omit<Method, 'key'> = {
    kind,
    request,
    reply,
    errors: Object.freeze(errors),
    options: Object.freeze(whole),
  }
  return Object.freeze(made) as M // of these very parts
}
