/** Items from a handler to its caller: in order, each once, checked on both ways; and then one end. */
import type { HandlersOf } from '../../../rpc/index.ts'
import { equal, holds } from '../assert.ts'
import { type Feed, feed, isOver, listOf, nextOf, numbers, takeNumbers, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import { type Cases, each } from '../suite.ts'

const counting: Partial<HandlersOf<typeof Feed>> = { ticks: ({ count }) => numbers(count) }

const plain: Cases = {
  async 'brings items in the order in which the handler gave them, and then the end'(t) {
    const { feed: client, counts } = await t.open(feed(counting))
    const stream = client.ticks({ count: 2_000 })
    await takeNumbers(stream, 0, 2_000)
    await isOver(stream)
    await isOver(stream)
    equal(stream.dropped, 0, 'items that were dropped')
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(counts().calls, { 'feed/ticks': { ok: 1 } }, 'how the calls ended')
  },

  async 'ends at once where there are no items'(t) {
    const { feed: client } = await t.open(feed(counting))
    equal(await listOf(client.ticks({ count: 0 })), [])
  },

  async 'begins when it is called, whether or not somebody takes its items'(t) {
    let runs = 0
    const { feed: client } = await t.open(
      feed({
        async *ticks() {
          runs++
          yield { n: 7 }
        },
      }),
    )
    const stream = client.ticks({ count: 1 })
    await t.until(() => runs === 1, 'the handler to run')
    equal(await nextOf(stream), { n: 7 })
    await isOver(stream)
  },

  async 'answers several next() in order, those behind the last item with the end'(t) {
    const { feed: client } = await t.open(feed(counting))
    const stream = client.ticks({ count: 3 })
    const results = await Promise.all(Array.from({ length: 5 }, () => stream.next()))
    equal(
      results.map(({ done, value }) => (done ? 'end' : value.n)),
      [0, 1, 2, 'end', 'end'],
    )
  },

  async 'is its own iterator'(t) {
    const { feed: client } = await t.open(feed(counting))
    const stream = client.ticks({ count: 3 })
    await takeNumbers(stream, 0, 1)
    holds(stream[Symbol.asyncIterator]() === stream, 'a stream that is its own iterator')
    equal((await listOf(stream)).length, 2, 'items that were left')
  },

  async 'keeps many streams apart'(t) {
    const { feed: client } = await t.open(
      feed({
        async *ticks({ count }) {
          for (let n = 0; n < 20; n++) {
            if (n % 3 === count % 3) await t.turns()
            yield { n, text: `${count}` }
          }
        },
      }),
    )
    const streams = upTo(60).map((count) => listOf(client.ticks({ count })))
    for (const [count, items] of (await Promise.all(streams)).entries()) {
      equal(
        items,
        upTo(20).map((n) => ({ n, text: `${count}` })),
        `the items of stream ${count}`,
      )
    }
  },

  async 'brings items as they come, and does not wait for more'(t) {
    const go = new Gate()
    const { feed: client } = await t.open(
      feed({
        async *ticks() {
          yield { n: 0 }
          await go.promise
          yield { n: 1 }
        },
      }),
    )
    const stream = client.ticks({ count: 2 })
    await takeNumbers(stream, 0, 1)
    go.open()
    await takeNumbers(stream, 1, 1)
    await isOver(stream)
  },

  async 'can be made into a ReadableStream'(t) {
    const { feed: client, counts } = await t.open(feed(counting))
    const web = webOf(client.ticks({ count: 300 }))
    equal(
      (await listOf(web as AsyncIterable<{ n: number }>)).map(({ n }) => n), // of these items
      upTo(300),
    )
    const left = webOf(client.ticks({ count: 1_000_000 }))
    for await (const _ of left) break
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },
}

/** The type of the web's streams is not known here. */
function webOf(stream: AsyncIterable<unknown>): AsyncIterable<unknown> {
  type Made = { readonly from: (items: unknown) => AsyncIterable<unknown> }
  return (ReadableStream as unknown as Made).from(stream) // a function of its own since Node 20.6
}

const threeItems = [{ n: 0 }, { n: 1 }, { n: 2 }]

const sources = each(
  {
    'an array': () => threeItems,
    'a set': () => new Set(threeItems),
    'a promise of an array': async () => threeItems,
    *'a generator'() {
      yield* threeItems
    },
    async *'an async generator'() {
      yield* threeItems
    },
    'a promise of an async generator': async () => numbers(3),
    'a ReadableStream'() {
      return new ReadableStream<{ n: number }>({
        start(controller) {
          for (const item of threeItems) controller.enqueue(item)
          controller.close()
        },
      })
    },
    'an iterator without return'() {
      let n = 0
      const next = () =>
        n < 3 ? { done: false as const, value: { n: n++ } } : { done: true as const, value: undefined }
      return { [Symbol.iterator]: () => ({ next }) }
    },
  } satisfies Readonly<Record<string, HandlersOf<typeof Feed>['ticks']>>,
  (kind) => `takes the items that a handler returns from ${kind}`,
  async (t, ticks) => {
    const { feed: client } = await t.open(feed({ ticks }))
    equal(await listOf(client.ticks({ count: 3 })), threeItems)
  },
)

const items: Cases = {
  async 'carries items of all sizes: none at all, large ones and small ones between them'(t) {
    const texts = ['', '', 'é', 'x'.repeat(40_000), '', '\u{1f600}'.repeat(100), 'y'.repeat(200_000), 'end']
    const { feed: client } = await t.open(feed({ texts: (request) => request }))
    const got = await listOf(client.texts(texts))
    holds(got.length === texts.length && got.every((text, at) => text === texts[at]), 'the texts as they were given')
  },

  async 'carries bytes of 3 MiB whole, one after the other'(t) {
    const size = 3 * 1_048_576
    const { feed: client } = await t.open(
      feed({
        *blobs({ count }) {
          for (let n = 0; n < count; n++) yield new Uint8Array(size).fill(n + 1)
        },
      }),
    )
    let n = 0
    for await (const blob of client.blobs({ count: 3, size })) {
      n++
      holds(blob instanceof Uint8Array && blob.length === size, `${size} bytes`)
      holds(
        blob.every((byte) => byte === n),
        `bytes that are all ${n}`,
      )
    }
    equal(n, 3, 'items')
  },

  async 'carries many small items'(t) {
    const { feed: client } = await t.open(
      feed({
        *ticks({ count }) {
          for (let n = 0; n < count; n++) yield { n }
        },
      }),
    )
    let expected = 0
    for await (const { n } of client.ticks({ count: 30_000 })) if (n !== expected++) break
    equal(expected, 30_000, 'items in their order')
  },

  async 'carries items that say nothing, as many as there are'(t) {
    const { feed: client } = await t.open(
      feed({
        *beats(count) {
          for (let n = 0; n < count; n++) yield undefined
        },
      }),
    )
    equal(await listOf(client.beats(70)), Array(70).fill(undefined))
  },

  async 'hands on no undeclared property of an item'(t) {
    const { feed: client } = await t.open(
      feed({
        *ticks() {
          const item = { n: 1, passwordHash: 'secret' }
          yield item
        },
      }),
    )
    equal(await listOf(client.ticks({ count: 1 })), [{ n: 1 }])
  },
}

export const streams: Cases = { ...plain, ...sources, ...items }
