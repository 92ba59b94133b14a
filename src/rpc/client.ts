/** A client: one plain function for each method of a contract. */
import type {
  AnyContract,
  Contract,
  Method,
  MethodErrorOf,
  MethodRef,
  Methods,
  RequestOf,
  ResultOf,
} from '../contract/index.ts'
import { misuse, NanowireError } from '../errors.ts'
import { type CallOptions, type Channel, callError, callOptionNames, failedItems } from './call.ts'
import { closeSource } from './close-source.ts'
import { CallContext, type Context } from './context.ts'
import type { ItemStream, Items } from './item-stream.ts'
import { hearErrors } from './iteration.ts'
import { type ClientCall, type ClientMiddleware, onion } from './middleware.ts'
import { unknownOption } from './options.ts'
import { outerStream } from './outer-stream.ts'
import type { Subscription } from './subscription.ts'

/** What `.try` resolves to. */
export type Result<Value, Failure> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Failure }

/** What items are taken from: a generator, a `ReadableStream`, an array …; a list may also hold promises of them. */
export type Iterated<Item> = AsyncIterable<Item> | Iterable<Item | Promise<Item>>

/**
 * A request that is `undefined` need not be passed, nor what an event is chosen by; items are. A handler's context may
 * stand where options do, so that a client can be a service's handlers: its deadline and cancellation are carried on, its
 * metadata are not.
 */
type Arguments<M extends Method> = M['kind'] extends 'clientStream' | 'bidiStream'
  ? [items: Iterated<RequestOf<M>>, options?: CallOptions | Carried]
  : M['kind'] extends 'event'
    ? [filter?: RequestOf<M>, options?: CallOptions | Carried]
    : undefined extends RequestOf<M>
      ? [request?: RequestOf<M>, options?: CallOptions | Carried]
      : [request: RequestOf<M>, options?: CallOptions | Carried]

/** What stands for options is a handler's context. */
type Carried = Pick<Context, 'signal' | 'deadline' | 'peer' | 'reply'>

/** Calls a method that has one answer, or none: `unary`, `notify`, `clientStream`. */
export interface CallClient<M extends Method> {
  /** @throws NanowireError what the call ends with */
  (...args: Arguments<M>): Promise<ResultOf<M>>
  /** The same call, with its error as a value, declared ones typed. Rejects for nothing but a fault of this library. */
  readonly try: (...args: Arguments<M>) => Promise<Result<ResultOf<M>, MethodErrorOf<M>>>
}

/** Calls a method that is answered with items, at once: `serverStream`, `bidiStream`. What the call ends with, its stream throws. */
export type StreamClient<M extends Method> = (...args: Arguments<M>) => ItemStream<ResultOf<M>>

/** Subscribes to an event: by its key, or, without one, to everything. */
export type EventClient<M extends Method> = (...args: Arguments<M>) => Subscription<ResultOf<M>>

/** Calls one method. */
export type MethodClient<M extends Method> = M['kind'] extends 'event'
  ? EventClient<M>
  : M['kind'] extends 'serverStream' | 'bidiStream'
    ? StreamClient<M>
    : CallClient<M>

/** The client of a contract. */
export type ClientOf<C extends AnyContract> =
  C extends Contract<string, infer M extends Methods> ? { readonly [K in keyof M & string]: MethodClient<M[K]> } : never

/** The client of a contract whose calls go through `channel`, within `use`. */
export function clientOf<C extends AnyContract>(
  contract: C,
  channel: Channel,
  use: readonly ClientMiddleware[],
): ClientOf<C> {
  if (typeof contract !== 'object' || contract === null || !('methods' in contract)) {
    throw misuse('client takes a contract, as contract(name, methods) makes it')
  }
  const around = use.length === 0 ? undefined : middlewareOf(use, channel)
  const methods = Object.entries(contract.methods as Readonly<Record<string, MethodRef>>) // a contract's methods are references
  return Object.freeze(
    Object.fromEntries(methods.map(([key, method]) => [key, methodClient(method, channel, around)])),
  ) as ClientOf<C> // one for each method
}

/** What one call hands on to the calls that it makes. */
export function carriedOn(ctx: CallContext): CallOptions {
  const { signal, deadline } = ctx
  return { signal, timeoutMs: deadline ? Math.max(1, Math.ceil(deadline.remainingMs)) : undefined }
}

