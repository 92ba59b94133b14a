/**
 * `simulate`: services, their callers and a bad network in virtual time, from one seed (spec/testing.md). Invariant: a seed
 * gives the same run always, whatever ran before it in the process.
 */
import { NanowireError, wasMisuse } from '../../errors.ts'
import { requireCredentials } from './credentials.ts'
import { NeverQuiet } from './driver.ts'
import { type Bounds, checkOf, defined, explain, type Failure } from './failure.ts'
import { requireSimulation } from './options.ts'
import { allFaultKinds, type FaultKind } from './plan.ts'
import { Run, USUAL_CALLS } from './run.ts'
import { Shrinker } from './shrink.ts'
import { NotServed } from './sides.ts'
import type { SimulateOptions, SimulationReport } from './simulation.ts'
import { ValuePool } from './workload.ts'
import type { World } from './world.ts'

/** How many runs the search for a shorter story may take. */
const USUAL_TRIES = 100

/**
 * Runs services against callers and a network that goes wrong, once for each seed, and checks the library's promises and
 * the user's invariants: each call ends once, in time and truthfully; a handler runs at most once; nothing is left.
 *
 * @throws NanowireError `failed_precondition` when a check does not hold: its message has the seed, how to run it again
 *   and the events, of the shortest story that was found; its `data` is a `SimulationFailure`.
 *   `invalid_argument` for bad options, and for services that lack what they use; `unavailable` where a service does not
 *   start, with what it threw as the cause.
 * @example
 * ```ts
 * test('no order is placed twice', async () => {
 *   await simulate({ services: () => shop(), seeds: 500, invariants: { 'one order each': () => ordersAreUnique() } })
 * })
 * ```
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const { firstSeed, seeds } = requireSimulation(options)
  await requireCredentials(options.connect?.credentials)
  const pool = new ValuePool(options.override)
  const total = new Total()
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const run = new Run(options, seed, pool)
    try {
      await run.run()
    } catch (error) {
      const { world } = run
      const isFirst = seed === firstSeed && !world.hasGoneWrong // no chance is in it
      if (error instanceof NotServed && (isFirst || isMisuse(error.cause))) throw error.cause
      throw await shortest(options, pool, { world, error })
    }
    total.add(run.world)
  }
  return total.report()
}

function isMisuse(error: unknown): boolean {
  return error instanceof NanowireError && wasMisuse(error)
}

/** The shortest story that can be found of a seed that fails. */
async function shortest(options: SimulateOptions, pool: ValuePool, failure: Failure): Promise<NanowireError> {
  const { shrink = true, workload, services, faults, faultMs, clients } = options
  const calls = workload ? undefined : options.calls
  const given: Bounds = { faults, faultMs, clients, calls }
  const maxTries = failure.error instanceof NeverQuiet ? 0 : shrink === true ? USUAL_TRIES : Number(shrink)
  const attempt = async (bounds: Bounds): Promise<Failure | undefined> => {
    let run: Run | undefined
    try {
      run = new Run({ ...options, ...defined(bounds) }, failure.world.seed, pool)
      await run.run()
    } catch (error) {
      return run && { world: run.world, error }
    }
    return undefined
  }
  const doubt = typeof services === 'function' ? undefined : 'isKept'
  const unshrunk = { bounds: undefined, tries: 0, doubt } as const
  if (maxTries === 0) return explain(failure, given, unshrunk)
  if (!isSame(failure, await attempt({}))) return explain(failure, given, { ...unshrunk, doubt: 'differs' })
  const shrinker = new Shrinker(failure, workload ? undefined : (calls ?? USUAL_CALLS), maxTries, attempt)
  const shrunk = await shrinker.shrink()
  return explain(shrunk?.failure ?? failure, given, shrunk ? { ...unshrunk, ...shrunk } : unshrunk)
}

/** A run that was run again. */
function isSame(first: Failure, again: Failure | undefined): boolean {
  return again?.world.story.digest === first.world.story.digest && checkOf(again) === checkOf(first)
}

/** Sums of all runs. */
class Total {
  readonly #counts = { seeds: 0, calls: 0, handled: 0, items: 0, dropped: 0, connections: 0, virtualMs: 0 }
  readonly #codes: Record<string, number> = {}
  readonly #processed: Record<string, number> = {}
  readonly #faults = Object.fromEntries(allFaultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number> // all of them
  #digest = ''

  add({ ledger, network, faults, story, virtualMs }: World): void {
    this.#counts.seeds++
    this.#counts.calls += ledger.calls.length
    this.#counts.connections += network.connections.length
    this.#counts.virtualMs += virtualMs
    for (const { end, handler, input, output } of ledger.calls) {
      if (handler) this.#counts.handled++
      this.#counts.items += (input?.taken ?? 0) + (output?.taken ?? 0)
      this.#counts.dropped += output?.dropped ?? 0
      if (!end) continue
      this.#codes[end.code] = (this.#codes[end.code] ?? 0) + 1
      this.#processed[end.processed] = (this.#processed[end.processed] ?? 0) + 1
    }
    for (const kind of allFaultKinds) this.#faults[kind] += faults[kind]
    this.#digest = combine(this.#digest, story.digest)
  }

  report(): SimulationReport {
    return {
      ...this.#counts,
      codes: this.#codes,
      processed: this.#processed,
      faults: this.#faults,
      digest: this.#digest,
    }
  }
}

/** One digest stands for itself, several for their order too. */
function combine(before: string, digest: string): string {
  if (before === '') return digest
  const halves = [0, 8].map((at) => {
    const mixed = Math.imul(Number.parseInt(before.slice(at, at + 8), 16) ^ 0x9e3779b9, 0x85ebca6b)
    return (mixed ^ (mixed >>> 13) ^ Number.parseInt(digest.slice(at, at + 8), 16)) >>> 0
  })
  return halves.map((half) => half.toString(16).padStart(8, '0')).join('')
}
