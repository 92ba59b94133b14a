/**
 * Runs a handler and says what becomes of it, the same for every place: the reply or error as it leaves, and nothing
 * thrown. What differs between places is how a value is put for the way (spec/errors.md). Runs are used again, because the
 * functions that wait for a handler would cost more than the rest of a call.
 */
import { type Gate, type MethodRef, Misfit } from '../contract/index.ts'
import { isStatusCode, NanowireError, wasMisuse, wasReceived } from '../errors.ts'
import type { Clock, DeadlineWheel } from '../session/index.ts'
import type { Metadata, WireError } from '../wire/index.ts'
import { packMetadata } from './call.ts'
import type { CallContext } from './context.ts'
import { whenReady } from './events.ts'
import { isThenable } from './iteration.ts'
import type { Authorize } from './middleware.ts'
import { internal, leaveHandler } from './outcome.ts'
import type { Route, Router } from './route.ts'
import { type OutputSink, RunOutput } from './run-output.ts'

/** What the runs of one place share. */
export interface RunSide {
  readonly router: Router
  readonly clock: Clock
  /** Of the clock. */
  readonly wheel: DeadlineWheel
  /** Tells of what becomes of notifies, whose callers hear nothing. */
  readonly warn: (fields: object, message: string) => void
}

/** One handler's run. It ends by exactly one of `reply`, `endOutput` and `refuse`. */
export abstract class HandlerRun<Side extends RunSide> {
  protected side!: Side // set by `run`, and nothing is asked before
  protected route!: Route // likewise
  protected ctx!: CallContext // likewise
  /** Of a method that answers with items, from when its handler has returned. */
  #output: RunOutput | undefined
  readonly #onValue = (value: unknown): void => this.#returned(value)
  readonly #onError = (error: unknown): void => this.#threw(error)

  /** Takes the handler's value, `undefined` of a notify. Throws `Misfit` for one that does not fit, before anything is sent. */
  protected abstract reply(value: unknown): void
  protected abstract refuse(error: WireError): void
  /** Where the items of the answer go; its `end` and `fail` are not called. When it takes more, it calls `resumeOutput`. */
  protected abstract output(): OutputSink
  /** All items were put. Throws for metadata that cannot travel, before anything is sent. */
  protected abstract endOutput(): void
  /** Puts a declared error's data for the way. Throws `Misfit` for what does not fit. */
  protected abstract data(gate: Gate, data: unknown): unknown

  /**
   * Runs the handler, unless `authorize` says no. It may end before this returns.
   * @param request of a method that takes items, the `Items`
   */
  protected run(side: Side, route: Route, request: unknown, ctx: CallContext): void {
    this.side = side
    this.route = route
    this.ctx = ctx
    const { input, output } = route.method
    if (input || output) ctx.onCancel((reason) => this.ctx === ctx && this.cancelled(reason)) // it may stand for another by then
    const { authorize } = side.router
    if (authorize) void this.#runIfPermitted(authorize, request)
    else this.#runHandler(request)
  }

  /** It has ended; nothing of the call is kept. */
  protected forget(): void {
    const nothing = undefined as never // `run` sets them anew
    this.side = nothing
    this.route = nothing
    this.ctx = nothing
    this.#output = undefined
  }

  /** The sink of the output takes an item again. */
  protected resumeOutput(): void {
    this.#output?.resume()
  }

  /** Of a stream: the caller has gone away, or the deadline has passed. The run ends when its producer has. */
  protected cancelled(reason: NanowireError): void {
    if (this.#output) this.#stopOutput(this.#output, reason)
  }

  async #runIfPermitted(authorize: Authorize, request: unknown): Promise<void> {
    const denial = await this.#denial(authorize, request)
    if (denial) this.#fail(denial)
    else this.#runHandler(request)
  }

  #runHandler(request: unknown): void {
    let value: unknown
    try {
      value = this.route.run(request, this.ctx)
      if (isThenable(value)) {
        then.call(Promise.resolve(value), this.#onValue, this.#onError)
        return
      }
    } catch (error) {
      this.#threw(error)
      return
    }
    this.#returned(value)
  }

