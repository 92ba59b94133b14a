/**
 * The door to TypeBox's checks: compiled once for a schema, when it is first needed, because compiling costs more than
 * many calls.
 */
import type { TSchema } from 'typebox'
import { Compile, Check as checkInterpreted, Errors } from 'typebox/schema'
import { checkBounded } from './bounded-check.ts'
import type { Scope, Shape } from './shape.ts'

/** Whether a value fits. */
export type Check = (value: unknown) => boolean

const checks = new WeakMap<Shape, Check>()

/** TypeBox's check of a shape's schema with all its keywords. */
export function checkOf(shape: Shape): Check {
  let check = checks.get(shape)
  if (!check) {
    const context = contextOf(shape.scope)
    if (isLearned(shape)) check = (value) => checkBounded(shape, value)
    else if (holdsBigInt([shape.schema, context])) {
      // TypeBox's compiler writes 5n as 5, so that no bigint is ever the constant, and bounds lose digits.
      check = (value) => checkInterpreted(context, shape.schema, value)
    } else {
      const validator = Compile(context, shape.schema)
      check = (value) => validator.Check(value)
    }
    checks.set(shape, check)
  }
  return check
}

/** TypeBox's words for the first thing that is wrong with `value` at a shape that has no parts of its own. */
export function firstMessage(shape: Shape, value: unknown): string {
  if (isLearned(shape)) return `must fit what the server told: ${shape.kind} within its bounds`
  try {
    const [, errors] = Errors(contextOf(shape.scope), shape.schema, value)
    return errors[0]?.message ?? 'does not fit'
  } catch {
    return 'does not fit' // TypeBox goes on after a wrong type, and throws for a bigint and a fractional multipleOf
  }
}

/** TypeBox resolves references in a context, which it may write to. */
function contextOf(scope: Scope): Record<string, TSchema> {
  return { ...scope }
}

/** The mark of schemas that a peer told, on each of their parts: TypeBox makes no code of them, and never walks them. */
export const LEARNED = '~learned'

/** Whether a peer has told the schema: nothing is compiled of it. */
export function isLearned({ schema, scope }: Shape): boolean {
  return holds([schema, scope], (value) => typeof value === 'object' && value !== null && LEARNED in value)
}

function holdsBigInt(value: unknown): boolean {
  return holds(value, (inner) => typeof inner === 'bigint')
}

function holds(value: unknown, isIt: (value: unknown) => boolean, seen = new Set<unknown>()): boolean {
  if (isIt(value)) return true
  if (typeof value !== 'object' || value === null || seen.has(value)) return false
  seen.add(value)
  return Object.values(value).some((inner) => holds(inner, isIt, seen))
}
