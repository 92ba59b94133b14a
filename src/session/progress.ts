/**
 * Whether what has begun goes on (spec/streams.md, F16): looked at as the keepalive rings, so that no message has a timer of its
 * own. Made when something is first seen to be under way, as most connections have nothing of the kind.
 */

export interface ProgressEffects {
  /** Rises with all bulk that comes; `undefined` while no message is half there that its sender could go on with. */
  bulkCome(): number | undefined
  /** Rises with what the peer acknowledges; `undefined` while this side does not wait for that. */
  bulkAcknowledged(): number | undefined
  /** No bulk came for so long, and messages are half there. */
  messagesStalled(ms: number): void
  /** The peer counts as gone: nothing came, or nothing was taken or acknowledged, for so long. */
  peerSilent(what: string): void
}

/** Something that ought to rise, as far as was looked. */
class Standstill {
  #seen: number | undefined
  #since = 0

  /** For how long it has been the same; 0 where it need not rise. */
  look(value: number | undefined, now: number): number {
    if (value !== this.#seen) this.#since = now
    this.#seen = value
    return value === undefined ? 0 : now - this.#since
  }
}

export class Progress {
  readonly #come = new Standstill()
  readonly #acknowledged = new Standstill()

  /** Whether there is something to look at. */
  static isDue(effects: ProgressEffects): boolean {
    return effects.bulkCome() !== undefined || effects.bulkAcknowledged() !== undefined
  }

  /** Returns in how many milliseconds to look again at the latest, 0 where the peer was given up. */
  look(effects: ProgressEffects, now: number, idleTimeoutMs: number): number {
    const ignoredMs = this.#acknowledged.look(effects.bulkAcknowledged(), now)
    if (ignoredMs >= idleTimeoutMs) {
      effects.peerSilent(`nothing was acknowledged for ${Math.round(ignoredMs)} ms`)
      return 0
    }
    const stalledMs = this.#come.look(effects.bulkCome(), now)
    if (stalledMs < idleTimeoutMs) return idleTimeoutMs - Math.max(stalledMs, ignoredMs)
    effects.messagesStalled(stalledMs)
    return idleTimeoutMs
  }
}
