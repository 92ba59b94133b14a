// Two versions of one contract meet. What is compatible is called, what would break is refused before it is sent.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/04-versions/main.ts
import { connect, NanowireError, serve, service } from 'nanowire'
import { Shop1, Shop2 } from './shop.ts'

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
