/**
 * Calls that this side has made: those that wait for a place, and those in flight, as a table without I/O
 * (spec/session.md). An id is in use until the peer has ended it, also when its caller has gone away.
 */
import type { OutgoingCall } from './effects.ts'
import { isAfter, nextId } from './ids.ts'

/** A call that was sent. */
export interface InFlight {
  readonly id: number
  /** `undefined` once its caller has gone away. */
  call: OutgoingCall | undefined
  /** This side would not have the reply. */
  isRefused: boolean
  /** Where in the link's bytes it begins. */
  readonly startsAt: number
}

export class OutgoingCalls {
  readonly #inFlight = new Map<number, InFlight>()
  readonly #ids = new Map<OutgoingCall, number>()
  /** In the order of their calls; a `Set` forgets one in the middle at once. */
  readonly #waiting = new Set<OutgoingCall>()
  #lastId: number

  constructor(firstId: number) {
    this.#lastId = firstId === 1 ? 0 : firstId - 1
  }

  /** In flight, callers gone away included. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Whether somebody still waits for any of them. */
  get isIdle(): boolean {
    return this.#ids.size === 0 && this.#waiting.size === 0
  }

  wait(call: OutgoingCall): void {
    this.#waiting.add(call)
  }

  /** The call that has waited longest, no longer waiting. */
  nextWaiting(): OutgoingCall | undefined {
    for (const call of this.#waiting) {
      this.#waiting.delete(call)
      return call
    }
    return undefined
  }

  /** Gives an id that the peer has not got any more. */
  takeId(): number {
    do this.#lastId = nextId(this.#lastId)
    while (this.#inFlight.has(this.#lastId))
    return this.#lastId
  }

  sent(id: number, call: OutgoingCall, startsAt: number): void {
    this.#inFlight.set(id, { id, call, startsAt, isRefused: false })
    this.#ids.set(call, id)
  }

  has(id: number): boolean {
    return this.#inFlight.has(id)
  }

  /** Whether somebody still waits for this id. */
  isWanted(id: number): boolean {
    return this.#inFlight.get(id)?.call !== undefined
  }

  /** The peer has ended the call. `undefined` for an id that is not in flight. */
  end(id: number): InFlight | undefined {
    const entry = this.#inFlight.get(id)
    if (!entry) return undefined
    this.#inFlight.delete(id)
    if (entry.call) this.#ids.delete(entry.call)
    return entry
  }

  /** The caller goes away. Returns the id to cancel, or `undefined` when the call was not in flight. */
  abandon(call: OutgoingCall): number | undefined {
    this.#waiting.delete(call)
    const id = this.#ids.get(call)
    if (id !== undefined) this.release(id)
    return id
  }

  /** Lets the caller of an id go, which stays in use. Returns the call, if somebody still waited. */
  release(id: number): OutgoingCall | undefined {
    const entry = this.#inFlight.get(id)
    const call = entry?.call
    if (entry && call) {
      entry.call = undefined
      this.#ids.delete(call)
    }
    return call
  }

  /** Lets go of an id whose reply this side will not have. Returns the call, if somebody still waited. */
  refuse(id: number): OutgoingCall | undefined {
    const entry = this.#inFlight.get(id)
    if (entry) entry.isRefused = true
    return this.release(id)
  }

  /** Takes out what the peer says that it will not run: ids after `lastId`, all where that is 0. */
  takeAfter(lastId: number): OutgoingCall[] {
    const calls: OutgoingCall[] = []
    for (const entry of [...this.#inFlight.values()]) {
      if (lastId !== 0 && !isAfter(entry.id, lastId)) continue
      this.end(entry.id)
      if (entry.call) calls.push(entry.call)
    }
    return calls
  }

  takeWaiting(): OutgoingCall[] {
    const calls = [...this.#waiting]
    this.#waiting.clear()
    return calls
  }

  takeInFlight(): InFlight[] {
    const entries = [...this.#inFlight.values()]
    this.#inFlight.clear()
    this.#ids.clear()
    return entries
  }
}
