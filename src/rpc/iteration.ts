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
  if (isOneShot(source) && given.has(source))
    throw misuse(`${name}: these items were given to a call before, and are gone; make new ones`)
  markGiven(source)
}

/** A call has what it was given, also one that never began. */
export function markGiven(source: unknown): void {
  if (isOneShot(source)) given.add(source)
}

/** As `await` sees it. */
export function isThenable(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return value instanceof Promise || typeof (value as { then?: unknown }).then === 'function' // any object may be asked
}

/** The same for an item, of which there are many alike: by a look that no other value goes through, and so a fast one. */
export function isPromised(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return typeof item === 'function' && isThenable(item)
  return typeof (item as { then?: unknown }).then === 'function' // any object may be asked
}

/** What can be iterated once, and was given to a call: a second one would send nothing, and be content. */
const given = new WeakSet<object>()

/** An iterator, or a stream of Node or the web. */
export function isOneShot(source: unknown): source is object {
  if (typeof source !== 'object' || source === null) return false
  if (isNodeStream(source) || ('getReader' in source && typeof source.getReader === 'function')) return true
  return 'next' in source && typeof source.next === 'function' && iterationOf(source)?.iterate.call(source) === source
}

function isNodeStream(source: object): source is { on(event: 'error', listener: () => void): unknown } {
  return (
    'on' in source && 'destroy' in source && typeof source.on === 'function' && typeof source.destroy === 'function'
  )
}

/** A stream of Node may fail before it is iterated, and ends the process if nobody listens; who iterates it is told all the same. */
export function hearErrors(source: unknown): void {
  if (typeof source === 'object' && source !== null && isNodeStream(source)) source.on('error', ignore)
}

const ignore = (): void => {}

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
