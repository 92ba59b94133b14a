// Three services that use each other. None knows where the others are.
import { contract, service, unary } from 'nanowire'
import Type from 'typebox'

const User = Type.Object({ name: Type.String(), vip: Type.Boolean() })

export const Users = contract('users', {
  get: unary(Type.Object({ id: Type.Integer() }), User, { errors: { Unknown: Type.Object({ id: Type.Integer() }) } }),
})
export const Billing = contract('billing', {
  charge: unary(Type.Object({ userId: Type.Integer(), cents: Type.Integer() }), Type.Object({ cents: Type.Integer() })),
})
export const Orders = contract('orders', {
  place: unary(Type.Object({ userId: Type.Integer(), cents: Type.Integer() }), Type.Object({ text: Type.String() }), {
    errors: { NoSuchUser: Type.Object({}) },
  }),
})

const known = new Map([[1, { name: 'Ada', vip: true }]])

export const users = service(
  Users,
  {
    get({ id }, ctx) {
      const user = known.get(id)
      if (!user) throw ctx.error('Unknown', { id })
      return user
    },
  },
  { start: () => console.log('  users start'), stop: () => console.log('  users stop') },
)

export const billing = service(
  Billing,
  {
    async charge({ userId, cents }, ctx) {
      const { vip } = await ctx.uses.users.get({ id: userId })
      return { cents: vip ? Math.round(cents * 0.9) : cents }
    },
  },
  { uses: { users: Users }, start: () => console.log('  billing start'), stop: () => console.log('  billing stop') },
)

export const orders = service(
  Orders,
  {
    async place({ userId, cents }, ctx) {
      // Both calls end with this one: its deadline is theirs, and so is its cancellation.
      const user = await ctx.uses.users.get.try({ id: userId })
      if (!user.ok) throw user.error.code === 'Unknown' ? ctx.error('NoSuchUser', {}) : user.error
      const bill = await ctx.uses.billing.charge({ userId, cents }, { timeoutMs: 5_000 })
      return { text: `${user.value.name} pays ${bill.cents}` }
    },
  },
  { uses: { users: Users, billing: Billing } },
)
