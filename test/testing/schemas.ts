/**
 * Schemas made by chance, to test with, and the door to the table of them. Supported schemas only, each with at least
 * one value.
 */
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { Bytes, Timestamp } from '../../src/contract/index.ts'
import { Even, formats, patterns } from './schema-table.ts'

export { schemaTable } from './schema-table.ts'

const NumberedKey = Type.TemplateLiteral([Type.Literal('k'), Type.Integer()])

const small = fc.nat({ max: 3 })

const numbers = fc
  .tuple(
    fc.boolean(),
    fc.option(fc.integer({ min: -300, max: 300 })),
    fc.option(fc.nat({ max: 500 })),
    fc.option(fc.constantFrom(1, 2, 0.5)),
  )
  .map(([integer, minimum, span, multipleOf]) => {
    const bounds = {
      ...(minimum === null ? {} : { minimum, ...(span === null ? {} : { maximum: minimum + span + 1 }) }),
      ...(multipleOf === null ? {} : { multipleOf }),
    }
    return integer ? Type.Integer(bounds) : Type.Number(bounds)
  })

const strings = fc.oneof(
  fc
    .tuple(small, fc.option(small))
    .map(([minLength, more]) => Type.String({ minLength, ...(more === null ? {} : { maxLength: minLength + more }) })),
  fc.constantFrom(...formats).map((format) => Type.String({ format })),
  fc.constantFrom(...patterns).map((pattern) => Type.String({ pattern })),
)

/** None of these is nil on the wire, so they may stand in one union. */
const plainScalars: fc.Arbitrary<TSchema> = fc.oneof(
  numbers,
  strings,
  fc.tuple(small, small).map(([min, more]) => Bytes({ minBytes: min, maxBytes: min + more })),
  fc.constantFrom<TSchema>(
    Type.Boolean(),
    Type.BigInt(),
    Type.BigInt({ minimum: 0n }),
    Timestamp(),
    Even,
    Type.Literal('a'),
    Type.Literal(7),
    Type.Enum(['x', 'y']),
    Type.TemplateLiteral([Type.Literal('v'), Type.Integer()]),
  ),
)

const names = fc.constantFrom('a', 'b', 'c', 'd', 'é', 'a/b', '0', '', 'toJSON')

function objectsOf(values: fc.Arbitrary<TSchema>): fc.Arbitrary<TSchema> {
  const properties = fc
    .dictionary(names, fc.tuple(values, fc.boolean()), { maxKeys: 5, noNullPrototype: true })
    .map((entries) =>
      Object.fromEntries(
        Object.entries(entries).map(([name, [schema, optional]]) => [name, optional ? Type.Optional(schema) : schema]),
      ),
    )
  return fc.oneof(
    properties.map((entries) => Type.Object(entries)),
    properties.map((entries) => Type.Object(entries, { additionalProperties: false })),
    fc.tuple(properties, values).map(([entries, rest]) => Type.Object(entries, { additionalProperties: rest })),
    fc.tuple(properties, properties).map(([one, other]) => {
      const others = Object.entries(other).filter(([name]) => !(name in one)) // what both declare might contradict itself
      return Type.Intersect([Type.Object(one), Type.Object(Object.fromEntries(others))])
    }),
    values.map((value) => Type.Record(Type.String(), value)),
    values.map((value) => Type.Record(NumberedKey, value)),
  )
}

function containersOf(values: fc.Arbitrary<TSchema>): fc.Arbitrary<TSchema> {
  return fc.oneof(
    objectsOf(values),
    fc
      .tuple(values, small, fc.option(small))
      .map(([item, minItems, more]) =>
        Type.Array(item, { minItems, ...(more === null ? {} : { maxItems: minItems + more }) }),
      ),
    fc.array(values, { maxLength: 3 }).map((items) => Type.Tuple(items)),
  )
}

interface Nested {
  readonly values: fc.Arbitrary<TSchema>
  /** Schemas that nil does not fit: two branches of a union that it fits cannot be told apart. */
  readonly notNil: fc.Arbitrary<TSchema>
}

/** Schemas of `depth` types inside each other, and what in them may be nil. */
function nested(depth: number, nils: readonly TSchema[]): Nested {
  if (depth === 0) {
    const values = fc.oneof({ weight: 8, arbitrary: plainScalars }, { weight: 1, arbitrary: fc.constantFrom(...nils) })
    return { values, notNil: plainScalars }
  }
  const inner = nested(depth - 1, nils)
  const containers = containersOf(inner.values)
  const unions = fc.array(inner.notNil, { minLength: 1, maxLength: 4 }).map((branches) => Type.Union(branches))
  const nilUnions = fc
    .tuple(fc.array(inner.notNil, { minLength: 1, maxLength: 3 }), fc.constantFrom(...nils))
    .map(([branches, nil]) => Type.Union([...branches, nil]))
  const notNil = fc.oneof(
    { weight: 2, arbitrary: inner.notNil },
    { weight: 3, arbitrary: containers },
    { weight: 1, arbitrary: unions },
  )
  return {
    values: fc.oneof(
      { weight: 5, arbitrary: notNil },
      { weight: 2, arbitrary: inner.values },
      { weight: 1, arbitrary: nilUnions },
    ),
    notNil,
  }
}

/** Puts references to the whole where the schema has optional properties and items, so that it has an end. */
const recursive = (values: fc.Arbitrary<TSchema>): fc.Arbitrary<TSchema> =>
  fc.tuple(values, fc.constantFrom('optional', 'array', 'union', 'record')).map(([schema, way]) => {
    const self = Type.Ref('Self')
    const inner = {
      optional: Type.Optional(self),
      array: Type.Array(self),
      union: Type.Union([self, Type.Null()]),
      record: Type.Record(Type.String(), self),
    }[way]
    return Type.Cyclic({ Self: Type.Object({ content: schema, inner }) }, 'Self')
  })

/** Supported schemas of any kind, at most `depth` types inside each other (default 3). All their values survive the wire. */
export function arbitrarySchema(depth = 3): fc.Arbitrary<TSchema> {
  // `null` and `undefined` are both nil on the wire, so a union could hold a container of each that look the same there.
  const either = (nils: readonly TSchema[]) =>
    fc.oneof(
      { weight: 6, arbitrary: nested(depth, nils).values },
      { weight: 1, arbitrary: recursive(nested(Math.min(depth, 1), nils).values) },
    )
  return fc.oneof(either([Type.Null(), Type.Unknown()]), either([Type.Undefined()]))
}
