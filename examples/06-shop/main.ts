// Three services in one process, then one of them at an address. Only the places differ.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/06-shop/main.ts
import { connect, stub } from 'nanowire'
import { shopWith } from './app.ts'
import { Billing, Orders, orders, Users } from './services.ts'

const options = { timeoutMs: 20_000 }

console.log('all in memory')
const whole = shopWith({})
console.log(await whole.client(Orders).place({ userId: 1, cents: 1_000 }, options))
await whole.close()

console.log('users at an address')
const role = shopWith({}) // another process would say: nanowire up app.ts --only users --at tcp://127.0.0.1:0
const server = await role.serve('users', 'tcp://127.0.0.1:0')
const shop = shopWith({ users: server.url })
console.log(await shop.client(Orders).place({ userId: 1, cents: 1_000 }, options))
const refused = await shop.client(Orders).place.try({ userId: 2, cents: 1_000 })
if (!refused.ok) console.log(`an unknown user: ${refused.error.code}`)
await shop.close()
await role.close()

console.log('a test of orders alone')
const wire = connect(orders, {
  uses: {
    users: stub(Users, { get: () => ({ name: 'Bob', vip: false }) }),
    billing: stub(Billing, { charge: ({ cents }) => ({ cents }) }),
  },
})
console.log(await wire.client(Orders).place({ userId: 7, cents: 5 }))
await wire.close()
