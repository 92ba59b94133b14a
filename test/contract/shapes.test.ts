/** Every type of TypeBox is read as one of the few forms that a codec has to know, however it is spelt. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, childrenOf, gateOf, type Shape, shapeOf, Timestamp } from '../../src/contract/index.ts'

/** A shape in one line. References are named and not followed. */
function show(shape: Shape): string {
  switch (shape.kind) {
    case 'literal':
      return shape.values.map((value) => (typeof value === 'bigint' ? `${value}n` : JSON.stringify(value))).join('|')
    case 'number':
      return shape.integer ? 'integer' : 'number'
    case 'array':
      return `[${show(shape.item)}…]`
    case 'tuple':
      return `[${shape.items.map(show).join(', ')}]`
    case 'union':
      return `(${shape.branches.map(show).join(' | ')})`
    case 'intersect':
      return `(${shape.parts.map(show).join(' & ')})`
    case 'ref':
      return `→${shape.name}`
    case 'object': {
      const named = [...shape.properties].map(([name, { shape: inner, optional }]) => {
        return `${name}${optional ? '?' : ''}: ${show(inner)}`
      })
      const patterns = shape.patterns.map(({ source, shape: inner }) => `/${source}/: ${show(inner)}`)
      const rest = typeof shape.rest === 'string' ? `…${shape.rest}` : `…${show(shape.rest)}`
      return `{${[...named, ...patterns, rest].join(', ')}}`
    }
    default:
      return shape.kind
  }
}

const raw = (keywords: object): TSchema => Type.Unsafe(keywords)
const A = Type.Object({ a: Type.Number() })
const B = Type.Object({ b: Type.Optional(Type.String()) })

const read: readonly (readonly [schema: TSchema, shape: string])[] = [
  [Type.Null(), 'null'],
  [Type.Boolean(), 'boolean'],
  [Type.Number(), 'number'],
  [Type.Integer({ minimum: 1 }), 'integer'],
  [Type.BigInt(), 'bigint'],
  [Type.String({ format: 'email' }), 'string'],
  [Type.Undefined(), 'undefined'],
  [Type.Void(), 'undefined'],
  [Type.Never(), 'never'],
  [Type.Unknown(), 'unknown'],
  [Type.Any(), 'unknown'],
  [raw({}), 'unknown'],
  [raw({ description: 'anything' }), 'unknown'],
  [Bytes({ maxBytes: 4 }), 'bytes'],
  [Timestamp(), 'timestamp'],
  [Type.Literal('a'), '"a"'],
  [Type.Literal(-1.5), '-1.5'],
  [Type.Literal(5n), '5n'],
  [Type.Literal(false), 'false'],
  [raw({ const: null }), 'null'],
  [Type.Enum(['red', 3]), '"red"|3'],
  [Type.Enum({ Red: 'red', Blue: 'blue' }), '"red"|"blue"'],
  [Type.TemplateLiteral([Type.Literal('v'), Type.Number()]), 'string'],
  [Type.Array(Type.String()), '[string…]'],
  [raw({ type: 'array' }), '[unknown…]'],
  [Type.Tuple([Type.String(), Type.Null()]), '[string, null]'],
  [Type.Tuple([]), '[]'],
  [raw({ type: 'array', items: [{ type: 'null' }], additionalItems: false, minItems: 1 }), '[null]'],
  [Type.Object({}), '{…drop}'],
  [Type.Object({ a: Type.Null(), b: Type.Optional(Type.Void()) }), '{a: null, b?: undefined, …drop}'],
  [Type.Object({ a: Type.Null() }, { additionalProperties: false }), '{a: null, …refuse}'],
  [Type.Object({}, { additionalProperties: Type.Boolean() }), '{…boolean}'],
  [raw({ type: 'object', additionalProperties: true }), '{…unknown}'],
  [raw({ type: 'object', required: ['a'] }), '{a: unknown, …drop}'],
  [raw({ type: 'object', unevaluatedProperties: false }), '{…refuse}'],
  [Type.Record(Type.String(), Type.Integer()), '{/^.*$/: integer, …drop}'],
  [Type.Record(Type.Union([Type.Literal('a'), Type.Literal('b')]), Type.Null()), '{a: null, b: null, …drop}'],
  [Type.Record(Type.Integer(), Type.Null()), '{/^-?(?:0|[1-9][0-9]*)$/: null, …drop}'],
  [Type.Partial(A), '{a?: number, …drop}'],
  [Type.Required(B), '{b: string, …drop}'],
  [Type.Pick(Type.Object({ a: Type.Null(), b: Type.Null() }), ['a']), '{a: null, …drop}'],
  [Type.Omit(Type.Object({ a: Type.Null(), b: Type.Null() }), ['a']), '{b: null, …drop}'],
  [Type.Evaluate(Type.Intersect([A, B])), '{a: number, b?: string, …drop}'],
  [Type.Union([A, B]), '({a: number, …drop} | {b?: string, …drop})'],
  [Type.Union([A]), '({a: number, …drop})'],
  [raw({ oneOf: [{ type: 'null' }, { type: 'string' }] }), '(null | string)'],
  [raw({ type: ['string', 'null'], minLength: 1 }), '(string | null)'],
  [Type.Intersect([A, B]), '({a: number, …drop} & {b?: string, …drop})'],
  [Type.Readonly(Type.Object({ a: Type.String() })), '{a: string, …drop}'],
  [raw({ type: 'object', anyOf: [{ required: ['a'], type: 'object' }] }), '({a: unknown, …drop} & {…drop})'],
  [Type.Cyclic({ N: Type.Object({ next: Type.Optional(Type.Ref('N')) }) }, 'N'), '→N'],
  [Type.Array(Type.Cyclic({ N: Type.Array(Type.Ref('N')) }, 'N')), '[→N…]'],
  [Type.Script('{ a: number, b?: string | null }'), '{a: number, b?: (string | null), …drop}'],
]

