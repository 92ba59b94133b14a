/** Clients that are bound to a call, as its handler sees them: when they are made, when they end, and what they go past. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Connection, connect, router, type Server, stub } from '../../src/index.ts'
import { Orders, ordersWith, Users, type UsersClient } from '../support/shop.ts'

const open: { close(options?: { drainMs: number }): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close({ drainMs: 0 })
})
const closing = <T extends Connection | Server>(one: T): T => {
  open.push(one)
  return one
}

describe('clients that are bound to a call', () => {
  it('end with it: what is called afterwards is cancelled, and what is in flight goes on', async () => {
    let answer = (_: { name: string }): void => {}
    const users = stub(Users, {
      get: ({ id }) => (id === 'slow' ? new Promise((resolve) => (answer = resolve)) : { name: id }),
    })
    let late: UsersClient | undefined
    let inFlight: Promise<unknown> | undefined
    const orders = ordersWith((_, ctx) => {
      late = ctx.uses.users
      inFlight = late.get({ id: 'slow' })
    })
    const wire = closing(connect(orders, { uses: { users } }))
    await wire.client(Orders).place({ id: '1' })
    const words =
      /^users\/get: the call that it would belong to has ended; what outlives a call uses the clients of start$/
    await expect(late?.get({ id: '1' })).rejects.toMatchObject({
      code: 'cancelled',
      processed: 'no',
      message: expect.stringMatching(words),
    })
    answer({ name: 'after all' })
    expect(await inFlight).toEqual({ name: 'after all' })
  })

  it('are made when they are read, once for each call', async () => {
    const seen: unknown[] = []
    const orders = ordersWith((_, ctx) => {
      seen.push(ctx.uses, ctx.uses.users, ctx.uses.users.get)
      expect(ctx.uses).toBe(ctx.uses)
      expect(ctx.uses.users).toBe(ctx.uses.users)
      expect(Object.keys(ctx.uses)).toEqual(['users'])
      expect(Object.keys(ctx.uses.users)).toEqual(['get', 'quick', 'seen'])
      expect({ ...ctx.uses.users }.get).toBe(ctx.uses.users.get)
      expect([Reflect.get(ctx.uses, 'then'), Reflect.get(ctx.uses.users, 'toString')]).toEqual([undefined, undefined])
      const change = [
        () => Object.assign(ctx.uses.users, { get: 1 }),
        () => Object.assign(ctx.uses, { users: 1 }),
        () => Object.freeze(ctx.uses.users),
        () => Object.defineProperty(ctx.uses.users, 'get', { value: 1 }),
      ]
      for (const act of change) expect(act).toThrow(TypeError)
      expect(Reflect.deleteProperty(ctx.uses.users, 'get')).toBe(false)
    })
    const { place } = closing(connect(orders, { uses: { users: stub(Users) } })).client(Orders)
    await place({ id: '1' })
    await place({ id: '2' })
    expect(new Set(seen).size).toBe(6)
  })

  it('make one listener for each call, and none where they are not read', async () => {
    const signals: AbortSignal[] = []
    const added: string[] = []
    const orders = ordersWith(async (id, ctx) => {
      if (id === 'no') return
      const { signal } = ctx
      signals.push(signal)
      const add = signal.addEventListener.bind(signal)
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        added.push(args[0])
        add(...args)
      }
      await Promise.all([1, 2, 3].map(() => ctx.uses.users.get({ id })))
    })
    const users = stub(Users, { get: () => ({ name: '' }) })
    const { place } = closing(connect(orders, { uses: { users } })).client(Orders)
    await place({ id: 'no' })
    await place({ id: 'yes' })
    expect([signals.length, added]).toEqual([1, ['abort']])
  })

  it('pass a context that is given in the place of options', async () => {
    const users = stub(Users, { get: (_, ctx) => ({ name: ctx.metadata.get('tenant') ?? '-' }) })
    const orders = ordersWith((id, ctx) => ctx.uses.users.get({ id }, ctx as never), ['tenant'])
    const { place } = closing(connect(orders, { uses: { users } })).client(Orders)
    expect(await place({ id: '1' }, { metadata: { tenant: 't' } })).toEqual({ name: 't' })
  })

  it('go past authorize, which judges who comes from outside, and through middleware', async () => {
    const through: string[] = []
    const users = stub(Users, { get: () => ({ name: 'u' }) })
    const both = router([ordersWith((id, ctx) => ctx.uses.users.get({ id })), users], {
      authorize: ({ method }) => method.name === 'orders/place',
      use: [
        (call, next) => {
          through.push(call.method.name)
          return next()
        },
      ],
    })
    const wire = closing(connect(both))
    expect(await wire.client(Orders).place({ id: '1' })).toEqual({ name: 'u' })
    expect(through).toEqual(['orders/place', 'users/get'])
    await expect(wire.client(Users).get({ id: '1' })).rejects.toMatchObject({ code: 'permission_denied' })
  })

  it('do not wait for a place that the calls which make them hold', async () => {
    const users = stub(Users, { get: () => ({ name: 'u' }) })
    const orders = ordersWith((id, ctx) => ctx.uses.users.get({ id }))
    const { place } = closing(connect([orders, users], { limits: { maxCallsInFlight: 1 } })).client(Orders)
    expect(await Promise.all([place({ id: '1' }), place({ id: '2' })])).toHaveLength(2)
  })
})
