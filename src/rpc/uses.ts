/**
 * Clients of what a service uses, bound to one call of it (spec/app.md): deadline, cancellation and trace are carried on, of
 * the metadata what was named, of credentials and principal nothing. Made when they are first read.
 */
import type { AnyContract, MethodRef } from '../contract/index.ts'
import { markReceived, NanowireError, type StatusCode } from '../errors.ts'
import type { Metadata } from '../wire/index.ts'
import { onAbort } from './abort.ts'
import { type CallOptions, callError, failedItems } from './call.ts'
import { carriedOn, withTry } from './client.ts'
import { CallContext, type ServiceUses } from './context.ts'
import type { Items } from './item-stream.ts'
import { outerStream } from './outer-stream.ts'
import type { AnyClient } from './route.ts'

/** A contract that is used, and a client of it that is bound to no call. */
export interface UsedClient {
  readonly contract: AnyContract
  readonly client: AnyClient
}

/** W3C's trace context: it is carried on whatever `forward` says. */
const TRACE = ['traceparent', 'tracestate']

export class BoundUses implements ServiceUses {
  /** Bound to no call, by the service's names for them. */
  readonly clients: Readonly<Record<string, AnyClient>>
  readonly #used: Readonly<Record<string, { readonly methods: Record<string, MethodRef>; readonly client: AnyClient }>>
  readonly #carried: readonly string[]

  constructor(used: ReadonlyMap<string, UsedClient>, forward: readonly string[]) {
    const entries = [...used].map(([name, { contract, client }]) => [
      name,
      { methods: { ...contract.methods }, client },
    ])
    this.#used = Object.fromEntries(entries)
    this.#carried = [...new Set([...forward, ...TRACE])]
    this.clients = Object.freeze(Object.fromEntries([...used].map(([name, { client }]) => [name, client])))
  }

