/** What happens on its way to a value that holds no others (spec/types.md). */
import { Misfit } from './misfit.ts'
import type { LiteralShape, Shape } from './shape.ts'

/**
 * Where a value goes: to a handler in this process, into MessagePack, or out of it - out of what our own packer wrote,
 * or of what another did, which may not tell 5 from 5n.
 */
export type Direction = 'inMemory' | 'toWire' | 'fromWire' | 'fromForeign'

export function isInbound(direction: Direction): boolean {
  return direction === 'fromWire' || direction === 'fromForeign'
}

/** Takes a value, returns what it becomes. Throws `Misfit`. */
export type Pass = (value: unknown) => unknown

/** Stands for -0 on its way into MessagePack, where a library would write the integer 0. */
export class NegativeZero {}
export const negativeZero = new NegativeZero()

/** The pass of what stays as it is. */
export const same: Pass = (value) => value

const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

/** The pass of a shape without parts; `literal` shapes come whole. */
export function leafPass(kind: LiteralShape | Exclude<Shape['kind'], 'literal'>, direction: Direction): Pass {
  if (typeof kind === 'object') return literalPass(kind, direction)
  const outbound = !isInbound(direction)
  if (kind === 'string') return outbound ? requireWellFormed : same
  if (kind === 'bigint') return outbound ? requireInt64 : direction === 'fromForeign' ? bigIntFromWire : same
  if (kind === 'number')
    return direction === 'toWire' ? numberToWire : direction === 'fromForeign' ? numberFromWire : same
  if (kind === 'undefined') return outbound ? same : (value) => (value === null ? undefined : value)
  return same
}

function literalPass(shape: LiteralShape, direction: Direction): Pass {
  const zeros = shape.values.filter((value) => value === 0)
  const passes: Pass[] = []
  if (direction === 'fromForeign') passes.push((value) => numberOfKind(shape, value))
  // To TypeBox 0 and -0 are one constant; the schema's own is what arrives.
  if (zeros.length === 1) passes.push((value) => (value === 0 ? zeros[0] : value))
  if (direction === 'toWire' && zeros.length > 0) passes.push(numberToWire)
  return sequence(passes)
}

/** Which of 5 and 5n arrives depends on who packed it; the schema says which of them is meant. */
function numberOfKind(shape: LiteralShape, value: unknown): unknown {
  if (shape.values.some((one) => one === value)) return value
  if (typeof value === 'bigint') return numberFromWire(value)
  return typeof value === 'number' ? bigIntFromWire(value) : value
}

/** One pass after the other. */
export function sequence(passes: readonly Pass[]): Pass {
  const real = passes.filter((pass) => pass !== same)
  return real.length === 0 ? same : (value) => real.reduce((before, pass) => pass(before), value)
}

function requireWellFormed(value: unknown): unknown {
  if (typeof value === 'string' && !value.isWellFormed())
    throw new Misfit('holds half of a surrogate pair, which UTF-8 cannot say')
  return value
}

function requireInt64(value: unknown): unknown {
  if (typeof value === 'bigint' && (value < MIN_INT64 || value > MAX_UINT64))
    throw new Misfit('is a bigint of more than 64 bits')
  return value
}

function bigIntFromWire(value: unknown): unknown {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
}

function numberFromWire(value: unknown): unknown {
  return typeof value === 'bigint' && value === BigInt(Number(value)) ? Number(value) : value
}

function numberToWire(value: unknown): unknown {
  return Object.is(value, -0) ? negativeZero : value
}
