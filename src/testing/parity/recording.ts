/**
 * What happened in one place while a scenario ran: each call as its caller saw it, each handler's run as it saw its call.
 * Invariant: it only looks on; what callers and handlers get is what the place gives them.
 */
import type { AnyContract, Method, MethodRef } from '../../contract/index.ts'
import { NanowireError } from '../../errors.ts'
import type {
  CallClient,
  CallOptions,
  ClientOf,
  Connection,
  Context,
  ItemStream,
  Result,
  Route,
  Router,
} from '../../rpc/index.ts'
import { snapshot } from './snapshot.ts'
import { type ItemsSeen, watchIterable, watchStream } from './watch-items.ts'

/** One call, as its caller saw it. */
export interface CallTrace {
  readonly method: string
  /** `undefined` of a method that takes items. */
  readonly request: unknown
  /** What its caller took, of a method that answers with items. */
  readonly items: unknown[] | undefined
  outcome: { readonly reply: unknown } | { readonly error: ErrorTrace } | { readonly left: true } | undefined
  /** Of the reply or error. */
  metadata: unknown
  /** The caller's own values once all was over. */
  afterwards: { readonly request: unknown; readonly reply: unknown } | undefined
}

export interface ErrorTrace {
  readonly code: string
  readonly processed: string
  readonly data: unknown
}

/** One run of a handler, as it saw its call. */
export interface RunTrace {
  readonly method: string
  readonly request: unknown
  readonly principal: unknown
  readonly timeoutMs: number | undefined
  readonly metadata: Readonly<Record<string, string | undefined>>
  /** What it took, of a method that takes items. */
  readonly items: unknown[] | undefined
  /** It takes items or answers with them. */
  readonly isStream: boolean
  /** `ok`, the code of what it threw, or that it threw something else. */
  ended: string | undefined
  /** Why its signal was aborted. */
  stopped: string | undefined
}

/** What is compared between places. */
export interface Trace {
  readonly calls: readonly CallTrace[]
  readonly runs: readonly RunTrace[]
  /** Numbers of calls, from 1, in the order in which they settled; without those that are answered with items. */
  readonly settled: readonly number[]
}

export class Recording {
  readonly #calls: CallTrace[] = []
  readonly #runs: RunTrace[] = []
  readonly #settled: number[] = []
  /** What callers passed and got, to be looked at again. */
  readonly #values: { readonly request: unknown; reply: unknown }[] = []
  readonly #metadataNames = new Set<string>()
  /** Everything that was written down, so that one can see whether anything happens. */
  #events = 0

  get events(): number {
    return this.#events
  }

