/** How a connection that closes ends its streams: it lets them end, or cuts them off behind the items that came. */
import { equal, fails, matches, quiet } from '../assert.ts'
import { feed, isOver, nextOf, numbers, type Tick, takeNumbers, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import type { Cases } from '../suite.ts'

export const streamClosing: Cases = {
  async 'lets streams in flight end when the connection is closed, and takes no new ones'(t) {
    const go = new Gate()
    const { feed: client, wire } = await t.open(
      feed({
        async *ticks({ count }) {
          yield { n: 0 }
          await go.promise
          for (let n = 1; n < count; n++) yield { n }
        },
        async sum(items) {
          let sum = 0
          for await (const { n } of items) sum += n
          return sum
        },
      }),
    )
    const stream = client.ticks({ count: 3_000 })
    async function* late(): AsyncGenerator<Tick> {
      yield { n: 1 }
      await go.promise
      yield { n: 2 }
    }
    const upload = client.sum(late())
    await takeNumbers(stream, 0, 1)
    const closing = wire.close()
    await fails(client.ticks({ count: 1 }).next(), { code: 'unavailable', processed: 'no' })
    go.open()
    await takeNumbers(stream, 1, 2_999)
    await isOver(stream)
    equal(await upload, 3)
    await closing
  },

  async 'cuts off a stream that has not ended after drainMs: after its items comes unavailable, and its handler ends'(
    t,
  ) {
    let ended = 0
    const {
      feed: client,
      wire,
      clock,
    } = await t.open(
      feed({
        async *ticks(_, ctx) {
          try {
            for (const n of upTo(5)) yield { n }
            await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
          } finally {
            ended++
          }
        },
      }),
    )
    const stream = client.ticks({ count: 1 })
    await takeNumbers(stream, 0, 5)
    const waiting = quiet(stream.next())
    const closing = wire.close({ drainMs: 300 })
    await t.turns()
    clock.advance(301)
    await fails(waiting, { code: 'unavailable', processed: 'maybe' })
    await isOver(stream)
    await t.until(() => ended === 1, 'the handler to end')
    clock.advance(1_000) // the rest that a broken connection is given
    await closing
  },

  async 'cuts off an upload for a drainMs of 0, and ends its generator'(t) {
    const begun = new Gate()
    const thrown = new Gate<unknown>()
    let finallys = 0
    const {
      feed: client,
      wire,
      clock,
    } = await t.open(
      feed({
        async sum(items) {
          try {
            for await (const _ of items) begun.open()
          } catch (error) {
            thrown.open(error)
          }
          return 0
        },
      }),
    )
    async function* items(): AsyncGenerator<Tick> {
      try {
        for (let n = 0; ; n++) {
          yield { n }
          await t.turns()
        }
      } finally {
        finallys++
      }
    }
    const call = fails(client.sum(items()), { code: 'unavailable', processed: 'maybe' })
    await begun.promise
    const closing = wire.close({ drainMs: 0 })
    await t.turns()
    clock.advance(1)
    await call
    matches(await thrown.promise, { name: 'NanowireError' }, "what the handler's loop throws")
    await t.until(() => finallys === 1, 'the generator to end')
    clock.advance(1_000)
    await closing
  },

  async 'ends subscriptions when the connection is closed, and waits for none'(t) {
    const service = feed()
    const { feed: client, wire, counts } = await t.open(service)
    const [one, other] = [client.placed(), client.placed({ id: 'x' })]
    await Promise.all([one.ready, other.ready])
    service.publish.placed({ id: 'x', n: 1 })
    equal(await nextOf(one), { id: 'x', n: 1 })
    const waiting = quiet(one.next())
    await wire.close() // no time passes
    await fails(waiting, { code: 'unavailable' })
    await isOver(one)
    await t.until(() => counts().inFlight === 0, 'both handlers to end')
    service.publish.placed({ id: 'x', n: 2 })
  },

  async 'refuses a stream of a connection that was closed before'(t) {
    const { feed: client, wire } = await t.open(feed())
    await wire.close()
    const stream = client.ticks({ count: 1 })
    await fails(nextOf(stream), { code: 'unavailable', processed: 'no' })
    await isOver(stream)
    await fails(client.sum(numbers(1)), { code: 'unavailable', processed: 'no' })
  },
}