describe('the shape of a schema', () => {
  it.each(read.map(([schema, shape]) => ({ schema, shape })))('is $shape', ({ schema, shape }) => {
    expect(show(shapeOf(schema))).toBe(shape)
  })

  it('is the same one each time, and so is the gate', () => {
    expect(shapeOf(A)).toBe(shapeOf(A))
    expect(gateOf(A)).toBe(gateOf(A))
    expect(gateOf(A).shape).toBe(shapeOf(A))
  })

  it('of one schema in two places is one', () => {
    const pair = shapeOf(Type.Object({ left: A, right: A }))
    const [left, right] = childrenOf(pair)
    expect(left).toBe(right)
  })

  it('of a recursive schema is a finite graph', () => {
    const shape = shapeOf(Type.Cyclic({ N: Type.Object({ inner: Type.Array(Type.Ref('N')) }) }, 'N'))
    if (shape.kind !== 'ref') throw new Error(shape.kind)
    const object = shape.target()
    const [array] = childrenOf(object)
    const [again] = childrenOf(array ?? object)
    expect(again?.kind === 'ref' && again.target()).toBe(object)
  })

  it('of two definitions with one name: each is its own, or both are refused', () => {
    const list = (item: TSchema) =>
      Type.Cyclic({ List: Type.Object({ item, next: Type.Optional(Type.Ref('List')) }) }, 'List')
    const both = Type.Object({ names: list(Type.String()), ages: list(Type.Number()) })
    const value = { names: { item: 'Ada', next: { item: 'Grace' } }, ages: { item: 36, next: { item: 85 } } }
    let gate: ReturnType<typeof gateOf>
    try {
      gate = gateOf(both)
    } catch (error) {
      expect(String(error)).toContain('"List"')
      return
    }
    expect(gate.inMemory(value)).toBe(value)
    expect(() => gate.inMemory({ ...value, ages: value.names })).toThrow('must be number')
  })
})
