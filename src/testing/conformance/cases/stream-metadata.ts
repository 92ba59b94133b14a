/** Metadata of streams, behind the last item, and streams that pass through other services. */
import Type from 'typebox'
import { contract, serverStream } from '../../../contract/index.ts'
import { service } from '../../../rpc/index.ts'
import { equal, fails, matches, rejectsWith } from '../assert.ts'
import { endOf, Feed, feed, isOver, listOf, nextOf, numbers, takeNumbers, upTo } from '../feed.ts'
import { Gate, untyped } from '../lab.ts'
import type { Cases } from '../suite.ts'

const metadata: Cases = {
  async 'carries metadata to a stream’s handler, and back behind the last item'(t) {
    const { feed: client } = await t.open(
      feed({
        async *ticks({ count }, ctx) {
          ctx.reply.set('begun', String(ctx.metadata.get('tenant')))
          yield* numbers(count)
          ctx.reply.set('count', `${count}`)
        },
      }),
    )
    const order: unknown[] = []
    const onMetadata = (trailing: Readonly<Record<string, unknown>>) => order.push({ ...trailing })
    for await (const { n } of client.ticks({ count: 3 }, { metadata: { tenant: 'blue' }, onMetadata })) order.push(n)
    order.push('end')
    equal(order.indexOf('end'), 4, 'what was told before the end')
    equal(order.filter((one) => typeof one === 'number').length, 3, 'items')
    matches(
      order.find((one) => typeof one === 'object'),
      { begun: 'blue', count: '3' },
    )
  },

  async 'carries metadata behind an error that comes after items'(t) {
    const { feed: client } = await t.open(
      feed({
        async *ticks(_, ctx) {
          yield { n: 0 }
          ctx.reply.set('seen', '1')
          throw ctx.error('Gone', { since: 'monday' })
        },
      }),
    )
    const told: unknown[] = []
    const { items, error } = await endOf(client.ticks({ count: 1 }, { onMetadata: ({ seen }) => told.push(seen) }))
    equal(items, [0])
    matches(error, { code: 'Gone' })
    equal(told, ['1'], 'the metadata of the error')
  },

  async 'ends a stream with what its onMetadata throws, after the items, and the next call goes on'(t) {
    const { feed: client } = await t.open(feed({ ticks: ({ count }) => numbers(count) }))
    const mine = new Error('mine')
    const onMetadata = () => {
      throw mine
    }
    const stream = client.ticks({ count: 3 }, { onMetadata })
    await takeNumbers(stream, 0, 3)
    await rejectsWith(stream.next(), mine)
    await isOver(stream)
    equal((await endOf(client.ticks({ count: 3 }))).items, [0, 1, 2], 'the items of the next call')
  },

  async 'refuses what is no metadata, when an item is asked for'(t) {
    const { feed: client } = await t.open(feed({ ticks: ({ count }) => numbers(count) }))
    const stream = client.ticks({ count: 3 }, untyped({ metadata: { tenant: 7 } }))
    await fails(stream.next(), { code: 'invalid_argument', processed: 'no' })
    await isOver(stream)
  },

  async 'carries metadata both ways where items go both ways'(t) {
    const { feed: client } = await t.open(
      feed({
        async *chat(items, ctx) {
          for await (const item of items) yield { ...item, text: String(ctx.metadata.get('tenant')) }
          ctx.reply.set('done', 'yes')
        },
      }),
    )
    const told: unknown[] = []
    const onMetadata = ({ done }: Readonly<Record<string, unknown>>) => told.push(done)
    const got = await listOf(client.chat([{ n: 1 }], { metadata: { tenant: 'blue' }, onMetadata }))
    equal(got, [{ n: 1, text: 'blue' }])
    equal(told, ['yes'], 'the metadata of the end')
  },
}

const Front = contract('front', {
  count: serverStream(Type.Object({ count: Type.Integer() }), Type.Integer()),
  endless: serverStream(Type.Void(), Type.Integer()),
})

