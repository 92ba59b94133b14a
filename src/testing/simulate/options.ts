/**
 * The options of `simulate`, looked at before the first seed runs (spec/testing.md). Invariant: a mistake is told as one,
 * and never as a failure of some seed.
 */
import { misuse } from '../../errors.ts'
import { isContract, isService, requireOptions, type Service } from '../../rpc/index.ts'
import { describeGiven, listServices, requireFunction, requireGroup, requireLimits, requireObject } from '../require.ts'
import { allFaultKinds } from './plan.ts'
import type { SimulateOptions } from './simulation.ts'
import { textOf } from './story.ts'

const OPTIONS = [
  'services',
  'servers',
  'state',
  'clients',
  'seed',
  'seeds',
  'calls',
  'faults',
  'faultMs',
  'workload',
  'invariants',
  'shrink',
  'limits',
  'router',
  'connect',
  'serve',
  'override',
] satisfies readonly (keyof SimulateOptions)[]

const DEFAULT_SEEDS = 100
const LAST_SEED = 2 ** 32 - 1
/** Each is a process with a connection of its own. */
const MOST_CLIENTS = 1_000

/** The seeds that are wanted. @throws NanowireError `invalid_argument` */
export function requireSimulation(options: SimulateOptions): { readonly firstSeed: number; readonly seeds: number } {
  if (typeof options !== 'object' || options === null)
    throw misuse('simulate takes options, one of which is services: simulate({ services: () => myService() })')
  requireOptions('simulate', options, OPTIONS)
  if (options.services === undefined)
    throw misuse('simulate: services is missing: simulate({ services: () => myService() })')
  const { seed: firstSeed = 1, seeds = options.seed === undefined ? DEFAULT_SEEDS : 1, calls = 1 } = options
  requireCount('seed', firstSeed, 0)
  requireCount('seeds', seeds, 1)
  if (firstSeed + seeds - 1 > LAST_SEED) throw misuse(`seed and seeds go up to the seed ${LAST_SEED}, not beyond it`)
  requireCount('calls', calls, 0)
  requireFaults(options.faults)
  if (options.faultMs !== undefined) requireCount('faultMs', options.faultMs, 0)
  if (options.clients !== undefined) requireCount('clients', options.clients, 1, MOST_CLIENTS)
  if (typeof options.shrink === 'number') requireCount('shrink', options.shrink, 0)
  else if (options.shrink !== undefined && typeof options.shrink !== 'boolean')
    throw misuse(`shrink is true, false or a number of runs, not ${shown(options.shrink)}`)
  requireServers(options)
  requireFunction('workload', options.workload)
  requireFunction('override', options.override)
  requireObject('invariants', options.invariants)
  for (const [name, holds] of Object.entries(options.invariants ?? {})) requireInvariant(name, holds)
  requireSides(options)
  return { firstSeed, seeds }
}

function requireCount(name: string, value: number, min: number, max = LAST_SEED): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw misuse(`${name} is a whole number from ${min} to ${max}, not ${shown(value)}`)
}

/** A text in quotes: it may look like what is wanted. */
function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : describeGiven(value)
}

function requireFaults(faults: SimulateOptions['faults'] = []): void {
  if (!Array.isArray(faults)) throw misuse(`faults is a list of ${allFaultKinds.join(', ')}`)
  for (const kind of faults) {
    if (!allFaultKinds.includes(kind))
      throw misuse(`there is no fault ${JSON.stringify(textOf(kind))}; there are ${allFaultKinds.join(', ')}`)
  }
}

/** What an address may have for a host. */
const HOST = /^[a-z][a-z0-9-]*$/

function requireServers({ services, servers, state }: SimulateOptions): void {
  if (state !== undefined && state !== 'kept' && state !== 'lost')
    throw misuse(`state is kept or lost, not ${shown(state)}`)
  if (state === 'lost' && typeof services !== 'function')
    throw misuse('state is lost where services is a function that makes them anew, and here it is none')
  if (servers === undefined) return
  requireObject('servers', servers)
  const entries = Object.entries<unknown>(servers)
  if (entries.length === 0) throw misuse('servers has one server at least: { back: [...names of contracts] }')
  for (const [host, names] of entries) {
    if (!HOST.test(host)) throw misuse(`the server ${JSON.stringify(host)} is named in a-z, 0-9 and -, as a host is`)
    if (!(Array.isArray(names) && names.every((name: unknown) => typeof name === 'string') && names.length > 0))
      throw misuse(`servers: ${host} is a list of names of contracts, one at least`)
  }
  const all = entries.flatMap(([, names]) => names as string[]) // looked at above
  const twice = all.find((name, index) => all.indexOf(name) !== index)
  if (twice !== undefined) throw misuse(`servers: ${twice} is at two servers`)
}

function requireInvariant(name: string, holds: unknown): void {
  if (typeof holds !== 'function') throw misuse(`the invariant "${name}" is a function, not ${describeGiven(holds)}`)
}

function requireSides({ limits, router, connect, serve }: SimulateOptions): void {
  requireGroup('simulate: limits', limits, ['client', 'server'])
  requireLimits('simulate: limits.client', limits?.client)
  requireLimits('simulate: limits.server', limits?.server)
  requireGroup('simulate: router', router, ['use', 'authorize', 'uses', 'log']) // a router looks at the rest
  requireGroup('simulate: connect', connect, ['use', 'credentials'])
  requireGroup('simulate: serve', serve, ['authenticate', 'reflection'])
  for (const [side, use] of Object.entries({ router: router?.use, connect: connect?.use })) {
    if (use !== undefined && !(Array.isArray(use) && use.every((layer: unknown) => typeof layer === 'function')))
      throw misuse(`simulate: ${side}: use is a list of functions`)
  }
}

/** The services, of an app all of them. @throws NanowireError `invalid_argument` */
export function servicesOf(
  given: Exclude<SimulateOptions['services'], (...args: never) => unknown>,
): readonly Service[] {
  const isThing = typeof given === 'object' && given !== null
  const list: readonly unknown[] = isThing ? listServices(given) : []
  if (list.length > 0 && list.every(isService)) return list
  throw misuse(
    `simulate: services is a service, a list of services (one at least), an app, or a function that makes them${hintOf(given)}`,
  )
}

function hintOf(given: unknown): string {
  if (typeof given !== 'object' || given === null) return `, not ${describeGiven(given)}`
  if ('then' in given) return ', not a promise of them: what they wait for belongs in their start'
  if ('routeOf' in given) return ', not a router: pass its services, and its options as the option router'
  return isContract(given) ? ', not a contract' : ''
}
