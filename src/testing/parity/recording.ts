/**
 * What happened in one place while a scenario ran: each call as its caller saw it, each handler's run as it saw its call.
 * Invariant: it only looks on; what callers and handlers get is what the place gives them.
 */
import type { AnyContract, Method } from '../../contract/index.ts'
import { NanowireError } from '../../errors.ts'
import type {
  CallOptions,
  ClientOf,
  Connection,
  Context,
  MethodClient,
  Result,
  Route,
  Router,
} from '../../rpc/index.ts'
import { snapshot } from './snapshot.ts'

/** One call, as its caller saw it. */
export interface CallTrace {
  readonly method: string
  readonly request: unknown
  outcome: { readonly reply: unknown } | { readonly error: ErrorTrace } | undefined
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
  /** `ok`, the code of what it threw, or that it threw something else. */
  ended: string | undefined
  /** Why its signal was aborted. */
  stopped: string | undefined
}

/** What is compared between places. */
export interface Trace {
  readonly calls: readonly CallTrace[]
  readonly runs: readonly RunTrace[]
  /** Numbers of calls, from 1, in the order in which they settled. */
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

  /** What has been written down, with the callers' values as they are now. */
  finish(): Trace {
    for (const [index, call] of this.#calls.entries()) {
      const { request, reply } = this.#values[index] ?? {}
      call.afterwards = { request: snapshot(request), reply: snapshot(reply) }
    }
    return { calls: this.#calls, runs: this.#runs, settled: this.#settled }
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
    const methods = Object.entries<MethodClient<Method>>(connection.client(contract)).map(([key, method]) => {
      const name = `${contract.name}/${key}`
      const call = (request: unknown, options?: CallOptions): Promise<unknown> =>
        this.#watchCall(name, request, options, (watched) => method(request as never, watched)) // its own check judges it
      const attempt = (request: unknown, options?: CallOptions): Promise<Result<unknown, unknown>> =>
        this.#watchTry(name, request, options, (watched) => method.try(request as never, watched)) // likewise
      return [key, Object.freeze(Object.assign(call, { try: attempt }))]
    })
    return Object.freeze(Object.fromEntries(methods)) as ClientOf<C> // one for each method
  }

  async #watchCall<T>(
    method: string,
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
    method: string,
    request: unknown,
    options: CallOptions | undefined,
    run: (options: CallOptions) => Promise<R>,
  ): Promise<R> {
    const { number, watched } = this.#callMade(method, request, options)
    const result = await run(watched)
    this.#callSettled(number, result.ok ? result.value : undefined, result.ok ? undefined : { error: result.error })
    return result
  }

  #callMade(method: string, request: unknown, options: CallOptions | undefined) {
    this.#events++
    const trace: CallTrace = {
      method,
      request: snapshot(request),
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
    const trace = this.#runBegun(method.name, request, ctx)
    try {
      const reply = await run(request, ctx)
      trace.ended = 'ok'
      return reply
    } catch (error) {
      trace.ended = error instanceof NanowireError ? error.code : 'threw what is no NanowireError'
      throw error
    } finally {
      this.#events++
    }
  }

  #runBegun(method: string, request: unknown, ctx: Context): RunTrace {
    const trace: RunTrace = {
      method,
      request: snapshot(request),
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

function errorTrace(error: unknown): ErrorTrace {
  if (!(error instanceof NanowireError))
    return { code: String(error), processed: 'thrown by the caller', data: undefined }
  return { code: error.code, processed: error.processed, data: snapshot(error.data) }
}
