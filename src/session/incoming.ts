/**
 * Calls that the peer has made and whose handlers have not ended: a table without I/O (spec/session.md). A finished call
 * leaves nothing but the last id.
 */
import { IdTable } from '../wire/index.ts'
import type { Flow } from './flow.ts'
import { isAfter } from './ids.ts'

/** Whoever runs a call's handler. */
export interface CallRunner {
  /** The caller has cancelled or is gone. Told once. */
  callerGone(): void
}

/** One call at its server. */
export class IncomingCall {
  readonly id: number
  readonly oneWay: boolean
  /** Of its request, where it is answered by a stream. */
  readonly keptBytes: number
  /** Set by the handler's side. */
  runner: CallRunner | undefined
  /** Its streams, where it has any. */
  flow: Flow | undefined

  constructor(id: number, oneWay: boolean, keptBytes: number) {
    this.id = id
    this.oneWay = oneWay
    this.keptBytes = keptBytes
    this.runner = undefined
    this.flow = undefined
  }
}

export class IncomingCalls {
  readonly #calls = new IdTable<IncomingCall>()
  #oneWay = 0
  /** Of the requests of streams: each is kept for as long as the client takes its time. */
  keptBytes = 0
  /** The latest id that the peer has used; `undefined` before the first. */
  lastId: number | undefined

  get size(): number {
    return this.#calls.size
  }

  /** Calls whose caller cannot know that they still run. */
  get oneWayCount(): number {
    return this.#oneWay
  }

  /** Whether the peer may use this id now: each is above all before it. */
  isNew(id: number): boolean {
    return this.lastId === undefined || isAfter(id, this.lastId)
  }

  add(id: number, oneWay: boolean, keptBytes = 0): IncomingCall {
    const call = new IncomingCall(id, oneWay, keptBytes)
    this.#calls.add(call)
    this.keptBytes += keptBytes
    if (oneWay) this.#oneWay++
    return call
  }

  get(id: number): IncomingCall | undefined {
    return this.#calls.get(id)
  }

  remove(call: IncomingCall): void {
    call.flow?.cancelTimer?.()
    if (!this.#calls.remove(call.id)) return
    this.keptBytes -= call.keptBytes
    if (call.oneWay) this.#oneWay--
  }

  /** Tells every handler that its caller is gone. Their slots stay until they end. */
  cancelAll(): void {
    for (const call of this.#calls.entries()) {
      if (call.flow?.isAnswered === true) this.remove(call)
      else cancel(call)
    }
  }
}

/** Tells a call's handler once. */
export function cancel(call: IncomingCall): void {
  const { runner } = call
  call.runner = undefined
  runner?.callerGone()
}
