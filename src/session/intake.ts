/** Whether a server reads: not while its replies back up, nor while notifies hold every slot (spec/session.md). */
import type { Keepalive } from './keepalive.ts'
import type { Link } from './link.ts'

export class Intake {
  readonly #link: Link
  readonly #keepalive: Keepalive
  #isReading = true

  constructor(link: Link, keepalive: Keepalive) {
    this.#link = link
    this.#keepalive = keepalive
  }

  /** Reads or stops; silence while this side does not read says nothing of the peer. */
  update(hasRoom: boolean): void {
    const reads = hasRoom && !this.#link.isCongested
    if (reads === this.#isReading) return
    this.#isReading = reads
    if (reads) {
      this.#keepalive.resume()
      this.#link.resumeReading()
    } else {
      this.#keepalive.pause()
      this.#link.pauseReading()
    }
  }
}
