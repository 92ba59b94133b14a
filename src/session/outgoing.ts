/**
 * Calls that this side has made: those that wait for a place, and those in flight, as a table without I/O
 * (spec/session.md). An id is in use until the peer has ended it, also when its caller has gone away.
 */
import { IdTable } from '../wire/index.ts'
import type { OutgoingCall } from './effects.ts'
import { isAfter, nextId } from './ids.ts'

/** What stands for a call whose caller has gone away, until the peer has ended it. */
export class GoneCall {
  readonly id: number
  /** This side would not have the reply. */
  readonly isRefused: boolean
  /** It is answered by a stream. */
  readonly output: boolean

  constructor(id: number, isRefused: boolean, output: boolean) {
    this.id = id
    this.isRefused = isRefused
    this.output = output
  }
}

/** A call that was sent. */
export type InFlight = OutgoingCall | GoneCall

export class OutgoingCalls {
  readonly #inFlight = new IdTable<InFlight>()
  /** In flight, and somebody still waits. */
  #wanted = 0
  /** In the order of their calls; a `Set` forgets one in the middle at once. */
  #waiting: Set<OutgoingCall> | undefined
  /** Goes through them once: another one would have to pass all that have left since the set was last made smaller. */
  #turns: Iterator<OutgoingCall> | undefined
  #lastId: number

  constructor(firstId: number) {
    this.#lastId = firstId === 1 ? 0 : firstId - 1
  }

  /** In flight, callers gone away included. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  get waiting(): number {
    return this.#waiting?.size ?? 0
  }

  /** Whether somebody still waits for any of them. */
  get isIdle(): boolean {
    return this.#wanted === 0 && this.waiting === 0
  }

  wait(call: OutgoingCall): void {
    this.#waiting ??= new Set()
    this.#waiting.add(call)
  }

  /** The call that has waited longest, no longer waiting. */
  nextWaiting(): OutgoingCall | undefined {
    this.#turns ??= this.#waiting?.values()
    const call = this.#turns?.next().value
    if (call) this.#waiting?.delete(call)
    else this.#turns = undefined // it has come to the end, and goes no further
    return call
  }

  /** The next id that the peer has not got any more. */
  peekId(): number {
    let id = nextId(this.#lastId)
    while (this.#inFlight.get(id) !== undefined) id = nextId(id)
    return id
  }

  takeId(): number {
    this.#lastId = this.peekId()
    return this.#lastId
  }

  sent(id: number, call: OutgoingCall, startsAt: number): void {
    call.id = id
    call.startsAt = startsAt
    this.#inFlight.add(call)
    this.#wanted++
  }

  get(id: number): InFlight | undefined {
    return this.#inFlight.get(id)
  }

  /** Whether somebody still waits for this id. */
  isWanted(id: number): boolean {
    const entry = this.#inFlight.get(id)
    return entry !== undefined && !(entry instanceof GoneCall)
  }

  /** The peer has ended the call. `undefined` for an id that is not in flight. */
  end(id: number): InFlight | undefined {
    const entry = this.#inFlight.remove(id)
    if (entry !== undefined && !(entry instanceof GoneCall)) this.#leave(entry)
    return entry
  }

  /** The caller goes away. Returns the id to cancel, or `undefined` when the call was not in flight. */
  abandon(call: OutgoingCall): number | undefined {
    if (this.#waiting?.delete(call) === true || call.id === 0) return undefined
    const { id } = call
    this.#release(call, false)
    return id
  }

  /** Lets go of an id whose reply this side will not have. Returns the call, if somebody still waited. */
  refuse(id: number): OutgoingCall | undefined {
    const entry = this.#inFlight.get(id)
    if (entry === undefined || entry instanceof GoneCall) return undefined
    this.#release(entry, true)
    return entry
  }

  /** Takes out what the peer says that it will not run: ids after `lastId`, all where that is 0. In the order of ids. */
  takeAfter(lastId: number): { readonly id: number; readonly call: OutgoingCall }[] {
    const calls: { readonly id: number; readonly call: OutgoingCall }[] = []
    for (const entry of this.#inOrder()) {
      const { id } = entry
      if (lastId !== 0 && !isAfter(id, lastId)) continue
      this.#inFlight.remove(id)
      if (entry instanceof GoneCall) continue
      this.#leave(entry)
      calls.push({ id, call: entry })
    }
    return calls
  }

  takeWaiting(): OutgoingCall[] {
    const calls = [...(this.#waiting ?? [])]
    this.#waiting = undefined
    this.#turns = undefined
    return calls
  }

  /** Whatever somebody still waits for, in the order of ids. */
  takeInFlight(): OutgoingCall[] {
    const calls = this.#inOrder().flatMap((entry) => (entry instanceof GoneCall ? [] : [entry]))
    this.#inFlight.clear()
    for (const call of calls) this.#leave(call)
    return calls
  }

  #inOrder(): InFlight[] {
    return this.#inFlight.entries().sort((one, other) => (isAfter(one.id, other.id) ? 1 : -1))
  }

  /** The id stays in use. */
  #release(call: OutgoingCall, isRefused: boolean): void {
    this.#inFlight.replace(new GoneCall(call.id, isRefused, call.output === true))
    this.#leave(call)
  }

  #leave(call: OutgoingCall): void {
    call.id = 0
    this.#wanted--
  }
}
