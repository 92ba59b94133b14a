/** A value's three ways through a gate, as the tests of the contract look at them. */
import type { TSchema } from 'typebox'
import { gateOf, Misfit } from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { pack, unpack } from '../../src/wire/index.ts'

/** What a reader makes of MessagePack that anybody may have written. */
export function received(schema: TSchema, sent: unknown): unknown {
  const bytes = pack(sent)
  return gateOf(schema).fromWire(unpack(bytes, 0, bytes.length, defaultLimits))
}

/** What arrives at the other end of a wire. */
export function overWire(schema: TSchema, value: unknown): unknown {
  return received(schema, gateOf(schema).toWire(value))
}

export function inMemory(schema: TSchema, value: unknown): unknown {
  return gateOf(schema).inMemory(value)
}

/** Place and reason of the misfit that `act` ends with. */
export function misfitOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof Misfit) return error.describe()
    throw error
  }
  return 'it fits'
}

/** Freezes a value with all that is in it, so that whoever changes it is caught. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) frozen(inner)
  return value
}
