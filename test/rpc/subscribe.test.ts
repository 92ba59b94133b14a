/** Events from their publisher to their subscribers, in every place. */
import Type from 'typebox'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type Connection,
  type Context,
  connect,
  contract,
  event,
  type Routable,
  router,
  type Server,
  type Service,
  type ServiceOptions,
  serve,
  service,
  stub,
  unary,
} from '../../src/index.ts'
import { EventFeed } from '../../src/rpc/events.ts'
import { handlerOf } from '../../src/rpc/service.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'

const Placed = Type.Object({ orderId: Type.String(), cents: Type.Integer() })
const Orders = contract('orders', {
  place: unary(Placed, Type.Object({ done: Type.Boolean() })),
  placed: event(Placed, { key: 'orderId' }),
  noted: event(Type.Object({ key: Type.String(), n: Type.Integer(), text: Type.String() }), { key: 'key' }),
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const clocks: HandClock[] = []
const open: { close(options?: { drainMs: number }): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    let isClosed = false
    const closed = one.close({ drainMs: 0 }).then(() => {
      isClosed = true
    })
    while (!isClosed) {
      for (const clock of clocks) clock.advance(1)
      await nextTurn()
    }
    await closed
  }
})
const closing = <T extends Connection | Server>(one: T): T => {
  open.push(one)
  return one
}

function orders(options: ServiceOptions<Record<never, never>, typeof Orders> = {}): Service<typeof Orders> {
  const made: Service<typeof Orders> = service(
    Orders,
    {
      place(order) {
        made.publish.placed(order)
        return { done: true }
      },
    },
    options,
  )
  return made
}

/** How many subscribe to an event of a service. */
function subscribersOf(made: Service<typeof Orders>, name: string): number {
  const feed = handlerOf(made, name)({}, { signal: new AbortController().signal } as Context)
  return feed instanceof EventFeed ? feed.hub.size.subscribers : -1
}

const order = (orderId: string, cents = 1) => ({ orderId, cents })

