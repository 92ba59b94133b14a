/** The last seconds of a connection: this side has said its last word, and waits for the peer's (spec/session.md, "Closing"). */
import type { Limits } from '../limits.ts'
import type { Clock } from './clock.ts'
import type { Link } from './link.ts'

export class Farewell {
  readonly #link: Link
  readonly #clock: Clock
  readonly #limits: Limits
  #isOver = false
  #cancelTimer = (): void => {}

  constructor(link: Link, clock: Clock, limits: Limits) {
    this.#link = link
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Ends this direction, and destroys the connection when the peer does not end its own in time. What comes is discarded,
   * so that the peer can read why.
   * @param isDrained nothing is hurried: the peer has `idleTimeoutMs` to take what was written, and then `lingerMs`
   */
  say(isDrained: boolean): void {
    const { idleTimeoutMs, lingerMs } = this.#limits
    this.#link.resumeReading()
    if (isDrained) this.#destroyAfter(idleTimeoutMs)
    this.#link.end(isDrained ? () => this.#destroyAfter(lingerMs) : undefined)
    if (!isDrained) this.#destroyAfter(lingerMs)
  }

  /** Both directions are closed. */
  over(): void {
    this.#isOver = true
    this.#cancelTimer()
  }

  #destroyAfter(ms: number): void {
    this.#cancelTimer()
    if (!this.#isOver) this.#cancelTimer = this.#clock.after(ms, () => this.#link.destroy())
  }
}
