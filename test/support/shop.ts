/** Orders that use users: services for the tests of services that use others. */
import Type from 'typebox'
import { type ClientOf, type Context, contract, notify, service, unary } from '../../src/index.ts'

export const Id = Type.Object({ id: Type.String() })
export const Users = contract('users', {
  get: unary(Id, Type.Object({ name: Type.String() }), { errors: { Gone: Type.Object({ since: Type.String() }) } }),
  quick: unary(Id, Id, { timeoutMs: 50 }),
  seen: notify(Id),
})
export const Orders = contract('orders', { place: unary(Id, Type.Unknown()) })
export const Audit = contract('audit', { write: unary(Id, Type.Void()) })

export type UsersClient = ClientOf<typeof Users>

/** Orders, with a handler that a test gives. */
export const ordersWith = (
  place: (id: string, ctx: Context<never, { users: UsersClient }>) => unknown,
  forward: string[] = [],
) =>
  service(
    Orders,
    { place: async ({ id }, ctx) => (await place(id, ctx as never)) ?? null }, // the errors of a context are not looked at here
    { uses: { users: Users }, forward },
  )
