/** Who provides what a service uses: what is found, what is said where it is not, and who closes it. */
import Type from 'typebox'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type Connection,
  connect,
  contract,
  NanowireError,
  router,
  type Server,
  serve,
  service,
  stub,
  unary,
} from '../../src/index.ts'
import { until } from '../support/hand-clock.ts'
import { Audit, Id, Orders, ordersWith, Users } from '../support/shop.ts'

const open: { close(options?: { drainMs: number }): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close({ drainMs: 0 })
})
const closing = <T extends Connection | Server>(one: T): T => {
  open.push(one)
  return one
}

describe('what a service uses is provided', () => {
  const users = stub(Users, { get: ({ id }) => ({ name: id }) })
  const orders = ordersWith((id, ctx) => ctx.uses.users.get({ id }))
  const message = Orders.message.place({ id: '7' })

  it('by a service beside it, in a list, a router and a message that is dispatched', async () => {
    const server = closing(await serve([orders, users], 'tcp://127.0.0.1:0'))
    for (const wire of [connect([orders, users]), connect(router([users, orders])), connect(server.url)])
      expect(await closing(wire).client(Orders).place({ id: '7' })).toEqual({ name: '7' })
    expect(await router([orders, users]).dispatch(message)).toEqual({ name: '7' })
    expect(await router([orders], { uses: { users } }).dispatch(message)).toEqual({ name: '7' })
  })

  it('by what the router was told, and before that by what the place says', async () => {
    const told = router([orders], { uses: { users: stub(Users, { get: () => ({ name: 'told' }) }) } })
    expect(await closing(connect(told)).client(Orders).place({ id: '7' })).toEqual({ name: 'told' })
    expect(
      await closing(connect(told, { uses: { users } }))
        .client(Orders)
        .place({ id: '7' }),
    ).toEqual({ name: '7' })
    const both = connect([orders, stub(Users)], { uses: { users } })
    expect(await closing(both).client(Orders).place({ id: '7' })).toEqual({ name: '7' })
  })

  it('by a function of the contract', async () => {
    const asked: string[] = []
    const uses = ({ name }: { readonly name: string }) => {
      asked.push(name)
      return users
    }
    expect(await closing(connect(orders, { uses })).client(Orders).place({ id: '7' })).toEqual({ name: '7' })
    expect(asked).toEqual(['users'])
  })

  it('for services that are provided too, encoded as the rest', async () => {
    const written: string[] = []
    const audit = stub(Audit, { write: ({ id }) => void written.push(id) })
    const careful = service(
      Users,
      {
        async get({ id }, ctx) {
          await ctx.uses.audit.write({ id })
          return { name: id, password: 'x' }
        },
        quick: (request) => request,
        seen() {},
      },
      { uses: { audit: Audit } },
    )
    const provided = [
      { users: careful, audit },
      { users: router([careful], { uses: { audit } }) },
      { users: [careful, audit] },
    ]
    for (const uses of provided)
      for (const encoded of [false, true]) {
        const wire = closing(connect(orders, { uses, encoded }))
        expect(await wire.client(Orders).place({ id: '7' })).toEqual({ name: '7' })
      }
    expect(written).toHaveLength(6)
  })

  it('and closed with the place, but for connections that were there already', async () => {
    const server = closing(await serve(users, 'tcp://127.0.0.1:0'))
    const own = closing(connect(server.url))
    await own.ready()
    const wires = [connect(orders, { uses: { users: server.url } }), connect(orders, { uses: { users: own } })]
    for (const wire of wires) await wire.client(Orders).place({ id: '7' })
    expect(server.stats().connections).toBe(2)
    for (const wire of wires) await wire.close()
    await until(() => server.stats().connections === 1)
    expect(await own.client(Users).get({ id: '1' })).toEqual({ name: '1' })
  })

  const mistakes: readonly (readonly [string, () => unknown, string])[] = [
    ['by nobody', () => connect(orders), 'the service orders uses users, which nobody provides: say where it is with'],
    ['by nobody, of a router', () => connect(router([orders])), 'the service orders uses users, which nobody provides'],
    [
      'under another name',
      () => connect(orders, { uses: { users, usres: users } }),
      'no service here uses "usres" (did you mean users?); they use users',
    ],
    ['that uses nothing', () => connect(users, { uses: { users } }), 'no service here uses "users"; they use nothing'],
    [
      'by another contract',
      () => connect(orders, { uses: { users: stub(Audit) } }),
      'the service orders uses users with the contract users, and was given audit',
    ],
    [
      'by another version of the contract',
      () => connect(orders, { uses: { users: stub(contract('users', { get: Users.methods.get.definition })) } }),
      'with another contract users than its service here has: it has no users/quick',
    ],
    [
      'by a contract whose schemas break',
      () => {
        const { quick, seen } = Users.methods
        const get = unary(Type.Object({ id: Type.Number() }), Type.Object({ name: Type.String() }))
        const other = contract('users', { get, quick: quick.definition, seen: seen.definition })
        return connect(orders, { uses: { users: stub(other) } })
      },
      'than its service here has: users/get differs at ',
    ],
    ['by a contract itself', () => connect(orders, { uses: { users: Users as never } }), 'was given a contract: give'],
    [
      'by a number',
      () => connect(orders, { uses: { users: 7000 as never } }),
      'and was given a number: give a service',
    ],
    [
      'by a client of another contract',
      () => connect(orders, { uses: { users: connect(stub(Audit)).client(Audit) } }),
      'was given no client of the contract users: it has no function get',
    ],
    [
      'by a function that throws',
      () =>
        connect(orders, {
          uses() {
            throw new Error('no such file')
          },
        }),
      'the service orders uses users, and the function uses threw for the contract users: Error: no such file',
    ],
    [
      'by a function that throws anything',
      () => connect(router([orders], { uses: () => JSON.parse('{') })),
      'the function uses threw for the contract users: SyntaxError: ',
    ],
    ['by what is no address', () => connect(orders, { uses: { users: 'users:7000' } }), '"users:7000" is no address'],
    ['by a list', () => connect(orders, { uses: [users] as never }), 'uses is an object, { users: stub(Users, {…}) }'],
    ['by a list, to a router', () => router([orders], { uses: [users] as never }), 'uses is an object'],
    [
      'in a circle',
      () => connect(orders, { uses: { users: circular, orders } }),
      'services use each other in a circle, so none can start first: orders → users → orders',
    ],
    ['by itself', () => connect(selfish), 'so none can start first: audit → audit'],
    [
      'where nothing runs here',
      () => connect('tcp://127.0.0.1:1', { uses: { users } }),
      'the options encoded, principal and uses are for services in this process',
    ],
    [
      'as a service',
      () => service(Audit, { write() {} }, { uses: { users: users as never } }),
      'uses.users is a contract, not a service',
    ],
    [
      'as a list',
      () => service(Audit, { write() {} }, { uses: 7 as never }),
      'service audit: uses is an object of contracts',
    ],
    [
      'with a wrong forward',
      () => service(Audit, { write() {} }, { forward: 'x' as never }),
      'forward is a list of names',
    ],
    [
      'with a wrong start',
      () => service(Audit, { write() {} }, { start: 1 as never }),
      'service audit: start is a function',
    ],
    [
      'with a wrong option',
      () => service(Audit, { write() {} }, { use: {} } as never),
      'service audit has no option "use"',
    ],
  ]
  const circular = service(
    Users,
    { get: ({ id }) => ({ name: id }), quick: (request) => request, seen() {} },
    { uses: { orders: Orders } },
  )
  const selfish = service(Audit, { write() {} }, { uses: { audit: Audit } })

  it.each(mistakes)('%s: says so at once', (_, act, words) => {
    let failure: unknown
    try {
      act()
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(NanowireError)
    expect(failure).toMatchObject({
      code: 'invalid_argument',
      processed: 'no',
      message: expect.stringContaining(words),
    })
  })

  it('or serve and dispatch say so', async () => {
    const words = 'the service orders uses users, which nobody provides'
    await expect(serve(orders, 'tcp://127.0.0.1:0')).rejects.toThrow(words)
    await expect(router([orders]).dispatch(message)).rejects.toThrow(words)
    const elsewhere = router([orders], { uses: { users: 'tcp://127.0.0.1:1' } })
    await expect(elsewhere.dispatch(message)).rejects.toThrow('give it connect(address) instead')
  })

  it('by a compatible contract that is not the same object', async () => {
    const { get, quick, seen } = Users.methods
    const more = { get: get.definition, quick: quick.definition, seen: seen.definition, more: unary(Id, Id) }
    const newer = stub(contract('users', more), { get: ({ id }) => ({ name: id }) })
    expect(
      await closing(connect(orders, { uses: { users: newer } }))
        .client(Orders)
        .place({ id: '7' }),
    ).toEqual({ name: '7' })
  })
})
