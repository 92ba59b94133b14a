/**
 * What a handler knows of its call. Its parts are made when they are first read, because most handlers read none and an
 * `AbortController` costs more than the rest of a call.
 */
import type { ErrorDataOf, Method, MethodRef } from '../contract/index.ts'
import { misuse, NanowireError } from '../errors.ts'
import { type CallRunner, type Clock, type Deadline, wheelOf } from '../session/index.ts'
import type { Metadata } from '../wire/index.ts'
import { closeOneShots } from './close-source.ts'
import { childLog, type Logger } from './log.ts'

/** A call's metadata: names and text. */
export interface MetadataReader {
  get(name: string): string | undefined
}

/** Metadata of the reply. */
export interface MetadataWriter {
  /** @throws NanowireError `invalid_argument` for what is no text */
  set(name: string, value: string): void
}

/** The clients of a service that uses none. */
export type NoClients = Readonly<Record<never, never>>

// biome-ignore lint/suspicious/noExplicitAny: a context is contravariant in its errors' data, so only any stands for all methods
export interface Context<in out M extends Method = any, out Clients extends object = NoClients> {
  /** Aborted when the caller cancels, is gone, or its deadline passes. The reason is a `NanowireError`. */
  readonly signal: AbortSignal
  /** What is left until the deadline, counted at each read; `undefined` where there is none. */
  readonly deadline: { readonly remainingMs: number } | undefined
  readonly metadata: MetadataReader
  /** Metadata that goes back with the reply or error. */
  readonly reply: MetadataWriter
  /** Who calls, as `authenticate` or `connect(…, { principal })` said. */
  readonly principal: unknown
  /** Where from: an address, or `memory`. */
  readonly peer: string
  /** The router's log, with the method's name in every line. */
  readonly log: Logger
  /**
   * Clients of the contracts that the service named in `uses`, bound to this call: its deadline, cancellation and trace are
   * carried on, of its metadata what `forward` names. They end with the call; what outlives it uses those of `start`.
   */
  readonly uses: Clients
  /** A declared error, to be thrown: `throw ctx.error('Banned', { until })`. */
  error<Name extends keyof ErrorDataOf<M> & string>(
    name: Name,
    data: ErrorDataOf<M>[Name],
  ): NanowireError<Name, ErrorDataOf<M>[Name]>
}

/** What the contexts of one connection share. */
export interface ContextSide {
  readonly clock: Clock
  readonly log: Logger
  readonly peer: string
  /** What the services of the router use. */
  readonly bindings: Bindings | undefined
}

/** What one service uses, where it runs. */
export interface ServiceUses {
  /** Clients that are bound to a call. */
  bindTo(ctx: CallContext): object
}

/** What services use, by the names of their contracts. */
export type Bindings = ReadonlyMap<string, ServiceUses>

interface Parts {
  controller?: AbortController
  log?: Logger
  replyMetadata?: Record<string, string>
  uses?: object
  cancelled?: (reason: NanowireError) => void
  ended?: () => void
  returned?: unknown[] | undefined
}

/** At its deadline the caller of a stream says that it is gone, a moment before the handler's own deadline passes or after. */
const DEADLINE_SLACK_MS = 50

/** Why a caller waits no more. */
const goneTexts = { cancelled: 'the caller has gone away', deadline_exceeded: 'the deadline has passed' } as const

type Gone = keyof typeof goneTexts

const nothing = (): void => {}

const noClients = Object.freeze({})

/** The context of one call, and its entry in the wheel of deadlines. */
export class CallContext implements Context, CallRunner, Deadline {
  /** On the clock's scale, in milliseconds; 0 for no deadline, or for one that has not been counted yet. */
  at = 0
  next: Deadline | undefined
  previous: Deadline | undefined
  /** Of a deadline that is counted when it is first asked for; 0 where `at` says it all. */
  timeoutMs = 0
  readonly principal: unknown
  readonly #side: ContextSide
  readonly #method: MethodRef
  readonly #metadata: Metadata
  /** What few handlers ask for. */
  #parts: Parts | undefined
  /** A code stands for an error until somebody asks for it: to make one costs more than to give up a call. */
  #reason: NanowireError | Gone | undefined
  /** The handler has ended. */
  isOver = false

  constructor(side: ContextSide, method: MethodRef, metadata: Metadata, principal: unknown) {
    this.#side = side
    this.#method = method
    this.#metadata = metadata
    this.principal = principal
  }

