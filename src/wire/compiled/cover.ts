/**
 * What of a schema the compiled path covers (spec/codecs.md). Invariant: what is said here to be covered has one outcome in
 * both paths; in doubt it is not covered, and the reference path serves.
 */
import { annotations, isOwnRefinement, type Shape } from '../../contract/index.ts'

type UnionShape = Extract<Shape, { kind: 'union' }>
export type ObjectShape = Extract<Shape, { kind: 'object' }>

/** Keywords whose whole meaning is in the shape. */
const structural: ReadonlySet<string> = new Set([
  ...annotations,
  'type',
  'properties',
  'required',
  'additionalProperties',
  'patternProperties',
  'items',
  'anyOf',
  'enum',
  'const',
  '$defs',
  '$ref',
  'additionalItems',
  'prefixItems',
  'x-nanowire',
  'x-name',
  '~kind',
  '~unsafe',
  '~optional',
  '~readonly',
])

/** Keywords that generated code checks by itself, by kind. */
const inlined: Readonly<Record<string, ReadonlySet<string>>> = {
  number: new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']),
  array: new Set(['minItems', 'maxItems']),
  tuple: new Set(['minItems', 'maxItems']), // which say no more than the number of its items
}

/** Whether TypeBox's own check must be asked about a value of this shape, because of a keyword. */
export function needsCheck(shape: Shape): boolean {
  const { kind, schema } = shape
  if (![Object.prototype, null].includes(Object.getPrototypeOf(schema))) return true // it may inherit keywords
  if (
    kind === 'literal' &&
    (!areOfType(shape.values, Reflect.get(schema, 'type')) || ('enum' in schema && 'const' in schema))
  )
    return true
  const known = inlined[kind]
  return Object.getOwnPropertyNames(schema).some((keyword) => {
    if (keyword === '~refine' && (kind === 'bytes' || kind === 'timestamp')) return !isOwnRefine(schema)
    if (known?.has(keyword) === true) return !Number.isFinite(Reflect.get(schema, keyword)) // its literal would say null
    return !structural.has(keyword)
  })
}

/** Whether the one check of bytes or an instant is that of `Bytes` or `Timestamp`, which the generated code knows. */
function isOwnRefine(schema: object): boolean {
  const refines: unknown = Reflect.get(schema, '~refine')
  return Array.isArray(refines) && refines.length === 1 && isOwnRefinement(refines[0])
}

/** Whether a schema's `type`, where it names one, is that of its constants. */
function areOfType(values: readonly unknown[], type: unknown): boolean {
  if (type === undefined) return true
  return values.every((value) => {
    if (type === 'integer') return Number.isInteger(value)
    return value === null ? type === 'null' : typeof value === type
  })
}

/** What the next value of a union must be for a branch to be meant. */
export type TokenClass = 'nil' | 'boolean' | 'number' | 'text' | 'bytes' | 'timestamp' | 'list' | 'map'

const classes: Readonly<Partial<Record<Shape['kind'], TokenClass>>> = {
  null: 'nil',
  boolean: 'boolean',
  number: 'number',
  string: 'text',
  bytes: 'bytes',
  timestamp: 'timestamp',
  array: 'list',
  tuple: 'list',
  object: 'map',
}

/** The class of a shape that is not a union; `undefined` where it has several or none. */
function classOf(shape: Shape): TokenClass | undefined {
  if (shape.kind !== 'literal') return classes[shape.kind]
  const found = new Set(shape.values.map(literalClass))
  const [only] = found
  return found.size === 1 ? only : undefined
}

function literalClass(value: unknown): TokenClass | undefined {
  if (value === null) return 'nil'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'boolean'
  return typeof value === 'number' ? 'number' : undefined
}

/** A union as generated code tells its branches apart. */
export interface Branches {
  /** By class; of literals all that are of one. */
  readonly byClass: ReadonlyMap<TokenClass, readonly Shape[]>
  /** The literal property that tells several objects apart. */
  readonly tag: string | undefined
}

