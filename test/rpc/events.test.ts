/** What a service publishes: who gets it, in what order, and who does not hold up whom. */
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { type Context, contract, event, NanowireError, notify, type Service, service, stub } from '../../src/index.ts'
import { defaultLimits, resolveLimits } from '../../src/limits.ts'
import { EventFeed, whenReady } from '../../src/rpc/events.ts'
import type { ItemSink } from '../../src/rpc/item-pump.ts'
import { END, type ItemSource, type Items, NONE } from '../../src/rpc/item-stream.ts'
import { bodyOf, Published } from '../../src/rpc/published.ts'
import { handlerOf } from '../../src/rpc/service.ts'
import { EventItems } from '../../src/rpc/subscription.ts'
import { decodeBody } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import '../support/seed.ts'

const Placed = Type.Object({ orderId: Type.String(), cents: Type.Integer() })
const Orders = contract('orders', {
  note: notify(Type.String()),
  placed: event(Placed, { key: 'orderId' }),
  closed: event(Type.Object({ reason: Type.String() })),
  ticked: event(Type.Integer(), { slow: { policy: 'disconnect', maxItems: 2 } }),
})

const handlers = { note() {} }

function orders(): Service<typeof Orders> {
  return service(Orders, handlers)
}

/** Takes everything, and keeps the bodies. */
class Sink implements ItemSink {
  readonly got: unknown[] = []
  onPut = (_body: unknown): void => {}

  put(item: unknown): boolean {
    const body = bodyOf(item)
    this.got.push(body)
    this.onPut(body)
    return true
  }

  end(): void {
    this.got.push('end')
  }

  fail(error: unknown): void {
    this.got.push(error)
  }
}

/** As much of a handler's context as a feed looks at. */
function contextOf(signal: AbortSignal): Context {
  return { signal } as Context
}

function feedOf(of: Service<typeof Orders>, name: string, filter: unknown = {}): EventFeed {
  const feed = handlerOf(of, name)(filter, contextOf(new AbortController().signal))
  if (!(feed instanceof EventFeed)) throw new Error(`${name} is answered by something else`)
  return feed
}

function subscribe(of: Service<typeof Orders>, name: string, filter?: unknown) {
  const sink = new Sink()
  const pump = feedOf(of, name, filter).pumpInto(sink)
  pump.start()
  return { sink, got: sink.got, leave: () => pump.stop(), pump }
}

const order = (orderId: string, cents = 1) => ({ orderId, cents })

describe('publish', () => {
  it('reaches who subscribes to everything, and who subscribes to the key (F21)', () => {
    const made = orders()
    const all = subscribe(made, 'placed')
    const a = subscribe(made, 'placed', { orderId: 'a' })
    const b = subscribe(made, 'placed', { orderId: 'b' })
    const other = subscribe(made, 'closed')
    for (const body of [order('a', 1), order('b', 2), order('c', 3), order('a', 4)]) made.publish.placed(body)
    expect(all.got).toEqual([order('a', 1), order('b', 2), order('c', 3), order('a', 4)])
    expect(a.got).toEqual([order('a', 1), order('a', 4)])
    expect(b.got).toEqual([order('b', 2)])
    expect(other.got).toEqual([])
  })

  it('is gone where nobody subscribes: at most once (F22)', () => {
    const made = orders()
    made.publish.placed(order('a'))
    const late = subscribe(made, 'placed')
    expect(late.got).toEqual([])
    late.leave()
    made.publish.placed(order('a'))
    expect(late.got).toEqual([])
  })

  it('works by itself, without its service', () => {
    const made = orders()
    const { placed } = made.publish
    const all = subscribe(made, 'placed')
    placed(order('a'))
    expect(all.got).toEqual([order('a')])
  })

  it('of one service does not reach the subscribers of another one', () => {
    const other = subscribe(orders(), 'placed')
    orders().publish.placed(order('a'))
    expect(other.got).toEqual([])
  })

  it('refuses a body that does not fit, and nobody is told', () => {
    const made = orders()
    const all = subscribe(made, 'placed')
    expect(() => made.publish.placed({ orderId: 'a', cents: 'much' } as never)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        processed: 'no',
        message: expect.stringMatching(/^orders\/placed: what is published does not fit: .*\/cents/),
      }),
    )
    const bad = {
      orderId: 'a',
      get cents(): number {
        throw new RangeError('none')
      },
    }
    expect(() => made.publish.placed(bad)).toThrow(
      'orders/placed: the check of what is published threw RangeError: none',
    )
    expect(() => subscribe(made, 'ticked') && made.publish.ticked(undefined as never)).toThrow('does not fit')
    made.publish.placed(order('b'))
    expect(all.got).toEqual([order('b')])
  })

  it('tells nobody what is not declared', () => {
    const made = orders()
    const all = subscribe(made, 'placed')
    const body = { ...order('a'), secret: 'x' }
    made.publish.placed(body)
    expect(all.got).toEqual([order('a')])
    expect(body.secret).toBe('x')
  })

  it('cannot be replaced', () => {
    const { publish } = orders()
    expect(Object.keys(publish)).toEqual(['placed', 'closed', 'ticked'])
    expect(Object.isFrozen(publish)).toBe(true)
  })
})

