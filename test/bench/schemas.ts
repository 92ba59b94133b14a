/**
 * The shapes of work.ts as schemas, for those systems that check them. The builder is given, because one peer brings an
 * older TypeBox; what both build is plain JSON Schema.
 */
import Type from 'typebox'

export function schemasBy(
  builder: Pick<typeof Type, 'Object' | 'Array' | 'String' | 'Integer' | 'Number' | 'Boolean'>,
) {
  const text = builder.String()
  const number = builder.Number()
  const integer = builder.Integer()
  const flag = builder.Boolean()
  const address = builder.Object({ street: text, city: text, postcode: text, country: text })
  return {
    request: builder.Object({ id: integer, name: text, tags: builder.Array(text), score: number }),
    reply: builder.Object({ id: integer, text, ok: flag }),
    order: builder.Object({
      id: integer,
      placedAt: text,
      status: text,
      isPaid: flag,
      customer: builder.Object({ id: integer, name: text, email: text, isMember: flag, address }),
      lines: builder.Array(
        builder.Object({ sku: text, title: text, quantity: integer, price: number, taxRate: number, isGift: flag }),
      ),
      shipping: builder.Object({ carrier: text, tracking: text, weightKg: number, isExpress: flag }),
      totals: builder.Object({ currency: text, net: number, tax: number, gross: number }),
      tags: builder.Array(text),
    }),
    /** How many items a stream is to have. */
    count: builder.Object({ count: integer }),
    /** Bytes, for a peer whose messages are JSON. */
    base64: builder.Object({ data: text }),
  }
}

export const schemas = schemasBy(Type)
