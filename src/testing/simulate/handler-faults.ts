/** What goes wrong in a handler: it is slow, hangs, fails or answers with what cannot travel, before, after or during its work. */
import { NanowireError } from '../../errors.ts'
import type { Context } from '../../rpc/index.ts'
import type { Chance } from './chance.ts'
import type { FaultKind, Plan } from './plan.ts'

/** What no schema lets travel. */
export const UNTRAVELLED = (): void => {}

export interface HandlerFaultsOptions {
  readonly chance: Chance
  readonly plan: Plan
  /** Whether things still go wrong. */
  readonly isFaulty: () => boolean
  readonly injected: (kind: FaultKind) => void
  sleep(ms: number): Promise<void>
  /** Resolves when handlers that hang are let go. */
  readonly released: Promise<void>
}

/** Of how many items of a stream one is the one at which it goes wrong. */
const ITEMS = 12

export class HandlerFaults {
  /** What is to go wrong with it, if it gets so far. */
  readonly kinds: readonly FaultKind[]
  readonly repliesBadly: boolean
  readonly #options: HandlerFaultsOptions
  readonly #ctx: Context
  readonly #isSlow: boolean
  readonly #isBefore: boolean
  readonly #hangs: boolean
  readonly #fails: boolean
  readonly #isDeaf: boolean
  readonly #slowMs: number

  constructor(options: HandlerFaultsOptions, ctx: Context) {
    const { chance, plan, injected, isFaulty } = options
    const kinds: FaultKind[] = []
    const on = (kind: FaultKind, share: number): boolean => {
      const happens = chance.happens(share) && plan.kinds.has(kind) && isFaulty()
      if (happens) injected(kind)
      if (happens) kinds.push(kind)
      return happens
    }
    this.kinds = kinds
    this.#options = options
    this.#ctx = ctx
    this.#isSlow = on('slowHandler', 0.5)
    this.#isBefore = chance.happens(0.5)
    this.#hangs = on('hangingHandler', 0.1)
    this.#fails = on('failingHandler', 0.1)
    this.repliesBadly = on('badReply', 0.1)
    this.#isDeaf = (this.#isSlow || this.#hangs) && on('deafHandler', 0.5)
    this.#slowMs = chance.between(0, plan.slowMs)
  }

  /** Before its work. */
  async before(): Promise<void> {
    const { released, sleep } = this.#options
    if (this.#isSlow && this.#isBefore) await this.#wait(sleep(this.#slowMs))
    if (this.#hangs && this.#isBefore) await this.#wait(released)
    if (this.#fails && this.#isBefore) throw new Error('this handler fails')
  }

  /** After its work. */
  async after(reply: unknown): Promise<unknown> {
    const { released, sleep } = this.#options
    if (this.#hangs && !this.#isBefore) await this.#wait(released)
    if (this.#isSlow && !this.#isBefore) await this.#wait(sleep(this.#slowMs))
    if (this.#fails) throw new Error('this handler fails after its work')
    return this.repliesBadly ? UNTRAVELLED : reply
  }

  /** During its work, before each item that it answers with; `undefined` where nothing goes wrong. */
  ofItems(): ((index: number) => Promise<unknown> | undefined) | undefined {
    const { chance, plan, released, sleep } = this.#options
    const goesWrong = !this.#isBefore && (this.#isSlow || this.#hangs || this.#fails)
    if (!goesWrong && !this.repliesBadly) return undefined
    const wrongAt = chance.between(0, ITEMS)
    return (index) => {
      if (index === wrongAt && this.#hangs && !this.#isBefore) return this.#wait(released)
      if (index === wrongAt && this.#fails) return Promise.reject(new Error('this handler fails between items'))
      if (index === wrongAt && this.repliesBadly) return Promise.resolve(UNTRAVELLED)
      if (!this.#isSlow || !chance.happens(0.2)) return undefined
      return this.#wait(sleep(chance.between(0, plan.slowMs)))
    }
  }

  /** Waits, and no longer than its caller does, if it listens. */
  async #wait(until: Promise<void>): Promise<void> {
    if (this.#isDeaf) return until
    const { signal } = this.#ctx
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(new NanowireError('cancelled', 'this handler heard its signal'))
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      void until.then(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }
}
