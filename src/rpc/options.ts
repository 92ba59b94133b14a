/** Options are looked at when they are passed, so that a misspelt one is not silently nothing. */
import { misuse, type NanowireError } from '../errors.ts'

/** @throws NanowireError `invalid_argument` naming the option that does not exist, and those that do */
export function requireOptions(where: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw misuse(`${where}: options are an object`)
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  if (unknown !== undefined) throw unknownOption(where, unknown, names)
}

export function unknownOption(where: string, name: string, names: Iterable<string>): NanowireError {
  return misuse(`${where} has no option ${JSON.stringify(name)}; there are ${[...names].join(', ')}`)
}

/** @throws NanowireError `invalid_argument` for what is no whole number of milliseconds that a timer can wait */
export function requireMs(name: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min || value >= 2 ** 31)
    throw misuse(`${name} is a whole number of milliseconds from ${min} to 2147483647, not ${String(value)}`)
}

/**
 * How long calls in flight may take to end, of a `close`.
 * @throws NanowireError `invalid_argument`
 */
export function drainMsOf(options: { readonly drainMs?: number | undefined }): number {
  requireOptions('close', options, ['drainMs'])
  const { drainMs = 5_000 } = options
  requireMs('drainMs', drainMs, 0)
  return drainMs
}

/** @throws NanowireError `invalid_argument` for what is no list of functions */
export function requireMiddleware(where: string, use: unknown): void {
  if (Array.isArray(use) && use.every((layer) => typeof layer === 'function')) return
  throw misuse(`${where}: use is a list of functions`)
}
