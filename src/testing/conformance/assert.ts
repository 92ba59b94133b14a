/** The few assertions that the cases need, without a test runner: each says what was expected and what came. */
import { NanowireError } from '../../errors.ts'
import { firstDifference, show } from '../difference.ts'
import { Mismatch } from './mismatch.ts'

/** Two values with the same parts; a property that is undefined is as good as absent. */
export function equal(came: unknown, expected: unknown, what = 'the value'): void {
  const difference = firstDifference(expected, came)
  if (difference === undefined) return
  throw new Mismatch(what, show(expected), describe(came), difference.replace(/^the value: .*/, ''))
}

/** The very same value. */
export function same(came: unknown, expected: unknown, what: string): void {
  if (!Object.is(came, expected)) throw new Mismatch(what, show(expected), show(came))
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Mismatch('a condition', what, 'the contrary')
}

/**
 * A value that has these parts, and others perhaps: a `RegExp` stands for text that matches it, an object for one that
 * has at least its properties, also those of an error.
 */
export function matches(came: unknown, pattern: unknown, what = 'the value'): void {
  const at = misfitOf(came, pattern, '')
  if (at !== undefined) throw new Mismatch(what, at.expected, at.came, at.pointer)
}

interface MisfitAt {
  readonly pointer: string
  readonly expected: string
  readonly came: string
}

function misfitOf(came: unknown, pattern: unknown, pointer: string): MisfitAt | undefined {
  const misfit = { pointer, expected: show(pattern), came: describe(came) }
  if (pattern instanceof RegExp) {
    return typeof came === 'string' && pattern.test(came)
      ? undefined
      : { ...misfit, expected: `text that matches ${pattern}` }
  }
  if (typeof pattern !== 'object' || pattern === null) return Object.is(came, pattern) ? undefined : misfit
  if (typeof came !== 'object' || came === null || Array.isArray(pattern) !== Array.isArray(came)) return misfit
  if (Array.isArray(pattern) && Array.isArray(came) && pattern.length !== came.length) return misfit
  for (const [name, inner] of Object.entries(pattern)) {
    const at = misfitOf(Reflect.get(came, name), inner, `${pointer}/${name}`)
    if (at !== undefined) return at
  }
  return undefined
}

/** The call ends with an error that matches. Returns the error. */
export function fails(call: Promise<unknown>, pattern: object, what = 'the call'): Promise<NanowireError> {
  return quiet(failsLoudly(call, pattern, what))
}

/** A promise that nobody may come to wait for, because the case fails before: that is no fault of its own. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** A promise, and whether it has settled. */
export function watch<T>(promise: Promise<T>): { readonly ended: Promise<T>; readonly hasSettled: boolean } {
  const watched = { ended: promise, hasSettled: false }
  const settle = () => {
    watched.hasSettled = true
  }
  promise.then(settle, settle)
  return watched
}

async function failsLoudly(call: Promise<unknown>, pattern: object, what: string): Promise<NanowireError> {
  const error = await failureOf(call, what)
  const at = misfitOf(error, pattern, '')
  if (at === undefined) return error
  throw new Mismatch(
    `what ${what} ends with`,
    showPattern(pattern),
    describe(error),
    `${at.pointer}: not ${at.expected}`,
  )
}

/** The error that a call ends with. */
export function failureOf(call: Promise<unknown>, what = 'the call'): Promise<NanowireError> {
  return quiet(failureLoudly(call, what))
}

async function failureLoudly(call: Promise<unknown>, what: string): Promise<NanowireError> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  )
  if (outcome instanceof NanowireError) return outcome
  const came = outcome instanceof Error ? describe(outcome) : `the reply ${show(Reflect.get(Object(outcome), 'value'))}`
  throw new Mismatch(`what ${what} ends with`, 'a NanowireError', came)
}

/** The call rejects with this very error. */
export async function rejectsWith(call: Promise<unknown>, expected: unknown): Promise<void> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome) same(outcome.error, expected, 'what the call rejects with')
  else throw new Mismatch('what the call ends with', describe(expected), `the reply ${show(outcome.value)}`)
}

function showPattern(pattern: object): string {
  return JSON.stringify(pattern, (_, inner: unknown) => (inner instanceof RegExp ? String(inner) : inner))
}

/** Errors in words: their code, `processed` and message. */
export function describe(value: unknown): string {
  if (value instanceof NanowireError) {
    const data = value.data === undefined ? '' : `, data ${show(value.data)}`
    return `${value.code} (processed ${value.processed}${data}): ${value.message}`
  }
  return value instanceof Error ? String(value) : show(value)
}