  #returned(value: unknown): void {
    const { method } = this.route
    if (method.output) return this.#iterate(value)
    this.ctx.end()
    try {
      this.reply(method.oneWay ? undefined : value)
    } catch (error) {
      const { router, clock } = this.side
      if (error instanceof Misfit) this.#fail(internal('the reply does not fit', error, method, router.log, clock))
      else this.#threw(error)
    }
  }

  /** What the handler returned is what it answers with, one after the other. */
  #iterate(value: unknown): void {
    const { ctx, route, side } = this
    const { method } = route
    const sink = this.output()
    ctx.answersWith(value)
    const output = new RunOutput(value, {
      ...{ sink, method, slow: route.slow, clock: side.clock },
      ended: () => this.#outputEnded(),
      failed: (error, misfit) => this.#outputFailed(error, misfit),
    })
    this.#output = output
    if (ctx.reason) return this.#stopOutput(output, ctx.reason)
    output.start()
    if (!method.event || this.#output !== output) return
    whenReady(value, () => {
      if (this.#output === output) sink.stands() // unless it has ended meanwhile
    })
  }

  #stopOutput(output: RunOutput, reason: NanowireError): void {
    output.stop((error) => this.ctx.endReturned(() => this.#threw(isOf(reason, error) ? reason : error)))
  }

  #outputEnded(): void {
    this.ctx.end()
    try {
      this.endOutput()
    } catch (error) {
      this.#threw(error)
    }
  }

  #outputFailed(error: unknown, misfit: boolean): void {
    const { router, clock } = this.side
    if (!misfit) return this.#threw(error)
    this.ctx.end()
    this.#fail(internal('an item does not fit', error, this.route.method, router.log, clock))
  }

  #threw(error: unknown): void {
    const { router, clock } = this.side
    this.ctx.end()
    const data = (gate: Gate, value: unknown): unknown => this.data(gate, value)
    this.#fail(leaveHandler(error, this.route.method, data, router.log, clock))
  }

  /** Why a call may not be made, `undefined` where it may. Its handler has not run, whatever `authorize` does. */
  async #denial(authorize: Authorize, request: unknown): Promise<WireError | undefined> {
    const { router, clock } = this.side
    const { method } = this.route
    const { ctx } = this
    try {
      if ((await authorize({ method, request, ctx })) === true) return goneOf(ctx)
    } catch (error) {
      const code = error instanceof NanowireError && !wasMisuse(error) && !wasReceived(error) ? error.code : ''
      return isStatusCode(code)
        ? { code, message: (error as NanowireError).message, processed: 'no' } // only of one there is a code
        : { ...internal('authorize threw', error, method, router.log, clock), processed: 'no' }
    }
    return { code: 'permission_denied', message: `${method.name} is not permitted to this caller`, processed: 'no' }
  }

  /** The error with the metadata that the handler set, unless that is what was too much. */
  #fail(error: WireError): void {
    const { oneWay, name } = this.route.method
    const isInLog = error.id !== undefined
    if (oneWay && !isInLog) this.side.warn({ method: name, code: error.code }, 'a notify failed')
    const metadata = fitting(this.ctx, this.side.router)
    this.refuse(metadata ? { ...error, metadata } : error)
  }
}

/** Calls back once, whatever `then` a promise has of its own. */
const { then } = Promise.prototype

/** Why nobody waits any more for what a handler has not begun. */
function goneOf({ reason }: CallContext): WireError | undefined {
  return reason && { code: reason.code, message: reason.message, processed: 'no' }
}

function fitting(ctx: CallContext, router: Router): Metadata | undefined {
  try {
    packMetadata(ctx.replyMetadata, router.limits, 'yes', ctx.peer)
    return ctx.replyMetadata
  } catch {
    return undefined
  }
}

/** What a producer throws because it was ended is no failure of its own. */
function isOf(reason: NanowireError, error: unknown): boolean {
  return error === undefined || error === reason || (error instanceof Error && error.cause === reason)
}

/** How a method is called. */
export type CallShape = Pick<MethodRef, 'oneWay' | 'input' | 'output'>

/** A method that this side knows as of another kind than its caller. */
export function kindError(method: MethodRef, called: CallShape): WireError | undefined {
  const { oneWay, input, output, name, definition } = method
  if (oneWay === called.oneWay && input === called.input && output === called.output) return undefined
  const message = `${name} is ${definition.kind}, and was called as ${kindOf(called)}`
  return { code: 'invalid_argument', message, processed: 'no' }
}

function kindOf({ oneWay, input, output }: CallShape): string {
  if (oneWay) return 'notify'
  if (input) return output ? 'bidiStream' : 'clientStream'
  return output ? 'serverStream' : 'unary'
}