  bindTo(ctx: CallContext): object {
    const calls = new NestedCalls(ctx, this.#carried)
    return lazyObject(this.#used, ({ methods, client }) =>
      lazyObject(methods, (method, key) =>
        boundClient(method, calls, (request, options) => client[key]?.(request, options)),
      ),
    )
  }
}

type Start = (request: unknown, options: CallOptions) => unknown

/** The function of a method, for one call. */
function boundClient(method: MethodRef, calls: NestedCalls, start: Start): unknown {
  if (method.output)
    return Object.freeze((request: unknown, given: CallOptions | CallContext = {}) =>
      calls.open(method, given, (options) => start(request, options)),
    )
  return withTry((request, given = {}) => calls.call(method, given, (options) => start(request, options)))
}

/**
 * An object with the keys of another, which must not be frozen; it cannot be changed, and what is at a key is made when it is
 * first read. What is not read costs nothing, however many methods there are.
 */
function lazyObject<Source>(
  source: Readonly<Record<string, Source>>,
  make: (source: Source, key: string) => unknown,
): object {
  const made = new Map<string, unknown>()
  const get = (_: object, key: string | symbol): unknown => {
    if (typeof key === 'symbol' || !Object.hasOwn(source, key)) return undefined
    if (!made.has(key)) made.set(key, make(source[key] as Source, key)) // its own key
    return made.get(key)
  }
  return new Proxy(source, { get, ...unchangeable })
}

const refuse = (): boolean => false
const unchangeable = { set: refuse, defineProperty: refuse, deleteProperty: refuse, preventExtensions: refuse }

/** A stream that a call has opened. */
interface OpenStream {
  cut(): void
  readonly ended: () => void
}

function attempt(start: () => unknown): unknown {
  try {
    return start()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** The calls that one call makes. */
class NestedCalls {
  readonly #ctx: CallContext
  readonly #carriedNames: readonly string[]
  #streams: Set<OpenStream> | undefined
  #metadata: Metadata | undefined
  #hasLooked = false

  constructor(ctx: CallContext, carriedNames: readonly string[]) {
    this.#ctx = ctx
    this.#carriedNames = carriedNames
  }

  async call(
    method: MethodRef,
    given: CallOptions | CallContext,
    start: (options: CallOptions) => unknown,
  ): Promise<unknown> {
    const { reason, isOver } = this.#ctx
    if (reason || isOver) throw this.#ended(method)
    if (typeof given !== 'object' || given === null) return await start(given) // which says what is wrong
    const own = given instanceof CallContext ? carriedOn(given) : given
    const either = eitherOf(this.#ctx.signal, own.signal)
    try {
      return await start(this.#optionsOf(method, own, either))
    } catch (error) {
      throw this.#asEnded(method, error)
    } finally {
      either?.release()
    }
  }

  /** As `call`, of a method that answers with items; what of them is not taken when the outer call ends is not taken at all. */
  open(method: MethodRef, given: CallOptions | CallContext, start: (options: CallOptions) => unknown): Items {
    const { reason, isOver } = this.#ctx
    if (reason || isOver) return failedItems(this.#ended(method), method)
    const own = given instanceof CallContext ? carriedOn(given) : given
    const isObject = typeof own === 'object' && own !== null
    const either = isObject ? eitherOf(this.#ctx.signal, own.signal) : undefined
    const call = this.#keep(() => either?.release())
    const failed = (error: unknown): unknown => this.#asEnded(method, error)
    const inner = attempt(() => start(isObject ? this.#optionsOf(method, own, either) : own)) // which says what is wrong
    const stream = outerStream(inner, { method, failed, ended: call.ended })
    call.cut = () => stream.cut(this.#ended(method))
    return stream.items
  }

  /** Keeps a stream until it ends, or the outer call does. */
  #keep(released: () => void): OpenStream {
    if (!this.#streams) {
      const streams = new Set<OpenStream>()
      this.#streams = streams
      this.#ctx.onEnd(() => {
        for (const one of [...streams]) one.cut()
      })
    }
    const streams = this.#streams
    const one: OpenStream = {
      cut() {},
      ended() {
        streams.delete(one)
        released()
      },
    }
    streams.add(one)
    return one
  }

  #optionsOf(method: MethodRef, own: CallOptions, either: EitherSignal | undefined): CallOptions {
    return {
      ...own,
      timeoutMs: this.#timeoutMs(method, own.timeoutMs),
      signal: either ? either.signal : (own.signal ?? this.#ctx.signal),
      metadata: this.#withCarried(own.metadata),
    }
  }

  /** The least of what is left of the outer call, what is asked for, and, where nothing is, what the method says. */
  #timeoutMs(method: MethodRef, asked: number | undefined): number | undefined {
    const { deadline } = this.#ctx
    if (!deadline) return asked
    const own = asked ?? method.definition.options.timeoutMs ?? Number.POSITIVE_INFINITY
    const leftMs = Math.max(1, Math.ceil(deadline.remainingMs)) // the signal ends it sooner, if less is left
    return Math.min(own, leftMs)
  }

  #withCarried(own: CallOptions['metadata']): CallOptions['metadata'] {
    if (!this.#hasLooked) {
      this.#hasLooked = true
      const { metadata } = this.#ctx
      const entries = this.#carriedNames.flatMap((name) => {
        const value = metadata.get(name)
        return value === undefined ? [] : [[name, value] as const]
      })
      if (entries.length > 0) this.#metadata = Object.fromEntries(entries)
    }
    if (!this.#metadata || (own !== undefined && (typeof own !== 'object' || own === null || Array.isArray(own))))
      return own
    return own ? { ...this.#metadata, ...own } : this.#metadata
  }

  /** A call that was cancelled because the outer one's deadline has passed says so. */
  #asEnded(method: MethodRef, error: unknown): unknown {
    const isCutOff = error instanceof NanowireError && error.code === 'cancelled' && this.#code === 'deadline_exceeded'
    if (!isCutOff) return callError(error)
    const message = `${method.name}: no reply before the deadline of the call that made it`
    return markReceived(new NanowireError(this.#code, message, { processed: error.processed, cause: error }))
  }

  get #code(): StatusCode {
    return this.#ctx.reason?.code === 'deadline_exceeded' ? 'deadline_exceeded' : 'cancelled'
  }

  #ended(method: MethodRef): NanowireError {
    const message = `${method.name}: the call that it would belong to has ended; what outlives a call uses the clients of start`
    return markReceived(new NanowireError(this.#code, message, { processed: 'no', cause: this.#ctx.reason }))
  }
}

function eitherOf(outer: AbortSignal, own: AbortSignal | undefined): EitherSignal | undefined {
  return own instanceof AbortSignal && own !== outer ? new EitherSignal(outer, own) : undefined
}

/** Aborted with the first of two; `AbortSignal.any` costs several times as much. */
class EitherSignal {
  readonly #controller = new AbortController()
  readonly #stop: readonly (() => void)[]

  constructor(one: AbortSignal, other: AbortSignal) {
    const both = [one, other]
    const aborted = both.find((signal) => signal.aborted)
    if (aborted) this.cancel(aborted.reason)
    this.#stop = aborted ? [] : both.map((signal) => onAbort(signal, this))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  cancel(reason: unknown): void {
    this.#controller.abort(reason)
  }

  release(): void {
    for (const stop of this.#stop) stop()
  }
}
