/**
 * What is passed to `nanowire/testing`, looked at before anything runs (spec/testing.md). Invariant: a mistake is an
 * `invalid_argument` that says what is wanted, never a failure of what was to be tested.
 */
import { misuse } from '../errors.ts'
import { type LimitOptions, resolveLimits } from '../limits.ts'
import type { App } from '../place/index.ts'
import { isContract, isService, requireOptions, type Service } from '../rpc/index.ts'
import type { Clock } from '../session/index.ts'

/** What a function got in the place of what it takes. */
export function describeGiven(value: unknown): string {
  if (isService(value)) return 'a service: pass its contract'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'such an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

export function requireContract(who: string, value: unknown): void {
  if (!isContract(value))
    throw misuse(`${who} takes a contract, as contract(name, methods) makes it, not ${describeGiven(value)}`)
}

export function requireObject(what: string, value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null && !(Symbol.iterator in value))) return
  throw misuse(`${what} is an object, not ${describeGiven(value)}`)
}

export function requireFunction(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw misuse(`${what} is a function, not ${describeGiven(value)}`)
}

export function requireSeed(seed: number): void {
  if (!Number.isSafeInteger(seed)) throw misuse(`seed is a whole number, not ${String(seed)}`)
}

/** What drives time, where a test does. */
export function requireClock(who: string, clock: Clock): void {
  const names = ['now', 'after', 'turn', 'random'] as const
  const isClock = typeof clock === 'object' && clock !== null
  if (!isClock || names.some((name) => typeof clock[name] !== 'function'))
    throw misuse(`${who}: clock has the functions ${names.join(', ')}, as a HandClock has`)
}

/** Of real time, so long as a timer can wait. */
export function requirePatience(patienceMs: number): void {
  if (!Number.isInteger(patienceMs) || patienceMs < 1 || patienceMs >= 2 ** 31)
    throw misuse(`patienceMs is a whole number of milliseconds from 1 to 2147483647, not ${String(patienceMs)}`)
}

/** The options of a group within the options. */
export function requireGroup(what: string, group: object | undefined, names: readonly string[]): void {
  if (group !== undefined) requireOptions(what, group, names)
}

export function requireLimits(what: string, limits: LimitOptions | undefined): void {
  requireObject(what, limits)
  resolveLimits(limits)
}

/** Time that a test lets pass. */
export function requireMs(what: string, ms: number): void {
  if (typeof ms !== 'number' || !(ms >= 0 && ms < Number.POSITIVE_INFINITY))
    throw misuse(`${what}, not ${describeGiven(ms)}`)
}

/** The services of an app, wherever it has them; a list, or one. */
export function listServices(given: Service | readonly Service[] | App): readonly Service[] {
  const services = 'places' in given && 'services' in given ? given.services : given
  return Array.isArray(services) ? services : [services as Service] // isArray knows no readonly lists
}
