/**
 * Time, turns and chance that a test drives: nothing happens but in `step`, `advance`, `runTurns` and `runAll`, in an order that
 * follows from the calls and the seed alone. Invariant: time stands still during a turn and never goes back.
 */
import type { Clock } from '../../session/index.ts'
import { mulberry32 } from './chance.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly keepsProcess: boolean
  readonly callback: () => void
}

/** More turns in a row than this, without time passing, are a circle. */
const MAX_TURNS = 1_000_000

export class VirtualClock implements Clock {
  /** A number from 0 up to 1, the same ones for the same seed. */
  readonly random: () => number
  #now: number
  #order = 0
  /** By time, then by the order of their making. */
  readonly #timers: Timer[] = []
  #turns: (() => void)[] = []

  constructor(seed = 1, startMs = 1_000) {
    this.random = mulberry32(seed)
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void, keepsProcess = false): () => void {
    if (!(delayMs >= 0 && delayMs <= 2 ** 31 - 1)) throw new RangeError(`a timer of ${delayMs} ms`)
    const timer = { at: this.#now + delayMs, order: this.#order++, keepsProcess, callback }
    let index = this.#timers.length
    while (index > 0 && (this.#timers[index - 1]?.at ?? 0) > timer.at) index--
    this.#timers.splice(index, 0, timer)
    return () => {
      const found = this.#timers.indexOf(timer)
      if (found >= 0) this.#timers.splice(found, 1)
    }
  }

  turn(callback: () => void): void {
    this.#turns.push(callback)
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#timers.length
  }

  /** Timers that wait and keep the process alive. */
  get keepers(): number {
    return this.#timers.filter(({ keepsProcess }) => keepsProcess).length
  }

  /** Runs what waits for the next turn, and not what that asks for. Returns whether there was anything. */
  runTurn(): boolean {
    const callbacks = this.#turns
    this.#turns = []
    for (const callback of callbacks) callback()
    return callbacks.length > 0
  }

  /** Runs turns until nothing waits for one. Time stands still. */
  runTurns(): void {
    for (let count = 0; this.runTurn(); count++) {
      if (count > MAX_TURNS) throw new Error('the turns never end')
    }
  }

  /**
   * Does what comes next: all that waits for a turn, or else the first timer. Returns whether there was anything by then; if
   * not, it is `untilMs`.
   */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    if (this.runTurn()) return true
    const next = this.#timers[0]
    if (next && next.at <= untilMs) {
      this.#timers.shift()
      this.#now = Math.max(this.#now, next.at)
      next.callback()
      return true
    }
    if (untilMs !== Number.POSITIVE_INFINITY) this.#now = Math.max(this.#now, untilMs)
    return false
  }

  /** Lets time pass: every timer at its own moment, and all turns before the next one. */
  advance(ms: number): void {
    const until = this.#now + ms
    this.runTurns()
    for (let next = this.#timers[0]; next && next.at <= until; next = this.#timers[0]) {
      this.#timers.shift()
      this.#now = Math.max(this.#now, next.at)
      next.callback()
      this.runTurns()
    }
    this.#now = until
  }

  /** Lets time pass with nothing running, as where the machine sleeps or a loop blocks. */
  sleep(ms: number): void {
    this.#now += ms
  }

  /** Lets time pass until nothing waits. @throws Error when something still does after `maxMs` */
  runAll(maxMs = 24 * 3_600_000): void {
    const until = this.#now + maxMs
    this.runTurns()
    for (let next = this.#timers[0]; next; next = this.#timers[0]) {
      if (next.at > until) throw new Error(`${this.#timers.length} timers still wait after ${maxMs} ms`)
      this.advance(next.at - this.#now)
    }
  }
}
