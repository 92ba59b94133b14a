/** Schemas that hold themselves, or others many times: what is built from them is finite, and so is the work. */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { gateOf } from '../../src/contract/index.ts'
import { inMemory, misfitOf, overWire } from './over-wire.ts'

const own = (schema: TSchema) => schema

describe('recursive intersections', () => {
  const both = own(
    Type.Cyclic(
      {
        Self: Type.Intersect([
          Type.Object({ a: Type.Optional(Type.Ref('Self')), n: Type.Number() }),
          Type.Object({
            a: Type.Optional(Type.Object({ b: Type.Optional(Type.String()) })),
            m: Type.Optional(Type.Null()),
          }),
        ]),
      },
      'Self',
    ),
  )

  it('of one property that both parts declare have an end', () => {
    const value = { n: 1, x: 0, a: { n: 2, b: 's', x: 0, a: { n: 3, m: null, b: 't', x: 0 } } }
    const arrives = { n: 1, a: { n: 2, b: 's', a: { n: 3, m: null, b: 't' } } }
    expect(inMemory(both, value)).toEqual(arrives)
    expect(overWire(both, value)).toEqual(arrives)
    expect(misfitOf(() => inMemory(both, { n: 1, a: { n: 2, b: 5 } }))).not.toBe('it fits')
  })

  it('of lists have an end', () => {
    const lists = own(
      Type.Cyclic(
        {
          Self: Type.Intersect([
            Type.Array(Type.Union([Type.Ref('Self'), Type.Object({ a: Type.Optional(Type.Number()) })])),
            Type.Array(Type.Unknown(), { maxItems: 2 }),
          ]),
        },
        'Self',
      ),
    )
    expect(overWire(lists, [[[], { a: 1 }]])).toEqual([[[], { a: 1 }]])
  })

  it('forbid nothing within a property that only the whole forbids', () => {
    const closed = Type.Intersect(
      [Type.Object({ a: Type.Object({ b: Type.Null() }) }), Type.Object({ a: Type.Object({ c: Type.Null() }) })],
      {
        unevaluatedProperties: false,
      },
    )
    expect(overWire(closed, { a: { b: null, c: null, x: 1 } })).toEqual({ a: { b: null, c: null } })
  })
})

describe('schemas that hold others many times', () => {
  it('are looked at once each', () => {
    const definitions = Array.from({ length: 41 }, (_, n) => {
      const inner = n === 40 ? Type.Number() : Type.Ref(`D${n + 1}`)
      return [`D${n}`, Type.Object({ a: Type.Optional(inner), b: Type.Optional(inner) })]
    })
    const schema = Type.Unsafe({ $defs: Object.fromEntries(definitions), $ref: 'D0' })
    expect(overWire(schema, { a: { b: {} }, x: 1 })).toEqual({ a: { b: {} } })
  })

  it('may be a long chain', () => {
    const chain = Array.from({ length: 400 }, (_, n) => [
      `D${n}`,
      Type.Object({ a: Type.Optional(Type.Ref(`D${(n + 1) % 400}`)) }),
    ])
    const schema = Type.Unsafe({ $defs: Object.fromEntries(chain), $ref: 'D0' })
    expect(gateOf(schema).toWire({ a: { a: {}, x: 1 } })).toEqual({ a: { a: {} } })
  })
})
