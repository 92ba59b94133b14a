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
import type { Authorize } from './middleware.ts'
import { internal, leaveHandler } from './outcome.ts'
import type { Route, Router } from './route.ts'

/** What the runs of one place share. */
export interface RunSide {
  readonly router: Router
  readonly clock: Clock
  /** Of the clock. */
  readonly wheel: DeadlineWheel
  /** Tells of what becomes of notifies, whose callers hear nothing. */
  readonly warn: (fields: object, message: string) => void
}

/** One handler's run. It ends by exactly one of `reply` and `refuse`. */
export abstract class HandlerRun<Side extends RunSide> {
  protected side!: Side // set by `run`, and nothing is asked before
  protected route!: Route // likewise
  protected ctx!: CallContext // likewise
  readonly #onValue = (value: unknown): void => this.#returned(value)
  readonly #onError = (error: unknown): void => this.#threw(error)

  /** Takes the handler's value, `undefined` of a notify. Throws `Misfit` for one that does not fit, before anything is sent. */
  protected abstract reply(value: unknown): void
  protected abstract refuse(error: WireError): void
  /** Puts a declared error's data for the way. Throws `Misfit` for what does not fit. */
  protected abstract data(gate: Gate, data: unknown): unknown

  /** Runs the handler, unless `authorize` says no. It may end before this returns. */
  protected run(side: Side, route: Route, request: unknown, ctx: CallContext): void {
    this.side = side
    this.route = route
    this.ctx = ctx
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
    this.ctx.isOver = true
    try {
      this.reply(method.definition.kind === 'notify' ? undefined : value)
    } catch (error) {
      const { router, clock } = this.side
      if (error instanceof Misfit) this.#fail(internal('the reply does not fit', error, method, router.log, clock))
      else this.#threw(error)
    }
  }

  #threw(error: unknown): void {
    const { router, clock } = this.side
    this.ctx.isOver = true
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
    const { definition, name } = this.route.method
    const isInLog = error.id !== undefined
    if (definition.kind === 'notify' && !isInLog) this.side.warn({ method: name, code: error.code }, 'a notify failed')
    const metadata = fitting(this.ctx, this.side.router)
    this.refuse(metadata ? { ...error, metadata } : error)
  }
}

/** Calls back once, whatever `then` a promise has of its own. */
const { then } = Promise.prototype

/** As `await` sees it. */
function isThenable(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return value instanceof Promise || typeof (value as { then?: unknown }).then === 'function' // any object may be asked
}

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

/** A method that this side knows as a notify and the caller as unary, or the reverse. */
export function kindError(method: MethodRef, wasNotify: boolean): WireError | undefined {
  const { kind } = method.definition
  if ((kind === 'notify') === wasNotify) return undefined
  const message = `${method.name} is ${kind}, and was called as ${wasNotify ? 'notify' : 'unary'}`
  return { code: 'invalid_argument', message, processed: 'no' }
}
