/** Callers and handlers that do nothing but remember what became of them. */
import type { NanowireError } from '../../src/errors.ts'
import type { LimitName } from '../../src/limits.ts'
import type { Effects, Flow, IncomingCall, IncomingRequest, OutgoingCall, Priority } from '../../src/session/index.ts'
import type { Hello, Metadata, WireError } from '../../src/wire/index.ts'

export type Outcome =
  | { readonly how: 'replied'; readonly metadata: Metadata; readonly body: Uint8Array }
  | { readonly how: 'ended'; readonly metadata: Metadata }
  | { readonly how: 'refused'; readonly error: WireError }
  | { readonly how: 'lost'; readonly error: NanowireError }

export interface CallSettings {
  readonly tag?: number
  readonly oneWay?: boolean
  readonly body?: Uint8Array
  readonly metadata?: Uint8Array | undefined
  readonly deadlineAt?: number
  readonly input?: boolean
  readonly output?: boolean
  readonly priority?: Priority
}

export class RecordedCall implements OutgoingCall {
  id = 0
  startsAt = 0
  readonly tag: number
  readonly oneWay: boolean
  readonly body: Uint8Array
  readonly metadata: Uint8Array | undefined
  readonly deadlineAt: number
  readonly input: boolean | undefined
  readonly output: boolean | undefined
  readonly priority: Priority | undefined
  /** Its streams, where it has any. */
  flow: Flow | undefined
  /** How often the request was written. */
  leftCount = 0
  /** Everything that ended it: one, if all is well. */
  readonly outcomes: Outcome[] = []

  constructor(settings: CallSettings = {}) {
    this.tag = settings.tag ?? 7
    this.oneWay = settings.oneWay ?? false
    this.body = settings.body ?? (settings.input ? new Uint8Array(0) : Uint8Array.of(0xc0))
    this.metadata = settings.metadata
    this.deadlineAt = settings.deadlineAt ?? Number.POSITIVE_INFINITY
    this.input = settings.input
    this.output = settings.output
    this.priority = settings.priority
  }

  flowing(flow: Flow): void {
    this.flow = flow
  }

  streamEnded(metadata: Metadata): void {
    this.ended({ how: 'ended', metadata })
  }

  left(): void {
    this.leftCount++
  }

  replied(metadata: Metadata, buffer: Uint8Array, start: number, end: number): void {
    this.ended({ how: 'replied', metadata, body: copy(buffer, start, end) })
  }

  refused(error: WireError): void {
    this.ended({ how: 'refused', error })
  }

  lost(error: NanowireError): void {
    this.ended({ how: 'lost', error })
  }

  /** The outcome in one line: `replied`, `refused unavailable no`, `lost unavailable maybe`. */
  get fate(): string {
    return this.outcomes
      .map((outcome) =>
        'error' in outcome ? `${outcome.how} ${outcome.error.code} ${outcome.error.processed}` : outcome.how,
      )
      .join(', ')
  }

  /** What it was told in words, where it ended with an error. */
  get message(): string {
    return this.outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : '')).join()
  }

  protected ended(outcome: Outcome): void {
    this.outcomes.push(outcome)
  }
}

/** A request as its handler got it, with bytes of its own. */
export interface HandledRequest {
  readonly call: IncomingCall
  readonly tag: number
  readonly oneWay: boolean
  readonly timeoutMs: number
  readonly metadata: Metadata
  readonly input: boolean
  readonly output: boolean
  readonly body: Uint8Array
}

export class RecordedEffects implements Effects {
  readonly hellos: Hello[] = []
  readonly requests: HandledRequest[] = []
  readonly refusals: { readonly tag: number; readonly error: WireError }[] = []
  readonly limits: { readonly name: LimitName; readonly message: string }[] = []
  readonly violations: { readonly rule: string; readonly message: string }[] = []
  drainings = 0
  /** One entry when the session is over. */
  readonly closings: (NanowireError | undefined)[] = []
  /** What a handler does when it begins. */
  onRequest: (request: HandledRequest) => void = () => {}
  /** Called at the moment when a limit fires. */
  onLimit: (name: LimitName, message: string) => void = () => {}
  /** Called when the session is over. */
  onClosed: () => void = () => {}

  opened(peer: Hello): void {
    this.hellos.push(peer)
  }

  requestReceived(call: IncomingCall, request: IncomingRequest): void {
    const { tag, oneWay, timeoutMs, metadata, input, output, buffer, start, end } = request
    const handled = { call, tag, oneWay, timeoutMs, metadata, input, output, body: copy(buffer, start, end) }
    this.requests.push(handled)
    this.onRequest(handled)
  }

  requestRefused(tag: number, error: WireError): void {
    this.refusals.push({ tag, error })
  }

  draining(): void {
    this.drainings++
  }

  limitFired(name: LimitName, message: string): void {
    this.limits.push({ name, message })
    this.onLimit(name, message)
  }

  peerViolated(rule: string, message: string): void {
    this.violations.push({ rule, message })
  }

  closed(cause: NanowireError | undefined): void {
    this.closings.push(cause)
    this.onClosed()
  }
}

/** What a Buffer's own `slice` is not. */
function copy(buffer: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(buffer.subarray(start, end))
}
