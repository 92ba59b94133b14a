/**
 * The pure model of calls (spec/session.md, S22 to S27): it is told everything that happens at both ends, and throws at
 * the first thing that may not. It knows nothing of frames, links or sessions. Its twin is everything in src/session.
 */
import type { Processed } from '../../src/errors.ts'

export interface LedgerCall {
  readonly number: number
  readonly oneWay: boolean
  /** The request was written. */
  left: boolean
  /** How often a handler got it. */
  ran: number
  handler: 'none' | 'running' | 'ok' | 'oversized' | 'failed'
  /** What its caller was told; a call ends once. */
  end: { readonly how: 'replied' | 'refused' | 'lost' | 'abandoned'; readonly processed: Processed } | undefined
}

export class Ledger {
  readonly calls = new Map<number, LedgerCall>()
  /** Whether calls may be lost, and why. */
  connection: 'alive' | 'draining' | 'over' = 'alive'

  made(number: number, oneWay: boolean): void {
    this.calls.set(number, { number, oneWay, left: false, ran: 0, handler: 'none', end: undefined })
  }

  left(number: number): void {
    const call = this.#call(number)
    this.#require(!call.left && !call.end, call, 'left twice, or after its end')
    call.left = true
  }

  ran(number: number): void {
    const call = this.#call(number)
    this.#require(call.ran === 0, call, 'ran twice')
    this.#require(call.left, call, 'ran and never left')
    this.#require(call.end?.processed !== 'no', call, 'ran after its caller was told that it did not')
    call.ran = 1
    call.handler = 'running'
  }

  handlerEnded(number: number, how: 'ok' | 'oversized' | 'failed'): void {
    const call = this.#call(number)
    this.#require(call.handler === 'running', call, 'ended a handler that does not run')
    call.handler = how
  }

  replied(number: number): void {
    const call = this.#end(number, 'replied', 'yes')
    this.#require(call.handler === 'ok', call, 'was replied without a reply')
  }

  refused(number: number, code: string, processed: Processed | undefined): void {
    const call = this.#end(number, 'refused', processed ?? 'maybe')
    // Late where it waited for a slot, or its rest did not come in time (streams.md, F16).
    const isKnown = code === 'resource_exhausted' || code === 'deadline_exceeded'
    if (processed === 'no') this.#require(call.ran === 0 && isKnown, call, 'was refused as not run')
    else if (code === 'resource_exhausted')
      this.#require(call.handler === 'oversized', call, 'was refused as too large')
    else this.#require(call.handler === 'failed' && code === 'Failed' && processed === 'yes', call, `got ${code}`)
  }

  lost(number: number, processed: Processed): void {
    const call = this.#end(number, 'lost', processed)
    this.#require(this.connection !== 'alive', call, 'was lost, and nothing had happened')
    this.#require(processed !== 'yes', call, 'was lost as processed')
    if (processed === 'no') this.#require(call.ran === 0, call, 'was lost as not run, and ran')
    else this.#require(call.left, call, 'may have run, and never left')
  }

  /** Its caller went away, by a deadline or by itself. */
  abandoned(number: number): Processed {
    const processed = this.#call(number).left ? 'maybe' : 'no'
    this.#end(number, 'abandoned', processed)
    return processed
  }

  /** Whether the caller still waits. That of a notify waits until it has left. */
  waits(number: number): boolean {
    const { end, oneWay, left } = this.#call(number)
    return !end && !(oneWay && left)
  }

  get open(): LedgerCall[] {
    return [...this.calls.values()].filter(({ number }) => this.waits(number))
  }

  get running(): LedgerCall[] {
    return [...this.calls.values()].filter(({ handler }) => handler === 'running')
  }

  #call(number: number): LedgerCall {
    const call = this.calls.get(number)
    if (!call) throw new Error(`call ${number} was never made`)
    return call
  }

  #end(number: number, how: NonNullable<LedgerCall['end']>['how'], processed: Processed): LedgerCall {
    const call = this.#call(number)
    this.#require(!call.end, call, `ended twice, now by ${how}`)
    this.#require(!call.oneWay || !call.left, call, `is a notify that left, and ended by ${how}`)
    call.end = { how, processed }
    return call
  }

  #require(holds: boolean, call: LedgerCall, what: string): void {
    if (!holds) throw new Error(`call ${call.number} ${what}: ${JSON.stringify(call)}`)
  }
}
