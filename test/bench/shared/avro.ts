/** The small request and the order in Avro's own schemas. */
const text = 'string'
const list = (items: unknown) => ({ type: 'array', items })
const record = (name: string, fields: Record<string, unknown>) => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
})

const line = { sku: text, title: text, quantity: 'int', price: 'double', taxRate: 'double', isGift: 'boolean' }
const address = record('Address', { street: text, city: text, postcode: text, country: text })

export const avroSchemas = {
  small: record('SmallRequest', { id: 'int', name: text, tags: list(text), score: 'double' }),
  record: record('Order', {
    id: 'int',
    placedAt: text,
    status: text,
    isPaid: 'boolean',
    customer: record('Customer', { id: 'int', name: text, email: text, isMember: 'boolean', address }),
    lines: list(record('Line', line)),
    shipping: record('Shipping', { carrier: text, tracking: text, weightKg: 'double', isExpress: 'boolean' }),
    totals: record('Totals', { currency: text, net: 'double', tax: 'double', gross: 'double' }),
    tags: list(text),
  }),
}
