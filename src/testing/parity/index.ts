/**
 * `checkParity`: does a scenario come to the same in every place (spec/testing.md)? Invariant: time stands still but in
 * `pass`, and chance comes from a seed, so that a difference is the place's or the services', and comes again.
 */
import type { AnyContract } from '../../contract/index.ts'
import { misuse, NanowireError } from '../../errors.ts'
import { connect } from '../../index.ts'
import type { LimitOptions } from '../../limits.ts'
import type { App } from '../../place/index.ts'
import { type ClientOf, type Routable, type Router, requireOptions, router } from '../../rpc/index.ts'
import type { Clock } from '../../session/index.ts'
import { describe } from '../conformance/assert.ts'
import { Mismatch } from '../conformance/mismatch.ts'
import { within } from '../conformance/patience.ts'
import { type ConformancePlace, type OpenedPlace, openIn, requirePlace } from '../conformance/place.ts'
import { RecordingLog } from '../conformance/recording-log.ts'
import { settingOf } from '../conformance/setting.ts'
import { HandClock, nextTurn, passing } from '../hand-clock.ts'
import { listServices, requireLimits, requireMs, requirePatience, requireSeed } from '../require.ts'
import { compareTraces, type Ended } from './compare.ts'
import { Recording } from './recording.ts'
import { snapshot } from './snapshot.ts'

/** What a scenario calls services with. */
export interface ParityWire {
  /** A client of a contract, as `connect` gives it. */
  client<C extends AnyContract>(contract: C): ClientOf<C>
  /** Lets all happen that can happen now, and then `ms` milliseconds pass: deadlines run out in it, and only in it. */
  pass(ms: number): Promise<void>
  /** The time that passes. */
  readonly clock: Clock
}

/** Options of `checkParity`. */
export interface ParityOptions {
  /** Further places, after memory and the encoded link; as for `conformance`. */
  readonly places?: readonly ConformancePlace[] | undefined
  /** For everything that is left to chance. Default 1. */
  readonly seed?: number | undefined
  /** Who calls. */
  readonly principal?: unknown
  /** Of both sides. */
  readonly limits?: LimitOptions | undefined
  /** How long the scenario may take in one place, in milliseconds of real time. Default 10,000. */
  readonly patienceMs?: number | undefined
}

export interface ParityReport {
  /** Calls that the scenario made in each place. */
  readonly calls: number
  /** Where: `memory`, `encoded` and those that were given. */
  readonly places: readonly string[]
}

/**
 * Runs a scenario against the same services in memory, over an encoded link and in further places, and compares what its
 * calls gave (replies, metadata, errors with code, data and `processed`), the order in which they settled, what the
 * handlers saw, how they ended and whether they were told to stop, and what became of the callers' own values.
 *
 * @param services a service, a list of them, a router or an app, of which the services are taken; a function that makes them
 *   anew, if they remember anything
 * @throws NanowireError `failed_precondition` with the first difference; its `data` is `{ path, places, values }`. What the
 *   scenario throws, if it throws the same everywhere. `invalid_argument` for what are no services, no scenario, or bad options
 * @example
 * ```ts
 * test('orders come to the same everywhere', async () => {
 *   await checkParity(() => orders(new Map()), async (wire) => {
 *     const { place, cancel } = wire.client(Orders)
 *     await place({ id: '1' })
 *     await cancel.try({ id: 'unknown' })
 *   })
 * })
 * ```
 */
export async function checkParity(
  services: Routable | App | (() => Routable | App | Promise<Routable | App>),
  scenario: (wire: ParityWire) => unknown,
  options: ParityOptions = {},
): Promise<ParityReport> {
  requireParity(services, scenario, options)
  const places = [memory, encoded, ...(options.places ?? [])]
  const runs: { readonly place: string; readonly ended: Ended }[] = []
  for (const place of places) {
    const made = typeof services === 'function' ? await makeServices(services, options) : services
    runs.push({ place: place.name, ended: await runScenario(place, made, scenario, options) })
  }
  const [first, ...others] = runs as [(typeof runs)[0], ...typeof runs] // memory is always there
  for (const other of others) requireSame(first, other)
  const { result, trace } = first.ended
  if ('thrown' in result) throw result.thrown
  return { calls: trace.calls.length, places: runs.map(({ place }) => place) }
}

function requireParity(services: unknown, scenario: unknown, options: ParityOptions): void {
  if (typeof services !== 'function') requireServices(services)
  if (typeof scenario !== 'function')
    throw misuse(
      'checkParity takes a scenario after the services: async (wire) => { await wire.client(Greeter).hello({}) }',
    )
  requireOptions('checkParity', options, ['places', 'seed', 'principal', 'limits', 'patienceMs'])
  const { places = [], seed = 1, limits, patienceMs = 10_000 } = options
  if (!Array.isArray(places)) throw misuse('checkParity: places is a list of places, as for conformance')
  for (const place of places) requirePlace('checkParity', place)
  requireSeed(seed)
  requireLimits('checkParity: limits', limits)
  requirePatience(patienceMs)
}