describe('an event with a handler of its own', () => {
  it('is answered by it, and cannot be published', () => {
    const made = service(Orders, { ...handlers, *placed() {} })
    const answer = handlerOf(made, 'placed')({}, contextOf(new AbortController().signal))
    expect(answer).not.toBeInstanceOf(EventFeed)
    expect(() => made.publish.placed(order('a'))).toThrow('orders/placed has a handler of its own')
    made.publish.closed({ reason: 'late' })
  })

  it('must be a function where there is one, and other methods need one', () => {
    expect(() => service(Orders, { ...handlers, placed: 5 as never })).toThrow('orders/placed has no handler')
    expect(() => service(Orders, {} as never)).toThrow('orders/note has no handler')
  })

  it('keeps its this', () => {
    class Handlers {
      readonly answer = [order('a')]
      note(): void {}
      placed() {
        return this.answer
      }
    }
    const made = service(Orders, new Handlers())
    expect(handlerOf(made, 'placed')({}, contextOf(new AbortController().signal))).toEqual([order('a')])
  })
})

describe('who publishes while subscribers are told', () => {
  it('does so after that: all get everything in one order', () => {
    const made = orders()
    const first = subscribe(made, 'placed')
    const second = subscribe(made, 'placed', { orderId: 'a' })
    const third = subscribe(made, 'placed')
    const answer = (body: unknown): void => {
      if ((body as { cents: number }).cents === 1) made.publish.placed(order('a', 2))
    }
    first.sink.onPut = answer
    third.sink.onPut = answer
    made.publish.placed(order('a', 1))
    const all = [1, 2, 2].map((cents) => order('a', cents))
    expect([first.got, second.got, third.got]).toEqual([all, all, all])
  })

  it('does not reach who subscribes after it', () => {
    const made = orders()
    const first = subscribe(made, 'placed')
    const late: unknown[][] = []
    first.sink.onPut = () => {
      first.sink.onPut = () => {}
      made.publish.placed(order('b', 2))
      late.push(subscribe(made, 'placed').got, subscribe(made, 'placed', { orderId: 'b' }).got)
      made.publish.placed(order('b', 3))
    }
    made.publish.placed(order('a', 1))
    expect(first.got).toEqual([order('a', 1), order('b', 2), order('b', 3)])
    expect(late).toEqual([[order('b', 3)], [order('b', 3)]])
  })

  it('may be a getter of what is published: what it publishes is before that', () => {
    const made = orders()
    const all = subscribe(made, 'placed')
    let isFirst = true
    made.publish.placed({
      orderId: 'outer',
      get cents() {
        if (isFirst) {
          isFirst = false
          made.publish.placed(order('inner'))
        }
        return 1
      },
    })
    expect(all.got.map((body) => (body as { orderId: string }).orderId)).toEqual(['inner', 'outer'])
  })
})