const placed: Cases = {
  async 'lets a handler take the streams of a service that it uses, and ends them with its own'(t) {
    const stopped = new Gate<unknown>()
    const back = feed({
      async *ticks({ count }, ctx) {
        ctx.signal.addEventListener('abort', () => stopped.open(ctx.signal.reason))
        for (let n = 0; n < count || count < 0; n++) yield { n }
      },
      async sum(items) {
        let sum = 0
        for await (const { n } of items) sum += n
        return sum
      },
    })
    const front = service(
      Front,
      {
        async *count({ count }, ctx) {
          for await (const { n } of ctx.uses.back.ticks({ count })) yield n
          yield await ctx.uses.back.sum(numbers(count))
        },
        async *endless(_, ctx) {
          for await (const { n } of ctx.uses.back.ticks({ count: -1 })) yield n
        },
      },
      { uses: { back: Feed } },
    )
    const { wire, counts } = await t.open([front, back])
    const client = wire.client(Front)
    equal(await listOf(client.count({ count: 4 })), [0, 1, 2, 3, 6])
    for await (const n of client.endless()) if (n === 20) break
    matches(await stopped.promise, { name: 'NanowireError' }, 'why the inner handler was told to stop')
    await t.until(() => counts().inFlight === 0, 'all slots to be free')
  },

  async 'lets a proxy stand for the handlers of streams: a client of another place'(t) {
    const stopped = new Gate<unknown>()
    const inner = await t.open(
      feed({
        async *ticks({ count }, ctx) {
          ctx.signal.addEventListener('abort', () => stopped.open(ctx.signal.reason))
          for (let n = 0; n < count || count < 0; n++) yield { n }
        },
        sum: async (items) => (await listOf(items)).length,
        async *chat(items) {
          for await (const { n } of items) yield { n: n + 1 }
        },
      }),
    )
    const { feed: client, counts } = await t.open(service(Feed, inner.feed))
    equal((await endOf(client.ticks({ count: 300 }))).items, upTo(300))
    equal(await client.sum(numbers(300)), 300)
    const chat = client.chat(numbers(300))
    await takeNumbers(chat, 1, 300)
    await isOver(chat)
    const stream = client.ticks({ count: -1 })
    await takeNumbers(stream, 0, 10)
    await stream.return()
    matches(await stopped.promise, { code: 'cancelled' }, 'why the inner handler was told to stop')
    await t.until(() => counts().inFlight === 0 && inner.counts().inFlight === 0, 'all slots to be free')
  },

  async 'cuts off a stream that belongs to a call which has ended'(t) {
    let kept: AsyncIterator<{ readonly n: number }> | undefined
    let ended = 0
    const back = feed({
      async *ticks() {
        try {
          for (let n = 0; ; n++) yield { n }
        } finally {
          ended++
        }
      },
    })
    const front = service(
      Front,
      {
        async *count(_, ctx) {
          kept = ctx.uses.back.ticks({ count: -1 })
          yield (await nextOf(kept)).n
        },
        endless: () => [],
      },
      { uses: { back: Feed } },
    )
    const { wire, counts } = await t.open([front, back])
    equal(await listOf(wire.client(Front).count({ count: 1 })), [0])
    await t.until(() => ended === 1 && counts().inFlight === 0, 'the inner handler to end')
    const drained = async () => {
      while ((await kept?.next())?.done === false);
    }
    await fails(drained(), { code: 'cancelled' }, 'the stream that was kept')
  },

  async 'takes a stream for the items of an upload'(t) {
    const { feed: client, counts } = await t.open(
      feed({ ticks: ({ count }) => numbers(count), sum: async (items) => (await listOf(items)).length }),
    )
    equal(await client.sum(client.ticks({ count: 500 })), 500)
    await t.until(() => counts().inFlight === 0, 'both slots to be free')
  },
}

export const streamMetadata: Cases = { ...metadata, ...placed }
