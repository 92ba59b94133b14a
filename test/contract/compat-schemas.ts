/**
 * Schemas and their mutations by chance, for the property of comparison: small, with few names and bounds, so that forms
 * overlap often. Everything follows from one seed.
 */
import Type, { type TSchema } from 'typebox'
import { Bytes, Timestamp } from '../../src/contract/index.ts'

/** Chance from a seed (mulberry32). */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to but not 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  is(probability: number): boolean {
    return this.next() < probability
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T // there is at least one
  }
}

export type Literal = string | number | bigint | boolean

/** A schema as the generators and mutations see it. */
export type Node =
  | { t: 'null' | 'undefined' | 'boolean' | 'time' | 'unknown' | 'self' | 'never' }
  | { t: 'string'; min?: number; max?: number; pattern?: string }
  | { t: 'number'; whole: boolean; min?: number; max?: number; above?: number; multiple?: number }
  | { t: 'bigint'; min?: number; max?: number; multiple?: number }
  | { t: 'bytes'; min?: number; max?: number }
  | { t: 'literal'; values: Literal[] }
  | { t: 'list'; item: Node; min?: number; max?: number; unique?: boolean }
  | { t: 'tuple'; items: Node[] }
  | { t: 'object'; props: Prop[]; rest: 'drop' | 'refuse' | Node; min?: number; max?: number }
  | { t: 'record'; key?: string; item: Node; min?: number; max?: number; closed?: boolean }
  | { t: 'union'; branches: Node[]; exclusive?: boolean }
  | { t: 'all'; parts: Node[]; closed?: boolean }
export interface Prop {
  name: string
  node: Node
  optional: boolean
}

export const names = ['a', 'b', 'c', 'd', 'kind']
export const keys = ['a', 'b', 'x1', 'x2', 'y\n', 'kind']
export const literals: readonly Literal[] = ['p', 'q', 'r', 'long', 0, 1, 7, 5n, true]
const keyPatterns = ['^x\\d$', '^[a-d]$']

const bounds = (chance: Chance, most = 4) => {
  const min = chance.is(0.4) ? chance.below(most) : undefined
  const max = chance.is(0.4) ? (min ?? 0) + chance.below(most) : undefined
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
}

export function leafOf(chance: Chance): Node {
  switch (chance.below(12)) {
    case 0:
      return { t: 'null' }
    case 1:
      return { t: 'boolean' }
    case 2:
      return { t: 'bytes', ...bounds(chance) }
    case 3:
      return { t: chance.of(['time', 'unknown', 'undefined', 'never'] as const) }
    case 4:
      return { t: 'bigint', ...bounds(chance, 8), ...(chance.is(0.2) ? { multiple: chance.of([1, 2, 4]) } : {}) }
    case 5:
    case 6:
      return { t: 'literal', values: Array.from({ length: 1 + chance.below(3) }, () => chance.of(literals)) }
    case 7:
    case 8:
    case 9: {
      const multiple = chance.is(0.25) ? { multiple: chance.of([0.5, 1, 2, 3, 4, 6]) } : {}
      return {
        t: 'number',
        whole: chance.is(0.5),
        ...bounds(chance, 8),
        ...multiple,
        ...(chance.is(0.15) ? { above: chance.below(4) } : {}),
      }
    }
    default:
      return { t: 'string', ...bounds(chance), ...(chance.is(0.15) ? { pattern: chance.of(['^p', 'q$']) } : {}) }
  }
}

export function nodeOf(chance: Chance, depth: number): Node {
  if (depth === 0) return chance.is(0.06) ? { t: 'self' } : leafOf(chance)
  switch (chance.below(11)) {
    case 0:
      return leafOf(chance)
    case 1:
      return {
        t: 'list',
        item: nodeOf(chance, depth - 1),
        ...bounds(chance),
        ...(chance.is(0.2) ? { unique: true } : {}),
      }
    case 2:
      return { t: 'tuple', items: Array.from({ length: chance.below(3) }, () => nodeOf(chance, depth - 1)) }
    case 3:
      return {
        t: 'record',
        item: nodeOf(chance, depth - 1),
        ...(chance.is(0.4) ? { key: chance.of(keyPatterns) } : {}),
        ...(chance.is(0.2) ? bounds(chance) : {}),
        ...(chance.is(0.2) ? { closed: true } : {}),
      }
    case 4:
    case 5:
      return unionOf(chance, depth)
    case 6:
      return {
        t: 'all',
        parts: [objectOf(chance, depth), chance.is(0.2) ? unionOf(chance, depth) : objectOf(chance, depth)],
        ...(chance.is(0.2) ? { closed: true } : {}),
      }
    default:
      return objectOf(chance, depth)
  }
}

