/**
 * Looks for a shorter story of a seed that fails (spec/testing.md): fewer kinds of faults, fewer clients, fewer calls, less time.
 * Invariant: the same check breaks in what it finds, and nothing of it is chance.
 */
import { type Bounds, type Failure, kindOf } from './failure.ts'
import type { FaultKind } from './plan.ts'

/** Runs the seed within bounds; resolves with how it failed, if it did. */
export type Attempt = (bounds: Bounds) => Promise<Failure | undefined>

export interface Shrunk {
  readonly failure: Failure
  readonly bounds: Bounds
  readonly tries: number
}

/** What can be made smaller. */
interface Size {
  readonly faults: readonly FaultKind[]
  readonly faultMs: number
  readonly clients: number
  /** `undefined` where a workload of the user's makes them. */
  readonly calls: number | undefined
}

export class Shrinker {
  readonly #attempt: Attempt
  readonly #kind: string
  readonly #first: Size
  #left: number
  #tries = 0
  #size: Size
  #best: Failure | undefined

  /** @param calls as they were, where they are generated */
  constructor(failure: Failure, calls: number | undefined, maxTries: number, attempt: Attempt) {
    const { clients, plan } = failure.world
    this.#attempt = attempt
    this.#kind = kindOf(failure)
    this.#left = maxTries
    this.#first = { faults: [...plan.kinds], faultMs: plan.faultMs, clients: clients.length, calls }
    this.#size = this.#first
  }

  /** @returns `undefined` where nothing shorter was found */
  async shrink(): Promise<Shrunk | undefined> {
    for (let before: Size | undefined; before !== this.#size && this.#left > 0; ) {
      before = this.#size
      await this.#shrinkFaults()
      await this.#shrinkNumber('clients', 1)
      await this.#shrinkNumber('calls', 1)
      await this.#shrinkNumber('faultMs', 0)
    }
    return this.#best && { failure: this.#best, bounds: this.#boundsOf(this.#size), tries: this.#tries }
  }

  /** Without all of them, then without halves, quarters, single ones. */
  async #shrinkFaults(): Promise<void> {
    for (let part = this.#size.faults.length; part >= 1; part = Math.floor(part / 2)) {
      for (let at = 0; at < this.#size.faults.length; ) {
        const faults = this.#size.faults.filter((_, index) => index < at || index >= at + part)
        if (!(await this.#fits({ ...this.#size, faults }))) at += part
      }
    }
  }

  /** The least first, then halfway there as long as that goes. */
  async #shrinkNumber(name: 'clients' | 'calls' | 'faultMs', min: number): Promise<void> {
    let most = this.#size[name]
    if (most === undefined) return
    let least = min
    if (most > least && (await this.#fits({ ...this.#size, [name]: least }))) return
    while (most - least > 1 && this.#left > 0) {
      const middle: number = Math.floor((least + most) / 2)
      if (await this.#fits({ ...this.#size, [name]: middle })) most = middle
      else least = middle
    }
  }

  /** What is as it was need not be said. */
  #boundsOf(size: Size): Bounds {
    const isFewer = size.faults.length < this.#first.faults.length
    const changed = (name: 'clients' | 'calls' | 'faultMs') =>
      size[name] === this.#first[name] ? undefined : size[name]
    return {
      faults: isFewer ? size.faults : undefined,
      clients: changed('clients'),
      calls: changed('calls'),
      faultMs: changed('faultMs'),
    }
  }

  /** Whether the same check breaks; then it is kept. */
  async #fits(size: Size): Promise<boolean> {
    if (this.#left === 0) return false
    this.#left--
    this.#tries++
    const failure = await this.#attempt(this.#boundsOf(size))
    if (!failure || kindOf(failure) !== this.#kind) return false
    this.#size = size
    this.#best = failure
    return true
  }
}