describe('a subscriber', () => {
  it('that leaves while others are told is told no more, and holds up nobody', () => {
    const made = orders()
    const first = subscribe(made, 'placed')
    const second = subscribe(made, 'placed')
    const third = subscribe(made, 'placed')
    first.sink.onPut = () => {
      second.leave()
      first.leave()
    }
    made.publish.placed(order('a'))
    made.publish.placed(order('b'))
    expect([first.got, second.got, third.got]).toEqual([[order('a')], [], [order('a'), order('b')]])
  })

  it('that throws is ended by that, and the others are told', () => {
    const made = orders()
    const bad = subscribe(made, 'placed')
    const good = subscribe(made, 'placed')
    const error = new NanowireError('resource_exhausted', 'too slow')
    bad.sink.onPut = () => {
      throw error
    }
    made.publish.placed(order('a'))
    made.publish.placed(order('b'))
    expect(bad.got).toEqual([order('a'), error])
    expect(good.got).toEqual([order('a'), order('b')])
  })

  it('subscribes once, leaves once, and cannot come back', () => {
    const made = orders()
    const { pump, got, leave } = subscribe(made, 'placed')
    pump.resume()
    made.publish.placed(order('a'))
    leave()
    let ended = 0
    pump.stop(() => ended++)
    pump.start()
    made.publish.placed(order('b'))
    expect([got, ended]).toEqual([[order('a')], 1])
  })

  it('that left before it subscribed never does', () => {
    const made = orders()
    const sink = new Sink()
    const pump = feedOf(made, 'placed').pumpInto(sink)
    pump.stop()
    pump.start()
    made.publish.placed(order('a'))
    expect(sink.got).toEqual([])
  })
})

describe('any course of subscribing, leaving and publishing', () => {
  const key = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(
    fc.record({ subscribe: fc.option(key, { nil: undefined }) }),
    fc.record({ leave: fc.nat(20) }),
    fc.record({ publish: key }),
  )

  it('gives each what was published while it subscribed, and keeps nothing of those who left', () => {
    const course = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const made = orders()
      const subscribers: {
        got: unknown[]
        leave: () => void
        key: string | undefined
        wanted: unknown[]
        isIn: boolean
      }[] = []
      let cents = 0
      for (const one of steps) {
        if ('subscribe' in one) {
          const { got, leave } = subscribe(made, 'placed', { orderId: one.subscribe })
          subscribers.push({ got, leave, key: one.subscribe, wanted: [], isIn: true })
        } else if ('leave' in one) {
          const who = subscribers[one.leave]
          who?.leave()
          if (who) who.isIn = false
        } else {
          const body = order(one.publish, ++cents)
          made.publish.placed(body)
          for (const { isIn, key: its, wanted } of subscribers)
            if (isIn && (its === undefined || its === one.publish)) wanted.push(body)
        }
      }
      for (const { got, wanted } of subscribers) expect(got).toEqual(wanted)
      const within = subscribers.filter(({ isIn }) => isIn)
      const keys = new Set(within.flatMap((who) => who.key ?? []))
      expect(feedOf(made, 'placed').hub.size).toEqual({ subscribers: within.length, keys: keys.size })
      for (const { leave } of subscribers) leave()
      expect(feedOf(made, 'placed').hub.size).toEqual({ subscribers: 0, keys: 0 })
    })
    fc.assert(course, runs(200))
  })
})

