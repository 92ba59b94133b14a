/** An app: the same three services in memory and at addresses, what is started and stopped, and what is refused. */
import { afterEach, describe, expect, it } from 'vitest'
import {
  type App,
  type AppOptions,
  app,
  contract,
  NanowireError,
  type Server,
  type Service,
  serve,
  service,
  stub,
  unary,
} from '../../src/index.ts'
import { passing } from '../../src/testing/hand-clock.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { all, answer, Billing, billing, Id, log, metadata, Orders, orders, Text, Users, users } from './shop.ts'

const open: (App | Server)[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close({ drainMs: 0 })
  log.splice(0)
})
const closing = <T extends App | Server>(one: T): T => {
  open.push(one)
  return one
}
const shopWith = (options?: AppOptions, services: readonly Service[] = all) => closing(app(services, options))

describe('an app', () => {
  it('runs everything in this process, started in the order of its needs and stopped in the reverse', async () => {
    const shop = shopWith()
    await nextTurn()
    expect(log).toEqual([])
    expect(await shop.client(Orders).place({ id: '7' }, { metadata })).toEqual(answer)
    expect(log).toEqual(['start users', 'start billing', 'start orders'])
    await shop.close()
    expect(log.slice(3)).toEqual(['stop orders', 'stop billing', 'stop users'])
    await expect(shop.client(Orders).place({ id: '7' })).rejects.toMatchObject({ code: 'unavailable', processed: 'no' })
    await expect(shop.ready()).rejects.toMatchObject({ code: 'unavailable', processed: 'no' })
  })

  it('starts with ready, and is closed by await using', async () => {
    {
      await using shop = app(all)
      await Promise.all([shop.ready(), shop.ready()])
      expect(log).toEqual(['start users', 'start billing', 'start orders'])
    }
    expect(log).toHaveLength(6)
  })

  it('says what it has, and where', async () => {
    const shop = shopWith({ places: { users: 'tcp://127.0.0.1:1', billing: { at: 'unix:/tmp/b' } } })
    expect(shop.services).toEqual(all)
    expect([...shop.places]).toEqual([
      ['users', 'tcp://127.0.0.1:1'],
      ['billing', 'unix:/tmp/b'],
    ])
  })

  const placings: readonly (readonly string[])[] = [
    ['users'],
    ['billing'],
    ['users', 'billing'],
    ['orders'],
    ['orders', 'billing', 'users'],
  ]
  it.each(placings.map((names) => [names]))('answers alike where %j are at addresses', async (names) => {
    const places: Record<string, string> = {}
    for (const name of ['users', 'billing', 'orders'].filter((one) => names.includes(one))) {
      const one = all.find((service) => service.contract.name === name) as Service // one of the three
      const needs = Object.values(one.options.uses ?? {}).map((used) => used.name)
      const elsewhere = Object.fromEntries(needs.filter((used) => used in places).map((used) => [used, places[used]]))
      const other = closing(app(all, { places: elsewhere }))
      places[name] = closing(await other.serve(name, 'tcp://127.0.0.1:0')).url
    }
    const shop = shopWith({ places })
    await shop.ready()
    expect(await shop.client(Orders).place({ id: '7' }, { metadata })).toEqual(answer)
    expect(await shop.client(Users).get({ id: '7' }, { metadata })).toEqual({ text: '7(ts)' })
  })

  it('needs no service for what is elsewhere, and does not run one that is there', async () => {
    const server = closing(await serve(stub(Users, { get: () => ({ text: 'elsewhere' }) }), 'tcp://127.0.0.1:0'))
    for (const services of [[billing], [billing, users]]) {
      const shop = shopWith({ places: { users: server.url } }, services)
      expect(await shop.client(Billing).charge({ id: '7' })).toEqual({ text: 'bill elsewhere' })
      expect(await shop.client(Users).get({ id: '7' })).toEqual({ text: 'elsewhere' })
      await shop.close()
    }
    expect(log).not.toContain('start users')
    await until(() => server.stats().connections === 0)
  })

  it('says who it is to a place, and takes a place that is no address', async () => {
    const server = closing(
      await serve(stub(Users, { get: (_, ctx) => ({ text: String(ctx.principal) }) }), 'tcp://127.0.0.1:0', {
        authenticate: ({ credentials }) => credentials,
      }),
    )
    const shop = shopWith({ places: { users: { at: server.url, credentials: () => 'billing' } } }, [billing])
    expect(await shop.client(Billing).charge({ id: '7' })).toEqual({ text: 'bill billing' })
    const dialled: string[] = []
    const dial = async () => {
      dialled.push('dial')
      throw new NanowireError('unavailable', 'nobody is there', { processed: 'no' })
    }
    const lonely = shopWith({ places: { users: { url: 'moon:', dial } } }, [billing])
    expect([...lonely.places]).toEqual([['users', 'moon:']])
    await expect(lonely.client(Billing).charge({ id: '7' })).rejects.toMatchObject({ code: 'unavailable' })
    expect(dialled).toEqual(['dial'])
  })

  it('is not ready where a place cannot be reached, and its services go on', async () => {
    const shop = shopWith({ places: { users: 'unix:/nowhere/at/all' } })
    await expect(shop.ready()).rejects.toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(log).toEqual(['start billing', 'start orders'])
    await shop.close()
    expect(log.slice(2)).toEqual(['stop orders', 'stop billing'])
  })

  it('asks authorize for its own clients, as its principal, and not for what services use', async () => {
    const asked: string[] = []
    const shop = shopWith({
      principal: 'ada',
      use: [
        ({ method }, next) => {
          log.push(method.name)
          return next()
        },
      ],
      authorize({ method, ctx }) {
        asked.push(`${method.name} ${ctx.principal}`)
        return method.name === 'orders/place'
      },
    })
    expect(await shop.client(Orders).place({ id: '7' }, { metadata })).toEqual(answer)
    await expect(shop.client(Users).get({ id: '7' })).rejects.toMatchObject({ code: 'permission_denied' })
    expect(asked).toEqual(['orders/place ada', 'users/get ada'])
    expect(log.slice(3)).toEqual(['orders/place', 'users/get', 'billing/charge', 'users/get'])
  })

  it('drains: calls in flight end before their services stop, those that they use last', async () => {
    let go = (): void => {}
    const slow = stub(Users, {
      get: ({ id }) => new Promise((resolve) => (go = () => resolve({ text: id }))),
    })
    const shop = shopWith(undefined, [orders, billing, slow])
    const call = shop.client(Billing).charge({ id: '7' })
    await until(() => log.length === 2)
    for (let turn = 0; turn < 2; turn++) await nextTurn()
    const closed = shop.close()
    await nextTurn()
    expect(log).toEqual(['start billing', 'start orders'])
    go()
    expect(await call).toEqual({ text: 'bill 7' })
    await closed
    expect(log.slice(2)).toEqual(['stop orders', 'stop billing'])
  })

  it('cuts off what does not end in time, and leaves no timer', async () => {
    const clock = new HandClock()
    const shop = shopWith({ clock }, [billing, stub(Users, { get: () => new Promise(() => {}) })])
    const call = shop.client(Billing).charge.try({ id: '7' })
    for (let turn = 0; turn < 3; turn++) await nextTurn()
    const closed = shop.close({ drainMs: 400 })
    clock.advance(399)
    await nextTurn()
    expect(log).toEqual(['start billing'])
    clock.advance(1)
    await passing([clock], closed)
    expect(await call).toMatchObject({ error: { code: 'unavailable', processed: 'maybe' } })
    expect(log).toEqual(['start billing', 'stop billing'])
    expect(clock.timers).toBe(0)
  })

  it('that is closed while it starts stops what had started, and starts nothing more', async () => {
    const shop = shopWith()
    const ready = shop.ready().catch((error: unknown) => error)
    await shop.close()
    expect(await ready).toMatchObject({ code: 'unavailable', processed: 'no' })
    const starts = log.filter((line) => line.startsWith('start'))
    expect(starts.length).toBeLessThan(3)
    expect(log.slice(starts.length)).toEqual(starts.map((line) => line.replace('start', 'stop')).reverse())
  })
})

