/** Values that hardly anybody sends, in which the two paths must not differ (spec/codecs.md). */
import Type, { type TSchema } from 'typebox'
import { afterEach, expect, it } from 'vitest'
import { Bytes, checkOf, gateOf, Timestamp } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { encodeBody } from '../../../src/wire/index.ts'

const inherited = Object.prototype as unknown as Record<string, unknown> // to be soiled as a program might
afterEach(() => {
  delete inherited['tag']
  delete inherited['id']
})

const encode = (schema: TSchema, value: unknown) => () => encodeBody(gateOf(schema), value, defaultLimits)
const Item = Type.Object({ id: Type.Integer(), tag: Type.Optional(Type.String()) })
gateOf(Item) // reads the schema before anything is soiled

it('a check that the user puts on bytes or an instant is made', () => {
  const Long = Type.Refine(Bytes(), (value) => (value as Uint8Array).length > 3)
  expect(encode(Long, Uint8Array.of(1))).toThrow()
  expect(encode(Long, new Uint8Array(4))).not.toThrow()
  expect(
    encode(
      Type.Refine(Timestamp(), (value) => (value as Date).getTime() > 0),
      new Date(-5),
    ),
  ).toThrow()
})

it('what Object.prototype lists is nobody’s property', () => {
  inherited['tag'] = 'inherited'
  expect(encode(Item, { id: 1 })).toThrow(/inherited/)
  inherited['id'] = 5
  expect(encode(Item, {})).toThrow(/inherited/)
  expect(encode(Item, { id: 1, tag: 'own' })).not.toThrow()
})

it('a declared property that is not listed is seen, though an undeclared one is listed in its place', () => {
  const Pair = Type.Object({ id: Type.Integer(), name: Type.String() })
  const hidden = (name: string, fields: object) =>
    Object.defineProperty({ ...fields }, name, { value: 'x', enumerable: false })
  for (const value of [hidden('name', { id: 1, other: 2 }), hidden('name', { other: 2, id: 1 })])
    expect(encode(Pair, value)).toThrow(/not enumerable/)
  expect(encode(Item, hidden('tag', { id: 1, other: 2 }))).toThrow(/not enumerable/)
})

it('a constant whose type contradicts it fits nothing', () => {
  expect(encode(Type.Unsafe({ type: 'number', const: 'a' }), 'a')).toThrow()
})

it('an array is no object, whatever its prototype', () => {
  expect(
    encode(Type.Object({ id: Type.Integer() }), Object.assign(Object.setPrototypeOf([], Object.prototype), { id: 1 })),
  ).toThrow(/object/)
})

it.each([
  [Type.Array(Type.Integer(), { minItems: Number.POSITIVE_INFINITY }), [1]],
  [Type.Number({ maximum: Number.NEGATIVE_INFINITY }), 1],
])('a bound that code cannot say as a number is TypeBox’s to judge: %j', (schema, value) => {
  const fits = checkOf(gateOf(schema).shape)(value)
  if (fits) expect(encode(schema, value)).not.toThrow()
  else expect(encode(schema, value)).toThrow()
})
