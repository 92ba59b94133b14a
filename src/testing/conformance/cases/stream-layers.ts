/** What stands around streams: middleware on both sides, which may wrap their items, and `authorize`. */
import { NanowireError } from '../../../errors.ts'
import type { ClientMiddleware, ServerMiddleware } from '../../../rpc/index.ts'
import { equal, fails } from '../assert.ts'
import { endOf, feed, isOver, listOf, numbers, type Tick, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import { type Cases, each } from '../suite.ts'

const doubled = async function* (items: AsyncIterable<Tick>): AsyncGenerator<Tick> {
  for await (const { n } of items) yield { n: 2 * n }
}

/** The first of them. The rest nobody is told of. */
const firstOf = async function* (items: AsyncIterable<Tick>): AsyncGenerator<Tick> {
  const { value, done } = await items[Symbol.asyncIterator]().next()
  if (!done) yield value
}

/** Items without end, and how often they were told to return. */
class ReturnedItems implements AsyncIterableIterator<Tick> {
  ended = 0
  readonly #over: Promise<void> | undefined

  constructor(over?: Promise<void>) {
    this.#over = over
  }

  async next(): Promise<IteratorResult<Tick>> {
    return this.ended > 0 ? { value: undefined, done: true } : { value: { n: 7 }, done: false }
  }

  async return(): Promise<IteratorResult<Tick>> {
    this.ended++
    await this.#over
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

export const streamLayers: Cases = {
  async 'lets server middleware see and wrap the items of both sides'(t) {
    const seen: unknown[] = []
    const use: ServerMiddleware = async ({ method, request }, next) => {
      seen.push(method.name, typeof Reflect.get(Object(request), Symbol.asyncIterator))
      return doubled((await next()) as AsyncIterable<Tick>) // both methods answer with these
    }
    const service = feed({ ticks: ({ count }) => numbers(count), chat: (items) => items })
    const { feed: client } = await t.open(service, { use: [use] })
    equal((await endOf(client.ticks({ count: 3 }))).items, [0, 2, 4])
    equal((await endOf(client.chat([{ n: 5 }]))).items, [10])
    equal(seen, ['feed/ticks', 'undefined', 'feed/chat', 'function'], 'what it saw')
  },

  async 'ends the handler behind server middleware when the caller leaves'(t) {
    let ended = 0
    const use: ServerMiddleware = async (_, next) => doubled((await next()) as AsyncIterable<Tick>) // it answers with these
    const service = feed({
      async *ticks() {
        try {
          for (let n = 0; ; n++) yield { n }
        } finally {
          ended++
        }
      },
    })
    const { feed: client, counts } = await t.open(service, { use: [use] })
    for await (const { n } of client.ticks({ count: 1 })) if (n === 20) break
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(ended, 1, 'how often its finally ran')
  },

  ...each(
    {
      'answers with other items': async (items) => {
        await items
        return []
      },
      'throws when it is there': async (items) => {
        await items
        throw new NanowireError('aborted', 'not today')
      },
      'wraps it, and goes away from it': async (items) => firstOf(await items),
    } satisfies Record<string, (items: Promise<AsyncIterable<Tick>>) => Promise<unknown>>,
    (how) => `tells what a handler has returned to return, when server middleware ${how}`,
    async (t, around) => {
      const returned = new ReturnedItems()
      const use: ServerMiddleware = (_, next) => around(next() as Promise<AsyncIterable<Tick>>) // it answers with these
      const { feed: client, counts } = await t.open(feed({ ticks: () => returned }), { use: [use] })
      await endOf(client.ticks({ count: 1 }))
      await t.until(() => returned.ended > 0 && counts().inFlight === 0, 'it to return, and the slot to be free')
    },
  ),

  async 'tells it so also where the caller leaves before it is there, and holds the slot until it has ended'(t) {
    const [go, release] = [new Gate(), new Gate()]
    const returned = new ReturnedItems(release.promise)
    const use: ServerMiddleware = async (_, next) => doubled((await next()) as AsyncIterable<Tick>) // likewise
    const service = feed({
      async ticks() {
        await go.promise
        return returned
      },
    })
    const { feed: client, counts } = await t.open(service, { use: [use] })
    const stream = client.ticks({ count: 1 })
    await t.until(() => counts().inFlight === 1, 'the handler to begin')
    await stream.return()
    go.open()
    await t.until(() => returned.ended === 1, 'it to be told to return')
    await t.turns(3)
    equal(counts().inFlight, 1, 'calls in flight, before it has')
    release.open()
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async 'lets server middleware answer with items of its own, or refuse'(t) {
    let runs = 0
    const use: ServerMiddleware = ({ request }, next) => {
      const count = Reflect.get(Object(request), 'count')
      if (count === 7) throw new NanowireError('resource_exhausted', 'too many ticks')
      return count === 2 ? [{ n: 5 }, { n: 6 }] : next()
    }
    const service = feed({
      ticks({ count }) {
        runs++
        return numbers(count)
      },
    })
    const { feed: client } = await t.open(service, { use: [use] })
    equal((await endOf(client.ticks({ count: 2 }))).items, [5, 6])
    await fails(listOf(client.ticks({ count: 7 })), { code: 'resource_exhausted', processed: 'yes' })
    equal(runs, 0, 'runs of the handler')
    equal((await endOf(client.ticks({ count: 1 }))).items, [0])
  },

  async 'lets client middleware see the call, change it and wrap its items'(t) {
    const seen: unknown[] = []
    const clientUse: ClientMiddleware = async ({ method, request, options }, next) => {
      seen.push(method.name, request)
      const items = await next({ method, request: { count: 4 }, options: { ...options, metadata: { tenant: 'blue' } } })
      return doubled(items as AsyncIterable<Tick>) // it is answered with these
    }
    const service = feed({
      *ticks({ count }, ctx) {
        for (const n of upTo(count)) yield { n }
        ctx.reply.set('tenant', String(ctx.metadata.get('tenant')))
      },
    })
    const { feed: client } = await t.open(service, { clientUse: [clientUse] })
    const told: unknown[] = []
    const stream = client.ticks({ count: 1 }, { onMetadata: ({ tenant }) => told.push(tenant) })
    equal((await endOf(stream)).items, [0, 2, 4, 6])
    equal([seen, told], [['feed/ticks', { count: 1 }], ['blue']], 'what it saw, and what it said')
  },

  async 'ends the call behind client middleware when its caller leaves, also before there is an item'(t) {
    let ended = 0
    const wrap: ClientMiddleware = async (call, next) => doubled((await next(call)) as AsyncIterable<Tick>) // likewise
    const pass: ClientMiddleware = (call, next) => next(call)
    const service = feed({
      async *ticks({ count }, ctx) {
        try {
          for (let n = 0; n < count; n++) yield { n }
          await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
        } finally {
          ended++
        }
      },
    })
    const wrapped = await t.open(service, { clientUse: [pass, wrap] })
    for await (const { n } of wrapped.feed.ticks({ count: 100 })) if (n === 20) break
    await t.until(() => ended === 1 && wrapped.counts().inFlight === 0, 'the first handler to end')
    const passed = await t.open(service, { clientUse: [pass, wrap] })
    const stream = passed.feed.ticks({ count: 0 })
    await t.until(() => passed.counts().inFlight === 1, 'the second call to begin')
    await stream.return()
    await isOver(stream)
    await t.until(() => ended === 2 && passed.counts().inFlight === 0, 'the second handler to end')
  },

  async 'gives what client middleware throws, and what it answers by itself'(t) {
    let runs = 0
    const clientUse: ClientMiddleware = ({ request }) => {
      if (Reflect.get(Object(request), 'count') === 1) throw new NanowireError('unavailable', 'not now')
      return [{ n: 7 }]
    }
    const service = feed({
      ticks() {
        runs++
        return []
      },
    })
    const { feed: client } = await t.open(service, { clientUse: [clientUse] })
    const stream = client.ticks({ count: 1 })
    await fails(stream.next(), { code: 'unavailable', message: 'not now' })
    await isOver(stream)
    equal((await endOf(client.ticks({ count: 2 }))).items, [7])
    equal(runs, 0, 'runs of the handler')
  },

  async 'lets client middleware try an upload, and see its answer'(t) {
    const clientUse: ClientMiddleware = async (call, next) => 2 * Number(await next(call))
    const { feed: client } = await t.open(
      feed({
        async sum(items) {
          let sum = 0
          for await (const { n } of items) sum += n
          return sum
        },
      }),
      { clientUse: [clientUse] },
    )
    equal(await client.sum([{ n: 1 }, { n: 2 }]), 6)
    equal(await client.sum.try([{ n: 4 }]), { ok: true, value: 8 })
  },

  async 'asks authorize before a stream begins'(t) {
    let runs = 0
    const service = feed({
      ticks: ({ count }) => {
        runs++
        return numbers(count)
      },
      sum() {
        runs++
        return 0
      },
    })
    const { feed: client } = await t.open(service, {
      authorize: ({ method, request }) =>
        method.name === 'feed/ticks' && Reflect.get(Object(request), 'count') === 2 && Promise.resolve(true),
    })
    await fails(listOf(client.ticks({ count: 1 })), { code: 'permission_denied', processed: 'no' })
    await fails(client.sum(numbers(3)), { code: 'permission_denied', processed: 'no' })
    equal(runs, 0, 'runs of handlers')
    equal((await endOf(client.ticks({ count: 2 }))).items, [0, 1])
  },
}
