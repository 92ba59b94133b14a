/**
 * The closed table of codes and the one error class. What may leave a handler, and what `processed` says, is in
 * spec/errors.md; nothing here knows of frames or sockets.
 */

/** gRPC's status names in lower snake case, without `ok`, each with what it means here. */
export const statusCodes = {
  cancelled: 'the caller cancelled the call',
  unknown: 'the peer sent an error that this version does not know',
  invalid_argument: 'the request does not fit its schema, or an option is wrong',
  deadline_exceeded: 'the deadline passed before the reply was there',
  not_found: 'what was asked for does not exist',
  already_exists: 'what should be made exists',
  permission_denied: 'the caller may not do this',
  resource_exhausted: 'a limit fired; the message names it',
  failed_precondition: 'the system is not in the state that the call needs',
  aborted: 'the call lost against another one; try again from the start',
  out_of_range: 'a position is past the end',
  unimplemented: 'the peer has no such method',
  internal: 'a fault of the peer; the id stands in its log',
  unavailable: 'the peer cannot be reached, or is going away',
  data_loss: 'data is gone or was garbled',
  unauthenticated: 'the caller has not said who it is',
} as const

/** One of the sixteen status names. */
export type StatusCode = keyof typeof statusCodes

/** Did the handler of *this* call run? `maybe` where the request left and nothing came back. */
export type Processed = 'no' | 'maybe' | 'yes'

/** What `NanowireError` takes besides its code and message. */
export interface NanowireErrorOptions {
  /** Default `yes`: an error that a handler makes itself. */
  readonly processed?: Processed | undefined
  /** The data of a declared error. */
  readonly data?: unknown
  /** What the server's log calls this error, where its detail stays there. */
  readonly id?: string | undefined
  readonly cause?: unknown
}

/**
 * The only error that Nanowire throws or rejects with.
 *
 * @example
 * ```ts
 * try { await hello({ name: 'Mallory' }) } catch (error) {
 *   if (error instanceof NanowireError && error.code === 'Banned') console.log(error.data)
 * }
 * ```
 */
export class NanowireError<Code extends string = string, Data = unknown> extends Error {
  /** A status name, or the name of a declared error, which begins with a capital. */
  readonly code: Code
  /** Whether this call's handler ran. Only `no` is always safe to send again. */
  readonly processed: Processed
  /** The data of a declared error, `undefined` for a status. */
  readonly data: Data
  /** For `internal`: the id under which the server's log has the detail. */
  readonly id: string | undefined

  constructor(code: Code, message: string, options: NanowireErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.processed = options.processed ?? 'yes'
    this.data = options.data as Data // the caller of a typed constructor vouches for it; a handler's is checked when it leaves
    this.id = options.id
  }
}
NanowireError.prototype.name = 'NanowireError' // not within the class, which a bundler would then rename

export function isStatusCode(code: string): code is StatusCode {
  return Object.hasOwn(statusCodes, code)
}

/** Errors that came out of a call, so that a handler which lets one pass does not speak with another's voice. */
const received = new WeakSet<NanowireError>()

/** Marks an error as the outcome of a call, and returns it. */
export function markReceived<E extends NanowireError>(error: E): E {
  received.add(error)
  return error
}

export function wasReceived(error: NanowireError): boolean {
  return received.has(error)
}

/** Mistakes that the library found in how it is used: a handler's own fault, whatever its caller sent. */
const misuses = new WeakSet<NanowireError>()

/** A mistake in what the user wrote or passed: thrown at once, `processed: 'no'`. */
export function misuse(message: string, cause?: unknown): NanowireError<'invalid_argument', undefined> {
  const error = new NanowireError<'invalid_argument', undefined>('invalid_argument', message, {
    processed: 'no',
    cause,
  })
  misuses.add(error)
  return error
}

export function wasMisuse(error: NanowireError): boolean {
  return misuses.has(error)
}