/** How the branches of a union can be told apart; `undefined` where they cannot. */
export function branchesOf(union: UnionShape): Branches | undefined {
  const byClass = new Map<TokenClass, Shape[]>()
  for (const branch of flat(union)) {
    const found = classOf(branch)
    if (!found) return undefined
    byClass.set(found, [...(byClass.get(found) ?? []), branch])
  }
  let tag: string | undefined
  for (const [found, shapes] of byClass) {
    if (shapes.length === 1 || shapes.every((shape) => shape.kind === 'literal' && !needsCheck(shape))) continue
    tag = found === 'map' ? tagOf(shapes as ObjectShape[]) : undefined // all of the class are objects
    if (tag === undefined) return undefined
  }
  return { byClass, tag }
}

/** Unions of unions are unions. */
function flat(union: UnionShape): readonly Shape[] {
  return union.branches.flatMap((branch) => (branch.kind === 'union' && !needsCheck(branch) ? flat(branch) : [branch]))
}

/** The name of a required property whose constants differ from object to object. */
function tagOf(objects: readonly ObjectShape[]): string | undefined {
  const [first] = objects
  return [...(first?.properties.keys() ?? [])].find((name) => {
    const seen = new Set<unknown>()
    return objects.every(({ properties }) => {
      const property = properties.get(name)
      if (!property || property.optional || property.shape.kind !== 'literal') return false
      return property.shape.values.every((value) => !seen.has(value) && seen.add(value))
    })
  })
}

/** Whether this is a record of any names. */
export function isRecord({ properties, patterns, rest }: ObjectShape): boolean {
  return properties.size === 0 && patterns.length === 1 && patterns[0]?.source === '^.*$' && typeof rest === 'string'
}

/** More names than masks are worth. */
const MAX_PROPERTIES = 120

/** Of a schema that is covered. */
interface Cover {
  /** Maps and lists inside each other at most in a value. */
  readonly depth: number
  /** Places in the generated code, where what several places share is written at each. */
  readonly places: number
}

/** More would take seconds to make, and more stack than there is. */
const MAX_PLACES = 16_384

/** Maps and lists inside each other at most in a value of a covered shape; `undefined` for a shape that is not covered. */
export function depthOf(shape: Shape): number | undefined {
  if (shape.kind === 'undefined') return 0
  return coverOf(shape, new Map())?.depth
}

/** @param known what was looked at, each part once; `undefined` for what is being looked at, so that it holds itself */
function coverOf(shape: Shape, known: Map<Shape, Cover | undefined>): Cover | undefined {
  if (known.has(shape)) return known.get(shape)
  known.set(shape, undefined)
  const cover = coverOfKind(shape, known)
  if (cover && cover.places > MAX_PLACES) return undefined
  known.set(shape, cover)
  return cover
}

const LEAF: Cover = { depth: 0, places: 1 }

function coverOfKind(shape: Shape, known: Map<Shape, Cover | undefined>): Cover | undefined {
  const together = (parts: readonly Shape[], around: 0 | 1): Cover | undefined => {
    let [depth, places] = [0, 1]
    for (const part of parts) {
      const cover = coverOf(part, known)
      if (!cover) return undefined
      depth = Math.max(depth, cover.depth)
      places += cover.places
    }
    return { depth: depth + around, places }
  }
  switch (shape.kind) {
    case 'null':
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
    case 'bytes':
    case 'timestamp':
      return LEAF
    case 'literal':
      return shape.values.some((value) => typeof value === 'bigint' || Object.is(value, -0)) ? undefined : LEAF
    case 'ref':
      return together([shape.target()], 0)
    case 'array':
      return together([shape.item], 1)
    case 'tuple':
      return together(shape.items, 1)
    case 'union':
      return branchesOf(shape) && !('oneOf' in shape.schema) ? together(flat(shape), 0) : undefined
    case 'object':
      return isCoveredObject(shape) ? together(partsOf(shape), 1) : undefined
    default:
      return undefined
  }
}

function isCoveredObject(shape: ObjectShape): boolean {
  if (isRecord(shape)) return true
  if (shape.patterns.length > 0 || typeof shape.rest !== 'string') return false
  return shape.properties.size <= MAX_PROPERTIES && !shape.properties.has('__proto__')
}

function partsOf(shape: ObjectShape): readonly Shape[] {
  return [
    ...[...shape.properties.values()].map((property) => property.shape),
    ...shape.patterns.map((one) => one.shape),
  ]
}
