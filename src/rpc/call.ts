/**
 * One call as its caller waits for it, whatever carries it: the promise, its deadline, its cancellation. Invariant: it
 * settles exactly once, at its deadline at the latest.
 */
import type { MethodRef } from '../contract/index.ts'
import { isStatusCode, markReceived, misuse, NanowireError, type Processed, type StatusCode } from '../errors.ts'
import { type Limits, limitMessage } from '../limits.ts'
import { type Clock, Deadline, type DeadlineWheel } from '../session/index.ts'
import { type Metadata, pack } from '../wire/index.ts'
import { onAbort } from './abort.ts'
import { requireMetadataEntry } from './context.ts'
import type { CallCounters } from './counters.ts'
import { type ToldCall, tellCallEnd, tellCallRefused, tellCallStart } from './diagnostics.ts'
import { type ItemSource, Items } from './item-stream.ts'
import { requireMs } from './options.ts'
import { takenReject, takenResolve, takeSettlers } from './settlers.ts'
import { EventItems } from './subscription.ts'

/** What may be said of one call. */
export interface CallOptions {
  /** Milliseconds until the call ends with `deadline_exceeded`; `Infinity` for never. Default: the method's, else `limits.callTimeoutMs`; of a stream none. */
  readonly timeoutMs?: number | undefined
  /** Cancels the call: it ends with `cancelled`, and the handler's signal is aborted. */
  readonly signal?: AbortSignal | undefined
  /** Which share of the connection the large messages and the items of this call have beside others. Default `normal`. */
  readonly priority?: 'low' | 'normal' | 'high' | undefined
  /** Names and text that the handler reads with `ctx.metadata.get`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Called with the reply's metadata, before the call settles; of a stream, before its end is told. */
  readonly onMetadata?: ((metadata: Metadata) => void) | undefined
}

/** Marks what a call ends with as such. */
export function callError(error: unknown): unknown {
  return error instanceof NanowireError ? markReceived(error) : error
}

/** Ends a call that has not begun. */
export function rejectCall(error: unknown, method: MethodRef, counters: CallCounters, peer: string): Promise<never> {
  tellRejected(error, method, counters, peer)
  return Promise.reject(callError(error))
}

/** Ends a call that has not begun, and would have had items for an answer. */
export function rejectStream(error: unknown, method: MethodRef, counters: CallCounters, peer: string): Items {
  tellRejected(error, method, counters, peer)
  return failedItems(callError(error), method)
}

/** What fails when it is first asked for an item. */
export function failedItems(error: unknown, method: MethodRef): Items {
  const source: ItemSource = {
    dropped: 0,
    take() {
      throw error
    },
    stop() {},
  }
  if (!method.event) return new Items(source)
  const items = new EventItems(source)
  items.doesNotStand(error)
  return items
}

function tellRejected(error: unknown, method: MethodRef, counters: CallCounters, peer: string): void {
  const code = countedCode(error, method)
  counters.callEnded(method.name, code)
  tellCallRefused(method.name, 'client', peer, code, error instanceof NanowireError ? error.processed : 'no')
}

/** Codes that a peer made up are not counted by their names. */
function countedCode(error: unknown, method: MethodRef): string {
  if (!(error instanceof NanowireError)) return 'internal'
  return isStatusCode(error.code) || method.errors.has(error.code) ? error.code : 'unknown'
}

/** What the calls of one connection share. */
export interface CallSide {
  readonly clock: Clock
  /** Of the clock. */
  readonly wheel: DeadlineWheel
  readonly limits: Limits
  readonly counters: CallCounters
  /** Where the calls go, for errors. */
  url(): string
}

export const callOptionNames: ReadonlySet<string> = new Set([
  'timeoutMs',
  'signal',
  'priority',
  'metadata',
  'onMetadata',
])

/** Carries calls to wherever the handlers are. */
export interface Channel {
  /** Of a method that is answered once, or not at all. */
  call(method: MethodRef, request: unknown, options: CallOptions): Promise<unknown>
  /** Of a method that answers with items. Whatever is wrong, the items say it. */
  open(method: MethodRef, request: unknown, options: CallOptions): Items
}

/** The promise of a call that has items instead. */
const NOBODYS = new Promise<never>(() => {})
const nothing = (): void => {}

export abstract class PendingCall<Side extends CallSide> extends Deadline {
  readonly method: MethodRef
  /** Of a method that is answered once, or not at all; another has items, and overrides `resolve` and `reject`. */
  readonly promise: Promise<unknown>
  /** From the call's begin to its deadline; `Infinity` for none. */
  readonly timeoutMs: number
  isSettled = false
  protected readonly side: Side
  readonly #options: CallOptions
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  #told: ToldCall | undefined
  #stopListening: (() => void) | undefined

  /** @throws NanowireError what the call ends with, before it has begun */
  constructor(method: MethodRef, options: CallOptions, side: Side) {
    super()
    requireCallOptions(method, options)
    this.timeoutMs = timeoutOf(method, options, side.limits)
    this.method = method
    this.side = side
    this.#options = options
    this.promise = method.output ? NOBODYS : new Promise(takeSettlers)
    this.#resolve = method.output ? nothing : takenResolve
    this.#reject = method.output ? nothing : takenReject
  }

