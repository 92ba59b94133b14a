/** What generated code asks by itself, as text of conditions (spec/codecs.md). */
import type { Shape } from '../../contract/index.ts'
import type { TokenClass } from './cover.ts'
import { quote } from './source.ts'

/** The values of literals: of no other shapes a union may have several of one class (cover.ts). */
export function valuesOf(shapes: readonly Shape[]): (string | number | boolean | null)[] {
  const literals = shapes as readonly Extract<Shape, { kind: 'literal' }>[] // as who asks has seen
  return literals.flatMap(({ values }) => values as (string | number | boolean | null)[]) // bigints are not covered
}

/** Conditions of a number's bounds, each after `||`. */
export function boundsOf({ schema }: Shape, value: string): string {
  return numberBounds
    .map(([keyword, breaks]) => {
      const bound: unknown = keyword in schema ? Reflect.get(schema, keyword) : undefined
      return Number.isFinite(bound) ? ` || ${value} ${breaks} ${quote(bound as number)}` : '' // it is finite, so it is one
    })
    .join('')
}

const numberBounds = [
  ['minimum', '<'],
  ['maximum', '>'],
  ['exclusiveMinimum', '<='],
  ['exclusiveMaximum', '>='],
] as const

/** A line that fails for too few or too many items. */
export function itemBounds({ schema }: Shape, count: string, fail: string): string {
  const [minItems, maxItems]: unknown[] = [Reflect.get(schema, 'minItems'), Reflect.get(schema, 'maxItems')]
  const tests = [
    typeof minItems === 'number' ? `${count} < ${quote(minItems)}` : '',
    typeof maxItems === 'number' ? `${count} > ${quote(maxItems)}` : '',
  ].filter((test) => test !== '')
  return tests.length === 0 ? '' : `if (${tests.join(' || ')}) ${fail}`
}

/** What `typeof` and its like say of a value of this class. */
export function classTest(found: TokenClass, value: string): string {
  switch (found) {
    case 'nil':
      return `${value} === null`
    case 'text':
      return `typeof ${value} === 'string'`
    case 'bytes':
      return `${value} instanceof Uint8Array`
    case 'timestamp':
      return `${value} instanceof Date`
    case 'list':
      return `Array.isArray(${value})`
    case 'map':
      return `typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value}) && !(${value} instanceof Uint8Array) && !(${value} instanceof Date)`
    default:
      return `typeof ${value} === '${found}'`
  }
}