export function objectOf(chance: Chance, depth: number): Node & { t: 'object' } {
  const chosen = names.filter(() => chance.is(0.45))
  return {
    t: 'object',
    props: chosen.map((name) => ({
      name,
      node:
        name === 'kind' && chance.is(0.7)
          ? { t: 'literal', values: [chance.of(['p', 'q', 'r'])] }
          : nodeOf(chance, depth - 1),
      optional: chance.is(0.4),
    })),
    rest: chance.is(0.75) ? 'drop' : chance.is(0.6) ? 'refuse' : nodeOf(chance, depth - 1),
    ...(chance.is(0.1) ? bounds(chance) : {}),
  }
}

function unionOf(chance: Chance, depth: number): Node {
  const branches = Array.from({ length: 2 + chance.below(2) }, () =>
    chance.is(0.6) ? objectOf(chance, depth) : nodeOf(chance, depth - 1),
  )
  return { t: 'union', branches, ...(chance.is(0.15) ? { exclusive: true } : {}) }
}

const minMax = (node: { min?: number; max?: number }, what: string) => ({
  ...(node.min === undefined ? {} : { [`min${what}`]: node.min }),
  ...(node.max === undefined ? {} : { [`max${what}`]: node.max }),
})

/** The TypeBox schema; one that refers to itself becomes a Cyclic. */
export function schemaOf(node: Node): TSchema {
  return holdsSelf(node) ? Type.Cyclic({ Self: build(node) }, 'Self') : build(node)
}

function build(node: Node): TSchema {
  switch (node.t) {
    case 'null':
      return Type.Null()
    case 'undefined':
      return Type.Undefined()
    case 'boolean':
      return Type.Boolean()
    case 'time':
      return Timestamp()
    case 'unknown':
      return Type.Unknown()
    case 'never':
      return Type.Never()
    case 'self':
      return Type.Ref('Self')
    case 'string':
      return Type.String({
        ...minMax(node, 'Length'),
        ...(node.pattern === undefined ? {} : { pattern: node.pattern }),
      })
    case 'number': {
      const options = {
        ...(node.min === undefined ? {} : { minimum: node.min }),
        ...(node.max === undefined ? {} : { maximum: node.max }),
        ...(node.above === undefined ? {} : { exclusiveMinimum: node.above }),
        ...(node.multiple === undefined ? {} : { multipleOf: node.multiple }),
      }
      return node.whole ? Type.Integer(options) : Type.Number(options)
    }
    case 'bigint':
      return Type.BigInt({
        ...(node.min === undefined ? {} : { minimum: BigInt(node.min) }),
        ...(node.max === undefined ? {} : { maximum: BigInt(node.max) }),
        ...(node.multiple === undefined ? {} : { multipleOf: BigInt(node.multiple) }),
      })
    case 'bytes':
      return Bytes(minMax(node, 'Bytes'))
    case 'literal':
      return node.values.length === 1
        ? Type.Literal(node.values[0] as Literal) // there is one
        : Type.Union(node.values.map((value) => Type.Literal(value)))
    case 'list':
      return Type.Array(build(node.item), { ...minMax(node, 'Items'), ...(node.unique ? { uniqueItems: true } : {}) })
    case 'tuple':
      return Type.Tuple(node.items.map(build))
    case 'object': {
      const entries = node.props.map(({ name, node: inner, optional }) => {
        const schema = build(inner)
        return [name, optional ? Type.Optional(schema) : schema] as const
      })
      const rest =
        node.rest === 'drop' ? {} : { additionalProperties: node.rest === 'refuse' ? false : build(node.rest) }
      return Type.Object(Object.fromEntries(entries), { ...rest, ...minMax(node, 'Properties') })
    }
    case 'record': {
      const options = { ...minMax(node, 'Properties'), ...(node.closed ? { additionalProperties: false } : {}) }
      if (node.key === undefined) return Type.Record(Type.String(), build(node.item), options)
      return Type.Unsafe({ type: 'object', patternProperties: { [node.key]: build(node.item) }, ...options })
    }
    case 'union':
      return node.exclusive ? Type.Unsafe({ oneOf: node.branches.map(build) }) : Type.Union(node.branches.map(build))
    case 'all':
      return Type.Intersect(node.parts.map(build), node.closed ? { unevaluatedProperties: false } : {})
  }
}