  /** As it is on the wire. */
  get priority(): 0 | 1 | 2 {
    return priorityOf(this.#options)
  }

  /** From now on the deadline runs and the caller's signal counts. */
  begin(): void {
    const { clock, wheel } = this.side
    const { signal } = this.#options
    if (this.timeoutMs !== Number.POSITIVE_INFINITY) wheel.addAfter(this, this.timeoutMs)
    if (signal) this.#stopListening = onAbort(signal, this)
    this.#told = tellCallStart(this.method, 'client', this.side.url(), clock)
  }

  /** The caller goes away; says what is known of the handler. */
  protected abstract abandoned(reason: NanowireError): Processed

  succeed(value: unknown, metadata: Metadata | undefined): void {
    const processed = this.method.oneWay ? 'maybe' : 'yes'
    if (this.#settle('ok', processed, metadata)) this.resolve(value)
  }

  fail(error: NanowireError, metadata?: Metadata): void {
    if (this.#settle(countedCode(error, this.method), error.processed, metadata)) this.reject(markReceived(error))
  }

  /** The caller gets what the call ends with: this, or `reject`, once. */
  protected resolve(value: unknown): void {
    this.#resolve(value)
  }

  protected reject(error: unknown): void {
    this.#reject(error)
  }

  /** The caller's signal was aborted. */
  cancel(cause: unknown): void {
    this.giveUp('cancelled', `${this.method.name} was cancelled by its caller`, cause)
  }

  /** The deadline has passed. */
  override expire(): void {
    this.giveUp('deadline_exceeded', `${this.method.name}: no reply before the deadline`, undefined)
  }

  /** The call ends on its caller's side. For a server that is a deadline, which it knows, or a cancellation. */
  protected giveUp(code: StatusCode, message: string, cause: unknown): void {
    if (this.isSettled) return
    const reason = code === 'deadline_exceeded' ? code : 'cancelled'
    const processed = this.abandoned(new NanowireError(reason, message))
    this.fail(new NanowireError(code, message, { processed, cause }))
  }

  /** Returns whether it was not settled before. */
  #settle(code: string, processed: Processed, metadata: Metadata | undefined): boolean {
    if (this.isSettled) return false
    this.isSettled = true
    const { clock, counters, wheel } = this.side
    counters.callEnded(this.method.name, code)
    tellCallEnd(this.#told, code, processed, clock)
    wheel.remove(this)
    this.#stopListening?.()
    if (this.#options.onMetadata === undefined) return true
    return tellMetadata(this.#options, metadata, (error) => this.reject(error))
  }
}

/** Tells a caller of the reply's metadata. Returns whether its function took them; what that throws, the call ends with. */
export function tellMetadata(
  { onMetadata }: CallOptions,
  metadata: Metadata | undefined,
  reject: (error: unknown) => void,
): boolean {
  try {
    onMetadata?.(metadata ?? {})
    return true
  } catch (error) {
    reject(error)
    return false
  }
}

/**
 * Milliseconds until the call ends, `Infinity` for never.
 * @throws NanowireError `invalid_argument`
 */
export function timeoutOf(method: MethodRef, options: CallOptions, limits: Limits): number {
  const timeoutMs = options.timeoutMs ?? method.definition.options.timeoutMs ?? usualTimeoutOf(method, limits)
  if (timeoutMs !== Number.POSITIVE_INFINITY) requireMs('timeoutMs', timeoutMs, 1)
  return timeoutMs
}

/** A stream may last as long as it likes. */
function usualTimeoutOf({ input, output }: MethodRef, { callTimeoutMs }: Limits): number {
  return input || output ? Number.POSITIVE_INFINITY : callTimeoutMs
}

/**
 * Looks at what a caller passed, before anything is sent.
 * @throws NanowireError what the call ends with
 */
export function requireCallOptions(method: MethodRef, options: CallOptions): void {
  const { signal, priority } = options
  if (priority !== undefined) priorityOf(options)
  if (signal === undefined) return
  if (!(signal instanceof AbortSignal)) throw misuse(`${method.name}: signal is an AbortSignal`)
  if (signal.aborted) {
    throw new NanowireError('cancelled', `${method.name} was cancelled by its caller`, {
      processed: 'no',
      cause: signal.reason,
    })
  }
}

const priorities = { low: 0, normal: 1, high: 2 } as const

/**
 * As it is on the wire.
 * @throws NanowireError `invalid_argument`
 */
export function priorityOf({ priority = 'normal' }: CallOptions): 0 | 1 | 2 {
  if (Object.hasOwn(priorities, priority)) return priorities[priority]
  throw misuse(`priority is low, normal or high, not ${JSON.stringify(priority)}`)
}

/**
 * Metadata as it travels, `undefined` where there is none.
 * @throws NanowireError `invalid_argument` for what is no text, `resource_exhausted` for too much
 */
export function packMetadata(
  metadata: Metadata | undefined,
  limits: Limits,
  processed: 'no' | 'yes',
  peer: string,
): Uint8Array | undefined {
  if (metadata === undefined) return undefined
  if (typeof metadata !== 'object' || metadata === null || Symbol.iterator in metadata)
    throw misuse('metadata is an object of names and text')
  if (Object.keys(metadata).length === 0) return undefined
  for (const [name, value] of Object.entries(metadata)) requireMetadataEntry(name, value)
  const packed = pack({ ...metadata })
  if (packed.length <= limits.maxMetadataBytes) return packed
  throw new NanowireError(
    'resource_exhausted',
    limitMessage('maxMetadataBytes', limits, `metadata of ${packed.length} bytes`, peer),
    { processed },
  )
}
