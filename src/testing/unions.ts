/**
 * Recursive unions that a peer can make expensive (spec/testing.md): where two branches both recurse before either can
 * be ruled out, each level of a value doubles the work of its check.
 */
import { childrenOf, type Shape } from '../contract/index.ts'
import type { Finding } from './judge-pattern.ts'

type ObjectShape = Extract<Shape, { kind: 'object' }>

/** A warning for each union that two of its branches can recurse through, with the path of the value. */
export function ambiguousUnions(root: Shape): readonly (Finding & { readonly path: string })[] {
  const found: (Finding & { readonly path: string })[] = []
  const visited = new Set<Shape>()
  const covered = new Set<Shape>()
  const visit = (shape: Shape, path: string): void => {
    if (visited.has(shape)) return
    visited.add(shape)
    if (shape.kind === 'union' && !covered.has(shape) && isAmbiguous(shape)) {
      for (const inner of shape.branches) coverUnions(inner, covered)
      found.push({
        path,
        severity: 'warning',
        problem:
          'two branches of a recursive union can only be told apart after what they hold, so that each level of a value may double the time of its check',
        remedy: 'begin each branch with a required Literal of its own (kind: Literal(…))',
      })
    }
    if (shape.kind === 'object') {
      for (const [name, property] of shape.properties) visit(property.shape, `${path}/${name}`)
    }
    for (const child of childrenOf(shape)) visit(child, `${path}/*`)
    for (const part of insideOf(shape)) visit(part, path)
  }
  visit(root, '')
  return found
}

function isAmbiguous(union: Extract<Shape, { kind: 'union' }>): boolean {
  const recursing = union.branches.flatMap(formsOf).filter((branch) => reaches(branch, union))
  return recursing.some((one, index) => recursing.slice(index + 1).some((other) => !areSeparate(one, other, union)))
}

/** Whether the check of one branch fails before it goes deeper, for whatever the check of the other goes deeper into. */
function areSeparate(one: Shape, other: Shape, union: Shape): boolean {
  if (one.kind === 'object' && other.kind === 'object') {
    return (
      isRuledOutByNames(one, other) ||
      isRuledOutByNames(other, one) ||
      [...one.properties.keys()].some((name) => tellsApart(name, one, other, union))
    )
  }
  if (one.kind === 'tuple' && other.kind === 'tuple') return areDisjoint(one.items[0], other.items[0])
  const containers = [one.kind, other.kind]
  return containers.includes('object') && (containers.includes('array') || containers.includes('tuple'))
}

/** Undeclared properties are refused before any property is looked at. */
function isRuledOutByNames(closed: ObjectShape, other: ObjectShape): boolean {
  return (
    closed.rest === 'refuse' &&
    closed.patterns.length === 0 &&
    requiredOf(other).some((name) => !closed.properties.has(name))
  )
}

function requiredOf(object: ObjectShape): readonly string[] {
  return [...object.properties].filter(([, property]) => !property.optional).map(([name]) => name)
}

/** Properties are checked in their order, and those of patterns before them. */
function tellsApart(name: string, one: ObjectShape, other: ObjectShape, union: Shape): boolean {
  const [first, second] = [one.properties.get(name), other.properties.get(name)]
  if (!first || !second || first.optional || second.optional || !areDisjoint(first.shape, second.shape)) return false
  return [one, other].every((object) => {
    const names = [...object.properties.keys()]
    const before = names.slice(0, names.indexOf(name)).map((earlier) => object.properties.get(earlier)?.shape)
    const undeclared = [
      ...object.patterns.map((pattern) => pattern.shape),
      typeof object.rest === 'object' ? object.rest : undefined,
    ]
    return ![...before, ...undeclared].some((shape) => shape && (shape === union || reaches(shape, union)))
  })
}

function areDisjoint(one: Shape | undefined, other: Shape | undefined): boolean {
  return (
    one?.kind === 'literal' && other?.kind === 'literal' && !one.values.some((value) => other.values.includes(value))
  )
}

/** Whether values of `from` can hold values of `to`. */
function reaches(from: Shape, to: Shape): boolean {
  const reached = new Set<Shape>([from])
  for (const shape of reached) {
    for (const next of [...childrenOf(shape), ...insideOf(shape)]) {
      if (next === to) return true
      reached.add(next)
    }
  }
  return false
}

/** What stands in the place of the shape itself. */
function insideOf(shape: Shape): readonly Shape[] {
  if (shape.kind === 'ref') return [shape.target()]
  if (shape.kind === 'union') return shape.branches
  return shape.kind === 'intersect' ? shape.parts : []
}

/** A union in the place of a branch is the same choice. */
function coverUnions(shape: Shape, covered: Set<Shape>): void {
  if (shape.kind === 'union') covered.add(shape)
  if (shape.kind === 'ref' || shape.kind === 'union') for (const inner of insideOf(shape)) coverUnions(inner, covered)
}

function formsOf(shape: Shape): readonly Shape[] {
  if (shape.kind === 'ref') return formsOf(shape.target())
  return shape.kind === 'union' ? shape.branches.flatMap(formsOf) : [shape]
}
