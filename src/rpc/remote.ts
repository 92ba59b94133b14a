/** A call over a session: encoded when it is made, decoded where its reply lies (spec/places.md). */
import type { Gate, MethodRef } from '../contract/index.ts'
import { markReceived, type NanowireError, type Processed } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { OutgoingCall, Session } from '../session/index.ts'
import { decodeBody, encodeBody, type Metadata, type WireError } from '../wire/index.ts'
import { type CallOptions, type CallSide, PendingCall, packMetadata, requireCallOptions } from './call.ts'
import { arriveAtCaller, refuseReply, refuseRequest } from './outcome.ts'

/** What the calls of one remote connection share. */
export interface RemoteSide extends CallSide {
  /** Takes a call out of the queue of those that wait for a session. */
  leaveQueue(call: RemoteCall): void
  /** Where the calls go, for errors. */
  url(): string
}

export class RemoteCall extends PendingCall implements OutgoingCall {
  readonly body: Uint8Array
  readonly metadata: Uint8Array | undefined
  readonly #side: RemoteSide
  #session: Session | undefined
  #hasLeft = false

  constructor(method: MethodRef, request: unknown, options: CallOptions, side: RemoteSide) {
    requireCallOptions(method, options)
    const body = encodeRequest(method, request, side.limits)
    const metadata = packMetadata(options.metadata, side.limits, 'no', side.url())
    super(method, options, side)
    this.body = body
    this.metadata = metadata
    this.#side = side
  }

  get tag(): number {
    return this.method.tag
  }

  get oneWay(): boolean {
    return this.method.definition.kind === 'notify'
  }

  get deadlineAt(): number {
    return this.at === 0 ? Number.POSITIVE_INFINITY : this.at
  }

  /** Gives the call to a session, which ends it. */
  startIn(session: Session): void {
    this.#session = session
    session.start(this)
  }

  left(): void {
    this.#hasLeft = true
    if (this.oneWay) this.succeed(undefined, undefined)
  }

  replied(metadata: Metadata, buffer: Uint8Array, start: number, end: number): void {
    if (this.isSettled) return
    try {
      this.succeed(decodeBody(this.method.reply, buffer, start, end, this.#side.limits), metadata)
    } catch (error) {
      this.fail(refuseReply(error, this.method), metadata)
    }
  }

  refused(error: WireError): void {
    this.fail(arriveAtCaller(error, this.method, fromWire), error.metadata)
  }

  lost(error: NanowireError): void {
    this.fail(markReceived(error))
  }

  protected override abandoned(reason: NanowireError): Processed {
    if (this.#session) this.#session.abandon(this, reason.code === 'cancelled')
    else this.#side.leaveQueue(this)
    return this.#hasLeft ? 'maybe' : 'no'
  }
}

const fromWire = (gate: Gate, data: unknown): unknown => gate.fromWire(data)

function encodeRequest(method: MethodRef, request: unknown, limits: Limits): Uint8Array {
  try {
    return encodeBody(method.request, request, limits)
  } catch (error) {
    throw refuseRequest(error, method)
  }
}
