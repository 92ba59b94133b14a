/**
 * A schema's gate: what every value passes on its way to a handler or back to a caller, once in memory, once on each
 * side of a wire. Invariant: what passes fits the schema, holds declared properties only and is the same in every place.
 */
import type { TSchema } from 'typebox'
import { defaultLimits, type Limits } from '../limits.ts'
import { requireBounds, requireEnd } from './bounds.ts'
import { childrenOf } from './judge-shape.ts'
import type { Direction, Pass } from './leaf.ts'
import { firstMisfit, Misfit } from './misfit.ts'
import { PassBuilder } from './pass.ts'
import { shapeOf } from './read-shape.ts'
import type { Shape } from './shape.ts'
import { checkOf } from './validator.ts'

/** How far a value may go before it is looked at in full. */
export type GateLimits = Pick<Limits, 'maxDepth' | 'maxNodes'>

/** The three ways through a schema. Each throws `Misfit` for a value that does not fit. */
export interface Gate {
  readonly shape: Shape
  /** What a higher chapter has made of the shape, kept where it is found at once. */
  made: object | undefined
  /** As a handler or caller in this process receives it: checked, undeclared properties dropped, otherwise the same object. */
  inMemory(value: unknown, limits?: GateLimits): unknown
  /** As MessagePack can say it: checked, with undefined properties left out and -0 as `NegativeZero`. */
  toWire(value: unknown, limits?: GateLimits): unknown
  /** From what MessagePack said: integers and nil as the schema means them, undeclared properties dropped, then checked. */
  fromWire(value: unknown): unknown
}

const gates = new WeakMap<TSchema, Gate>()

/**
 * The gate of a schema, always the same one.
 * @throws NanowireError `invalid_argument` when the schema holds what cannot travel.
 */
export function gateOf(schema: TSchema): Gate {
  const known = gates.get(schema)
  if (known) return known
  const gate = new SchemaGate(shapeOf(schema))
  gates.set(schema, gate)
  return gate
}

class SchemaGate implements Gate {
  readonly shape: Shape
  made: object | undefined
  readonly #isRecursive: boolean
  readonly #isOpenEnded: boolean
  /** By direction and bounds; a process has few of them. */
  readonly #passes = new Map<string, Pass>()
  /** What the last call used, found without making a key. */
  readonly #recent: { [D in Direction]?: { readonly limits: GateLimits; readonly pass: Pass } } = {}

  constructor(shape: Shape) {
    this.shape = shape
    const looks = lookThrough(shape)
    this.#isRecursive = looks.isRecursive
    this.#isOpenEnded = looks.isOpenEnded
  }

  inMemory(value: unknown, limits: GateLimits = defaultLimits): unknown {
    return this.#checkThenPass('inMemory', value, limits)
  }

  toWire(value: unknown, limits: GateLimits = defaultLimits): unknown {
    return this.#checkThenPass('toWire', value, limits)
  }

  fromWire(value: unknown): unknown {
    const check = checkOf(this.shape)
    try {
      const passed = this.#passOf('fromWire', defaultLimits)(value)
      if (check(passed)) return passed
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
    }
    const passed = this.#passOf('fromForeign', defaultLimits)(value)
    if (check(passed)) return passed
    throw firstMisfit(this.shape, passed)
  }

  #checkThenPass(direction: 'inMemory' | 'toWire', value: unknown, limits: GateLimits): unknown {
    if (this.#isRecursive) requireEnd(this.shape, value, limits)
    if (!checkOf(this.shape)(value)) throw firstMisfit(this.shape, value)
    const passed = this.#passOf(direction, limits)(value)
    if (this.#isOpenEnded) requireBounds(passed, limits)
    return passed
  }

  #passOf(direction: Direction, limits: GateLimits): Pass {
    const recent = this.#recent[direction]
    if (recent?.limits === limits) return recent.pass
    const pass = this.#passWithin(direction, limits)
    this.#recent[direction] = { limits, pass }
    return pass
  }

  #passWithin(direction: Direction, { maxDepth, maxNodes }: GateLimits): Pass {
    const key = `${direction} ${maxDepth} ${maxNodes}`
    const known = this.#passes.get(key)
    if (known) return known
    const pass = new PassBuilder(direction, { maxDepth, maxNodes }).wholePassOf(this.shape)
    this.#passes.set(key, pass)
    return pass
  }
}

interface Looks {
  /** The schema refers to itself, so that its check may have no end. */
  readonly isRecursive: boolean
  /** The schema alone does not bound a value: it recurses, lists, or says nothing somewhere. */
  readonly isOpenEnded: boolean
}

function lookThrough(shape: Shape): Looks {
  const heights = new Map<Shape, number>()
  const height = heightOf(shape, heights)
  const lists = [...heights.keys()].some((one) => one.kind === 'unknown' || one.kind === 'array' || hasAnyName(one))
  const isRecursive = height >= defaultLimits.maxDepth
  return { isRecursive, isOpenEnded: isRecursive || lists }
}

/** Shapes inside each other at most; infinite where one holds itself. Each is looked at once, however many hold it. */
function heightOf(shape: Shape, heights: Map<Shape, number>): number {
  const known = heights.get(shape)
  if (known !== undefined) return known
  heights.set(shape, Number.POSITIVE_INFINITY) // for whoever meets it while it is open
  let height = 0
  for (const part of partsOf(shape)) height = Math.max(height, 1 + heightOf(part, heights))
  heights.set(shape, height)
  return height
}

function hasAnyName(shape: Shape): boolean {
  return shape.kind === 'object' && (shape.patterns.length > 0 || typeof shape.rest === 'object')
}

function partsOf(shape: Shape): readonly Shape[] {
  if (shape.kind === 'ref') return [shape.target()]
  if (shape.kind === 'union') return shape.branches
  return shape.kind === 'intersect' ? shape.parts : childrenOf(shape)
}
