/** A call over a session: encoded where it leaves, or beforehand; decoded where its reply lies (spec/places.md). */
import type { Gate, MethodRef } from '../contract/index.ts'
import { markReceived, type NanowireError, type Processed } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { OutgoingCall } from '../session/index.ts'
import {
  type Body,
  decodeBody,
  encodeBody,
  encodeInto,
  type InPlace,
  isWhole,
  joinBody,
  type Metadata,
  type WireError,
} from '../wire/index.ts'
import { type CallOptions, type CallSide, PendingCall, packMetadata } from './call.ts'
import { arriveAtCaller, refuseReply, refuseRequest } from './outcome.ts'

const NOTHING = new Uint8Array(0)

/** What the calls of one remote connection share. */
export interface RemoteSide extends CallSide {
  /** Takes a call out of the queue of those that wait for a session. */
  leaveQueue(call: RemoteCall): void
  /** Of events, while they last: they have no end of their own. */
  readonly subscriptions: Set<{ closed(): void }>
}

/** What carries calls: a session, and what is known of its server's contracts. */
export interface CallCarrier {
  /** Sends a call at once, written where it leaves. Returns whether it did; nothing has happened otherwise. */
  startInPlace(call: RemoteCall): boolean
  start(call: RemoteCall): void
  /** The caller has gone away. */
  abandon(call: RemoteCall, tells: boolean): void
  takeHash(method: MethodRef): Uint8Array | undefined
  /** Whether a refused call goes on all the same. */
  refused(call: RemoteCall, error: WireError): boolean
  explain(call: RemoteCall, error: WireError): WireError
}

export class RemoteCall extends PendingCall<RemoteSide> implements OutgoingCall, InPlace {
  id = 0
  startsAt = 0
  /** Of a call that does not leave at once: the request as MessagePack. */
  body: Body = NOTHING
  metadata: Uint8Array | undefined
  /** The contracts are known to differ, and the call is made all the same. */
  judged = false
  /** Until it is encoded for good. */
  #request: unknown
  #carrier: CallCarrier | undefined
  #hasLeft = false

  constructor(method: MethodRef, request: unknown, options: CallOptions, side: RemoteSide) {
    super(method, options, side)
    this.#request = request
    this.metadata = packMetadata(options.metadata, side.limits, 'no', side.url())
  }

  /** Leaves at once over this carrier, if it can. Returns whether it did. */
  leaveNow(carrier: CallCarrier): boolean {
    if (!this.#startsIn(carrier)) return false
    this.#carrier = carrier
    if (this.isSettled) return true // a getter of the request has closed the connection
    this.begin()
    this.left()
    return true
  }

  #startsIn(carrier: CallCarrier): boolean {
    try {
      return carrier.startInPlace(this)
    } catch (error) {
      throw refuseRequest(error, this.method) // a getter of the request has thrown
    }
  }

  /** Sees to it that the request stands as bytes, as it must for a call to leave once more. Returns whether it does. */
  protected mayLeaveAgain(): boolean {
    try {
      if (this.body === NOTHING) this.body = encodeRequest(this.method, this.#request, this.side.limits)
      return isWhole(this.body)
    } catch {
      return false // it has changed since it left
    }
  }

  /**
   * Encodes the request, for a carrier to send when it can.
   * @throws NanowireError `invalid_argument`, and then this call has never been
   */
  prepare(): void {
    this.body = encodeRequest(this.method, this.#request, this.side.limits)
    this.#request = undefined
    this.begin()
  }

  encodeInto(buffer: Uint8Array, at: number): number {
    return this.input ? at : encodeInto(this.method.request, this.#request, buffer, at, this.side.limits)
  }

  get tag(): number {
    return this.method.tag
  }

  get oneWay(): boolean {
    return this.method.oneWay
  }

  get input(): boolean {
    return this.method.input
  }

  get output(): boolean {
    return this.method.output
  }

  get deadlineAt(): number {
    return this.at === 0 ? Number.POSITIVE_INFINITY : this.at
  }

  /** Gives the call to a session, which ends it. */
  startIn(carrier: CallCarrier): void {
    this.#carrier = carrier
    carrier.start(this)
    if (!this.#hasLeft) this.wait()
  }

  /** It has not left yet: until then its caller may do with the request whatever it likes. */
  wait(): void {
    this.body = joinBody(this.body)
  }

  takeHash(): Uint8Array | undefined {
    return this.#carrier?.takeHash(this.method)
  }

  left(): void {
    this.#hasLeft = true
    if (this.oneWay) this.succeed(undefined, undefined)
  }

  replied(metadata: Metadata, buffer: Uint8Array, start: number, end: number): void {
    if (this.isSettled) return
    try {
      this.succeed(decodeBody(this.method.reply, buffer, start, end, this.side.limits), metadata)
    } catch (error) {
      this.fail(refuseReply(error, this.method), metadata)
    }
  }

  refused(error: WireError): void {
    const carrier = this.#carrier
    if (carrier && error.rule === 'contract' && error.processed === 'no' && this.#hasLeft && this.mayLeaveAgain()) {
      this.#hasLeft = false // it did not run, and may leave again
      if (carrier.refused(this, error)) {
        if (!this.#hasLeft) this.wait()
        return
      }
    }
    const explained = carrier?.explain(this, error) ?? error
    this.fail(arriveAtCaller(explained, this.method, fromWire), error.metadata)
  }

  lost(error: NanowireError): void {
    this.fail(markReceived(error))
  }

  protected override abandoned(reason: NanowireError): Processed {
    if (this.#carrier) this.#carrier.abandon(this, reason.code === 'cancelled')
    else this.side.leaveQueue(this)
    return this.#hasLeft ? 'maybe' : 'no'
  }
}

const fromWire = (gate: Gate, data: unknown): unknown => gate.fromWire(data)

function encodeRequest(method: MethodRef, request: unknown, limits: Limits): Body {
  if (method.input) return NOTHING // its items follow
  try {
    return encodeBody(method.request, request, limits)
  } catch (error) {
    throw refuseRequest(error, method)
  }
}
