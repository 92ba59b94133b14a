/**
 * Runs a handler and says what becomes of it, the same for every place: the reply or error as it leaves, and nothing
 * thrown. What differs between places is how a value is put for the way (spec/errors.md).
 */
import { type Gate, type MethodRef, Misfit } from '../contract/index.ts'
import { isStatusCode, NanowireError, type Processed, wasMisuse, wasReceived } from '../errors.ts'
import type { Clock } from '../session/index.ts'
import type { Metadata, WireError } from '../wire/index.ts'
import { packMetadata } from './call.ts'
import type { CallContext } from './context.ts'
import type { Authorize } from './middleware.ts'
import { internal, leaveHandler } from './outcome.ts'
import type { Route, Router } from './route.ts'

/** How a place puts values that leave a handler. Each throws `Misfit` for one that does not fit. */
export interface Leaving<Reply> {
  reply(gate: Gate, value: unknown): Reply
  data(gate: Gate, data: unknown): unknown
}

/** What a call ended with. */
export type Outcome<Reply> =
  | { readonly reply: Reply; readonly metadata: Uint8Array | undefined }
  | { readonly error: WireError }

/** An outcome in two words: its code, and whether the handler ran. */
export function endOf<Reply>(outcome: Outcome<Reply>): readonly [code: string, processed: Processed] {
  return 'error' in outcome ? [outcome.error.code, outcome.error.processed ?? 'yes'] : ['ok', 'yes']
}

/** One handler's run. */
export interface Run<Reply> {
  readonly router: Router
  readonly clock: Clock
  readonly route: Route
  readonly request: unknown
  readonly ctx: CallContext
  readonly leaving: Leaving<Reply>
  /** Tells of what becomes of notifies, whose callers hear nothing. */
  readonly warn: (fields: object, message: string) => void
}

/** Never rejects. */
export async function handle<Reply>(run: Run<Reply>): Promise<Outcome<Reply>> {
  const { router, clock, route, request, ctx, leaving } = run
  const { method } = route
  const denied = router.authorize && (await denialOf(run, router.authorize))
  if (denied) return failed(run, denied)
  let value: unknown
  try {
    value = await route.run({ method, request, ctx })
  } catch (error) {
    return failed(run, leaveHandler(error, method, leaving.data, router.log, clock))
  } finally {
    ctx.isOver = true
  }
  try {
    const reply = leaving.reply(method.reply, method.definition.kind === 'notify' ? undefined : value)
    return { reply, metadata: packMetadata(ctx.replyMetadata, router.limits, 'yes', ctx.peer) }
  } catch (error) {
    if (error instanceof Misfit)
      return failed(run, internal('the reply does not fit', error, method, router.log, clock))
    return failed(run, leaveHandler(error, method, leaving.data, router.log, clock))
  }
}

/** Why a call may not be made, `undefined` where it may. Its handler has not run, whatever `authorize` does. */
async function denialOf<Reply>(run: Run<Reply>, authorize: Authorize): Promise<WireError | undefined> {
  const { router, clock, route, request, ctx } = run
  const { method } = route
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

/** Why nobody waits any more for what a handler has not begun. */
function goneOf({ reason }: CallContext): WireError | undefined {
  return reason && { code: reason.code, message: reason.message, processed: 'no' }
}

/** The error with the metadata that the handler set, unless that is what was too much. */
function failed<Reply>({ ctx, route, router, warn }: Run<Reply>, error: WireError): Outcome<Reply> {
  const { definition, name } = route.method
  const isInLog = error.id !== undefined
  if (definition.kind === 'notify' && !isInLog) warn({ method: name, code: error.code }, 'a notify failed')
  const metadata = fitting(ctx, router)
  return { error: metadata ? { ...error, metadata } : error }
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
