/** What stands around every call, on either side, as the layers of an onion: the first in the list is the outermost. */
import type { MethodRef } from '../contract/index.ts'
import type { CallOptions } from './call.ts'
import type { Context } from './context.ts'

/** One call at its server: the request has been checked, the reply will be. */
export interface ServerCall {
  readonly method: MethodRef
  /** Of a method that takes items (`method.input`), the iterable of them. */
  readonly request: unknown
  readonly ctx: Context
}

/**
 * Says whether a call may be made: `true`, and nothing else, lets it through. Asked after the request was checked and before
 * any middleware; the others end with `permission_denied`, `processed` `no`. A `NanowireError` with one of the sixteen codes
 * is told as it is.
 */
export type Authorize = (call: ServerCall) => boolean | Promise<boolean>

/**
 * Calls `next()` for what lies further in, or answers or throws itself. Of a method that answers with items
 * (`method.output`), `next()` resolves to the iterable that the handler has returned; another one may be answered with. It
 * is iterated behind all middleware: what its generator throws passes none of it. What the handler has returned is told to
 * return when the call ends, whatever was put around it.
 */
export type ServerMiddleware = (call: ServerCall, next: () => Promise<unknown>) => unknown

/** One call at its client: neither checked nor sent yet. */
export interface ClientCall {
  readonly method: MethodRef
  /** Of a method that takes items (`method.input`), what the caller gave for them. */
  readonly request: unknown
  readonly options: CallOptions
}

/**
 * Calls `next(call)`, perhaps with another request or other options, more than once or not at all. Of a method that answers
 * with items, `next(call)` resolves to the stream of them, and any iterable may be passed on for it.
 */
export type ClientMiddleware = (call: ClientCall, next: (call: ClientCall) => Promise<unknown>) => unknown

/** A middleware as an onion needs it: `call` in, the rest of the layers as `next`. */
export function onion<Call>(
  layers: readonly ((call: Call, next: (call?: Call) => Promise<unknown>) => unknown)[],
  core: (call: Call) => unknown,
): (call: Call) => Promise<unknown> {
  return layers.reduceRight<(call: Call) => Promise<unknown>>(
    (inner, layer) => async (call) => layer(call, (changed) => inner(changed ?? call)),
    async (call) => core(call),
  )
}
