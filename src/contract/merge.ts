/** What several shapes of one value declare together: a property is declared if any of them declares it. */
import type { IntersectShape, ObjectShape, PropertyShape, Shape } from './shape.ts'

/** The parts of an intersection that are none themselves. */
export function partsOf(shape: Shape): readonly Shape[] {
  if (shape.kind === 'ref') return partsOf(shape.target())
  return shape.kind === 'intersect' ? shape.parts.flatMap(partsOf) : [shape]
}

/** One object shape that declares what any of them declares. */
export function mergeObjects(shape: IntersectShape, objects: readonly ObjectShape[]): ObjectShape {
  const { schema, scope } = shape
  const properties = new Map<string, PropertyShape>()
  for (const object of objects) {
    for (const [name, property] of object.properties) {
      const before = properties.get(name)
      properties.set(name, before ? mergeProperties(shape, before, property) : property)
    }
  }
  const rests = objects.map((object) => object.rest)
  const forbids = 'unevaluatedProperties' in schema && schema.unevaluatedProperties === false
  const rest = forbids || rests.includes('refuse') ? 'refuse' : (rests.find((one) => typeof one === 'object') ?? 'drop')
  return { kind: 'object', schema, scope, properties, patterns: objects.flatMap((object) => object.patterns), rest }
}

function mergeProperties(shape: IntersectShape, one: PropertyShape, other: PropertyShape): PropertyShape {
  if (one.shape === other.shape) return { shape: one.shape, optional: one.optional && other.optional }
  const { schema, scope } = shape
  return {
    shape: { kind: 'intersect', schema, scope, parts: [one.shape, other.shape] },
    optional: one.optional && other.optional,
  }
}

/** Whether a shape takes anything, and so declares everything. */
export function isUnknown(shape: Shape): boolean {
  if (shape.kind === 'ref') return isUnknown(shape.target())
  if (shape.kind === 'union') return shape.branches.some(isUnknown)
  return shape.kind === 'intersect' ? shape.parts.every(isUnknown) : shape.kind === 'unknown'
}
