/**
 * Schemas by chance with values that fit them or nearly do, for the comparison of the two paths: everything that compiled codecs
 * cover, at the edges of its encodings, and some of what they do not. Everything follows from one seed.
 */
import Type, { type TSchema } from 'typebox'
import { Bytes, Timestamp } from '../../../src/contract/index.ts'
import { type Chance, leafOf, nodeOf, schemaOf } from '../../contract/compat-schemas.ts'
import { Values } from '../../contract/compat-values.ts'

export interface Sample {
  readonly schema: TSchema
  /** A value of it, most often. */
  next(): unknown
}

const numbers = [
  0,
  -0,
  1,
  127,
  128,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 60,
  -1,
  -32,
  -33,
  -128,
  -129,
  -32_768,
  -32_769,
  -(2 ** 31),
  -(2 ** 31) - 1,
  -(2 ** 53),
  0.5,
  -0.5,
  1e300,
  5e-324,
  1e20,
]
const bigints = [0n, 1n, -1n, 5n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)]
const moments = [
  0,
  1,
  -1,
  999,
  1000,
  1500,
  2 ** 32 * 1000 - 1,
  2 ** 32 * 1000,
  2 ** 34 * 1000,
  8.64e15,
  -8.64e15,
  1.7e12 + 7,
]
const lengths = [0, 1, 3, 4, 5, 19, 20, 30, 31, 32, 33, 63, 64, 85, 86, 255, 256]
const units = ['a', 'z', '\n', '\u007f', 'é', '€', '😀', '\ufeff', '\u2028']
const names = [
  'id',
  'name',
  'kind',
  'a',
  'b',
  'c',
  'é',
  'a/b',
  '0',
  '10',
  '',
  'constructorOf',
  'x'.repeat(31),
  'y'.repeat(32),
  'toJSON',
]
const strange: readonly unknown[] = [
  undefined,
  null,
  true,
  'text',
  1.5,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  5n,
  2n ** 70n,
  Symbol('s'),
  () => 1,
  '\ud800',
  {},
  [],
  new Map(),
  new Date(Number.NaN),
  new Date(5),
  Uint8Array.of(1),
  Object.create(null),
  12,
  'p',
]

/** A string of any length at which something changes. */
function textOf(chance: Chance): string {
  const length = chance.is(0.97) ? chance.of(lengths) : chance.of([65_535, 65_536])
  const unit = chance.is(0.7) ? 'x' : chance.of(units)
  const text = unit.repeat(length)
  return chance.is(0.1) ? `${text}${chance.of(units)}` : text
}

/** A sample of any kind, with containers inside each other up to `depth`. */
export function sampleOf(chance: Chance, depth: number): Sample {
  if (chance.is(0.08)) return foreign(chance, depth)
  const sample = depth === 0 || chance.is(0.3) ? leaf(chance) : container(chance, depth)
  return { schema: sample.schema, next: () => (chance.is(0.02) ? chance.of(strange) : sample.next()) }
}

/** What the campaign of compatibility makes: also what is not covered. */
function foreign(chance: Chance, depth: number): Sample {
  const node = depth === 0 ? leafOf(chance) : nodeOf(chance, Math.min(2, depth))
  const values = new Values(node, chance)
  try {
    return { schema: schemaOf(node), next: () => values.next() }
  } catch {
    return { schema: Type.Unknown(), next: () => chance.of(['x', 1]) } // what TypeBox itself does not build
  }
}

function leaf(chance: Chance): Sample {
  switch (chance.below(11)) {
    case 0:
      return { schema: Type.Null(), next: () => null }
    case 1:
      return { schema: Type.Boolean(), next: () => chance.is(0.5) }
    case 2:
    case 3:
      return numberOf(chance)
    case 4:
      return { schema: Type.BigInt(chance.is(0.2) ? { minimum: 1n } : {}), next: () => chance.of(bigints) }
    case 5:
    case 6:
      return stringOf(chance)
    case 7: {
      const bounds = chance.is(0.3) ? { minBytes: chance.below(3), maxBytes: 2 + chance.below(300) } : {}
      return { schema: Bytes(bounds), next: () => new Uint8Array(chance.of(lengths)).fill(chance.below(256)) }
    }
    case 8:
      return { schema: Timestamp(), next: () => new Date(chance.of(moments)) }
    case 9:
      return literalsOf(chance)
    default:
      return { schema: Type.Undefined(), next: () => undefined }
  }
}

