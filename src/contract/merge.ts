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
      properties.set(name, before ? mergeProperties(before, property) : property)
    }
  }
  const rests = objects.map((object) => object.rest)
  const forbids = 'unevaluatedProperties' in schema && schema.unevaluatedProperties === false
  const rest = forbids || rests.includes('refuse') ? 'refuse' : (rests.find((one) => typeof one === 'object') ?? 'drop')
  return { kind: 'object', schema, scope, properties, patterns: objects.flatMap((object) => object.patterns), rest }
}

function mergeProperties(one: PropertyShape, other: PropertyShape): PropertyShape {
  return { shape: intersectOf([one.shape, other.shape]), optional: one.optional && other.optional }
}

const pairs = new WeakMap<Shape, WeakMap<Shape, Shape>>()

/** What is all of these at once; the same shape for the same ones, so that those of a recursion are finitely many. */
export function intersectOf(parts: readonly [Shape, ...Shape[]]): Shape {
  return parts.reduce((one, other) => (one === other ? one : pairOf(one, other)))
}

function pairOf(one: Shape, other: Shape): Shape {
  const known = pairs.get(one) ?? new WeakMap<Shape, Shape>()
  pairs.set(one, known)
  const pair = known.get(other) ?? { kind: 'intersect', schema: {}, scope: one.scope, parts: [one, other] }
  known.set(other, pair)
  return pair
}

/** Whether a shape takes anything, and so declares everything. */
export function isUnknown(shape: Shape): boolean {
  if (shape.kind === 'ref') return isUnknown(shape.target())
  if (shape.kind === 'union') return shape.branches.some(isUnknown)
  return shape.kind === 'intersect' ? shape.parts.every(isUnknown) : shape.kind === 'unknown'
}