function rethrowMarked(error: unknown): never {
  throw callError(error)
}

const NO_OPTIONS: CallOptions = Object.freeze({})

/** Calls through middleware. */
interface Around {
  run(call: ClientCall): Promise<unknown>
  /** Of a method that answers with items. */
  open(call: ClientCall): Items
}

function middlewareOf(use: readonly ClientMiddleware[], channel: Channel): Around {
  const layers = use.map(
    (layer) => (call: ClientCall, next: (call?: ClientCall) => Promise<unknown>) => layer(call, next),
  )
  return {
    run: onion<ClientCall>(layers, ({ method, request, options }) => channel.call(method, request, options)),
    open(call) {
      const opened = new OpenedStreams()
      const run = onion<ClientCall>(layers, ({ method, request, options }) =>
        opened.add(channel.open(method, request, options)),
      )
      return outerStream(run(call), { method: call.method, failed: callError, ended: () => opened.leave() }).items
    },
  }
}

/** What middleware has opened for one call: it ends with it, also where a generator around it has not begun, and cannot end it. */
class OpenedStreams {
  readonly #all: Items[] = []
  #isOver = false

  add(items: Items): Items {
    this.#all.push(items)
    if (this.#isOver) void items.return()
    return items
  }

  leave(): void {
    this.#isOver = true
    for (const items of this.#all) void items.return()
  }
}

function methodClient(method: MethodRef, channel: Channel, around: Around | undefined): unknown {
  if (method.output) return streamClient(method, channel, around)
  const call = (request: unknown, given?: CallOptions | CallContext): Promise<unknown> => {
    if (method.input) hearErrors(request)
    if (given === undefined) {
      return around
        ? around.run({ method, request, options: {} }).catch(rethrowMarked)
        : channel.call(method, request, NO_OPTIONS)
    }
    let options: CallOptions
    try {
      options = optionsOf(method, given)
    } catch (error) {
      if (method.input) closeSource(request)
      return Promise.reject(callError(error))
    }
    return around
      ? around.run({ method, request, options }).catch(rethrowMarked)
      : channel.call(method, request, options)
  }
  return withTry(call)
}

/** Answered at once, by items; what is wrong is told when the first is asked for. */
function streamClient(method: MethodRef, channel: Channel, around: Around | undefined): unknown {
  return Object.freeze((given: unknown, settings: CallOptions | CallContext = NO_OPTIONS): Items => {
    if (method.input) hearErrors(given)
    try {
      const request = method.event ? filterOf(method.name, method.event.key, given) : given
      const options = optionsOf(method, settings)
      return around ? around.open({ method, request, options }) : channel.open(method, request, options)
    } catch (error) {
      if (method.input) closeSource(given)
      return failedItems(callError(error), method)
    }
  })
}

/**
 * Who names no key wants everything; whose key is undefined has made a mistake.
 * @throws NanowireError `invalid_argument`
 */
function filterOf(name: string, key: string | undefined, given: unknown): unknown {
  if (given === undefined) return {}
  const isNamed = key !== undefined && typeof given === 'object' && given !== null && Object.hasOwn(given, key)
  if (isNamed && Reflect.get(given, key) === undefined)
    throw misuse(`${name}: ${key} is undefined; leave it out to have everything`)
  return given
}

/** @throws NanowireError `invalid_argument` */
function optionsOf(method: MethodRef, given: CallOptions | CallContext): CallOptions {
  if (typeof given !== 'object' || given === null)
    throw misuse(`${method.name}: the second argument is an object of call options`)
  if (given instanceof CallContext) return carriedOn(given)
  const unknown = Object.keys(given).find((name) => !callOptionNames.has(name))
  if (unknown !== undefined) throw unknownOption(method.name, unknown, callOptionNames)
  return given
}

/** The function of a method with `.try` beside it. */
export function withTry(call: (request: unknown, options?: CallOptions | CallContext) => Promise<unknown>): unknown {
  const attempt = async (request: unknown, options?: CallOptions): Promise<Result<unknown, unknown>> => {
    try {
      return { ok: true, value: await call(request, options) }
    } catch (error) {
      if (error instanceof NanowireError) return { ok: false, error }
      throw error
    }
  }
  return Object.freeze(Object.assign(call, { try: attempt }))
}