describe('an app is refused at once', () => {
  const selfish = service(Users, { get: ({ id }) => ({ text: id }) }, { uses: { own: Users } })
  const round = service(Users, { get: ({ id }) => ({ text: id }) }, { uses: { orders: Orders } })
  const other = stub(contract('users', { find: unary(Id, Text) }))
  it.each<[string, () => unknown, string]>([
    ['with nothing', () => app([]), 'app takes a list of services, one at least'],
    ['with one that is no list', () => app(users as never), 'app takes a list of services'],
    ['with a contract', () => app([Users as never]), 'not contracts'],
    ['with two of one contract', () => app([users, stub(Users)]), 'two services of the app have the contract users'],
    [
      'where something is missing',
      () => app([billing]),
      "the service billing uses people (the contract users), which the app does not have: add its service, or say where it is: places: { users: 'tcp://…' }",
    ],
    ['in a circle', () => app([orders, billing, round]), 'so none can start first: orders → users → orders'],
    [
      'in a circle, wherever it is',
      () => app([orders, billing, round], { places: { users: 'tcp://127.0.0.1:1' } }),
      'orders → users → orders',
    ],
    ['by itself', () => app([selfish]), 'none can start first: users → users'],
    ['with another contract of the name', () => app([billing, other]), 'it has no users/get'],
    [
      'with a place of nothing',
      () => app(all, { places: { user: 'tcp://127.0.0.1:1' } }),
      'app: places has "user", which is no service (did you mean users?); there are orders, billing, users',
    ],
    [
      'with a place that is none',
      () => app(all, { places: { users: 7 as never } }),
      'app: places.users is an address, a place, or',
    ],
    ['with an address that is none', () => app(all, { places: { users: 'users:7000' } }), '"users:7000" is no address'],
    [
      'with an option of a place that is none',
      () => app(all, { places: { users: { at: 'tcp://127.0.0.1:1', tsl: true } as never } }),
      'app: places.users has no option "tsl"; there are at, tls, credentials',
    ],
    ['with places that are none', () => app(all, { places: 7 as never }), 'app: places is an object'],
    ['with an option that is none', () => app(all, { place: {} } as never), 'app has no option "place"'],
    [
      'with an option of serve that is none',
      () => app(all, { serve: { uses: {} } as never }),
      'app: serve has no option "uses"',
    ],
  ])('%s', (_, act, words) => {
    let failure: unknown
    try {
      act()
    } catch (error) {
      failure = error
    }
    expect(failure).toMatchObject({
      code: 'invalid_argument',
      processed: 'no',
      message: expect.stringContaining(words),
    })
  })

  it('a client of a contract that it does not have', () => {
    const Odd = contract('user', { get: unary(Id, Text) })
    expect(() => shopWith().client(Odd)).toThrow(
      'the app has no service "user" (did you mean users?); it has orders, billing, users',
    )
    expect(() => shopWith().client(users as never)).toThrow('app: client takes a contract')
  })
})