  /** What has been written down so far, with the callers' values as they are now. */
  finish(): Trace {
    for (const [index, call] of this.#calls.entries()) {
      const { request, reply } = this.#values[index] ?? {}
      call.afterwards = { request: snapshot(request), reply: snapshot(reply) }
    }
    const asItIs = <Seen extends CallTrace | RunTrace>(seen: Seen): Seen => ({
      ...seen,
      items: seen.items && [...seen.items],
    })
    return { calls: this.#calls.map(asItIs), runs: this.#runs.map(asItIs), settled: [...this.#settled] }
  }

  /** The calls that have not settled, in words. */
  describePending(): string {
    const pending = this.#calls.flatMap(({ method, outcome }, index) => (outcome ? [] : [`${index + 1} (${method})`]))
    return pending.length === 0 ? 'no call waits' : `these calls wait: ${pending.join(', ')}`
  }

  /** A router whose handlers are looked at. */
  watchRouter(router: Router): Router {
    return new Proxy(router, {
      get: (target, name) => {
        if (name === 'routeOf') {
          return (tag: number) => {
            const route = target.routeOf(tag)
            const run = (request: unknown, ctx: Context): unknown => this.#watchRun(route as Route, request, ctx) // it is there
            return route && { ...route, run }
          }
        }
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  }

  /** The client of a contract, whose calls are looked at. */
  clientOf<C extends AnyContract>(connection: Connection, contract: C): ClientOf<C> {
    const refs = contract.methods as Readonly<Record<string, MethodRef>> // a contract's methods are references
    const methods = Object.entries<unknown>(connection.client(contract)).map(([key, method]) => {
      const ref = refs[key] as MethodRef // a client has what its contract has
      return [key, Object.freeze(ref.output ? this.#streamClient(ref, method) : this.#callClient(ref, method))]
    })
    return Object.freeze(Object.fromEntries(methods)) as ClientOf<C> // one for each method
  }

  #callClient(ref: MethodRef, client: unknown): unknown {
    const method = client as CallClient<Method> // it has one answer, or none
    const call = (request: unknown, options?: CallOptions): Promise<unknown> =>
      this.#watchCall(ref, request, options, (watched) => method(request as never, watched)) // its own check judges it
    const attempt = (request: unknown, options?: CallOptions): Promise<Result<unknown, unknown>> =>
      this.#watchTry(ref, request, options, (watched) => method.try(request as never, watched)) // likewise
    return Object.assign(call, { try: attempt })
  }

  #streamClient(ref: MethodRef, client: unknown): unknown {
    const method = client as (request: unknown, options: CallOptions) => ItemStream<unknown> // it answers with items
    return (request: unknown, options?: CallOptions): ItemStream<unknown> => {
      const { number, watched } = this.#callMade(ref, request, options)
      return watchStream(method(request, watched), this.#itemsOfCall(number))
    }
  }

  #itemsOfCall(number: number): ItemsSeen {
    const call = this.#calls[number - 1] as CallTrace // it was made
    const taken: unknown[] = []
    const values = this.#values[number - 1] as { reply: unknown } // likewise
    values.reply = taken
    return {
      took: (item) => {
        this.#events++
        call.items?.push(snapshot(item))
        taken.push(item)
      },
      ended: (how) => {
        this.#events++
        if ('error' in how) call.outcome = { error: errorTrace(how.error) }
        else call.outcome = how.left ? { left: true } : { reply: undefined }
      },
    }
  }

  async #watchCall<T>(
    method: MethodRef,
    request: unknown,
    options: CallOptions | undefined,
    run: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const { number, watched } = this.#callMade(method, request, options)
    try {
      const reply = await run(watched)
      this.#callSettled(number, reply, undefined)
      return reply
    } catch (error) {
      this.#callSettled(number, undefined, { error })
      throw error
    }
  }

  async #watchTry<R extends Result<unknown, unknown>>(
    method: MethodRef,
    request: unknown,
    options: CallOptions | undefined,
    run: (options: CallOptions) => Promise<R>,
  ): Promise<R> {
    const { number, watched } = this.#callMade(method, request, options)
    const result = await run(watched)
    this.#callSettled(number, result.ok ? result.value : undefined, result.ok ? undefined : { error: result.error })
    return result
  }

  #callMade({ name, input, output }: MethodRef, given: unknown, options: CallOptions | undefined) {
    this.#events++
    const request = input ? undefined : given
    const trace: CallTrace = {
      method: name,
      request: snapshot(request),
      items: output ? [] : undefined,
      outcome: undefined,
      metadata: undefined,
      afterwards: undefined,
    }
    const number = this.#calls.push(trace)
    this.#values.push({ request, reply: undefined })
    if (typeof options?.metadata === 'object') {
      for (const name of Object.keys(options.metadata)) this.#metadataNames.add(name)
    }
    const watched: CallOptions = {
      ...options,
      onMetadata: (metadata) => {
        trace.metadata = snapshot(metadata)
        options?.onMetadata?.(metadata)
      },
    }
    return { number, watched }
  }

  #callSettled(number: number, reply: unknown, failure: { readonly error: unknown } | undefined): void {
    this.#events++
    const call = this.#calls[number - 1]
    const value = this.#values[number - 1]
    if (!call || !value) return
    this.#settled.push(number)
    value.reply = reply
    call.outcome = failure ? { error: errorTrace(failure.error) } : { reply: snapshot(reply) }
  }

  async #watchRun({ method, run }: Route, request: unknown, ctx: Context): Promise<unknown> {
    this.#events++
    const trace = this.#runBegun(method, request, ctx)
    const given = method.input ? watchStream(request as ItemStream<unknown>, this.#itemsOfRun(trace)) : request // it has items
    try {
      const reply = await run(given, ctx)
      if (method.output && !method.event) return watchIterable(reply, this.#answerOfRun(trace))
      trace.ended = 'ok'
      return reply
    } catch (error) {
      trace.ended = codeOf(error)
      throw error
    } finally {
      this.#events++
    }
  }

  #itemsOfRun({ items }: RunTrace): ItemsSeen {
    return {
      took: (item) => {
        this.#events++
        items?.push(snapshot(item))
      },
      ended: () => this.#events++,
    }
  }

  #answerOfRun(trace: RunTrace): ItemsSeen {
    return {
      took: () => this.#events++,
      ended: (how) => {
        this.#events++
        trace.ended = 'error' in how ? codeOf(how.error) : 'ok'
      },
    }
  }

  #runBegun({ name, input, output }: MethodRef, request: unknown, ctx: Context): RunTrace {
    const trace: RunTrace = {
      method: name,
      request: input ? undefined : snapshot(request),
      items: input ? [] : undefined,
      isStream: input || output,
      principal: snapshot(ctx.principal),
      timeoutMs: ctx.deadline?.remainingMs,
      metadata: Object.fromEntries([...this.#metadataNames].map((name) => [name, ctx.metadata.get(name)])),
      ended: undefined,
      stopped: undefined,
    }
    ctx.signal.addEventListener('abort', () => {
      this.#events++
      trace.stopped = errorTrace(ctx.signal.reason).code
    })
    this.#runs.push(trace)
    return trace
  }
}

function codeOf(error: unknown): string {
  return error instanceof NanowireError ? error.code : 'threw what is no NanowireError'
}

function errorTrace(error: unknown): ErrorTrace {
  if (!(error instanceof NanowireError))
    return { code: String(error), processed: 'thrown by the caller', data: undefined }
  return { code: error.code, processed: error.processed, data: snapshot(error.data) }
}
