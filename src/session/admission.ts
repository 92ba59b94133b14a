/**
 * Judging who the client is (spec/session.md, chapter "Who calls"). Invariant: while a server judges it reads nothing, and
 * what the application answers after the time is up, or after the end, has no effect.
 */
import type { StatusCode } from '../errors.ts'
import type { Credentials } from '../wire/index.ts'
import type { Clock } from './clock.ts'

/** Why a client is not let in, as it is told. */
export interface Refusal {
  readonly code: StatusCode
  readonly message: string
}

/** Asks the application; resolves to a refusal or to `undefined`, and never rejects. */
export type Admit = (credentials: Credentials | undefined) => Promise<Refusal | undefined>

export interface AdmissionEffects {
  /** Judging has begun or ended, and with it what is read. */
  judgingChanged(): void
  admissionRefused(refusal: Refusal): void
  /** The time for an answer is up. */
  admissionLate(): void
}

export class Admission {
  readonly #admit: Admit
  readonly #clock: Clock
  readonly #effects: AdmissionEffects
  #cancelTimer: (() => void) | undefined

  constructor(admit: Admit, clock: Clock, effects: AdmissionEffects) {
    this.#admit = admit
    this.#clock = clock
    this.#effects = effects
  }

  get isJudging(): boolean {
    return this.#cancelTimer !== undefined
  }

  /** Asks, for `timeoutMs` at most; `admitted` is called where the answer is yes. */
  judge(credentials: Credentials | undefined, timeoutMs: number, admitted: () => void): void {
    const cancelTimer = this.#clock.after(timeoutMs, () => {
      this.stop()
      this.#effects.admissionLate()
    })
    this.#cancelTimer = cancelTimer
    this.#effects.judgingChanged()
    void this.#admit(credentials).then((refusal) => {
      if (this.#cancelTimer !== cancelTimer) return
      this.stop()
      if (refusal) this.#effects.admissionRefused(refusal)
      else {
        admitted()
        this.#effects.judgingChanged()
      }
    })
  }

  /** Whatever is answered from now on has no effect. */
  stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }
}
