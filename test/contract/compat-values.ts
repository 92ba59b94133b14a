/** Values by chance for the schemas of compat-schemas.ts: mostly fitting, often with what is undeclared or of a sibling. */
import { type Chance, keys, literals, type Node, names } from './compat-schemas.ts'

const someValue = (chance: Chance): unknown =>
  chance.of<unknown>(['p', '', 1, 2.5, null, true, 5n, [], {}, { a: 1 }, [1, 1], new Uint8Array(2)])

export class Values {
  readonly #root: Node
  readonly #chance: Chance

  constructor(root: Node, chance: Chance) {
    this.#root = root
    this.#chance = chance
  }

  next(): unknown {
    return this.#value(this.#root, 3)
  }

  #count(min = 0, max = min + 3): number {
    return this.#chance.is(0.3)
      ? this.#chance.is(0.5)
        ? min
        : max
      : min + this.#chance.below(Math.max(1, max - min + 1))
  }

  #value(node: Node, depth: number): unknown {
    const chance = this.#chance
    switch (node.t) {
      case 'null':
      case 'never':
        return null
      case 'undefined':
        return undefined
      case 'boolean':
        return chance.is(0.5)
      case 'time':
        return new Date(chance.below(1_000))
      case 'unknown':
        return someValue(chance)
      case 'self':
        return depth > 0 ? this.#value(this.#root, depth - 1) : null
      case 'string': {
        const length = this.#count(node.min, node.max)
        if (node.pattern === '^p') return `p${'z'.repeat(Math.max(0, length - 1))}`
        if (node.pattern === 'q$') return `${'z'.repeat(Math.max(0, length - 1))}q`
        return Array.from({ length }, () => chance.of(['p', 'q', 'é', '😀'])).join('')
      }
      case 'number':
        return this.#number(node)
      case 'bigint': {
        const value = BigInt(this.#count(node.min ?? -4, node.max))
        return node.multiple === undefined ? value : value - (value % BigInt(node.multiple))
      }
      case 'bytes':
        return new Uint8Array(this.#count(node.min, node.max))
      case 'literal':
        return chance.of(node.values.length > 0 ? node.values : literals)
      case 'list': {
        const items = Array.from({ length: depth > 0 ? this.#count(node.min, node.max) : (node.min ?? 0) }, () =>
          this.#value(node.item, depth),
        )
        return items
      }
      case 'tuple':
        return node.items.map((item) => this.#value(item, depth))
      case 'object':
        return this.#object(node, depth)
      case 'record': {
        const entries = Array.from({ length: depth > 0 ? this.#count(node.min, node.max) : (node.min ?? 0) }, () => [
          chance.of(keys),
          this.#value(node.item, depth - 1),
        ])
        return Object.fromEntries(entries)
      }
      case 'union': {
        const value = this.#value(chance.of(node.branches), depth)
        const other = chance.is(0.6) ? this.#value(chance.of(node.branches), depth) : undefined
        return merged(value, other)
      }
      case 'all':
        return node.parts.map((part) => this.#value(part, depth)).reduce(merged)
    }
  }

  #number(node: Node & { t: 'number' }): number {
    const chance = this.#chance
    const edges = [node.min, node.max, node.above].flatMap((edge) =>
      edge === undefined ? [] : [edge, edge + 1, edge - 1, edge + 0.5],
    )
    const picked =
      edges.length > 0 && chance.is(0.6) ? chance.of(edges) : chance.of([-1, -0, 0, 1, 2.5, 6, 12, 1e300, 2 ** 53, 0.1])
    const whole = node.whole ? Math.floor(picked) : picked
    return node.multiple === undefined ? whole : Math.round(whole / node.multiple) * node.multiple
  }

  #object(node: Node & { t: 'object' }, depth: number): Record<string, unknown> {
    const chance = this.#chance
    const value: Record<string, unknown> = {}
    for (const { name, node: inner, optional } of node.props) {
      if (!optional || (depth > 0 && chance.is(0.6))) value[name] = this.#value(inner, depth - 1)
    }
    if (node.rest !== 'refuse' && chance.is(0.3)) {
      const name = chance.of([...names, ...keys])
      if (!(name in value))
        value[name] = typeof node.rest === 'object' ? this.#value(node.rest, depth - 1) : someValue(chance)
    }
    return value
  }
}

/** What a value of both may look like. */
function merged(one: unknown, other: unknown): unknown {
  if (!isMap(one) || !isMap(other)) return one
  const both: Record<string, unknown> = { ...other, ...one }
  for (const name of Object.keys(both)) if (name in one && name in other) both[name] = merged(one[name], other[name])
  return both
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
