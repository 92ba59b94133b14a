/**
 * `conformance`: one suite for every place, so that moving a service changes nothing that its callers or handlers see
 * (spec/testing.md). Invariant: no case waits for time; each has a clock that it moves itself.
 */
import { misuse, NanowireError } from '../../errors.ts'
import { requireOptions } from '../../rpc/index.ts'
import { requirePatience } from '../require.ts'
import { describe } from './assert.ts'
import { topics } from './cases/index.ts'
import { Mismatch } from './mismatch.ts'
import { within } from './patience.ts'
import { type ConformancePlace, requirePlace } from './place.ts'
import type { Cases } from './suite.ts'
import { Trial } from './trial.ts'

/** One case of the suite in one place. */
export interface ConformanceCase {
  /** What is to hold, in words; the same in every place and unique. */
  readonly name: string
  /** What it is about: `replies`, `errors`, `time` … */
  readonly topic: string
  /** Why it does not hold here; `undefined` where it is to be run. */
  readonly skip: string | undefined
  /** Topic and name, and the reason where there is one: for a test's title. */
  readonly title: string
  /**
   * Opens the place, tries the case, and closes the place.
   * @throws NanowireError `failed_precondition` that says what was expected and what came
   */
  run(): Promise<void>
}

/** Options of `conformance`. */
export interface ConformanceOptions {
  /** How long a case may take before it fails, in milliseconds of real time. Default 10,000. */
  readonly patienceMs?: number | undefined
}

/**
 * The suite that every place of this library passes, for a place of your own: a transport, or a way to place services.
 * The cases need no test runner.
 *
 * @throws NanowireError `invalid_argument` for what is no place, bad options, and a skip that names no case and no topic, or
 *   has no reason
 * @example
 * ```ts
 * describe('my place', () => {
 *   for (const { title, skip, run } of conformance(myPlace)) it.skipIf(skip)(title, run)
 * })
 * ```
 */
export function conformance(place: ConformancePlace, options: ConformanceOptions = {}): readonly ConformanceCase[] {
  requirePlace('conformance', place)
  requireOptions('conformance', options, ['patienceMs'])
  const { patienceMs = 10_000 } = options
  requirePatience(patienceMs)
  const { skips = {} } = place
  requireSkips(place.name, skips)
  return Object.entries(topics).flatMap(([topic, cases]) =>
    Object.entries(cases).map(([name, run]): ConformanceCase => {
      const skip = reasonOf(skips, name) ?? reasonOf(skips, topic)
      const title = `${topic}: ${name}${skip === undefined ? '' : ` (not in ${place.name}: ${skip})`}`
      return { name, topic, skip, title, run: () => runCase(place, `${topic}: ${name}`, run, patienceMs) }
    }),
  )
}

function reasonOf(skips: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(skips, name) ? skips[name] : undefined
}

function requireSkips(place: string, skips: Readonly<Record<string, string>>): void {
  const names = new Set(Object.entries(topics).flatMap(([topic, cases]) => [topic, ...Object.keys(cases)]))
  for (const [name, reason] of Object.entries(skips)) {
    if (!names.has(name)) {
      const known = Object.keys(topics).join(', ')
      throw misuse(`${place} skips ${JSON.stringify(name)}, which is no case and none of the topics ${known}`)
    }
    if (typeof reason !== 'string' || reason.trim() === '')
      throw misuse(`${place} skips ${JSON.stringify(name)} without a reason`)
  }
}

async function runCase(place: ConformancePlace, name: string, run: Cases[string], patienceMs: number): Promise<void> {
  const trial = new Trial(place)
  const failure = await within(patienceMs, run(trial), () => trial.describe())
  const closing = await within(patienceMs, trial.close(), () => 'while it was closed, after the case')
  trial.giveUp()
  const error = failure ?? closing
  if (error === undefined) return
  const { cause } = error
  const detail = cause instanceof Mismatch ? { expected: cause.expected, came: cause.came } : {}
  const words = cause instanceof Mismatch ? cause.message : describe(cause)
  throw new NanowireError('failed_precondition', `in ${place.name}, ${name}: ${words}`, {
    processed: 'no',
    data: { place: place.name, case: name, ...detail },
    cause,
  })
}
