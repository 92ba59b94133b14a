/** What a session makes happen, and the calls that it carries. The session calls these directly. */
import type { NanowireError } from '../errors.ts'
import type { LimitName } from '../limits.ts'
import type { Body, Hello, Metadata, WireError } from '../wire/index.ts'
import type { Flow } from './flow.ts'
import type { IncomingCall } from './incoming.ts'
import type { Priority } from './turns.ts'

/** A call on its way to the peer. Each ends by exactly one of `replied`, `refused` and `lost`, or is abandoned before. */
export interface OutgoingCall {
  /** Of the session that carries it: its id there while it is in flight, 0 otherwise. */
  id: number
  /** Likewise: where in the link's bytes its request begins. */
  startsAt: number
  readonly tag: number
  /** Nobody waits for an answer: ends with `left`. */
  readonly oneWay: boolean
  /** The request as MessagePack. */
  readonly body: Body
  /** Packed metadata, where there is any. */
  readonly metadata: Uint8Array | undefined
  /** On the clock's scale, in milliseconds; `Infinity` for none. */
  readonly deadlineAt: number
  /** Whether the contracts are known to differ. Read when the request is written. */
  readonly judged?: boolean | undefined
  /** Items follow: they go into the flow's `outflow`. */
  readonly input?: boolean | undefined
  /** The answer is a stream: its items come in the flow's `inflow`. */
  readonly output?: boolean | undefined
  /** How urgent what both sides have to send for it is. Default 1, normal. */
  readonly priority?: Priority | undefined
  /** The request was sent, and there are the streams of the call. */
  flowing?(flow: Flow): void
  /** The server has sent its last item. */
  streamEnded?(metadata: Metadata): void
  /** The hash of the contract that this request is to carry. Called once, when the request is written. */
  takeHash?(): Uint8Array | undefined
  /** The request was written to the link. */
  left(): void
  /** The reply is there; the bytes are valid until this returns. */
  replied(metadata: Metadata, buffer: Uint8Array, start: number, end: number): void
  /** The peer answered with an error, or this side refuses to send. */
  refused(error: WireError): void
  /** The connection ended; `error` is this call's own. */
  lost(error: NanowireError): void
}

/** A request that has come whole. It and its bytes are valid until `requestReceived` returns. */
export interface IncomingRequest {
  readonly tag: number
  readonly oneWay: boolean
  /** 0 for no deadline. */
  readonly timeoutMs: number
  readonly metadata: Metadata
  /** The client's hash of the contract, where it told one; valid as long as the other bytes. */
  readonly hash: Uint8Array | undefined
  /** The client knows that the contracts differ. */
  readonly judged: boolean
  /** Items follow. */
  readonly input: boolean
  /** The answer is to be a stream. */
  readonly output: boolean
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
}

export interface Effects {
  /** The peer's HELLO has come. */
  opened(peer: Hello): void
  /** A request is to be handled; `respond` or `refuse` of the session must follow, in this turn or later. */
  requestReceived(call: IncomingCall, request: IncomingRequest): void
  /** A request was turned away before it reached a handler. */
  requestRefused(tag: number, error: WireError): void
  /** The peer takes no new calls, or this side makes none; calls in flight go on. */
  draining(): void
  /** A limit fired. The message names it, its value, the peer and the option. */
  limitFired(name: LimitName, message: string): void
  /** The peer broke a rule of the protocol; the connection is closing. */
  peerViolated(rule: string, message: string): void
  /** The session is over; no effect follows. `cause` is absent where both sides were done. */
  closed(cause: NanowireError | undefined): void
}
