/** What a shape as a whole must not be, once its references are read. */
import { misuse } from '../errors.ts'
import type { Shape } from './shape.ts'

/** A schema that reaches itself without an object or array between has no smallest value and no end to its check. */
export function refuseEndless(shape: Shape): void {
  const done = new Set<Shape>()
  const inner: Shape[] = [shape]
  for (let next = inner.pop(); next; next = inner.pop()) refuseEndlessAt(next, new Set(), done, inner)
}

function refuseEndlessAt(shape: Shape, open: Set<Shape>, done: Set<Shape>, inner: Shape[]): void {
  if (open.has(shape)) throw refusal('', 'a reference to nothing but itself', 'put an object or array between')
  if (done.has(shape)) return
  done.add(shape)
  open.add(shape)
  if (shape.kind === 'ref') refuseEndlessAt(shape.target(), open, done, inner)
  if (shape.kind === 'union') for (const branch of shape.branches) refuseEndlessAt(branch, open, done, inner)
  if (shape.kind === 'intersect') for (const part of shape.parts) refuseEndlessAt(part, open, done, inner)
  open.delete(shape)
  inner.push(...childrenOf(shape))
}

/** The shapes inside containers of this one. */
export function childrenOf(shape: Shape): readonly Shape[] {
  if (shape.kind === 'array') return [shape.item]
  if (shape.kind === 'tuple') return shape.items
  if (shape.kind !== 'object') return []
  const named = [...shape.properties.values()].map((property) => property.shape)
  const rest = typeof shape.rest === 'string' ? [] : [shape.rest]
  return [...named, ...shape.patterns.map((pattern) => pattern.shape), ...rest]
}

/** Null and undefined are both nil on the wire, so a reader could not tell them apart. */
export function refuseNilAndUndefined(shape: Shape, path: string): void {
  if (!accepts(shape, 'null') || !accepts(shape, 'undefined')) return
  throw refusal(path, 'a union of null and undefined, which are both nil', 'make the property Optional')
}

function accepts(shape: Shape, nothing: 'null' | 'undefined'): boolean {
  switch (shape.kind) {
    case 'ref':
      return accepts(shape.target(), nothing)
    case 'union':
      return shape.branches.some((branch) => accepts(branch, nothing))
    case 'intersect':
      return shape.parts.every((part) => accepts(part, nothing))
    case 'literal':
      return nothing === 'null' && shape.values.includes(null)
    case 'unknown':
      return nothing === 'null'
    default:
      return shape.kind === nothing
  }
}

/** The error for a schema that has `what`, at `path` in it. */
export function refusal(path: string, what: string, remedy: string): Error {
  return misuse(`${path === '' ? 'the schema' : `the schema at ${path}`} cannot travel: it has ${what}; ${remedy}`)
}
