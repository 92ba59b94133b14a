/** Numbers and constants as a description has them, whoever wrote it (spec/compatibility.md, K2). */
import type { Constant } from './form.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json-schema.ts'

/** A count of a schema; NaN for what is none. */
export function countOf(value: JsonValue | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN
}

const INTEGER = /^-?\d{1,40}$/

/** A bigint as a description has it. */
export function bigintOf(value: JsonValue | undefined): bigint | undefined {
  const text = isJsonObject(value ?? null) ? (value as JsonObject)['$bigint'] : undefined // seen to be one
  return typeof text === 'string' && INTEGER.test(text) ? BigInt(text) : undefined
}

export function constantOf(value: JsonValue): Constant | null | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  return bigintOf(value)
}

/** Whether a constant passes the `type` beside it. */
export function typeTest(type: JsonValue | undefined): (value: Constant | null | undefined) => boolean {
  if (type === undefined) return () => true
  const types = new Set<JsonValue>(Array.isArray(type) ? type : [type])
  return (value) =>
    types.has(value === null ? 'null' : typeof value) || (types.has('integer') && Number.isInteger(value))
}
