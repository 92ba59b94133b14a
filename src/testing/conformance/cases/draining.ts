/** The handlers' side closes by itself: in two steps, so that no call is lost that was begun. */
import { equal, fails, matches } from '../assert.ts'
import { feed, isOver, nextOf, type Tick, takeNumbers, upTo } from '../feed.ts'
import { Gate, lab } from '../lab.ts'
import { Mismatch } from '../mismatch.ts'
import type { Cases } from '../suite.ts'
import type { Opened } from '../trial.ts'
import { stuck } from './stuck.ts'

function closerOf({ closeServer }: Opened): NonNullable<Opened['closeServer']> {
  if (closeServer) return closeServer
  throw new Mismatch('the place', 'a function close, or a skip of the topic draining', 'neither')
}

export const draining: Cases = {
  async 'lets calls in flight end, and sends later ones nowhere'(t) {
    const { service, begun, release } = stuck()
    const opened = await t.open(service)
    const { client, wire, counts } = opened
    const call = client.echo({ text: 'x' })
    await begun.promise
    const closing = closerOf(opened)()
    await t.until(() => counts().inFlight === 1, 'the call to be in flight')
    release()
    equal(await call, { text: 'x' }, 'the reply to the call in flight')
    await closing
    await t.until(() => wire.stats().connections === 0, 'the connection to end')
    await fails(client.quick(), { code: 'unavailable', processed: 'no' })
    equal(counts().inFlight, 0, 'calls in flight')
  },

  async 'cuts off what has not ended after drainMs'(t) {
    const { service, begun } = stuck()
    const opened = await t.open(service)
    const { client, clock } = opened
    const ended = fails(client.echo({ text: 'x' }), { code: 'unavailable', processed: 'maybe' })
    const ctx = await begun.promise
    const closing = closerOf(opened)({ drainMs: 200 })
    clock.advance(201)
    await ended
    await t.until(() => ctx.signal.aborted, 'the handler to be told')
    matches(ctx.signal.reason, { code: 'cancelled' }, "the signal's reason")
    await closing
  },

  async 'closes where nobody is connected'(t) {
    const opened = await t.open(lab({ quick: () => undefined }))
    await closerOf(opened)()
    await fails(opened.client.quick(), { code: 'unavailable', processed: 'no' })
  },

  async 'counts a handler that outlives its connection as in flight until it ends'(t) {
    const { service, begun, release } = stuck()
    const { client, wire, counts, clock } = await t.open(service)
    await wire.ready()
    const call = fails(client.echo({ text: 'x' }), { code: 'unavailable' })
    const ctx = await begun.promise
    const closing = wire.close({ drainMs: 0 })
    await t.turns()
    clock.advance(1)
    await call
    await closing
    await t.until(() => ctx.signal.aborted, 'the handler to be told')
    equal(counts().inFlight, 1, 'calls in flight')
    release()
    await t.until(() => counts().inFlight === 0, 'the handler to end')
  },

  async 'lets streams in flight end, and cuts off subscriptions at once'(t) {
    const go = new Gate()
    const service = feed({
      async *ticks({ count }) {
        yield { n: 0 }
        await go.promise
        for (let n = 1; n < count; n++) yield { n }
      },
    })
    const opened = await t.open(service)
    const { feed: client, counts } = opened
    const stream = client.ticks({ count: 3_000 })
    await takeNumbers(stream, 0, 1)
    const subscription = client.placed()
    await subscription.ready
    service.publish.placed({ id: 'x', n: 7 })
    const closing = closerOf(opened)()
    equal(await nextOf(subscription), { id: 'x', n: 7 }, 'what was published before')
    await fails(subscription.next(), { code: 'unavailable' })
    equal(counts().inFlight, 1, 'calls in flight')
    go.open()
    await takeNumbers(stream, 1, 2_999)
    await isOver(stream)
    await closing
    await fails(client.ticks({ count: 1 }).next(), { code: 'unavailable', processed: 'no' })
  },

  async 'cuts off streams after drainMs, behind the items that have come; both sides are told'(t) {
    const stopped = new Gate<unknown>()
    const thrown = new Gate<unknown>()
    let finallys = 0
    const opened = await t.open(
      feed({
        async *ticks(_, ctx) {
          ctx.signal.addEventListener('abort', () => stopped.open(ctx.signal.reason))
          for (const n of upTo(5)) yield { n }
          await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
        },
        async sum(items) {
          try {
            for await (const _ of items);
          } catch (error) {
            thrown.open(error)
          }
          return 0
        },
      }),
    )
    const { feed: client, clock } = opened
    async function* endless(): AsyncGenerator<Tick> {
      try {
        for (let n = 0; ; n++) {
          yield { n }
          await t.turns()
        }
      } finally {
        finallys++
      }
    }
    const stream = client.ticks({ count: 1 })
    const upload = fails(client.sum(endless()), { code: 'unavailable', processed: 'maybe' })
    await takeNumbers(stream, 0, 3)
    await t.turns(5)
    const closing = closerOf(opened)({ drainMs: 200 })
    clock.advance(201)
    await upload
    await takeNumbers(stream, 3, 2)
    await fails(stream.next(), { code: 'unavailable', processed: 'maybe' })
    await isOver(stream)
    matches(await stopped.promise, { name: 'NanowireError' }, "the signal's reason")
    matches(await thrown.promise, { name: 'NanowireError' }, "what the handler's loop throws")
    await t.until(() => finallys === 1, 'the generator to end')
    await closing
  },
}
