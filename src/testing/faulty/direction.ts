/**
 * One direction of a connection with the faults of spec/testing.md, over whatever carries the bytes: a pair of links in memory,
 * or two sockets. Invariants: bytes come in order and each once, up to where a fault ends them; nothing is handed on before
 * `push` has returned; what waits here is bounded where the source obeys `flow`.
 */
import type { Clock } from '../../session/index.ts'
import type { Faults } from './faults.ts'

/** How a direction ends: in good order, or not. */
export type Ending = 'end' | 'reset'

export interface DirectionOptions {
  readonly clock: Clock
  /** For `jitterMs`. */
  readonly random: () => number
  readonly faults: Faults
  /** Hands bytes on. Returns whether more may follow at once; otherwise `ready` says when. */
  readonly deliver: (bytes: Uint8Array) => boolean
  /** The other end is to learn that this direction has ended. */
  readonly ended: (how: Ending) => void
  /** A fault asks for the end of the whole connection. */
  readonly close: (how: Ending) => void
  /** Told to stop, and to go on, when more than `maxQueuedBytes` wait. */
  readonly flow?: ((goesOn: boolean) => void) | undefined
  readonly maxQueuedBytes?: number | undefined
}

interface Entry {
  readonly bytes: Uint8Array
  readonly ending: Ending | undefined
  /** When it has come as far as the other end. */
  at: number
}

