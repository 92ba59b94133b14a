/**
 * The property of comparison, for its test and for the campaign: what is called identical or compatible never fails at the
 * receiver. A value counts if it travels between two sides that both have the sender's schema.
 */
import type { TSchema } from 'typebox'
import { describeSchema } from '../../src/contract/describe.ts'
import { type ContractDescription, gateOf, judgeMethods, Misfit } from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { pack, unpack } from '../../src/wire/index.ts'
import { Chance, mutated, type Node, nodeOf, overlapping, schemaOf, stretched } from './compat-schemas.ts'
import { Values } from './compat-values.ts'

export interface Counts {
  /** Pairs of a schema pair and a value that travels. */
  values: number
  schemaPairs: number
  identical: number
  compatible: number
  breaking: number
  /** Breaking pairs of which a value was found that fails. */
  witnessed: number
  /** Values checked for pairs that are identical or compatible. */
  checked: number
  failures: string[]
}

export const noCounts = (): Counts => ({
  values: 0,
  schemaPairs: 0,
  identical: 0,
  compatible: 0,
  breaking: 0,
  witnessed: 0,
  checked: 0,
  failures: [],
})

/** Values for each pair of schemas, and how many are tried for them. */
const VALUES = 25
const TRIES = 50

/** Adds one pair of schemas, with its values, to the counts. */
export function addPair(seed: number, counts: Counts): void {
  const chance = new Chance(seed)
  const [before, after] = chance.is(0.6) ? anyPair(chance) : overlappingPair(chance)
  const sender = travelling(before)
  const receiver = travelling(after)
  if (!sender || !receiver) return
  const verdict = judgeMethods(described(sender), described(receiver)).get('m')
  counts.schemaPairs++
  counts[verdict?.verdict ?? 'breaking']++
  const values = new Values(before, chance)
  let found = 0
  let isWitnessed = false
  for (let tries = 0; tries < TRIES && found < VALUES; tries++) {
    const value = values.next()
    const bytes = sent(sender, value)
    if (!bytes) continue
    found++
    const failure = failureOf(receiver, bytes)
    if (verdict?.verdict !== 'breaking') counts.checked++
    if (failure === undefined) continue
    isWitnessed = true
    if (verdict?.verdict !== 'breaking') {
      counts.failures.push(`seed ${seed}: ${failure}: ${textOf(value)} of ${textOf(sender)} at ${textOf(receiver)}`)
      break
    }
  }
  counts.values += found
  if (isWitnessed && verdict?.verdict === 'breaking') counts.witnessed++
}

/** Schemas of all kinds, most often the second a little wider. */
function anyPair(chance: Chance): [Node, Node] {
  const before = nodeOf(chance, 1 + chance.below(3))
  const widen = chance.of([0.9, 0.9, 0.9, 0.1])
  let after = before
  for (let steps = chance.below(4); steps >= 0; steps--) after = mutated(after, chance, widen)
  return [before, after]
}

/** Unions of objects that a value may fit at once, where it decides what arrives which of them it fits. */
function overlappingPair(chance: Chance): [Node, Node] {
  const before = overlapping(chance, 2)
  return [before, stretched(before, chance)]
}

/** The schema, if a contract may have it. */
function travelling(node: Node): TSchema | undefined {
  try {
    const schema = schemaOf(node)
    gateOf(schema)
    return schema
  } catch {
    return undefined
  }
}

function described(schema: TSchema): ContractDescription {
  const request = describeSchema(schema, 'm')
  return {
    nanowire: 1,
    name: 'c',
    methods: { m: { kind: 'notify', tag: 1, request, reply: { type: 'void' }, errors: {} } },
  }
}

/** The bytes of a value that fits, and arrives where both sides have its schema. */
function sent(schema: TSchema, value: unknown): Uint8Array | undefined {
  try {
    const bytes = pack(gateOf(schema).toWire(value)).slice()
    gateOf(schema).fromWire(unpack(bytes, 0, bytes.length, defaultLimits))
    return bytes
  } catch (error) {
    if (error instanceof Misfit) return undefined
    throw error
  }
}

function failureOf(schema: TSchema, bytes: Uint8Array): string | undefined {
  try {
    gateOf(schema).fromWire(unpack(bytes, 0, bytes.length, defaultLimits))
    return undefined
  } catch (error) {
    if (error instanceof Misfit) return error.describe()
    throw error
  }
}

export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}n`
    return inner instanceof Uint8Array ? `${inner.length} bytes` : inner
  })
}