async function take<Item>(items: AsyncIterator<Item>, count: number): Promise<Item[]> {
  const taken: Item[] = []
  while (taken.length < count) {
    const { value, done } = await items.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

const places: Readonly<Record<string, (routable: Routable, clock: HandClock) => Promise<Connection>>> = {
  memory: async (routable, clock) => closing(connect(routable, { clock })),
  'encoded memory': async (routable, clock) => closing(connect(routable, { clock, encoded: true })),
  TCP: async (routable, clock) => {
    const { url } = closing(await serve(routable, 'tcp://127.0.0.1:0', { clock }))
    return closing(connect(url, { clock }))
  },
}

describe.each(Object.entries(places))('a subscription in %s', (_, connectTo) => {
  const clock = new HandClock()
  clocks.push(clock)
  const clientOf = async (routable: Routable) => (await connectTo(routable, clock)).client(Orders)

  it('gets what is published under its key, or everything, in order and numbered (F21, F22)', async () => {
    const made = orders()
    const { placed } = await clientOf(made)
    const all = placed()
    const some = placed({ orderId: 'a' })
    await Promise.all([all.ready, some.ready])
    const bodies = [order('a', 1), order('b', 2), order('a', 3)]
    for (const body of bodies) made.publish.placed(body)
    expect(await take(all, 3)).toEqual(bodies)
    expect(await take(some, 2)).toEqual([order('a', 1), order('a', 3)])
    expect([all.sequence, some.sequence, all.dropped]).toEqual([3, 2, 0])
  })

  it('gets what a handler publishes', async () => {
    const { place, placed } = await clientOf(orders())
    const all = placed({})
    await all.ready
    await place(order('a', 5))
    expect(await take(all, 1)).toEqual([order('a', 5)])
  })

  it('is over when its loop is left, and nothing of it is kept', async () => {
    const made = orders()
    const wire = await connectTo(made, clock)
    const all = wire.client(Orders).placed()
    await all.ready
    expect(subscribersOf(made, 'placed')).toBe(1)
    made.publish.placed(order('a'))
    for await (const body of all) {
      expect(body).toEqual(order('a'))
      break
    }
    await until(() => subscribersOf(made, 'placed') === 0 && wire.stats().inFlight === 0)
    expect(await all.next()).toEqual({ done: true, value: undefined })
  })

  it('ends with its signal, and with its deadline', async () => {
    const made = orders()
    const { placed } = await clientOf(made)
    const controller = new AbortController()
    const aborted = placed({}, { signal: controller.signal })
    const late = placed({}, { timeoutMs: 100 })
    const lasting = placed()
    await Promise.all([aborted.ready, late.ready, lasting.ready])
    controller.abort()
    await expect(aborted.next()).rejects.toMatchObject({ code: 'cancelled' })
    const waiting = late.next()
    waiting.catch(() => {}) // looked at below
    await nextTurn() // its timer is set
    clock.advance(110) // at most a tick late
    await expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await until(() => subscribersOf(made, 'placed') === 1)
    clock.advance(15_000) // longer than a call may take, and no silence yet
    made.publish.placed(order('a'))
    expect(await take(lasting, 1)).toEqual([order('a')])
  })

  it('is never ready where it may not be: the reason is told by both', async () => {
    const made = orders()
    const { placed } = await clientOf(router([made], { authorize: ({ method }) => method.event === undefined }))
    const all = placed()
    await expect(all.ready).rejects.toMatchObject({ code: 'permission_denied', processed: 'no' })
    await expect(all.next()).rejects.toMatchObject({ code: 'permission_denied' })
    expect(subscribersOf(made, 'placed')).toBe(0)
  })

  it('is refused for a key that does not fit', async () => {
    const { placed } = await clientOf(orders())
    const bad = placed({ orderId: 5 as never })
    await expect(bad.next()).rejects.toMatchObject({ code: 'invalid_argument', processed: 'no' })
  })

  it('may be wrapped by middleware', async () => {
    const made = orders()
    const { placed } = await clientOf(
      router([made], {
        use: [
          async ({ method }, next) => {
            const answer = await next()
            if (!method.event) return answer
            return (async function* () {
              for await (const body of answer as AsyncIterable<{ orderId: string; cents: number }>)
                yield { ...body, cents: body.cents * 2 }
            })()
          },
        ],
      }),
    )
    const all = placed()
    await all.ready
    for (const cents of [1, 2, 3]) made.publish.placed(order('a', cents))
    expect(await take(all, 3)).toEqual([2, 4, 6].map((cents) => order('a', cents)))
    await all.return()
    await until(() => subscribersOf(made, 'placed') === 0)
  })

  it('may be passed on by a service between, and is ready when the one behind is', async () => {
    const made = orders()
    const behind = await clientOf(made)
    const between = service(Orders, behind)
    const { placed } = await clientOf(between)
    const all = placed({ orderId: 'a' })
    await all.ready
    expect(subscribersOf(made, 'placed')).toBe(1)
    made.publish.placed(order('b'))
    made.publish.placed(order('a'))
    expect(await take(all, 1)).toEqual([order('a')])
    await all.return()
    await until(() => subscribersOf(made, 'placed') === 0)
  })

  it('of a stub gets what the test publishes', async () => {
    const made = stub(Orders)
    const { placed } = await clientOf(made)
    const all = placed()
    await all.ready
    made.publish.placed(order('a'))
    expect(await take(all, 1)).toEqual([order('a')])
  })
})

describe.each(Object.entries(places))('a connection in %s that closes', (_, connectTo) => {
  it('ends its subscriptions with unavailable, and waits for them no longer', async () => {
    const made = orders()
    const clock = new HandClock()
    clocks.push(clock)
    const wire = await connectTo(router([made], { log: silent }), clock)
    const all = wire.client(Orders).placed()
    await all.ready
    const waiting = all.next()
    waiting.catch(() => {}) // looked at below
    await wire.close()
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
    await until(() => subscribersOf(made, 'placed') === 0)
  })
})

describe.each(Object.entries(places))('a slow subscriber in %s (F19, F20)', (_, connectTo) => {
  const clock = new HandClock()
  clocks.push(clock)
  const text = 'x'.repeat(1_000)
  const COUNT = 200

  /** A subscriber that takes nothing while all is published. */
  async function missed(slow: ServiceOptions<Record<never, never>, typeof Orders>['slow'], keys = ['a']) {
    const made = orders({ slow })
    const wire = await connectTo(router([made], { log: silent }), clock)
    const late = wire.client(Orders).noted()
    const prompt = wire.client(Orders).noted()
    await Promise.all([late.ready, prompt.ready])
    const got: number[] = []
    void (async () => {
      for await (const { n } of prompt) got.push(n)
    })().catch(() => {}) // it ends with the connection
    for (let n = 1; n <= COUNT; n++) {
      made.publish.noted({ key: keys[n % keys.length] ?? '', n, text })
      await until(() => got.length === n) // so that it keeps up
    }
    expect(prompt.dropped).toBe(0)
    return { made, late }
  }

  it('misses the oldest, and sees how many, while another one misses nothing', async () => {
    const { late } = await missed({ noted: { policy: 'dropOldest', maxItems: 3 } })
    const got: number[] = []
    for await (const { n } of late) {
      got.push(n)
      expect(late.sequence).toBe(n)
      expect(late.dropped).toBe(n - got.length)
      if (n === COUNT) break
    }
    expect(late.dropped).toBeGreaterThan(0)
    expect(got.slice(-3)).toEqual([COUNT - 2, COUNT - 1, COUNT])
  })

  it('has the latest of each key', async () => {
    const { late } = await missed({ noted: 'latest' }, ['a', 'b'])
    const got: number[] = []
    for await (const { n } of late) {
      got.push(n)
      expect(late.sequence).toBe(n)
      if (n === COUNT) break
    }
    expect(late.dropped).toBeGreaterThan(0)
    expect(got.slice(-2)).toEqual([COUNT - 1, COUNT])
  })

  it('is disconnected, and has what was sent before', async () => {
    const { made, late } = await missed({ noted: { policy: 'disconnect', maxItems: 3 } })
    const got: number[] = []
    const end = (async () => {
      for await (const { n } of late) got.push(n)
    })()
    await expect(end).rejects.toMatchObject({
      code: 'resource_exhausted',
      processed: 'yes',
      message: expect.stringContaining('slow.maxItems is 3'),
    })
    expect(got).toEqual(got.map((_one, at) => at + 1))
    expect(got.length).toBeGreaterThan(0)
    expect(late.dropped).toBe(0)
    expect(subscribersOf(made, 'noted')).toBeLessThan(2)
  })
})

describe('a key that is undefined', () => {
  it('is refused, and does not stand for everything', async () => {
    const wire = closing(connect(orders(), { clock: new HandClock() }))
    const orderId: unknown = undefined
    const placed = wire.client(Orders).placed({ orderId } as never) // as a caller without types
    await expect(placed.next()).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('orderId'),
    })
  })
})
