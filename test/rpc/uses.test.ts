/** Clients that are bound to a call: what a nested call carries and ends with, wherever the other service is. */
import { afterEach, describe, expect, it } from 'vitest'
import {
  type Connection,
  connect,
  NanowireError,
  type Provider,
  router,
  type Server,
  type Service,
  serve,
  stub,
} from '../../src/index.ts'
import { HandClock, until } from '../support/hand-clock.ts'
import { Orders, ordersWith, Users } from '../support/shop.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const authenticate = ({ credentials }: { readonly credentials: unknown }) => credentials

const open: { close(options?: { drainMs: number }): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close({ drainMs: 0 })
})
const closing = <T extends Connection | Server>(one: T): T => {
  open.push(one)
  return one
}

/** Where users are, seen from orders. */
const places: Readonly<Record<string, (users: Service, clock: HandClock) => Promise<Provider>>> = {
  'a service in memory': async (users) => users,
  'a router in memory': async (users) => router([users]),
  'an address': async (users, clock) => closing(await serve(users, 'tcp://127.0.0.1:0', { clock })).url,
  'a connection': async (users, clock) => closing(connect(users, { clock, encoded: true })),
  'a client': async (users, clock) => closing(connect(users, { clock })).client(Users),
}

/** Where orders are, seen from their caller. */
const outerPlaces = ['memory', 'encoded memory', 'an address'] as const

const cases = Object.entries(places).flatMap(([name, placeOf]) =>
  outerPlaces.map((outer) => [name, outer, placeOf] as const),
)