const NOTHING = new Uint8Array(0)
/** A rate is kept in steps of so long, and time that was lost is made good up to that. */
const RATE_STEP_MS = 20
/** That of a timer: what stalls goes on by other means. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

export class Direction {
  /** Bytes that came through. */
  deliveredBytes = 0
  readonly #options: DirectionOptions
  readonly #queue: Entry[] = []
  readonly #timers = new Set<() => void>()
  #faults: Faults
  #cancelWake: (() => void) | undefined
  #turnIsDue = false
  #queuedBytes = 0
  #lastAt = 0
  /** When the rate allows the next byte, and when the pause between two pieces is over. */
  #freeAt = 0
  #pauseUntil = 0
  #limitAt = Number.POSITIVE_INFINITY
  #isBlocked = false
  #isHeldBack = false
  #hasEnded = false
  #isOver = false

  constructor(options: DirectionOptions) {
    this.#options = options
    this.#faults = {}
    this.setFaults(options.faults)
  }

  /** From now on these faults and no others, also for what is on its way. */
  setFaults(faults: Faults): void {
    if (this.#isOver) return
    const { clock } = this.#options
    const { latencyMs = 0, jitterMs = 0, limitBytes, timeoutMs, resetMs } = faults
    this.#faults = faults
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    this.#limitAt = limitBytes === undefined ? Number.POSITIVE_INFINITY : this.deliveredBytes + limitBytes
    this.#pauseUntil = 0
    this.#freeAt = 0
    const latest = clock.now() + latencyMs + jitterMs
    for (const entry of this.#queue) entry.at = Math.min(entry.at, latest)
    this.#lastAt = Math.min(this.#lastAt, latest)
    if (timeoutMs !== undefined) this.#later(timeoutMs, () => this.#options.close('end'))
    if (resetMs !== undefined) this.#later(resetMs, () => this.#options.close('reset'))
    this.#schedule()
  }

  /** Bytes were sent. They are not copied. */
  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#add(bytes, undefined)
  }

  /** The source has ended, in good order or not. */
  end(how: Ending): void {
    this.#add(NOTHING, how)
  }

  /** More may follow again. */
  ready(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.#schedule()
  }

  /** Nothing comes through any more, and nothing waits. */
  stop(): void {
    this.#isOver = true
    this.#queue.length = 0
    this.#queuedBytes = 0
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    this.#cancelWake?.()
    this.#cancelWake = undefined
  }

  #add(bytes: Uint8Array, ending: Ending | undefined): void {
    if (this.#isOver) return
    const { clock, random, maxQueuedBytes = Number.POSITIVE_INFINITY } = this.#options
    const { latencyMs = 0, jitterMs = 0, slowCloseMs = 0 } = this.#faults
    const delayMs = latencyMs + (jitterMs > 0 ? random() * jitterMs : 0) + (ending ? slowCloseMs : 0)
    this.#lastAt = Math.max(this.#lastAt, clock.now() + delayMs)
    this.#queue.push({ bytes, ending, at: this.#lastAt })
    this.#queuedBytes += bytes.length
    if (this.#queuedBytes > maxQueuedBytes && !this.#isHeldBack) this.#holdBack(true)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#turnIsDue || this.#isOver) return
    this.#turnIsDue = true
    this.#options.clock.turn(() => {
      this.#turnIsDue = false
      this.#run()
    })
  }

  /** Hands on what may come through now, and sees to it that it is asked again. */
  #run(): void {
    this.#cancelWake?.()
    this.#cancelWake = undefined
    const { clock } = this.#options
    for (let next = this.#queue[0]; next && this.#mayPass; next = this.#queue[0]) {
      const waitMs = this.#passesAt(next) - clock.now()
      if (waitMs > 0) {
        this.#wakeAfter(waitMs)
        return
      }
      if (next.ending) this.#end(next.ending)
      else if (this.#limitAt <= this.deliveredBytes) return this.#options.close('end')
      else this.#deliver()
      if (this.#faults.sliceBytes !== undefined) return this.#schedule()
    }
    if (this.#queue.length > 0 && !this.#isOver) this.#wakeAfter(LONGEST_WAIT_MS)
  }

  /** A process stays alive for what is on its way to it, as for a socket. */
  #wakeAfter(delayMs: number): void {
    this.#cancelWake = this.#options.clock.after(delayMs, () => this.#run(), true)
  }

  get #mayPass(): boolean {
    const { stall = false, timeoutMs } = this.#faults
    return !this.#isOver && !this.#isBlocked && !stall && timeoutMs === undefined
  }

  #passesAt({ at, ending }: Entry): number {
    const { joinMs = 0 } = this.#faults
    return Math.max(ending ? at : at + joinMs, this.#freeAt, this.#pauseUntil)
  }

  #end(how: Ending): void {
    this.#queue.shift()
    if (how === 'reset') this.stop()
    else if (this.#hasEnded) return
    this.#hasEnded = true
    this.#options.ended(how)
  }

  #deliver(): void {
    const { clock, deliver, close } = this.#options
    const { bytesPerSecond, slicePauseMs = 0 } = this.#faults
    const piece = this.#takePiece()
    this.deliveredBytes += piece.length
    if (bytesPerSecond !== undefined)
      this.#freeAt = Math.max(this.#freeAt, clock.now() - RATE_STEP_MS) + (piece.length * 1_000) / bytesPerSecond
    if (slicePauseMs > 0) this.#pauseUntil = clock.now() + slicePauseMs
    if (!this.#hasEnded && !deliver(piece)) this.#isBlocked = true
    if (this.#isOver) return
    if (this.#isHeldBack && this.#queuedBytes <= (this.#options.maxQueuedBytes ?? 0) / 2) this.#holdBack(false)
    if (this.deliveredBytes >= this.#limitAt) close('end')
  }

  /** The bytes that come next, and together. */
  #takePiece(): Uint8Array {
    const { joinMs = 0, sliceBytes = Number.POSITIVE_INFINITY, bytesPerSecond } = this.#faults
    const step =
      bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : Math.ceil((bytesPerSecond * RATE_STEP_MS) / 1_000)
    const most = Math.min(sliceBytes, step, this.#limitAt - this.deliveredBytes)
    const now = this.#options.clock.now()
    const taken: Uint8Array[] = []
    let length = 0
    for (let next = this.#queue[0]; next && !next.ending && length < most; next = this.#queue[0]) {
      if (length > 0 && (joinMs === 0 || next.at > now)) break
      const part = next.bytes.subarray(0, most - length)
      if (part.length === next.bytes.length) this.#queue.shift()
      else this.#queue[0] = { ...next, bytes: next.bytes.subarray(part.length) }
      taken.push(part)
      length += part.length
    }
    this.#queuedBytes -= length
    return taken.length === 1 ? (taken[0] ?? NOTHING) : Buffer.concat(taken)
  }

  #holdBack(holds: boolean): void {
    this.#isHeldBack = holds
    this.#options.flow?.(!holds)
  }

  #later(delayMs: number, act: () => void): void {
    const ring = () => {
      this.#timers.delete(cancel)
      act()
    }
    const cancel = this.#options.clock.after(delayMs, ring, true)
    this.#timers.add(cancel)
  }
}
