// Two versions of one contract meet. What is compatible is called, what would break is refused before it is sent.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/06-versions/main.ts
import { connect, contract, NanowireError, serve, service, unary } from 'nanowire'
import Type from 'typebox'

const Price = Type.Object({ amount: Type.Integer(), currency: Type.String() })

/** What the client was built with. */
const Shop1 = contract('shop', {
  price: unary(Type.Object({ item: Type.String() }), Price),
  order: unary(Type.Object({ item: Type.String() }), Type.Boolean()),
})

/** What the server runs by now: `price` takes a discount if there is one, `order` wants a number of pieces. */
const Shop2 = contract('shop', {
  price: unary(Type.Object({ item: Type.String(), discount: Type.Optional(Type.Number()) }), Price),
  order: unary(Type.Object({ item: Type.String(), pieces: Type.Integer() }), Type.Boolean()),
})

const shop = service(Shop2, {
  price: ({ discount = 0 }) => ({ amount: Math.round(100 * (1 - discount)), currency: 'EUR' }),
  order: () => true,
})

const server = await serve(shop, 'tcp://127.0.0.1:0')
const wire = connect(server.url)
const { price, order } = wire.client(Shop1)

console.log('price:', await price({ item: 'pen' }))
const ordered = await order.try({ item: 'pen' })
if (!ordered.ok && ordered.error instanceof NanowireError) {
  console.log(`order: ${ordered.error.code} (handler ran: ${ordered.error.processed})`)
  console.log(ordered.error.message.replace(server.url, 'the server'))
}

await wire.close()
await server.close()
