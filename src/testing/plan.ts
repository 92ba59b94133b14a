/**
 * A plan says how to build values of a shape (spec/testing.md): intersections are merged, unions flattened, references
 * followed. Invariant: plans are finite in number, so a recursive schema is a graph of plans with cycles, and what a
 * plan does not fulfil by construction stands in its `checks`.
 */
import type fc from 'fast-check'
import type { TSchema } from 'typebox'
import { checkOf, type Shape, shapeOf } from '../contract/index.ts'
import { misuse } from '../errors.ts'
import { isConstructed } from './keywords.ts'
import { leavesOf } from './leaf.ts'

export type ShapeOf<Kind extends Shape['kind']> = Extract<Shape, { kind: Kind }>

/** Asked for every schema; what it returns stands in for the plan's own values, which are checked all the same. */
export type Override = (schema: TSchema & Readonly<Record<string, unknown>>) => fc.Arbitrary<unknown> | undefined

export type Plan = LeafPlan | ArrayPlan | TuplePlan | ObjectPlan | UnionPlan | NeverPlan

interface Base {
  /** Shapes whose whole schema the built value must still be checked against. */
  readonly checks: readonly Shape[]
}
export interface LeafPlan extends Base {
  readonly kind: 'leaf'
  readonly values: fc.Arbitrary<unknown>
}
export interface ArrayPlan extends Base {
  readonly kind: 'array'
  readonly item: () => Plan
  readonly minItems: number
  readonly maxItems: number
  readonly unique: boolean
  /** Items that must be among them, each at least `count` times. */
  readonly contains: readonly { readonly item: () => Plan; readonly count: number }[]
}
export interface TuplePlan extends Base {
  readonly kind: 'tuple'
  readonly items: readonly (() => Plan)[]
}
export interface ObjectPlan extends Base {
  readonly kind: 'object'
  readonly properties: ReadonlyMap<string, { readonly plan: () => Plan; readonly required: boolean }>
  readonly minProperties: number
  readonly maxProperties: number
  /** Undeclared properties that a value may have: what their names match (`undefined`: anything), and about what they are. */
  readonly broughtAlong: readonly { readonly names: string | undefined; readonly roughly: () => Plan }[]
  /** The plan of a property that no name declares; `undefined` where there may be none. */
  readonly planFor: (name: string) => Plan | undefined
}
export interface UnionPlan extends Base {
  readonly kind: 'union'
  readonly branches: readonly Plan[]
}
export interface NeverPlan extends Base {
  readonly kind: 'never'
  readonly reason: string
}

/** What a value must be all at once: shapes that are no union, reference or intersection, and what else must hold. */
interface Form {
  readonly shapes: readonly Shape[]
  readonly checks: readonly Shape[]
  readonly given?: fc.Arbitrary<unknown>
}

/** Past this an intersection of unions has more combinations than a test will ever see. */
const MAX_FORMS = 500

export class Planner {
  readonly #override: Override
  readonly #plans = new Map<string, Plan>()
  readonly #ids = new Map<Shape, number>()

  constructor(override: Override = () => undefined) {
    this.#override = override
  }

  /** The plan of what fits all of these shapes. */
  planOf(shapes: readonly Shape[]): Plan {
    const key = [...new Set(shapes.map((shape) => this.#idOf(shape)))].sort((a, b) => a - b).join()
    const plan = this.#plans.get(key) ?? this.#build(shapes)
    this.#plans.set(key, plan)
    return plan
  }

  #idOf(shape: Shape): number {
    const known = this.#ids.get(shape)
    if (known !== undefined) return known
    this.#ids.set(shape, this.#ids.size)
    return this.#ids.size - 1
  }

  #build(shapes: readonly Shape[]): Plan {
    const plans = this.#formsOf(shapes).map((form) => this.#planForm(form))
    const possible = plans.filter((plan) => plan.kind !== 'never')
    const [first] = possible
    if (!first) return plans[0] ?? never('it has no form')
    return possible.length === 1 ? first : { kind: 'union', branches: possible, checks: [] }
  }

  #formsOf(shapes: readonly Shape[]): readonly Form[] {
    let forms: readonly Form[] = [{ shapes: [], checks: [] }]
    for (const shape of shapes) {
      const more = this.#formsOfOne(shape)
      forms = forms.flatMap((form) => more.map((other) => joined(form, other))).slice(0, MAX_FORMS)
    }
    return forms
  }

  #formsOfOne(shape: Shape): readonly Form[] {
    const checks = isConstructed(shape) ? [] : [shape]
    const given = this.#override(shape.schema as TSchema & Readonly<Record<string, unknown>>) // any schema can be asked for keywords
    if (given !== undefined) return [{ shapes: [], checks: [shape], given: requireArbitrary(given) }]
    const inner =
      shape.kind === 'ref'
        ? this.#formsOfOne(shape.target())
        : shape.kind === 'union'
          ? shape.branches.flatMap((branch) => this.#formsOfOne(branch))
          : shape.kind === 'intersect'
            ? this.#formsOf(shape.parts)
            : [{ shapes: [shape], checks: [] }]
    return inner.map((form) => ({ ...form, checks: [...checks, ...form.checks] }))
  }