  get signal(): AbortSignal {
    this.#parts ??= {}
    const parts = this.#parts
    if (!parts.controller) {
      parts.controller = new AbortController()
      if (this.#reason !== undefined) parts.controller.abort(this.reason)
    }
    return parts.controller.signal
  }

  get deadline(): { readonly remainingMs: number } | undefined {
    const { clock } = this.#side
    if (this.at === 0 && this.timeoutMs !== 0) this.at = clock.now() + this.timeoutMs
    const at = this.at
    if (at === 0) return undefined
    return {
      get remainingMs() {
        return Math.max(0, at - clock.now())
      },
    }
  }

  get metadata(): MetadataReader {
    const metadata = this.#metadata
    return { get: (name) => (Object.hasOwn(metadata, name) ? metadata[name] : undefined) }
  }

  get reply(): MetadataWriter {
    return {
      set: (name, value) => {
        requireMetadataEntry(name, value)
        this.#parts ??= {}
        this.#parts.replyMetadata ??= {}
        this.#parts.replyMetadata[name] = value
      },
    }
  }

  get peer(): string {
    return this.#side.peer
  }

  get log(): Logger {
    const { log, peer } = this.#side
    this.#parts ??= {}
    this.#parts.log ??= childLog(log, { method: this.#method.name, peer })
    return this.#parts.log
  }

  get uses(): object {
    const { name } = this.#method
    this.#parts ??= {}
    this.#parts.uses ??= this.#side.bindings?.get(name.slice(0, name.indexOf('/')))?.bindTo(this) ?? noClients
    return this.#parts.uses
  }

  /** What the handler has set for the reply, if anything. */
  get replyMetadata(): Metadata | undefined {
    return this.#parts?.replyMetadata
  }

  error(name: string, data: unknown): never {
    const method = this.#method
    if (!method.errors.has(name))
      throw misuse(
        `${method.name} declares no error ${JSON.stringify(name)}; it declares ${[...method.errors.keys()].join(', ') || 'none'}`,
      )
    return new NanowireError(name, `${method.name}: ${name}`, { data }) as never // an error; the interface says of what type
  }

  /** Why the caller waits no more, if it does not. */
  get reason(): NanowireError | undefined {
    return this.#reason === undefined ? undefined : this.#errorOf(this.#reason)
  }

  /** Aborts the signal, now or when it is first read; of a handler that has ended nothing is aborted any more. */
  cancel(reason: NanowireError | Gone): void {
    if (this.isOver || this.#reason !== undefined) return
    this.#reason = reason
    const parts = this.#parts
    parts?.controller?.abort(this.#errorOf(reason))
    if (!this.isOver) parts?.cancelled?.(this.#errorOf(this.#reason)) // whoever heard the signal may have ended it
  }

  #errorOf(reason: NanowireError | Gone): NanowireError {
    if (typeof reason !== 'string') return reason
    const error = new NanowireError(reason, `${this.#method.name}: ${goneTexts[reason]}`)
    this.#reason = error
    return error
  }

  /** The handler has ended. */
  end(): void {
    this.isOver = true
    this.#parts?.ended?.()
    if (this.#parts?.returned) this.endReturned(nothing) // nobody waits for it
  }

  /** Has one function called when the handler has ended. */
  onEnd(ended: () => void): void {
    this.#parts ??= {}
    this.#parts.ended = ended
  }

  /** Of a method that answers with items: what its handler has returned. It ends with the call, whatever middleware makes of it. */
  handlerReturned(source: unknown): void {
    if (this.isOver) return closeOneShots([source], nothing)
    this.#parts ??= {}
    this.#parts.returned ??= []
    this.#parts.returned.push(source)
  }

  /** The call is answered with this, which is ended as such. */
  answersWith(source: unknown): void {
    const parts = this.#parts
    if (parts?.returned) parts.returned = parts.returned.filter((one) => one !== source)
  }

  /** @param done called when what handlers have returned has ended, perhaps before this returns */
  endReturned(done: () => void): void {
    const parts = this.#parts
    const returned = parts?.returned
    if (!returned) return done()
    parts.returned = undefined
    closeOneShots(returned, done)
  }

  /** Has one function called when the caller waits no more, after the signal was aborted. */
  onCancel(cancelled: (reason: NanowireError) => void): void {
    this.#parts ??= {}
    this.#parts.cancelled = cancelled
  }

  /** The caller has cancelled, or its connection is lost. */
  callerGone(): void {
    wheelOf(this.#side.clock).remove(this) // a handler that goes on all the same keeps no timer
    if (this.at !== 0 && this.#side.clock.now() >= this.at - DEADLINE_SLACK_MS) return this.expire()
    this.cancel('cancelled')
  }

  /** The deadline has passed. */
  expire(): void {
    this.cancel('deadline_exceeded')
  }
}

/**
 * Metadata is text under a name that no object has already.
 * @throws NanowireError `invalid_argument`
 */
export function requireMetadataEntry(name: string, value: unknown): void {
  if (name === '' || name === '__proto__' || !name.isWellFormed())
    throw misuse(`metadata cannot be named ${JSON.stringify(name)}`)
  if (typeof value !== 'string' || !value.isWellFormed())
    throw misuse(`the metadata ${JSON.stringify(name)} must be text`)
}
