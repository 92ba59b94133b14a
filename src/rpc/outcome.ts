/**
 * What may leave a handler, and what a caller makes of it (spec/errors.md). The same in every place: in memory an error
 * takes the same two steps as over a wire.
 */
import { type Gate, type MethodRef, Misfit } from '../contract/index.ts'
import { isStatusCode, markReceived, NanowireError, wasMisuse, wasReceived } from '../errors.ts'
import { type Clock, randomId } from '../session/index.ts'
import { StrictError, type WireError } from '../wire/index.ts'
import type { Logger } from './log.ts'

/** Puts a declared error's data through its gate, on its way out or in. */
export type DataGate = (gate: Gate, data: unknown) => unknown

/** What of an error crosses to the caller. Everything else stands in the log, under an id that crosses. */
export function leaveHandler(
  error: unknown,
  method: MethodRef,
  toPlace: DataGate,
  log: Logger,
  clock: Clock,
): WireError {
  try {
    return judgeError(error, method, toPlace, log, clock)
  } catch (cause) {
    return internal('handler threw what cannot be looked at', cause, method, log, clock)
  }
}

function judgeError(error: unknown, method: MethodRef, toPlace: DataGate, log: Logger, clock: Clock): WireError {
  if (error instanceof NanowireError && typeof error.code === 'string' && typeof error.message === 'string') {
    const declared = method.errors.get(error.code)
    if (wasMisuse(error) && !wasReceived(error))
      return internal('handler used the library wrongly', error, method, log, clock)
    if (wasReceived(error)) {
      if (isStatusCode(error.code))
        return {
          code: error.code,
          message: `${method.name}: a call that it made ended with ${error.code}`,
          processed: 'yes',
        }
    } else if (declared) {
      try {
        return {
          code: error.code,
          message: `${method.name}: ${error.code}`,
          data: toPlace(declared, error.data),
          processed: 'yes',
        }
      } catch (misfit) {
        return internal(`threw ${error.code} with data that do not fit`, misfit, method, log, clock)
      }
    } else if (isStatusCode(error.code)) {
      return { code: error.code, message: error.message, processed: 'yes' }
    }
  }
  return internal('handler failed', error, method, log, clock)
}

/** An error whose detail stays in the log. */
export function internal(what: string, error: unknown, method: MethodRef, log: Logger, clock: Clock): WireError {
  const id = randomId(clock)
  log.error({ method: method.name, id, ...detailOf(error) }, what)
  const message = `${method.name} failed; the server's log has it under ${id}`
  return { code: 'internal', message, id, processed: 'yes' }
}

/** What a line of the log says of what was thrown; of what is no error, no more than its kind, for it may be a payload. */
function detailOf(error: unknown): object {
  if (error instanceof Misfit) return { misfit: error.describe() }
  return error instanceof Error ? { err: error } : { thrown: `a ${typeof error}, not an Error` }
}

/** A request that does not fit, before its handler; `undefined` for any other error. */
export function misfitError(error: unknown, method: MethodRef): WireError | undefined {
  const code = 'invalid_argument'
  if (error instanceof Misfit) {
    return { code, message: `the request of ${method.name} does not fit: ${error.describe()}`, processed: 'no' }
  }
  if (error instanceof StrictError) {
    return {
      code,
      message: `the request of ${method.name} is no strict MessagePack: ${error.message}`,
      processed: 'no',
    }
  }
  return undefined
}

/** What a caller gets for a request that its own side refuses. */
export function refuseRequest(error: unknown, method: MethodRef): NanowireError {
  const misfit = misfitError(error, method)
  if (misfit) return markReceived(new NanowireError(misfit.code, misfit.message, { processed: 'no' }))
  const message = `${method.name}: the check of the request threw ${describe(error)}`
  return markReceived(new NanowireError('internal', message, { processed: 'no', cause: error }))
}

/** What a call ends with, or what its handler meets, for an item of the client that does not fit. */
export function refuseItem(error: unknown, method: MethodRef): NanowireError {
  const processed = 'maybe'
  const item = `an item of ${method.name}`
  if (error instanceof Misfit)
    return new NanowireError('invalid_argument', `${item} does not fit: ${error.describe()}`, { processed })
  if (error instanceof StrictError)
    return new NanowireError('invalid_argument', `${item} is no strict MessagePack: ${error.message}`, { processed })
  if (error instanceof NanowireError) return new NanowireError(error.code, error.message, { processed })
  return new NanowireError('internal', `the check of ${item} threw ${describe(error)}`, { processed, cause: error })
}

/** What a call ends with whose client's items have ended with an error: its code, where it has one that any call may end with. */
export function inputError(error: unknown, method: MethodRef): NanowireError {
  const code = error instanceof NanowireError && isStatusCode(error.code) ? error.code : 'cancelled'
  const message = `${method.name}: the items that its caller gave ended with ${describe(error)}`
  return new NanowireError(code, message, { processed: 'maybe', cause: error })
}

/** What a caller gets for a reply that does not fit. */
export function refuseReply(error: unknown, method: MethodRef): NanowireError {
  const message = `the reply of ${method.name} does not fit: ${describe(error)}`
  return markReceived(new NanowireError('internal', message, { processed: 'yes' }))
}

function describe(error: unknown): string {
  if (error instanceof Misfit) return error.describe()
  return error instanceof Error ? error.message : String(error)
}

/** The caller's error, from what has crossed. */
export function arriveAtCaller(error: WireError, method: MethodRef, fromPlace: DataGate): NanowireError {
  const { code, message, id } = error
  const processed = error.processed ?? 'maybe'
  const declared = method.errors.get(code)
  if (declared) {
    try {
      return markReceived(
        new NanowireError(code, `${method.name}: ${code}`, { data: fromPlace(declared, error.data), processed: 'yes' }),
      )
    } catch (misfit) {
      const detail = describe(misfit)
      return markReceived(
        new NanowireError('internal', `${method.name} ended with ${code}, but its data do not fit: ${detail}`, {
          processed: 'yes',
        }),
      )
    }
  }
  if (isStatusCode(code)) return markReceived(new NanowireError(code, message, { processed, id }))
  return markReceived(
    new NanowireError(
      'unknown',
      `${method.name} ended with ${JSON.stringify(code)}, which this side's contract does not declare`,
      { processed, id },
    ),
  )
}