/** The nodes right below one. */
export function innerOf(node: Node): readonly Node[] {
  switch (node.t) {
    case 'list':
    case 'record':
      return [node.item]
    case 'tuple':
      return node.items
    case 'object':
      return [...node.props.map((prop) => prop.node), ...(typeof node.rest === 'object' ? [node.rest] : [])]
    case 'union':
      return node.branches
    case 'all':
      return node.parts
    default:
      return []
  }
}

export function holdsSelf(node: Node): boolean {
  return node.t === 'self' || innerOf(node).some(holdsSelf)
}

/** A mutated copy, most often a little wider or narrower. */
export function mutated(node: Node, chance: Chance, widen: number): Node {
  const copy = structuredClone(node)
  const all: Node[] = []
  const visit = (one: Node): void => {
    all.push(one)
    for (const inner of innerOf(one)) visit(inner)
  }
  visit(copy)
  const target = chance.of(all)
  const changed = changedOf(target, chance, chance.is(widen))
  return target === copy ? changed : replaced(copy, target, changed)
}

function replaced(node: Node, from: Node, to: Node): Node {
  if (node === from) return to
  const next = (inner: Node) => replaced(inner, from, to)
  switch (node.t) {
    case 'list':
    case 'record':
      return { ...node, item: next(node.item) }
    case 'tuple':
      return { ...node, items: node.items.map(next) }
    case 'object':
      return {
        ...node,
        props: node.props.map((prop) => ({ ...prop, node: next(prop.node) })),
        rest: typeof node.rest === 'object' ? next(node.rest) : node.rest,
      }
    case 'union':
      return { ...node, branches: node.branches.map(next) }
    case 'all':
      return { ...node, parts: node.parts.map(next) }
    default:
      return node
  }
}

/** One step; `wider` where the receiver is to take more. */
function changedOf(node: Node, chance: Chance, wider: boolean): Node {
  if (chance.is(0.04)) return nodeOf(chance, 1)
  if (wider && chance.is(0.12)) return { t: 'union', branches: [node, leafOf(chance)] }
  const step = wider ? 1 : -1
  const loosened = <T extends { min?: number; max?: number }>(one: T): T => {
    const next = { ...one }
    if (next.min !== undefined && chance.is(0.6)) next.min = Math.max(0, next.min - step)
    if (next.max !== undefined && chance.is(0.6)) next.max = Math.max(0, next.max + step)
    if (wider && chance.is(0.3)) delete next.max
    if (!wider && next.max === undefined && chance.is(0.3)) next.max = 2 + chance.below(3)
    return next
  }
  switch (node.t) {
    case 'string': {
      const next = loosened(node)
      if (wider) delete next.pattern
      return next
    }
    case 'bytes':
      return loosened(node)
    case 'bigint': {
      const next = loosened(node)
      if (wider && chance.is(0.5)) delete next.multiple
      return next
    }
    case 'number': {
      const next = { ...loosened(node), ...(chance.is(0.5) ? { whole: !wider } : {}) }
      if (wider && chance.is(0.5)) delete next.multiple
      if (wider && chance.is(0.5)) delete next.above
      return next
    }
    case 'literal':
      if (wider) return { t: 'literal', values: [...node.values, chance.of(literals)] }
      return { t: 'literal', values: node.values.length > 1 ? node.values.slice(1) : [chance.of(literals)] }
    case 'list':
      return { ...loosened(node), ...(wider ? { unique: false } : chance.is(0.3) ? { unique: true } : {}) }
    case 'record':
      return chance.is(0.3)
        ? { t: 'object', props: [], rest: wider ? 'drop' : node.item }
        : { ...loosened(node), ...(wider ? { closed: false } : {}) }
    case 'tuple':
      return chance.is(0.5) || node.items.length === 0
        ? { t: 'list', item: node.items[0] ?? leafOf(chance) }
        : { t: 'tuple', items: node.items.slice(1) }
    case 'union': {
      const branches = [...node.branches]
      if (wider)
        branches.splice(chance.below(branches.length + 1), 0, chance.is(0.5) ? objectOf(chance, 1) : leafOf(chance))
      else branches.splice(chance.below(branches.length), 1)
      if (branches.length === 0) return node
      return { ...node, branches }
    }
    case 'all':
      return wider && chance.is(0.5)
        ? (node.parts[0] ?? node)
        : { ...node, parts: [...node.parts, objectOf(chance, 1)] }
    case 'object':
      return changedObject(node, chance, wider)
    default:
      return wider ? { t: 'unknown' } : leafOf(chance)
  }
}