describe('what was published', () => {
  const { placed } = Orders.methods

  it('is encoded once for all connections of the same limits, in memory of its own', () => {
    const published = new Published(placed, order('a'), 1)
    const bytes = published.encoded(defaultLimits)
    expect(published.encoded(defaultLimits)).toBe(bytes)
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength)
    expect(decodeBody(placed.reply, bytes, 0, bytes.length, defaultLimits)).toEqual(order('a'))
    expect(published.encoded(resolveLimits())).toEqual(bytes)
  })

  it('is the same object for all in memory, and refused where a place has narrower limits', () => {
    const Deep = contract('deep', { told: event(Type.Object({ value: Type.Unknown() })) })
    const published = new Published(Deep.methods.told, { value: [[[1]]] }, 1)
    expect(published.inMemory(defaultLimits)).toBe(published.inMemory(defaultLimits))
    const bytes = published.encoded(defaultLimits)
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength)
    expect(() => published.inMemory(resolveLimits({ maxDepth: 3 }))).toThrow()
    expect(() => published.encoded(resolveLimits({ maxDepth: 3 }))).toThrow()
    expect(published.inMemory(defaultLimits)).toBe(published.body)
  })

  it('goes as deep as any place allows', () => {
    const Deep = contract('deep', { told: event(Type.Object({ value: Type.Unknown() })) })
    const { publish } = service(Deep, {})
    let value: unknown = 1
    for (let depth = 2; depth < 512; depth++) value = [value]
    publish.told({ value })
    expect(() => publish.told({ value: [[value]] })).toThrow('does not fit')
  })
})

describe('a feed that is iterated, as middleware does', () => {
  it('gives the bodies from when its iterator is made, until it returns', async () => {
    const made = orders()
    const feed = feedOf(made, 'placed', { orderId: 'a' })
    made.publish.placed(order('a', 1))
    const bodies = feed[Symbol.asyncIterator]()
    const waiting = bodies.next()
    for (const cents of [2, 3, 4]) made.publish.placed(order('a', cents))
    made.publish.placed(order('b', 5))
    expect([await waiting, await bodies.next(), await bodies.next()].map(({ value }) => value)).toEqual(
      [2, 3, 4].map((cents) => order('a', cents)),
    )
    const last = bodies.next()
    await bodies.return?.()
    made.publish.placed(order('a', 6))
    expect((await last).done).toBe(true)
    expect(feed.hub.size).toEqual({ subscribers: 0, keys: 0 })
  })

  it('ends when the caller goes away, for a generator that waits cannot be told to return', async () => {
    const made = orders()
    const controller = new AbortController()
    const feed = handlerOf(made, 'placed')({}, contextOf(controller.signal)) as EventFeed // it has no handler of its own
    const bodies = feed[Symbol.asyncIterator]()
    const waiting = bodies.next()
    controller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    expect(feed.hub.size.subscribers).toBe(0)
    await expect(feed[Symbol.asyncIterator]().next()).rejects.toThrow('gone')
    expect(feed.hub.size.subscribers).toBe(0)
  })

  it('has what the method says for slow ones', async () => {
    const made = orders()
    const bodies = feedOf(made, 'ticked')[Symbol.asyncIterator]()
    for (let n = 1; n <= 4; n++) made.publish.ticked(n)
    expect((await bodies.next()).value).toBe(1)
    await expect(bodies.next()).rejects.toMatchObject({ code: 'resource_exhausted' })
    expect(feedOf(made, 'ticked').hub.size.subscribers).toBe(0)
  })

  it('has what the service says over that', async () => {
    const made = service(Orders, handlers, { slow: { ticked: 'latest' } })
    const bodies = feedOf(made, 'ticked')[Symbol.asyncIterator]()
    for (let n = 1; n <= 4; n++) made.publish.ticked(n)
    expect([(await bodies.next()).value, (await bodies.next()).value]).toEqual([1, 4])
  })
})

