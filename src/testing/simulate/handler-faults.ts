/**
 * What goes wrong in a handler: it is slow, hangs, fails or answers with what cannot travel, before, after or during its work. It is
 * counted where it happens: a handler need not get so far.
 */
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
  readonly #options: HandlerFaultsOptions
  readonly #ctx: Context
  readonly #isSlow: boolean
  readonly #isBefore: boolean
  readonly #hangs: boolean
  readonly #fails: boolean
  readonly #repliesBadly: boolean
  readonly #isDeaf: boolean
  readonly #slowMs: number

  constructor(options: HandlerFaultsOptions, ctx: Context) {
    const { chance, plan, isFaulty } = options
    const kinds: FaultKind[] = []
    const on = (kind: FaultKind, share: number): boolean => {
      const happens = chance.happens(share) && plan.kinds.has(kind) && isFaulty()
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
    this.#repliesBadly = on('badReply', 0.1)
    this.#isDeaf = (this.#isSlow || this.#hangs) && on('deafHandler', 0.5)
    this.#slowMs = chance.between(0, plan.slowMs)
  }

  /** Before its work. */
  async before(): Promise<void> {
    if (this.#isSlow && this.#isBefore) await this.#dawdle(this.#slowMs)
    if (this.#hangs && this.#isBefore) await this.#hang()
    if (this.#fails && this.#isBefore) throw this.#failure('this handler fails')
  }

  /** After its work. */
  async after(reply: unknown): Promise<unknown> {
    if (this.#hangs && !this.#isBefore) await this.#hang()
    if (this.#isSlow && !this.#isBefore) await this.#dawdle(this.#slowMs)
    if (this.#fails) throw this.#failure('this handler fails after its work')
    return this.#repliesBadly ? this.#badReply() : reply
  }

  /** Instead of its items: what is not even an iterable, where that goes wrong. */
  insteadOfItems(): unknown {
    return this.#repliesBadly && this.#options.chance.happens(0.3) ? this.#badReply() : undefined
  }

  /** During its work, before each item that it answers with; `undefined` where nothing goes wrong. */
  ofItems(): ((index: number) => Promise<unknown> | undefined) | undefined {
    const { chance, plan } = this.#options
    const goesWrong = !this.#isBefore && (this.#isSlow || this.#hangs || this.#fails)
    if (!goesWrong && !this.#repliesBadly) return undefined
    const wrongAt = chance.between(0, ITEMS)
    return (index) => {
      if (index === wrongAt && this.#hangs && !this.#isBefore) return this.#hang()
      if (index === wrongAt && this.#fails) return Promise.reject(this.#failure('this handler fails between items'))
      if (index === wrongAt && this.#repliesBadly) return Promise.resolve(this.#badReply())
      if (!this.#isSlow || !chance.happens(0.2)) return undefined
      return this.#dawdle(chance.between(0, plan.slowMs))
    }
  }

  #dawdle(ms: number): Promise<void> {
    const { injected, sleep } = this.#options
    if (ms > 0) injected('slowHandler')
    return this.#wait(sleep(ms))
  }

  #hang(): Promise<void> {
    const { injected, released } = this.#options
    injected('hangingHandler')
    return this.#wait(released)
  }

  #failure(message: string): Error {
    this.#options.injected('failingHandler')
    return new Error(message)
  }

  #badReply(): unknown {
    this.#options.injected('badReply')
    return UNTRAVELLED
  }

  /** Waits, and no longer than its caller does, if it listens. */
  async #wait(until: Promise<void>): Promise<void> {
    const { signal } = this.#ctx
    if (this.#isDeaf) {
      await until
      if (signal.aborted) this.#options.injected('deafHandler')
      return
    }
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
