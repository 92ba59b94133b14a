/**
 * The clock of one process: time that all share, until its own leaps ahead, or runs fast or slow; chance and timers of its own, so
 * that one can see what it left behind. Invariant: `now` never goes back, and no timer is early by it.
 */
import type { Clock } from '../../session/index.ts'
import { mulberry32 } from './chance.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Of a millisecond: a disturbed clock tells no less, so that whatever waits for it gets there. */
const FINEST = 1_024

/** The longest that a timer waits. */
export const MAX_DELAY_MS = 2 ** 31 - 1

interface Waiting {
  /** On this clock's scale. */
  readonly at: number
  readonly callback: () => void
  readonly keepsProcess: boolean
  readonly isCounted: boolean
  cancel: () => void
}

export class ProcessClock implements Clock {
  readonly random: () => number
  readonly #shared: VirtualClock
  #leapMs = 0
  /** By the time that all share. */
  #resumedAt = -1
  /** In the order of their making. */
  readonly #waiting = new Set<Waiting>()
  /** Where its time parted from the time that all share. */
  #parted: { readonly sharedAt: number; readonly ownAt: number; readonly rate: number } | undefined
  #isStopped = false
  /** Since when, by its own time, it does nothing; and what waits for a turn meanwhile. */
  #paused: { readonly at: number; readonly turns: (() => void)[] } | undefined

  constructor(shared: VirtualClock, seed: number) {
    this.#shared = shared
    this.random = mulberry32(seed)
  }

  now(): number {
    const now = this.#shared.now()
    if (!this.#parted) return now
    const { sharedAt, ownAt, rate } = this.#parted
    return Math.floor((ownAt + (now - sharedAt) * rate) * FINEST) / FINEST
  }

  after(delayMs: number, callback: () => void, keepsProcess = false): () => void {
    return this.#add(delayMs, callback, { keepsProcess, isCounted: true })
  }

  /** As `after`, for what is not the library's: nobody asks whether it was left behind. */
  wait(delayMs: number, callback: () => void): void {
    this.#add(delayMs, callback, { keepsProcess: false, isCounted: false })
  }

  turn(callback: () => void): void {
    this.#shared.turn(() => {
      if (this.#paused) this.#paused.turns.push(callback)
      else if (!this.#isStopped) callback()
    })
  }

  /** Timers of the library in this process that wait. */
  get timers(): number {
    return [...this.#waiting].filter(({ isCounted }) => isCounted).length
  }

  /** By how much it has leapt ahead or stood still, all in all: as late may a timer be. */
  get leapMs(): number {
    return this.#leapMs + (this.#paused ? this.now() - this.#paused.at : 0)
  }

  /** It stands still, or goes on just now and has not done yet all that is due. */
  get isBehind(): boolean {
    return this.#paused !== undefined || this.#resumedAt === this.#shared.now()
  }

  /** So much time has passed at once, as where a process was stopped for as long. */
  leap(ms: number): void {
    this.#leapMs += ms
    this.#part(this.now() + ms, this.#parted?.rate ?? 1)
  }

  /** Its process is stopped: time goes on, and nothing that waits comes before it `resume`s. */
  pause(): void {
    if (this.#isStopped || this.#paused) return
    this.#paused = { at: this.now(), turns: [] }
    for (const { cancel } of this.#waiting) cancel()
  }

  /** What is due comes now. */
  resume(): void {
    const paused = this.#paused
    if (!paused) return
    this.#paused = undefined
    this.#resumedAt = this.#shared.now()
    this.#leapMs += this.now() - paused.at
    this.#startAll()
    for (const callback of paused.turns) this.turn(callback)
  }

  /** From now on its time passes so many times as fast. */
  run(rate: number): void {
    if (rate !== (this.#parted?.rate ?? 1)) this.#part(this.now(), rate)
  }

  /** Its process has died: nothing that waits comes any more, and nothing waits from now on. */
  stop(): void {
    this.#isStopped = true
    this.#paused = undefined
    for (const { cancel } of this.#waiting) cancel()
    this.#waiting.clear()
  }

  #part(at: number, rate: number): void {
    const ownAt = Math.ceil(at * FINEST) / FINEST // what is told of it is never less
    this.#parted = { sharedAt: this.#shared.now(), ownAt, rate }
    for (const { cancel } of this.#waiting) cancel()
    this.#startAll()
  }

  #startAll(): void {
    for (const one of [...this.#waiting].sort((one, other) => one.at - other.at)) this.#start(one)
  }

  #add(delayMs: number, callback: () => void, kind: Pick<Waiting, 'keepsProcess' | 'isCounted'>): () => void {
    if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) throw new RangeError(`a timer of ${delayMs} ms`)
    if (this.#isStopped) return () => {}
    const one: Waiting = { ...kind, at: this.now() + delayMs, callback, cancel() {} }
    this.#waiting.add(one)
    this.#start(one, delayMs)
    return () => {
      if (this.#waiting.delete(one)) one.cancel()
    }
  }

  #start(one: Waiting, delayMs = one.at - this.now()): void {
    if (this.#paused) return
    const sharedMs = Math.max(0, delayMs) / (this.#parted?.rate ?? 1)
    one.cancel = this.#shared.after(Math.min(MAX_DELAY_MS, sharedMs), () => this.#fire(one), one.keepsProcess)
  }

  #fire(one: Waiting): void {
    if (this.#parted && this.now() < one.at) {
      this.#start(one, Math.max(1 / FINEST, one.at - this.now()))
      return
    }
    this.#waiting.delete(one)
    one.callback()
  }
}
