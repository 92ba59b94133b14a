/**
 * Which keywords a plan fulfils by the way it builds values. Whatever is not listed is checked afterwards, so that a
 * keyword that nobody thought of costs time and not truth (spec/testing.md).
 */
import type { Shape } from '../contract/index.ts'

/** Say nothing about values. */
const annotations = [
  '$id',
  '$schema',
  '$defs',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
]

/** TypeBox's own marks, which are no checks. A Codec's undecoded form is what travels. */
const marks = ['~kind', '~optional', '~readonly', '~immutable', '~unsafe', '~codec', 'x-name', 'x-nanowire']

const constructed: Readonly<Record<Shape['kind'], readonly string[]>> = {
  null: ['type'],
  boolean: ['type'],
  undefined: ['type'],
  literal: ['type', 'const', 'enum'],
  number: ['type', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  bigint: ['type', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['type', 'minLength', 'maxLength'],
  bytes: ['minBytes', 'maxBytes'],
  timestamp: [],
  unknown: [],
  never: ['not'],
  array: ['type', 'items', 'minItems', 'maxItems'],
  tuple: ['type', 'items', 'prefixItems', 'minItems', 'additionalItems'],
  object: ['type', 'properties', 'required', 'additionalProperties', 'patternProperties'],
  union: ['anyOf'],
  intersect: ['allOf'],
  ref: ['$ref'],
}

/** Whether values built from the shape's parts need no check against its whole schema. */
export function isConstructed(shape: Shape): boolean {
  const fulfilled = constructed[shape.kind]
  // TypeBox hides its own keywords, ~refine among them, from Object.keys.
  return Object.getOwnPropertyNames(shape.schema).every(
    (keyword) => fulfilled.includes(keyword) || annotations.includes(keyword) || marks.includes(keyword),
  )
}