function numberOf(chance: Chance): Sample {
  const whole = chance.is(0.5)
  const options: Record<string, number> = {}
  if (chance.is(0.2)) options['minimum'] = chance.of(numbers)
  if (chance.is(0.2)) options['maximum'] = chance.of(numbers)
  if (chance.is(0.1)) options['exclusiveMinimum'] = chance.of(numbers)
  if (chance.is(0.1)) options['exclusiveMaximum'] = chance.of(numbers)
  if (chance.is(0.1)) options['multipleOf'] = chance.of([1, 2, 0.5])
  const schema = whole ? Type.Integer(options) : Type.Number(options)
  return { schema, next: () => (chance.is(0.1) ? chance.below(1000) / 7 : chance.of(numbers)) }
}

function stringOf(chance: Chance): Sample {
  const options: Record<string, unknown> = {}
  if (chance.is(0.2)) options['minLength'] = chance.below(4)
  if (chance.is(0.2)) options['maxLength'] = chance.of([3, 4, 31, 32, 300])
  if (chance.is(0.1)) options['pattern'] = chance.of(['^x*$', 'z', '^.'])
  if (chance.is(0.05)) options['format'] = 'date'
  const schema = Type.String(options)
  if (chance.is(0.05)) {
    return {
      schema: Type.Refine(Type.String({ 'x-name': 'even' }), (text) => text.length % 2 === 0),
      next: () => textOf(chance),
    }
  }
  return { schema, next: () => textOf(chance) }
}

const constants = [
  'a',
  'b',
  'long'.repeat(9),
  '',
  'é',
  0,
  -0,
  1,
  7,
  -1,
  300,
  0.5,
  true,
  false,
  'p',
  'q',
  'r',
  's',
  't',
  'u',
]

function literalsOf(chance: Chance): Sample {
  const values = [
    ...new Set(Array.from({ length: 1 + chance.below(chance.is(0.2) ? 14 : 3) }, () => chance.of(constants))),
  ]
  const [only = 'a'] = values
  const schema =
    values.length === 1
      ? Type.Literal(only)
      : chance.is(0.5)
        ? Type.Union(values.map((value) => Type.Literal(value)))
        : Type.Unsafe({ enum: values })
  return { schema, next: () => (chance.is(0.9) ? chance.of(values) : chance.of(constants)) }
}

function container(chance: Chance, depth: number): Sample {
  switch (chance.below(8)) {
    case 0: {
      const item = sampleOf(chance, depth - 1)
      const options: Record<string, unknown> = {}
      if (chance.is(0.2)) options['minItems'] = chance.below(3)
      if (chance.is(0.2)) options['maxItems'] = 2 + chance.below(20)
      if (chance.is(0.1)) options['uniqueItems'] = true
      return {
        schema: Type.Array(item.schema, options),
        next: () => {
          const items = Array.from({ length: chance.is(0.9) ? chance.below(5) : 14 + chance.below(4) }, () =>
            item.next(),
          )
          if (chance.is(0.02)) delete items[0]
          return items
        },
      }
    }
    case 1: {
      const items = Array.from({ length: chance.below(4) }, () => sampleOf(chance, depth - 1))
      return { schema: Type.Tuple(items.map(({ schema }) => schema)), next: () => items.map((item) => item.next()) }
    }
    case 2:
      return recordOf(chance, depth)
    case 3:
      return unionOf(chance, depth)
    case 4:
      return taggedOf(chance, depth)
    default:
      return objectOf(chance, depth)
  }
}

function recordOf(chance: Chance, depth: number): Sample {
  const item = sampleOf(chance, depth - 1)
  const options: Record<string, unknown> = {}
  if (chance.is(0.1)) options['minProperties'] = chance.below(3)
  if (chance.is(0.1)) options['maxProperties'] = 1 + chance.below(4)
  const schema = chance.is(0.2)
    ? Type.Object({}, { additionalProperties: item.schema, ...options })
    : Type.Record(Type.String(), item.schema, options)
  const keys = [...names, 'line\nbreak', 'toString', 'constructor', '\ud800']
  return {
    schema,
    next: () => {
      const count = chance.is(0.95) ? chance.below(4) : 17
      return Object.fromEntries(
        Array.from({ length: count }, (_, n) => [chance.is(0.9) ? `k${n}` : chance.of(keys), item.next()]),
      )
    },
  }
}

