/** Whether the peer is still there: time is measured from the last byte read, and a PING asks before giving up. */
import type { Limits } from '../limits.ts'
import type { Clock } from './clock.ts'

export interface KeepaliveEffects {
  ping(): void
  /** Bytes that the system has taken so far. */
  takenBytes(): number
  /** The peer counts as gone: nothing came, or nothing was taken, for so long. */
  lost(what: string): void
}

/** Why this side does not read: its writes back up, or notifies hold every slot. */
export type PauseReason = 'congested' | 'busy'

export class Keepalive {
  readonly #clock: Clock
  readonly #limits: Pick<Limits, 'pingAfterMs' | 'idleTimeoutMs'>
  readonly #effects: KeepaliveEffects
  #lastReadAt: number
  #asked = false
  #paused: PauseReason | undefined
  #takenBytes = 0
  #lastTakenAt = 0
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

  /** While this side does not read, silence says nothing of the peer; what it takes does. */
  pause(reason: PauseReason): void {
    this.#paused = reason
    this.#takenBytes = this.#effects.takenBytes()
    this.#lastTakenAt = this.#clock.now()
  }

  resume(): void {
    this.#paused = undefined
    this.bytesRead()
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => this.#look())
  }

  #look(): void {
    const { pingAfterMs, idleTimeoutMs } = this.#limits
    if (this.#paused === 'busy') {
      this.#effects.ping() // the peer hears that this side is there, though its own PINGs wait
      this.#schedule(pingAfterMs)
      return
    }
    const isDeaf = this.#paused === 'congested'
    const silentMs = this.#clock.now() - (isDeaf ? this.#lastTaken() : this.#lastReadAt)
    if (silentMs >= idleTimeoutMs) {
      this.#cancel = undefined
      this.#effects.lost(`nothing ${isDeaf ? 'was taken' : 'came'} for ${Math.round(silentMs)} ms`)
    } else if (silentMs < pingAfterMs) {
      this.#schedule(pingAfterMs - silentMs)
    } else {
      if (!this.#asked && !isDeaf) this.#effects.ping()
      this.#asked = true
      this.#schedule(Math.min(pingAfterMs, idleTimeoutMs - silentMs))
    }
  }

  /** When the system was last seen to take a byte. */
  #lastTaken(): number {
    const takenBytes = this.#effects.takenBytes()
    if (takenBytes !== this.#takenBytes) this.#lastTakenAt = this.#clock.now()
    this.#takenBytes = takenBytes
    return this.#lastTakenAt
  }
}
