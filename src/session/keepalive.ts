/** Whether the peer is still there: time is measured from the last byte read, and a PING asks before giving up. */
import type { Limits } from '../limits.ts'
import type { Clock } from './clock.ts'

export interface KeepaliveEffects {
  ping(): void
  /** Nothing came for so long that the peer counts as gone. */
  lost(silentMs: number): void
}

export class Keepalive {
  readonly #clock: Clock
  readonly #limits: Pick<Limits, 'pingAfterMs' | 'idleTimeoutMs'>
  readonly #effects: KeepaliveEffects
  #lastReadAt: number
  #asked = false
  #paused = false
  #cancel: (() => void) | undefined

  constructor(clock: Clock, limits: Pick<Limits, 'pingAfterMs' | 'idleTimeoutMs'>, effects: KeepaliveEffects) {
    this.#clock = clock
    this.#limits = limits
    this.#effects = effects
    this.#lastReadAt = clock.now()
  }

  start(): void {
    this.#schedule(this.#limits.pingAfterMs)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  bytesRead(): void {
    this.#lastReadAt = this.#clock.now()
    this.#asked = false
  }

  /** While this side does not read, silence says nothing of the peer. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.bytesRead()
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => this.#look())
  }

  #look(): void {
    const { pingAfterMs, idleTimeoutMs } = this.#limits
    const silentMs = this.#clock.now() - this.#lastReadAt
    if (this.#paused || silentMs < pingAfterMs) {
      this.#schedule(this.#paused ? pingAfterMs : pingAfterMs - silentMs)
    } else if (silentMs >= idleTimeoutMs) {
      this.#cancel = undefined
      this.#effects.lost(silentMs)
    } else {
      if (!this.#asked) this.#effects.ping()
      this.#asked = true
      this.#schedule(Math.min(pingAfterMs, idleTimeoutMs - silentMs))
    }
  }
}
