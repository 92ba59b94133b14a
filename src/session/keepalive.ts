/** Whether the peer is still there: time is measured from the last byte read, and a PING asks before giving up. */
import { kinds } from '../wire/index.ts'
import { Alarm, alarmsOf } from './alarms.ts'
import { type Clock, randomBytes } from './clock.ts'
import { Progress, type ProgressEffects } from './progress.ts'
import type { FrameSender } from './sender.ts'

/** Why this side does not read: its writes back up, or notifies hold every slot. */
export type PauseReason = 'congested' | 'busy'

/** While this side does not read. */
interface Pause {
  readonly reason: PauseReason
  takenBytes: number
  /** When the system was last seen to take a byte. */
  lastTakenAt: number
}

export class Keepalive extends Alarm {
  readonly #clock: Clock
  readonly #sender: FrameSender
  readonly #effects: ProgressEffects
  #lastReadAt: number
  #asked = false
  #pause: Pause | undefined
  /** While something is under way. */
  #progress: Progress | undefined

  constructor(clock: Clock, sender: FrameSender, effects: ProgressEffects) {
    super()
    this.#clock = clock
    this.#sender = sender
    this.#effects = effects
    this.#lastReadAt = clock.now()
  }

  start(): void {
    this.#lookAfter(this.#sender.limits.pingAfterMs)
  }

  stop(): void {
    alarmsOf(this.#clock).remove(this)
  }

  bytesRead(): void {
    this.#lastReadAt = this.#clock.now()
    this.#asked = false
  }

  /** Why this side does not read, if it does not. */
  get paused(): PauseReason | undefined {
    return this.#pause?.reason
  }

  /** While this side does not read, silence says nothing of the peer; what it takes does. */
  pause(reason: PauseReason): void {
    const { takenBytes } = this.#sender.link
    this.#pause = { reason, takenBytes, lastTakenAt: this.#clock.now() }
  }

  resume(): void {
    this.#pause = undefined
    this.bytesRead()
  }

  /** In whole milliseconds: a fraction would be an object of its own. */
  #lookAfter(delayMs: number): void {
    alarmsOf(this.#clock).add(this, Math.ceil(this.#clock.now() + Math.max(1, delayMs)))
  }

  override ring(): void {
    const { pingAfterMs, idleTimeoutMs } = this.#sender.limits
    const soonMs = this.#lookAtProgress(idleTimeoutMs)
    if (soonMs === 0) return
    if (this.#pause?.reason === 'busy') {
      this.#ping() // the peer hears that this side is there, though its own PINGs wait
      this.#lookAfter(pingAfterMs)
      return
    }
    const silentMs = this.#clock.now() - (this.#pause ? this.#lastTaken(this.#pause) : this.#lastReadAt)
    if (silentMs >= idleTimeoutMs) {
      this.#effects.peerSilent(`nothing ${this.#pause ? 'was taken' : 'came'} for ${Math.round(silentMs)} ms`)
    } else if (silentMs < pingAfterMs) {
      this.#lookAfter(Math.min(soonMs, pingAfterMs - silentMs))
    } else {
      if (!this.#asked && !this.#pause) this.#ping()
      this.#asked = true
      this.#lookAfter(Math.min(soonMs, pingAfterMs, idleTimeoutMs - silentMs))
    }
  }

  /** Not while this side does not read. Returns in how many milliseconds to look again at the latest, 0 where the peer was given up. */
  #lookAtProgress(idleTimeoutMs: number): number {
    if (this.#pause || !Progress.isDue(this.#effects)) this.#progress = undefined
    else this.#progress ??= new Progress()
    return this.#progress?.look(this.#effects, this.#clock.now(), idleTimeoutMs) ?? Number.POSITIVE_INFINITY
  }

  #ping(): void {
    this.#sender.frame(kinds.PING, 0, randomBytes(this.#clock, 8))
  }

  #lastTaken(pause: Pause): number {
    const { takenBytes } = this.#sender.link
    if (takenBytes !== pause.takenBytes) pause.lastTakenAt = this.#clock.now()
    pause.takenBytes = takenBytes
    return pause.lastTakenAt
  }
}
