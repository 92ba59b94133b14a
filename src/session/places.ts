/**
 * Which requests a server has a place for, and when it hears no more of them: a view of what is there (spec/session.md, S8 and S9).
 * Invariant: a client that keeps to the number of calls which it was told is never refused, whatever notifies there are.
 */
import type { Limits } from '../limits.ts'
import type { Reassembler } from '../wire/index.ts'
import type { LazyFlows } from './flows.ts'
import { HeldRequests } from './held-requests.ts'
import type { IncomingCalls } from './incoming.ts'
import { MAX_CALLS_BEFORE_HELLO } from './sender.ts'

/** Notifies that wait for a slot, beside which others go on. */
const MAX_HELD_NOTIFIES = 128

export class Places {
  readonly #limits: Limits
  /** Requests whose handlers have begun, and whose answers have not left. */
  readonly #calls: IncomingCalls
  /** Requests that are half there. */
  readonly #reassembler: Reassembler
  readonly #flows: LazyFlows
  /** Requests that wait for a slot: of a client that could not know how few there are, and beside notifies. */
  #held: HeldRequests | undefined

  constructor(limits: Limits, calls: IncomingCalls, reassembler: Reassembler, flows: LazyFlows) {
    this.#limits = limits
    this.#calls = calls
    this.#reassembler = reassembler
    this.#flows = flows
  }

  get held(): HeldRequests | undefined {
    return this.#held
  }

  /** For one more to wait. */
  makeHeld(): HeldRequests {
    this.#held ??= new HeldRequests()
    return this.#held
  }

  /** Those that wait wait for nothing any more. */
  forgetHeld(): void {
    this.#held = undefined
  }

  /** No slot is free, or so much of answers has not left that no more are made (S8). */
  get isFull(): boolean {
    const { maxCallsInFlight, maxReassemblyBytes } = this.#limits
    return this.#calls.size >= maxCallsInFlight || (this.#flows.made?.unsentBytes ?? 0) > maxReassemblyBytes
  }

  /** No handler runs, nothing waits and no request is half there. */
  get isIdle(): boolean {
    return this.#taken === 0
  }

  /**
   * No slot is free, notifies hold some, and there is nothing to be heard: no call that runs has a client which waits, or no request
   * has room to wait (S9).
   */
  get isFullOfNotifies(): boolean {
    const { oneWayCount, size } = this.#calls
    const { maxCallsInFlight, maxMessageBytes, maxReassemblyBytes } = this.#limits
    if (oneWayCount === 0 || size < maxCallsInFlight) return false
    if (oneWayCount === size || this.#heldNotifies >= MAX_HELD_NOTIFIES) return true
    return (this.#held?.bytes ?? 0) + maxMessageBytes > maxReassemblyBytes
  }

  /** A client knows how many answers it waits for; of notifies it cannot know, and they take nobody else's place. */
  hasPlaceFor(oneWay: boolean): boolean {
    const most = Math.max(this.#limits.maxCallsInFlight, MAX_CALLS_BEFORE_HELLO)
    const taken = this.#taken
    if (taken < most) return true
    if (oneWay) return this.#heldNotifies < MAX_HELD_NOTIFIES && this.#reassembler.size < most
    return taken - this.#calls.oneWayCount - this.#heldNotifies - this.#reassembler.wantedNotifies < most
  }

  get #taken(): number {
    return this.#calls.size + this.#reassembler.size + (this.#held?.size ?? 0)
  }

  get #heldNotifies(): number {
    return this.#held?.notifies ?? 0
  }
}