function unionOf(chance: Chance, depth: number): Sample {
  const branches = Array.from({ length: 2 + chance.below(3) }, () => sampleOf(chance, depth - 1))
  const schemas = branches.map(({ schema }) => schema)
  const schema = chance.is(0.1) ? Type.Unsafe({ oneOf: schemas }) : Type.Union(schemas)
  return { schema, next: () => chance.of(branches).next() }
}

/** Objects that a constant tells apart, first in them or not. */
function taggedOf(chance: Chance, depth: number): Sample {
  const isFirst = chance.is(0.6)
  const tags = chance.is(0.6)
    ? ['p', 'q', 'r']
    : chance.of([
        [0, 1, 300],
        [true, false],
        ['p', 0, false],
      ])
  const branches = tags.slice(0, 2 + chance.below(2)).map((tag) => {
    const inner = sampleOf(chance, depth - 1)
    const [kind, content] = [{ kind: Type.Literal(tag) }, { content: inner.schema }]
    return {
      schema: Type.Object(isFirst ? { ...kind, ...content } : { ...content, ...kind }),
      next: () => (isFirst ? { kind: tag, content: inner.next() } : { content: inner.next(), kind: tag }),
    }
  })
  return { schema: Type.Union(branches.map(({ schema }) => schema)), next: () => chance.of(branches).next() }
}

function objectOf(chance: Chance, depth: number): Sample {
  const count = chance.is(0.95) ? chance.below(6) : 10 + chance.below(25)
  const chosen = new Set(Array.from({ length: count }, (_, n) => (count > 9 ? `p${n}` : chance.of(names))))
  const mayMiss = chance.is(0.5)
  const properties = [...chosen].map((name) => {
    return { name, sample: sampleOf(chance, count > 9 ? 0 : depth - 1), optional: mayMiss && chance.is(0.5) }
  })
  const options: Record<string, unknown> = {}
  if (chance.is(0.2)) options['additionalProperties'] = false
  if (chance.is(0.05)) options['maxProperties'] = chance.below(5)
  if (chance.is(0.03)) options['dependentRequired'] = { a: ['b'] }
  const entries = properties.map(({ name, sample, optional }) => {
    return [name, optional ? Type.Optional(sample.schema) : sample.schema] as const
  })
  return {
    schema: Type.Object(Object.fromEntries(entries), options),
    next: () => {
      const fields = properties
        .filter(({ optional }) => !optional || chance.is(0.6))
        .map(({ name, sample }) => [name, sample.next()] as const)
      return chance.is(0.8) ? Object.fromEntries(fields) : oddObject(chance, fields)
    },
  }
}

/** The same properties in another order, with others, or in an object that is not like others. */
function oddObject(chance: Chance, fields: readonly (readonly [string, unknown])[]): unknown {
  const value: Record<PropertyKey, unknown> = Object.fromEntries(fields)
  const [name, inner] = fields.length > 0 ? chance.of(fields) : ['a', 1]
  switch (chance.below(11)) {
    case 0:
      return Object.fromEntries([...fields].reverse())
    case 1:
      return { ...value, undeclared: chance.of(strange) }
    case 2:
      return { undeclared: chance.of(strange), ...value }
    case 3:
      return Object.assign(Object.create(null), value)
    case 4:
      return Object.assign(new Thing(), value)
    case 5:
      return Object.defineProperty(value, name, { enumerable: false })
    case 6:
      return Object.defineProperty(value, name, { get: () => inner, enumerable: true })
    case 7:
      return Object.defineProperty(value, 'hidden', { value: 1, enumerable: false })
    case 8:
      return { ...value, [Symbol('s')]: 1 }
    case 9:
      return { ...value, [name]: undefined }
    default:
      return Object.create(value)
  }
}

class Thing {}