describe('when a subscription stands', () => {
  it('is at once, of a feed and of any iterable', () => {
    for (const returned of [feedOf(orders(), 'placed'), [], null, undefined, 5, { ready: 'yes' }]) {
      let stands = 0
      whenReady(returned, () => stands++)
      expect(stands).toBe(1)
    }
  })

  it('is when another one stands that is passed on, and never where that one fails', async () => {
    const source = new Source()
    const good = new EventItems(source)
    const bad = new EventItems(new Source())
    let stands = 0
    whenReady(good, () => stands++)
    whenReady(bad, () => expect.fail('it stands'))
    bad.doesNotStand(new Error('no'))
    await Promise.allSettled([bad.ready])
    expect(stands).toBe(0)
    good.stands()
    await good.ready
    expect(stands).toBe(1)
  })
})

/** Has what it is given. */
class Source implements ItemSource {
  readonly items: unknown[] = []
  dropped = 0
  stopped = 0

  take(): unknown {
    const item = this.items.length > 0 ? this.items.shift() : NONE
    if (item instanceof Error) throw item
    return item
  }

  stop(): void {
    this.stopped++
  }
}

describe('a subscription at its subscriber', () => {
  it('numbers what is taken from 1 on, those that were left out included (F22)', async () => {
    const source = new Source()
    const items = new EventItems(source)
    expect([items.sequence, items.dropped]).toEqual([0, 0])
    source.items.push('a', 'b')
    await items.next()
    expect(items.sequence).toBe(1)
    source.dropped = 3
    await items.next()
    expect([items.sequence, items.dropped]).toEqual([5, 3])
    source.items.push(END)
    await items.next()
    expect(items.sequence).toBe(5)
  })

  it('is ready when it stands, when an item is there, and at its end', async () => {
    const told = new EventItems(new Source())
    const before = told.ready
    told.stands()
    expect(await Promise.all([before, told.ready])).toEqual([undefined, undefined])
    for (const item of ['a', END]) {
      const source = new Source()
      const items = new EventItems(source)
      source.items.push(item)
      await items.next()
      expect(await items.ready).toBeUndefined()
    }
  })

  it('is never ready where it fails before, whoever asks first', async () => {
    const asked = new EventItems(new Source())
    const waiting = asked.ready
    asked.doesNotStand(new Error('first'))
    asked.doesNotStand(new Error('second'))
    asked.stands()
    await expect(waiting).rejects.toThrow('first')
    const unasked = new EventItems(new Source())
    unasked.doesNotStand(new Error('first'))
    unasked.doesNotStand(new Error('second'))
    unasked.stands()
    await expect(unasked.ready).rejects.toThrow('first')
  })

  it('that stands does not fail any more', async () => {
    const items = new EventItems(new Source())
    items.stands()
    items.doesNotStand(new Error('late'))
    expect(await items.ready).toBeUndefined()
  })

  it.each([
    ['return', (items: Items) => items.return()],
    ['disposal', (items: Items) => items[Symbol.asyncDispose]()],
  ])('is cancelled by %s before it stands', async (_, leave) => {
    const source = new Source()
    const items = new EventItems(source)
    await leave(items)
    await expect(items.ready).rejects.toMatchObject({ code: 'cancelled' })
    expect(source.stopped).toBe(1)
  })

  it('whose readiness nobody asks for fails without a word', async () => {
    const rejections: unknown[] = []
    const listen = (error: unknown): void => {
      rejections.push(error)
    }
    process.on('unhandledRejection', listen)
    const asked = new EventItems(new Source())
    void asked.ready
    asked.doesNotStand(new Error('no'))
    const late = new EventItems(new Source())
    late.doesNotStand(new Error('no'))
    void late.ready
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listen)
    expect(rejections).toEqual([])
  })
})

describe('a stub of a service with events', () => {
  it('publishes them', () => {
    const made = stub(Orders)
    const all = subscribe(made, 'placed')
    made.publish.placed(order('a'))
    expect(all.got).toEqual([order('a')])
  })
})
