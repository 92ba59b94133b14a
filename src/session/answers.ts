/**
 * The answers of a server to the calls that it took (spec/session.md, S8; spec/streams.md). Invariants: each call is answered once;
 * a slot is free when its answer has left whole, so that a client that takes nothing holds no more answers than calls.
 */
import { type Body, type InPlace, kinds, type WireError } from '../wire/index.ts'
import type { Clock } from './clock.ts'
import type { LazyFlows } from './flows.ts'
import type { IncomingCall, IncomingCalls } from './incoming.ts'
import type { FrameSender } from './sender.ts'

/** The answer to a call that was cancelled before all of its items had left. */
const CUT: WireError = { code: 'cancelled', message: 'cancelled before the answer had left', processed: 'yes' }

export class Answers {
  readonly #sender: FrameSender
  readonly #flows: LazyFlows
  readonly #clock: Clock
  readonly #calls: IncomingCalls
  readonly #slotFreed: () => void

  constructor(sender: FrameSender, flows: LazyFlows, clock: Clock, calls: IncomingCalls, slotFreed: () => void) {
    this.#sender = sender
    this.#flows = flows
    this.#clock = clock
    this.#calls = calls
    this.#slotFreed = slotFreed
  }

  /** Sends a reply that is written where it leaves. Returns whether it was; nothing has happened otherwise. */
  respondInPlace(call: IncomingCall, metadata: Uint8Array | undefined, reply: InPlace): boolean {
    if (!this.#sender.responseInPlace(call.id, metadata, reply, this.#calls.size - 1)) return false
    this.forget(call)
    return true
  }

  /** Sends the reply, or says why not. Returns the code that the call ended with. */
  respond(call: IncomingCall, metadata: Uint8Array | undefined, body: Body): 'ok' | 'resource_exhausted' {
    const { id } = call
    const { maxMessageBytes } = this.#sender.peerLimits
    if (body.length <= maxMessageBytes) {
      const rest = this.#sender.response(id, metadata, body, this.#calls.size - 1)
      if (rest) this.#answered(call, (left) => this.#flows.all.sendRest(kinds.RESPONSE, id, rest, left))
      else this.forget(call)
      return 'ok'
    }
    const option = 'option limits.maxMessageBytes of the client'
    const message = `the reply has ${body.length} bytes: maxMessageBytes is ${maxMessageBytes} (peer ${this.#sender.link.peer}; ${option})`
    this.#sender.limitFired('maxMessageBytes', message)
    this.#sender.error(id, { code: 'resource_exhausted', message, processed: 'yes' })
    this.forget(call)
    return 'resource_exhausted'
  }

  /** Ends a stream behind its last item. */
  end(call: IncomingCall, metadata: Uint8Array | undefined): void {
    if (call.flow?.outflow?.isOver === true)
      this.refuse(call, CUT) // perhaps within an item, where no END may come
    else this.#finish(call, () => this.#sender.end(call.id, metadata))
  }

  /** Answers with an error, behind the items that were put before it. */
  refuse(call: IncomingCall, error: WireError): void {
    this.#finish(call, () => this.#sender.error(call.id, error))
  }

  /** A handler has ended, and all of its answer has left or nobody is there for it. */
  forget(call: IncomingCall): void {
    call.runner = undefined
    this.#calls.remove(call)
    this.#flows.made?.close(call.id)
    this.#slotFreed()
  }

  /** The client has cancelled. Returns whether that was in time to leave out what had not left. */
  cut(call: IncomingCall): boolean {
    const { id, flow } = call
    flow?.inflow?.cut()
    if (this.#flows.made?.cut(id) !== true || flow?.isAnswered !== true) return false
    this.#sender.error(id, CUT)
    this.forget(call)
    return true
  }

  #finish(call: IncomingCall, write: () => void): void {
    const outflow = call.flow?.outflow
    if (!outflow || outflow.isOver || !outflow.isUnsent) {
      write()
      this.forget(call)
      return
    }
    this.#answered(call, (left) => {
      outflow.finish(() => {
        write()
        left()
      })
    })
  }

  /** The handler has ended, and its answer leaves when it can. */
  #answered(call: IncomingCall, send: (left: () => void) => void): void {
    const flow = this.#flows.all.of(call.id)
    flow.isAnswered = true
    flow.inflow?.stop()
    call.flow = flow
    call.runner = undefined
    if (flow.endsBy !== undefined) flow.cancelTimer = this.#endBy(call, flow.endsBy)
    send(() => this.forget(call))
  }

  /** Items that nobody takes wait no longer than the call may last (F18). */
  #endBy(call: IncomingCall, at: number): () => void {
    const { id } = call
    return this.#clock.after(Math.max(1, at - this.#clock.now()), () => {
      if (this.#flows.made?.cut(id) !== true) return
      const message = 'the answer had not left whole by the deadline'
      this.#sender.error(id, { code: 'deadline_exceeded', message, processed: 'yes' })
      this.forget(call)
    })
  }
}