function changedObject(node: Node & { t: 'object' }, chance: Chance, wider: boolean): Node {
  const free = names.filter((name) => !node.props.some((prop) => prop.name === name))
  const index = chance.below(Math.max(1, node.props.length))
  const way = chance.below(5)
  if (way === 0 && free.length > 0) {
    return { ...node, props: [...node.props, { name: chance.of(free), node: nodeOf(chance, 1), optional: wider }] }
  }
  if (way <= 2 && node.props.length > 0) {
    return { ...node, props: node.props.map((prop, n) => (n === index ? { ...prop, optional: wider } : prop)) }
  }
  if (way === 3 && wider) return { ...node, props: node.props.filter((_, n) => n !== index) }
  if (way === 3) return { ...node, rest: 'refuse' }
  return { ...node, rest: wider ? 'drop' : { t: 'string' }, ...(wider ? {} : { max: 2 }) }
}

const few = ['a', 'b', 'c']

function smallOf(chance: Chance, depth: number): Node {
  if (depth > 0 && chance.is(0.35)) return overlapping(chance, depth - 1)
  return chance.of<Node>([
    { t: 'string' },
    { t: 'string' },
    { t: 'number', whole: false },
    { t: 'number', whole: true },
    { t: 'null' },
    { t: 'undefined' },
    { t: 'boolean' },
    { t: 'unknown' },
  ])
}

function smallObject(chance: Chance, depth: number): Node & { t: 'object' } {
  const chosen = few.filter(() => chance.is(0.5))
  return {
    t: 'object',
    props: chosen.map((name) => ({ name, node: smallOf(chance, depth), optional: chance.is(0.5) })),
    rest: chance.is(0.85) ? 'drop' : chance.is(0.5) ? 'refuse' : smallOf(chance, 0),
    ...(chance.is(0.08) ? { max: 1 + chance.below(2) } : {}),
  }
}

/** A union of objects that a value may well fit all at once, or such an object, or a list of them. */
export function overlapping(chance: Chance, depth: number): Node {
  if (chance.is(0.15)) return smallObject(chance, depth)
  if (depth > 0 && chance.is(0.15)) return { t: 'list', item: overlapping(chance, depth - 1) }
  return { t: 'union', branches: Array.from({ length: 2 + chance.below(2) }, () => smallObject(chance, depth)) }
}

/** The same, each object with an optional property more or less, and perhaps another form beside it. */
export function stretched(node: Node, chance: Chance): Node {
  switch (node.t) {
    case 'list':
      return { ...node, item: stretched(node.item, chance) }
    case 'union': {
      const branches = node.branches.map((branch) => stretched(branch, chance))
      if (chance.is(0.3)) branches.push(smallObject(chance, 1))
      if (chance.is(0.1)) branches.reverse()
      return { ...node, branches }
    }
    case 'object': {
      const props = node.props.map((prop) => ({
        ...prop,
        node: chance.is(0.5) ? stretched(prop.node, chance) : prop.node,
        optional: prop.optional || chance.is(0.2),
      }))
      const free = few.filter((name) => !props.some((prop) => prop.name === name))
      if (free.length > 0 && chance.is(0.4))
        props.push({ name: chance.of(free), node: smallOf(chance, 1), optional: true })
      if (props.length > 0 && chance.is(0.15)) props.splice(chance.below(props.length), 1)
      const next: Node = { ...node, props }
      return chance.is(0.05) ? { ...next, max: 2 } : next
    }
    default:
      return chance.is(0.1) ? { t: 'union', branches: [node, { t: 'bytes' }] } : node
  }
}
