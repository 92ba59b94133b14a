/** Whether a server reads: not while its replies back up, nor while notifies hold every slot (spec/session.md). */
import type { Keepalive, PauseReason } from './keepalive.ts'
import type { Link } from './link.ts'

export class Intake {
  readonly #link: Link
  readonly #keepalive: Keepalive
  #paused: PauseReason | undefined

  constructor(link: Link, keepalive: Keepalive) {
    this.#link = link
    this.#keepalive = keepalive
  }

  /** Reads or stops. */
  update(hasRoom: boolean): void {
    const reason = this.#link.isCongested ? 'congested' : hasRoom ? undefined : 'busy'
    if (reason === this.#paused) return
    const wasReading = this.#paused === undefined
    this.#paused = reason
    if (reason) {
      this.#keepalive.pause(reason)
      if (wasReading) this.#link.pauseReading()
    } else {
      this.#keepalive.resume()
      this.#link.resumeReading()
    }
  }
}
