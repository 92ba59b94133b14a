/** What both paths are compared by: what each ends with (spec/codecs.md). */
import { isDeepStrictEqual } from 'node:util'
import type { TSchema } from 'typebox'
import { type Gate, gateOf, Misfit } from '../../../src/contract/index.ts'
import { NanowireError } from '../../../src/errors.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { StrictError, unpack } from '../../../src/wire/index.ts'

/** A value, or what is wrong and where. */
export interface Outcome {
  readonly value?: unknown
  readonly error?: string
}

/** Anything but a declared error is thrown on. */
export function outcomeOf(act: () => unknown): Outcome {
  try {
    return { value: act() }
  } catch (error) {
    if (error instanceof Misfit) return { error: `misfit ${error.describe()}` }
    if (error instanceof StrictError) return { error: `${error.rule} ${error.message}` }
    if (error instanceof NanowireError) return { error: `${error.code} ${error.message}` }
    throw error
  }
}

export function isSame(one: Outcome, other: Outcome): boolean {
  return one.error === other.error && isDeepStrictEqual(one.value, other.value)
}

/** What the reference path makes of bytes. */
export function received(gate: Gate, bytes: Uint8Array): Outcome {
  return outcomeOf(() => gate.fromWire(unpack(bytes, 0, bytes.length, defaultLimits)))
}

/** `undefined` for a schema of which `gateOf` says that it cannot travel. */
export function gateIfAny(schema: TSchema): Gate | undefined {
  try {
    return gateOf(schema)
  } catch (error) {
    if (error instanceof NanowireError && error.code === 'invalid_argument') return undefined
    throw error
  }
}

/** A value for people. */
export function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex').slice(0, 600)}`
  const text = JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}n`
    if (Object.is(inner, -0)) return '-0'
    return typeof inner === 'symbol' || typeof inner === 'function' ? String(inner) : inner
  })
  return String(text ?? value).slice(0, 1_500)
}
