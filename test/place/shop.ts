/** Three services that use each other, and say what reached them. */
import Type from 'typebox'
import { contract, service, unary } from '../../src/index.ts'

export const Id = Type.Object({ id: Type.String() })
export const Text = Type.Object({ text: Type.String() })
export const Users = contract('users', { get: unary(Id, Text) })
export const Billing = contract('billing', { charge: unary(Id, Text) })
export const Orders = contract('orders', { place: unary(Id, Text) })

/** Starts and stops, in their order. */
export const log: string[] = []
const noting = (name: string) => ({
  start: () => void log.push(`start ${name}`),
  stop: () => void log.push(`stop ${name}`),
})

/** Says who it is, what reached it, and what those that it uses say. */
export const users = service(
  Users,
  {
    get: ({ id }, ctx) => ({ text: `${id}(${ctx.metadata.get('tenant') ?? '-'}${ctx.metadata.get('secret') ?? '-'})` }),
  },
  noting('users'),
)
export const billing = service(
  Billing,
  { charge: async ({ id }, ctx) => ({ text: `bill ${(await ctx.uses.people.get({ id })).text}` }) },
  { uses: { people: Users }, forward: ['tenant'], ...noting('billing') },
)
export const orders = service(
  Orders,
  {
    async place({ id }, ctx) {
      const [one, other] = await Promise.all([ctx.uses.users.get({ id }), ctx.uses.billing.charge({ id })])
      return { text: `${one.text} ${other.text}` }
    },
  },
  { uses: { users: Users, billing: Billing }, forward: ['tenant'], ...noting('orders') },
)
export const all = [orders, billing, users]
export const metadata = { tenant: 't', secret: 's' }
export const answer = { text: '7(t-) bill 7(t-)' }