  #planForm({ shapes, checks, given }: Form): Plan {
    const distinct = [...new Set(shapes)]
    if (given) return { kind: 'leaf', values: given, checks: [...checks, ...distinct] }
    const telling = distinct.filter((shape) => shape.kind !== 'unknown')
    if (telling.some((shape) => shape.kind === 'never')) return never('it is Never')
    const objects = telling.filter((shape) => shape.kind === 'object')
    if (objects.length > 0 && objects.length === telling.length) return this.#planObject(objects, checks)
    const lists = telling.filter((shape) => shape.kind === 'array' || shape.kind === 'tuple')
    if (lists.length > 0 && lists.length === telling.length) return this.#planList(lists, checks)
    const values = leavesOf(telling)
    if (typeof values === 'string') return never(values)
    return { kind: 'leaf', values, checks: telling.length > 1 ? [...checks, ...telling] : checks }
  }

  #planObject(objects: readonly ShapeOf<'object'>[], checks: readonly Shape[]): Plan {
    const names = new Set(objects.flatMap((object) => [...object.properties.keys()]))
    const properties = new Map<string, { plan: () => Plan; required: boolean }>()
    for (const name of names) {
      const required = objects.some((object) => object.properties.get(name)?.optional === false)
      const shapes = shapesOfProperty(objects, name)
      if (shapes) properties.set(name, { plan: () => this.planOf(shapes), required })
      else if (required) return never(`one part requires the property ${JSON.stringify(name)} and another forbids it`)
    }
    const broughtAlong = objects.flatMap(({ patterns, rest }) => [
      ...patterns.map(({ source, shape }) => ({ names: source, roughly: () => this.planOf([shape]) })),
      ...(typeof rest === 'object' ? [{ names: undefined, roughly: () => this.planOf([rest]) }] : []),
    ])
    return {
      kind: 'object',
      checks,
      properties,
      minProperties: Math.max(0, ...objects.map((object) => keywordOf(object, 'minProperties') ?? 0)),
      maxProperties: Math.min(
        ...objects.map((object) => keywordOf(object, 'maxProperties') ?? Number.POSITIVE_INFINITY),
      ),
      broughtAlong,
      planFor: (name) => {
        const shapes = names.has(name) ? undefined : shapesOfProperty(objects, name)
        return shapes && shapes.length > 0 ? this.planOf(shapes) : undefined
      },
    }
  }

  #planList(lists: readonly ShapeOf<'array' | 'tuple'>[], checks: readonly Shape[]): Plan {
    const arrays = lists.filter((list) => list.kind === 'array')
    const tuples = lists.filter((list) => list.kind === 'tuple')
    const [tuple] = tuples
    const itemShapes = arrays.map((array) => array.item)
    if (tuple) {
      if (tuples.some((other) => other.items.length !== tuple.items.length)) return never('its tuples differ in length')
      const items = tuple.items.map(
        (_, n) => () => this.planOf([...tuples.flatMap((one) => one.items[n] ?? []), ...itemShapes]),
      )
      return { kind: 'tuple', items, checks: lists.length > 1 ? [...checks, ...lists] : checks }
    }
    const minItems = Math.max(0, ...arrays.map((array) => keywordOf(array, 'minItems') ?? 0))
    const maxItems = Math.min(...arrays.map((array) => keywordOf(array, 'maxItems') ?? Number.POSITIVE_INFINITY))
    if (minItems > maxItems) return never(`no array has ${minItems} items or more and ${maxItems} or less`)
    return {
      kind: 'array',
      checks,
      item: () => this.planOf(itemShapes),
      minItems,
      maxItems,
      unique: arrays.some((array) => 'uniqueItems' in array.schema && array.schema.uniqueItems !== false),
      contains: arrays.flatMap((array) => {
        const contained = containedShape(array)
        const count = keywordOf(array, 'minContains') ?? 1
        return contained && count > 0 ? [{ item: () => this.planOf([...itemShapes, contained]), count }] : []
      }),
    }
  }
}

function joined(one: Form, other: Form): Form {
  const form = { shapes: [...one.shapes, ...other.shapes], checks: [...one.checks, ...other.checks] }
  const given = one.given ?? other.given
  return given ? { ...form, given } : form
}

/** All that is said of a property, or `undefined` when one of the objects forbids it. */
function shapesOfProperty(objects: readonly ShapeOf<'object'>[], name: string): readonly Shape[] | undefined {
  const shapes: Shape[] = []
  for (const object of objects) {
    const declared = object.properties.get(name)
    const matched = object.patterns.filter((pattern) => pattern.regExp.test(name))
    if (declared) shapes.push(declared.shape)
    shapes.push(...matched.map((pattern) => pattern.shape))
    if (declared || matched.length > 0) continue
    if (object.rest === 'refuse') return undefined
    if (object.rest !== 'drop') shapes.push(object.rest)
  }
  return shapes
}

/** `contains` is no part of the shape, since it says nothing of the wire. */
function containedShape(array: ShapeOf<'array'>): Shape | undefined {
  if (!('contains' in array.schema)) return undefined
  return shapeOf({ $defs: array.scope, allOf: [array.schema.contains] } as TSchema) // a schema of JSON schema's own keywords
}

function keywordOf(shape: Shape, keyword: string): number | undefined {
  const value = (shape.schema as Readonly<Record<string, unknown>>)[keyword] // any schema can be asked for keywords
  return typeof value === 'number' ? value : undefined
}

function never(reason: string): NeverPlan {
  return { kind: 'never', reason, checks: [] }
}

/** Whether a value that was built from the plan's parts fits the plan. */
export function fits(plan: Plan, value: unknown): boolean {
  return plan.checks.every((shape) => checkOf(shape)(value))
}

/** Another copy of fast-check makes good ones too. */
function requireArbitrary(given: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  if (typeof given?.generate === 'function') return given
  throw misuse(`override returns an arbitrary of fast-check, or undefined, not ${String(given)}`)
}