describe.each(cases)('a call to %s, from a call to %s', (_, outer, placeOf) => {
  const clock = new HandClock()
  async function orders(place: Parameters<typeof ordersWith>[0], users: Service<typeof Users>, forward?: string[]) {
    const services = router([ordersWith(place, forward)], { uses: { users: await placeOf(users, clock) }, log: silent })
    const at =
      outer === 'an address' && closing(await serve(services, 'tcp://127.0.0.1:0', { clock, authenticate })).url
    const here = { clock, principal: 'ada', encoded: outer === 'encoded memory' }
    const wire = closing(at ? connect(at, { clock, credentials: 'ada' }) : connect(services, here))
    return wire.client(Orders)
  }

  it('gets its answer', async () => {
    const users = stub(Users, { get: ({ id }) => ({ name: `N${id}` }) })
    const { place } = await orders((id, ctx) => ctx.uses.users.get({ id }), users)
    expect(await place({ id: '7' })).toEqual({ name: 'N7' })
  })

  it('has what is left of the deadline, or what is asked for where that is less', async () => {
    const left: (number | undefined)[] = []
    const users = stub(Users, {
      quick({ id }, ctx) {
        left.push(ctx.deadline?.remainingMs)
        return { id }
      },
      get(_, ctx) {
        left.push(ctx.deadline?.remainingMs)
        return { name: '' }
      },
    })
    const { place } = await orders(async (id, { uses: { users: client } }) => {
      await client.get({ id })
      clock.advance(100)
      await client.get({ id })
      await client.get({ id }, { timeoutMs: 30 })
      await client.get({ id }, { timeoutMs: 5_000 })
      await client.get.try({ id }, { timeoutMs: Number.POSITIVE_INFINITY })
      await client.quick({ id })
      clock.advance(370)
      await client.quick({ id })
    }, users)
    await place({ id: '1' }, { timeoutMs: 500 })
    expect(left).toEqual([500, 400, 30, 400, 400, 50, 30])
  })

  it('has its own deadline, where the call that makes it has none', async () => {
    const left: (number | undefined)[] = []
    const users = stub(Users, {
      get(_, ctx) {
        left.push(ctx.deadline?.remainingMs)
        return { name: '' }
      },
    })
    const { place } = await orders((id, ctx) => ctx.uses.users.get({ id }), users)
    await place({ id: '1' }, { timeoutMs: Number.POSITIVE_INFINITY })
    expect(left).toEqual([10_000])
  })

  it.each(['cancelled', 'deadline_exceeded'] as const)('ends with the call that made it: %s', async (code) => {
    let reached: AbortSignal | undefined
    const users = stub(Users, {
      get: (_, ctx) => {
        reached = ctx.signal
        return new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve({ name: '' })))
      },
    })
    const seen: unknown[] = []
    const { place } = await orders(async (id, ctx) => {
      clock.advance(0.5) // so that a deadline in whole milliseconds is later than the one that is left
      const tried = await ctx.uses.users.get.try({ id })
      const again = await ctx.uses.users.get.try({ id })
      for (const one of [tried, again]) seen.push(one.ok ? one : [one.error.code, one.error.processed])
    }, users)
    const controller = new AbortController()
    const timeoutMs = 1_000 - (clock.now() % 8) // when the wheel of deadlines is looked at, so that the outer one comes first
    const call = place.try({ id: '1' }, { timeoutMs, signal: controller.signal })
    await until(() => reached !== undefined)
    if (code === 'cancelled') controller.abort()
    else clock.advance(1_015.5)
    expect(await call).toMatchObject({ error: { code, processed: 'maybe' } })
    await until(() => seen.length === 2 && reached?.aborted === true)
    if (code === 'cancelled') clock.advance(0.5)
    expect(seen).toEqual([
      [code, 'maybe'],
      [code, 'no'],
    ])
  })

  it('can be cancelled by itself', async () => {
    let isReached = false
    const users = stub(Users, {
      get: (_, ctx) => {
        isReached = true
        return new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve({ name: '' })))
      },
    })
    const own = new AbortController()
    const { place } = await orders(async (id, ctx) => {
      const tried = await ctx.uses.users.get.try({ id }, { signal: own.signal })
      const aborted = await ctx.uses.users.get.try({ id }, { signal: own.signal })
      return [tried, aborted].map((one) => (one.ok ? 'ok' : [one.error.code, one.error.processed]))
    }, users)
    const call = place({ id: '1' })
    await until(() => isReached)
    own.abort()
    expect(await call).toEqual([
      ['cancelled', 'maybe'],
      ['cancelled', 'no'],
    ])
  })

  it('carries of the metadata what is named, the trace, and what is given', async () => {
    const names = ['tenant', 'secret', 'own', 'traceparent', 'tracestate']
    const users = stub(Users, {
      get: (_, ctx) => ({ name: names.map((name) => ctx.metadata.get(name) ?? '-').join() }),
    })
    const { place } = await orders(
      async (id, { uses }) => [
        (await uses.users.get({ id })).name,
        (await uses.users.get({ id }, { metadata: { own: 'o', tenant: 'other' } })).name,
      ],
      users,
      ['tenant', 'absent'],
    )
    const metadata = { tenant: 't', secret: 's', traceparent: 'p', tracestate: 'q' }
    expect(await place({ id: '1' }, { metadata })).toEqual(['t,-,-,p,q', 'other,-,o,p,q'])
    expect(await place({ id: '1' })).toEqual(['-,-,-,-,-', 'other,-,o,-,-'])
  })

  it('never says who called the call that made it', async () => {
    const users = stub(Users, { get: (_, ctx) => ({ name: String(ctx.principal) }) })
    const { place } = await orders(async (id, ctx) => [ctx.principal, (await ctx.uses.users.get({ id })).name], users)
    expect(await place({ id: '1' })).toEqual(['ada', 'undefined'])
  })

  it('passes on its code alone where its error leaves the handler', async () => {
    const users = stub(Users, {
      get({ id }, ctx) {
        if (id === 'gone') throw ctx.error('Gone', { since: 'noon' })
        throw new NanowireError('not_found', 'a secret of users')
      },
    })
    const { place } = await orders((id, ctx) => ctx.uses.users.get({ id }), users)
    const ends = await Promise.all(['gone', 'lost'].map((id) => place.try({ id })))
    expect(ends.map((end) => !end.ok && [end.error.code, end.error.processed, end.error.data])).toEqual([
      ['internal', 'yes', undefined],
      ['not_found', 'yes', undefined],
    ])
    for (const end of ends)
      expect(end.ok ? '' : end.error.message).toMatch(
        /^orders\/place(:? a call that it made ended with not_found| failed)/,
      )
  })

  it('says what is wrong with its request or options', async () => {
    const { place } = await orders(async (id, { uses: { users } }) => {
      const bad = 7 as never // what a user without types may pass
      const ends = [
        await users.get.try({ id: bad }),
        await users.get.try({ id }, { timeoutMs: 0 }),
        await users.get.try({ id }, { timeout: 5 } as never),
        await users.get.try({ id }, bad),
        await users.get.try({ id }, { signal: bad }),
        await users.get.try({ id }, { metadata: 'x' as never }),
      ]
      return ends.map((end) => !end.ok && `${end.error.code} ${end.error.processed}`)
    }, stub(Users))
    expect(new Set((await place({ id: '1' }, { metadata: { traceparent: 'p' } })) as string[])).toEqual(
      new Set(['invalid_argument no']),
    )
  })

  it('may be a notify', async () => {
    const seen: string[] = []
    const users = stub(Users, { seen: ({ id }) => void seen.push(id) })
    const { place } = await orders((id, ctx) => ctx.uses.users.seen({ id }), users)
    expect(await place({ id: '7' })).toBe(null)
    await until(() => seen[0] === '7')
  })
})
