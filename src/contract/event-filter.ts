/** What subscribers of an event send: the key that they choose by, or nothing (spec/streams.md, F21). */
import Type, { type TSchema } from 'typebox'
import { misuse } from '../errors.ts'
import { shapeOf } from './read-shape.ts'
import type { Shape } from './shape.ts'

const closed = { additionalProperties: false }

/**
 * The schema of a subscription: an object with the key of the body, optional, and nothing else. It is closed, so that what
 * the server does not choose by is refused, and never answered with everything.
 * @throws NanowireError `invalid_argument` for a key that not each body has, or that is no plain value
 */
export function filterSchema(body: TSchema, key: string | undefined): TSchema {
  if (key === undefined) return Type.Object({}, closed)
  const shape = followed(shapeOf(body))
  const property = shape.kind === 'object' ? shape.properties.get(key) : undefined
  const shown = JSON.stringify(key)
  if (!property) throw misuse(`an event's key is a property that its body declares, which ${shown} is not`)
  if (property.optional)
    throw misuse(`an event's key is a property that each body has, and ${shown} is optional; require it`)
  const value = followed(property.shape)
  if (!isPlain(value))
    throw misuse(
      `an event's key is a string, a number, a bigint, a boolean or one of several such, and ${shown} is ${value.kind}`,
    )
  return Type.Object({ [key]: Type.Optional(value.schema) }, closed)
}

function followed(shape: Shape): Shape {
  let found = shape
  while (found.kind === 'ref') found = found.target()
  return found
}

/** Values that are told apart by themselves. */
function isPlain(shape: Shape): boolean {
  switch (shape.kind) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'literal':
      return true
    case 'union':
      return shape.branches.every(isPlain)
    default:
      return false
  }
}
