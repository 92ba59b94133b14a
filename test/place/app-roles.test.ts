/** Roles of an app: some of its services at an address, and what they use. */
import { afterEach, describe, expect, it } from 'vitest'
import {
  type App,
  type AppOptions,
  app,
  connect,
  type Server,
  type Service,
  serve,
  service,
  stub,
} from '../../src/index.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { all, Billing, log, Users, users } from './shop.ts'

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

describe('a role of an app', () => {
  it('runs what is named at an address, and what it uses in this process', async () => {
    const shop = shopWith()
    const server = await shop.serve('billing', 'tcp://127.0.0.1:0')
    expect(log).toEqual(['start users', 'start billing'])
    const wire = connect(server.url)
    expect(await wire.client(Billing).charge({ id: '7' })).toEqual({ text: 'bill 7(--)' })
    await expect(wire.client(Users).get({ id: '7' })).rejects.toMatchObject({ code: 'unimplemented', processed: 'no' })
    await wire.close()
    await shop.close()
    expect(log.slice(2)).toEqual(['stop billing', 'stop users'])
    await expect(connect(server.url).ready()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('runs what is named although it has a place, and uses the places of the others', async () => {
    const elsewhere = closing(await serve(stub(Users, { get: () => ({ text: 'elsewhere' }) }), 'tcp://127.0.0.1:0'))
    const places = { users: elsewhere.url, billing: 'tcp://127.0.0.1:1' }
    const shop = shopWith({ places })
    const server = await shop.serve(['billing'], 'tcp://127.0.0.1:0')
    const wire = connect(server.url)
    expect(await wire.client(Billing).charge({ id: '7' })).toEqual({ text: 'bill elsewhere' })
    await wire.close()
    const both = await shop.serve(['billing', 'users', 'billing'], 'tcp://127.0.0.1:0')
    const other = connect(both.url)
    expect(await other.client(Billing).charge({ id: '7' })).toEqual({ text: 'bill 7(--)' })
    await other.close()
  })

  it('starts services once, for its server and its own clients', async () => {
    const shop = shopWith()
    await shop.ready()
    const server = await shop.serve('orders', 'tcp://127.0.0.1:0')
    expect(log).toHaveLength(3)
    await server.close()
    expect(log).toHaveLength(3)
    expect(await shop.client(Users).get({ id: '7' })).toEqual({ text: '7(--)' })
    await shop.close()
    expect(log.slice(3)).toEqual(['stop orders', 'stop billing', 'stop users'])
  })

  it('authenticates, authorizes and limits as the app and the call say', async () => {
    const shop = shopWith({
      authorize: ({ ctx }) => ctx.principal === 'ada',
      serve: { authenticate: ({ credentials }) => credentials, reflection: false },
      use: [
        ({ method }, next) => {
          log.push(method.name)
          return next()
        },
      ],
    })
    const server = await shop.serve('billing', 'tcp://127.0.0.1:0', { reflection: true })
    for (const [credentials, code] of [
      ['ada', undefined],
      ['bob', 'permission_denied'],
    ] as const) {
      const wire = connect(server.url, { credentials })
      const end = await wire.client(Billing).charge.try({ id: '7' })
      expect(end.ok ? undefined : end.error.code).toBe(code)
      await wire.close()
    }
    expect(log.slice(2)).toEqual(['billing/charge', 'users/get'])
  })

  it('is not served by an app that was closed, also meanwhile', async () => {
    const shop = shopWith()
    const served = shop.serve('users', 'tcp://127.0.0.1:0').catch((error: unknown) => error)
    await shop.close()
    expect(await served).toMatchObject({ code: 'unavailable', message: 'this app was closed' })
    expect(log).toEqual([])
    await expect(shop.serve('users', 'tcp://127.0.0.1:0')).rejects.toThrow('this app was closed')
  })

  it.each([{ listens: true }, { listens: false }])(
    'ends its start when the app is closed, which waits for it as long as it drains, %j',
    async ({ listens }) => {
      const clock = new HandClock()
      const seen: AbortSignal[] = []
      let go = (): void => {}
      const start = ({ signal }: { signal: AbortSignal }): Promise<void> => {
        seen.push(signal)
        return new Promise((resolve) => {
          go = resolve
          if (listens) signal.addEventListener('abort', () => resolve())
        })
      }
      const stop = (): void => void log.push('stop billing')
      const slow = service(Billing, { charge: ({ id }) => ({ text: id }) }, { uses: { users: Users }, start, stop })
      const shop = shopWith({ clock }, [slow, users])
      const served = shop.serve('billing', 'tcp://127.0.0.1:0').catch((error: unknown) => log.push(String(error)))
      await until(() => seen.length > 0)
      expect(log).toEqual(['start users'])
      const closed = shop.close({ drainMs: 200 }).then(() => log.push('closed'))
      expect(seen[0]?.aborted).toBe(true)
      for (let turn = 0; turn < 3; turn++) await nextTurn()
      if (!listens) {
        expect(log).toEqual(['start users'])
        clock.advance(200)
      }
      await Promise.all([closed, served])
      const stops = listens ? ['stop billing', 'stop users'] : ['stop users']
      expect(log.slice(1, 1 + stops.length)).toEqual(stops)
      expect(log.slice(1 + stops.length).sort()).toEqual(['NanowireError: this app was closed', 'closed'])
      go()
      await until(() => log.includes('stop billing'))
      expect(clock.timers).toBe(0)
    },
  )

  it('that did not start is forgotten, and its error is what it was', async () => {
    const cause = new Error('no database')
    const shop = shopWith({}, [
      service(Users, { get: ({ id }) => ({ text: id }) }, { start: () => Promise.reject(cause) }),
    ])
    await expect(shop.serve('users', 'tcp://127.0.0.1:0')).rejects.toMatchObject({ code: 'unavailable', cause })
    await shop.close()
  })

  it.each<[string, (shop: App) => Promise<unknown>, string]>([
    [
      'a name that is not there',
      (shop) => shop.serve('usres', 'tcp://127.0.0.1:0'),
      'the app has no service "usres" (did you mean users?); it has orders, billing, users',
    ],
    ['no name', (shop) => shop.serve([], 'tcp://127.0.0.1:0'), 'takes the name of a contract, or a list of them'],
    [
      'an option that is not there',
      (shop) => shop.serve('users', 'x', { uses: {} } as never),
      'app.serve has no option "uses"',
    ],
    ['no address', (shop) => shop.serve('users', 'here'), '"here" is no address'],
  ])('is refused: %s', async (_, act, words) => {
    await expect(act(shopWith())).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(words),
    })
    expect(log).toEqual([])
  })
})
