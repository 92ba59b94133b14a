/** Items from a caller to a handler: in order, checked on both sides, asked for only as they are taken, and one answer. */
import type { HandlersOf } from '../../../rpc/index.ts'
import { equal, fails, holds, matches } from '../assert.ts'
import { type Feed, feed, numbers, type Tick, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import { type Cases, each } from '../suite.ts'
import { watched } from './watched-items.ts'

type Handlers = Partial<HandlersOf<typeof Feed>>

const adding: Handlers = {
  async sum(items) {
    let sum = 0
    for await (const { n } of items) sum += n
    return sum
  },
}

const up: Cases = {
  async 'takes items from a caller in order, and answers once'(t) {
    const seen: number[] = []
    const { feed: client, counts } = await t.open(
      feed({
        async sum(items, ctx) {
          for await (const { n } of items) seen.push(n)
          ctx.reply.set('count', `${seen.length}`)
          return seen.length
        },
      }),
    )
    const told: unknown[] = []
    equal(await client.sum(numbers(2_000), { onMetadata: (metadata) => told.push(metadata['count']) }), 2_000)
    equal(seen, upTo(2_000), 'what the handler got')
    equal(told, ['2000'], 'the metadata of the reply')
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(counts().calls, { 'feed/sum': { ok: 1 } }, 'how the calls ended')
  },

  async 'answers a caller that has no items'(t) {
    const { feed: client } = await t.open(feed(adding))
    equal(await client.sum([]), 0)
  },

  async 'carries 3 MiB up, and what is empty'(t) {
    const { feed: client } = await t.open(
      feed({
        async store(items) {
          let count = 0
          for await (const bytes of items) {
            holds(
              bytes.every((byte) => byte === count % 256),
              `bytes that are all ${count % 256}`,
            )
            count += bytes.length
          }
          return count
        },
      }),
    )
    const size = 3 * 1_048_576
    const blobs = [new Uint8Array(0), new Uint8Array(size), new Uint8Array(0), new Uint8Array(7).fill(size % 256)]
    equal(await client.store(blobs), size + 7)
  },

  async 'hands on no undeclared property of a caller’s item'(t) {
    const seen: unknown[] = []
    const { feed: client } = await t.open(
      feed({
        async sum(items) {
          for await (const item of items) seen.push(item)
          return 0
        },
      }),
    )
    const item = { n: 1, password: 'secret' }
    await client.sum([item])
    equal(seen, [{ n: 1 }], 'what the handler got')
    equal(item, { n: 1, password: 'secret' }, "the caller's own item")
  },
}

const sources = each(
  {
    'an array': () => [{ n: 1 }, { n: 2 }],
    'a set': () => new Set([{ n: 1 }, { n: 2 }]),
    *'a generator'() {
      yield* [{ n: 1 }, { n: 2 }]
    },
    async *'an async generator'() {
      yield* [{ n: 1 }, { n: 2 }]
    },
    'a ReadableStream'() {
      return new ReadableStream<Tick>({
        start(controller) {
          controller.enqueue({ n: 1 })
          controller.enqueue({ n: 2 })
          controller.close()
        },
      })
    },
  },
  (kind) => `takes a caller's items from ${kind}`,
  async (t, items) => {
    const { feed: client } = await t.open(feed(adding))
    equal(await client.sum(items()), 3)
  },
)

const early: Cases = {
  async 'ends a caller’s generator when the handler answers before its last item'(t) {
    const { feed: client } = await t.open(
      feed({
        async sum(items) {
          for await (const { n } of items) if (n === 5) return n
          return -1
        },
      }),
    )
    const { given, items } = watched(1_000_000)
    equal(await client.sum(items), 5)
    await given.ended.promise
    const { asked } = given
    await t.turns(5)
    equal([given.asked, given.finallys], [asked, 1], 'items asked for afterwards, and runs of its finally')
  },

  async 'ends a caller’s generator when the handler never looks at an item'(t) {
    const { feed: client, counts } = await t.open(feed({ sum: () => 7 }))
    const { given, items } = watched(1_000_000)
    equal(await client.sum(items), 7)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    await t.until(() => given.finallys === 1 || given.asked === 0, 'the generator to end, if it had begun')
    equal(await client.sum([]), 7, 'the reply to the next call')
  },

  async 'ends a caller’s generator when the handler fails'(t) {
    const { feed: client } = await t.open(
      feed({
        async sum(items, ctx) {
          for await (const _ of items) throw ctx.error('Gone', { since: 'monday' })
          return 0
        },
      }),
    )
    const { given, items } = watched(1_000_000)
    await fails(client.sum(items), { code: 'Gone', processed: 'yes', data: { since: 'monday' } })
    await given.ended.promise
    equal(given.finallys, 1, 'how often its finally ran')
  },

  async 'has the end behind it where a handler has left its loop'(t) {
    const { feed: client } = await t.open(
      feed({
        async sum(items) {
          for await (const _ of items) break
          let more = 0
          for await (const _ of items) more++
          return more
        },
      }),
    )
    equal(await client.sum(numbers(100)), 0, 'items behind the loop that was left')
  },

  async 'gives the error of a clientStream as a value, declared ones typed'(t) {
    const { feed: client } = await t.open(
      feed({
        async sum(items, ctx) {
          let sum = 0
          for await (const { n } of items) sum += n
          if (sum > 10) throw ctx.error('Gone', { since: `${sum}` })
          return sum
        },
      }),
    )
    equal(await client.sum.try([{ n: 10 }]), { ok: true, value: 10 })
    const failed = await client.sum.try([{ n: 10 }, { n: 1 }])
    matches(failed, { ok: false, error: { code: 'Gone', data: { since: '11' }, processed: 'yes' } })
  },
}

/** How far a caller's items are ahead of a handler that takes none: items of 1,024 bytes. */
const MAX_AHEAD = 100

const ahead: Cases = {
  async 'asks a caller for no more items than the handler takes, and a little ahead'(t) {
    const go = new Gate()
    let taken = 0
    const { feed: client } = await t.open(
      feed({
        async store(items) {
          for await (const _ of items) {
            if (++taken === 1) await go.promise
            if (taken === 500) return taken
          }
          return -1
        },
      }),
    )
    let asked = 0
    async function* items() {
      for (;;) {
        asked++
        yield new Uint8Array(1_024)
      }
    }
    const call = client.store(items())
    await t.until(() => taken === 1, 'the first item to arrive')
    await t.turns(30)
    const before = asked
    holds(before <= MAX_AHEAD, `at most ${MAX_AHEAD} items ahead, not ${before}`)
    await t.turns(30)
    equal(asked, before, 'items that were asked for while none was taken')
    go.open()
    equal(await call, 500)
  },
}

export const uploads: Cases = { ...up, ...sources, ...early, ...ahead }
