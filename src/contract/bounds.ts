/**
 * How deep and how wide a value may be, looked at without recursion: what looks at it next recurses, and a value that
 * holds itself has no end (spec/limits.md).
 */
import type { Limits } from '../limits.ts'
import { NegativeZero } from './leaf.ts'
import { isObject, Misfit, seemsMeant } from './misfit.ts'
import type { ObjectShape, Shape } from './shape.ts'

export type Bounds = Pick<Limits, 'maxDepth' | 'maxNodes'>

/** Throws `Misfit` unless all that is in `value` ends within `maxDepth` containers and `maxNodes` values. */
export function requireBounds(value: unknown, bounds: Bounds): void {
  let level: unknown[] = [value]
  let nodes = 1
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = []
    for (const item of level) {
      if (!isContainer(item)) continue
      if (depth === bounds.maxDepth) throw tooDeep(bounds)
      const inner: unknown[] = Array.isArray(item) ? item : Object.values(item)
      nodes += Array.isArray(item) ? inner.length : 2 * inner.length
      if (nodes > bounds.maxNodes) throw tooMany(bounds)
      for (const one of inner) if (typeof one === 'object') next.push(one)
    }
    level = next
  }
}

interface Visit {
  readonly shape: Shape
  readonly value: unknown
  readonly depth: number
}

/**
 * Throws `Misfit` unless what a recursive schema declares of `value` ends. What it does not declare is not looked at.
 */
export function requireEnd(shape: Shape, value: unknown, bounds: Bounds): void {
  const deepest = new Map<object, Map<Shape, number>>()
  const visits: Visit[] = [{ shape, value, depth: 0 }]
  let count = 0
  for (let visit = visits.pop(); visit; visit = visits.pop()) {
    const { shape, value, depth } = visit
    if (!isContainer(value)) continue
    if (depth >= bounds.maxDepth) throw tooDeep(bounds)
    const depths = deepest.get(value) ?? new Map<Shape, number>()
    if ((depths.get(shape) ?? -1) >= depth) continue
    if (++count > bounds.maxNodes) throw tooMany(bounds)
    deepest.set(value, depths.set(shape, depth))
    for (const part of partsOf(shape, value, depth)) visits.push(part)
  }
}

function partsOf(shape: Shape, value: object, depth: number): Visit[] {
  const inner = depth + 1
  switch (shape.kind) {
    case 'ref':
      return [{ shape: shape.target(), value, depth }]
    case 'union':
      return shape.branches.filter((one) => seemsMeant(one, value)).map((branch) => ({ shape: branch, value, depth }))
    case 'intersect':
      return shape.parts.map((part) => ({ shape: part, value, depth }))
    case 'array':
      return Array.isArray(value)
        ? value.map((item: unknown) => ({ shape: shape.item, value: item, depth: inner }))
        : []
    case 'tuple':
      return Array.isArray(value) ? shape.items.map((item, n) => ({ shape: item, value: value[n], depth: inner })) : []
    case 'object':
      return isObject(value) ? propertiesOf(shape, value, inner) : []
    default:
      return []
  }
}

function propertiesOf(shape: ObjectShape, value: Record<string, unknown>, depth: number): Visit[] {
  return Object.keys(value).flatMap((name) => {
    const pattern = shape.patterns.find(({ regExp }) => regExp.test(name))?.shape
    const declared = shape.properties.get(name)?.shape ?? pattern ?? shape.rest
    return typeof declared === 'string' ? [] : [{ shape: declared, value: value[name], depth }]
  })
}

function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return !(ArrayBuffer.isView(value) || value instanceof Date || value instanceof NegativeZero)
}

function tooDeep({ maxDepth }: Bounds): Misfit {
  return new Misfit(`is nested deeper than maxDepth ${maxDepth}, or holds itself (option limits.maxDepth)`)
}

function tooMany({ maxNodes }: Bounds): Misfit {
  return new Misfit(`has more values than maxNodes ${maxNodes} (option limits.maxNodes)`)
}