function requireServices(given: unknown): void {
  if (typeof given !== 'object' || given === null)
    throw misuse('checkParity takes services, a router, an app, or a function that makes one of them')
}

async function makeServices(
  services: () => Routable | App | Promise<Routable | App>,
  { patienceMs = 10_000 }: ParityOptions,
): Promise<Routable | App> {
  let made: Routable | App | undefined
  const making = (async () => {
    made = await services()
  })()
  const failure = await within(patienceMs, making, () => 'no services', 'the function that makes the services')
  if (failure?.cause instanceof Mismatch) throw failed(failure.cause, failure.cause.message)
  await making // what it throws is its own
  return made as Routable | App // looked at before it runs
}

const failed = (cause: unknown, words: string) =>
  new NanowireError('failed_precondition', words, { processed: 'no', cause })

type Run = { readonly place: string; readonly ended: Ended }

function requireSame(one: Run, other: Run): void {
  const places = [one.place, other.place] as const
  const difference = compareTraces(one.ended, other.ended, places)
  if (difference === undefined) return
  const { path, words, values } = difference
  const thrown = [one, other].flatMap(({ ended: { result } }) => ('thrown' in result ? [result.thrown] : []))
  throw new NanowireError('failed_precondition', `it matters where the services are: ${words}`, {
    processed: 'no',
    data: { path, places, values },
    cause: thrown[0],
  })
}

const memory: ConformancePlace = {
  name: 'memory',
  open: async (routed, { local }) => ({ connection: connect(routed, local) }),
}

const encoded: ConformancePlace = {
  name: 'encoded',
  open: async (routed, { local }) => ({ connection: connect(routed, { ...local, encoded: true }) }),
}

async function runScenario(
  place: ConformancePlace,
  services: Routable | App,
  scenario: (wire: ParityWire) => unknown,
  options: ParityOptions,
): Promise<Ended> {
  const { seed = 1, principal, limits = {}, patienceMs = 10_000 } = options
  const clock = new HandClock(seed)
  const recording = new Recording()
  const routed = recording.watchRouter(routerOf(services))
  let opened: OpenedPlace | undefined
  let result: Ended['result'] = { value: undefined }
  const running = (async () => {
    opened = await openIn(place, routed, settingOf({ principal }, { clock, limits }))
    const { connection } = opened
    const wire: ParityWire = {
      client: (contract) => recording.clientOf(connection, contract),
      pass: (ms) => pass(clock, recording, ms),
      clock,
    }
    try {
      result = { value: snapshot(await scenario(wire)) }
    } catch (error) {
      result = { thrown: error }
    }
    await quiet(recording)
  })()
  const late = await within(patienceMs, running, () => recording.describePending(), `the scenario in ${place.name}`)
  const trace = recording.finish()
  const unclosed = opened && (await close(clock, opened, place.name, patienceMs))
  const failure = late ?? unclosed
  if (!failure) return { trace, result }
  const { cause } = failure
  throw failed(cause, cause instanceof Mismatch ? cause.message : `the place ${place.name}: ${describe(cause)}`)
}

/** Services of which nobody asked for the log are quiet: they fail on purpose here, and twice. */
function routerOf(given: Routable | App): Router {
  requireServices(given)
  return 'routeOf' in given ? given : router(listServices(given), { log: new RecordingLog() })
}

/** Turns of the event loop without an event, after which none is on its way within one process. */
const QUIET_TURNS = 20

async function quiet(recording: Recording): Promise<void> {
  let before = recording.events
  for (let turns = 0; turns < QUIET_TURNS; turns++) {
    await nextTurn()
    if (recording.events !== before) turns = 0
    before = recording.events
  }
}

async function pass(clock: HandClock, recording: Recording, ms: number): Promise<void> {
  requireMs('pass takes milliseconds from 0', ms)
  const end = clock.now() + ms
  await quiet(recording)
  while (clock.nextAt <= end) {
    clock.advance(Math.max(0, clock.nextAt - clock.now()))
    await quiet(recording)
  }
  clock.advance(end - clock.now())
}

function close(clock: HandClock, { connection, close: closeServer }: OpenedPlace, place: string, patienceMs: number) {
  let isGivenUp = false
  const closing = Promise.all([connection.close({ drainMs: 0 }), closeServer?.({ drainMs: 0 })])
  const passed = passing([clock], closing, () => isGivenUp)
  const where = () => 'a connection or server that does not close'
  return within(patienceMs, passed, where, `closing ${place} after the scenario`).finally(() => {
    isGivenUp = true
  })
}
