import { app, contract, service, unary } from 'nanowire'
import Type from 'typebox'

const Users = contract('users', { name: unary(Type.Object({ id: Type.Integer() }), Type.String()) })
const Orders = contract('orders', { place: unary(Type.Object({ userId: Type.Integer() }), Type.String()) })

const users = service(Users, { name: ({ id }) => `user ${id}` })
const orders = service(
  Orders,
  { place: async ({ userId }, ctx) => `an order of ${await ctx.uses.users.name({ id: userId })}` },
  { uses: { users: Users } },
)

const shop = app([orders, users]) // all in this process; elsewhere: { places: { users: 'tcp://users:7000' } }
console.log(await shop.client(Orders).place({ userId: 7 })) // an order of user 7
await shop.close()
