/** How to iterate what a user gave for a stream of items, and what is said of what cannot be iterated. */
import { misuse } from '../errors.ts'

/** What a user's iterable gives; what it really returns is not known. */
export interface ItemIterator {
  next(): unknown
  return?(): unknown
}

export interface Iteration {
  readonly isAsync: boolean
  readonly iterate: (this: unknown) => unknown
}

/** How to iterate, as `for await` would. A string, which is an iterable too, is mostly a mistake. */
export function iterationOf(source: unknown): Iteration | undefined {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) return undefined
  const given = source as { readonly [Key in symbol]?: Iteration['iterate'] | null } // any object may be asked
  const async = given[Symbol.asyncIterator] ?? undefined
  const iterate = async ?? given[Symbol.iterator]
  return typeof iterate === 'function' ? { isAsync: async !== undefined, iterate } : undefined
}

/**
 * Looks at what a caller gave for its items, before the call begins.
 * @throws NanowireError `invalid_argument`
 */
export function requireSource(name: string, source: unknown): void {
  if (!iterationOf(source)) refuseSource(name, source)
}

export function refuseSource(name: string, source: unknown): never {
  throw misuse(
    `${name}: items come from an async generator, an array, a stream or another iterable, not from ${kindOf(source)}`,
  )
}

function kindOf(source: unknown): string {
  if (source === null || source === undefined) return String(source)
  if (typeof source === 'function') return 'a function; call it, if it is a generator'
  return typeof source === 'object' ? 'an object that is none' : `a ${typeof source}`
}
