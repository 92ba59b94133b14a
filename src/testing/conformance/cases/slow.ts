/** What becomes of items that a caller takes too slowly: held back, left out and counted, or the end (spec/streams.md, F19). */
import { type ItemStream, service } from '../../../rpc/index.ts'
import { equal, fails, holds } from '../assert.ts'
import { Feed, feed, isOver, nextOf, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import type { Cases } from '../suite.ts'
import type { Trial } from '../trial.ts'

/** So many items of so many bytes are more than may be on their way in any place. */
const COUNT = 400
const BYTES = 4_096

function numbered(n: number): Uint8Array {
  const bytes = new Uint8Array(BYTES)
  new DataView(bytes.buffer).setUint32(0, n)
  return bytes
}

const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)

/** A handler that gives all of its items at once, and ends when it is told to. */
function burst(end: Gate, done: Gate) {
  return async function* () {
    for (let n = 1; n <= COUNT; n++) yield numbered(n)
    done.open()
    await end.promise
  }
}

/** Takes all items: each is as far from the one before as `dropped` says, and the last one arrives. */
async function requireGapsCounted(stream: ItemStream<Uint8Array>): Promise<number> {
  let before = 0
  let dropped = 0
  while (before < COUNT) {
    const n = numberOf(await nextOf(stream))
    equal(n - before - 1, stream.dropped - dropped, `items that were left out before number ${n}`)
    before = n
    dropped = stream.dropped
  }
  equal(before, COUNT, 'the number of the last item')
  return dropped
}

async function burstOf(t: Trial, method: 'oldest' | 'newest') {
  const [end, done] = [new Gate(), new Gate()]
  const opened = await t.open(feed({ [method]: burst(end, done) }))
  const stream = opened.feed[method]()
  await done.promise // the producer goes on, though nobody takes anything
  return { ...opened, stream, end }
}

const streams: Cases = {
  async 'leaves out the oldest items that wait, and counts them'(t) {
    const { stream, end, counts } = await burstOf(t, 'oldest')
    const dropped = await requireGapsCounted(stream)
    holds(dropped > 0 && dropped < COUNT, `some items that were left out, not ${dropped}`)
    end.open()
    await isOver(stream)
    equal(stream.dropped, dropped, 'items that were left out, in the end')
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async 'leaves out all but the newest item that waits, and counts them'(t) {
    const { stream, end } = await burstOf(t, 'newest')
    const dropped = await requireGapsCounted(stream)
    holds(dropped > 0 && dropped < COUNT, `some items that were left out, not ${dropped}`)
    end.open()
    await isOver(stream)
  },

  async 'leaves out nothing where the items are taken in time'(t) {
    const { feed: client } = await t.open(
      feed({
        async *oldest() {
          for (let n = 1; n <= 50; n++) {
            yield numbered(n)
            await taken[n]?.promise
          }
        },
      }),
    )
    const taken = upTo(51).map(() => new Gate())
    const stream = client.oldest()
    for (let n = 1; n <= 50; n++) {
      equal(numberOf(await nextOf(stream)), n, 'the number of an item')
      taken[n]?.open()
    }
    await isOver(stream)
    equal(stream.dropped, 0, 'items that were left out')
  },

  async 'gives the end behind what waits'(t) {
    const { feed: client } = await t.open(
      feed({
        async *newest() {
          for (let n = 1; n <= COUNT; n++) yield numbered(n)
        },
      }),
    )
    const stream = client.newest()
    await t.turns(10)
    await requireGapsCounted(stream)
    await isOver(stream)
  },

  async 'ends a stream whose budget is full, where its method says so'(t) {
    let ended = 0
    const { feed: client, counts } = await t.open(
      feed({
        async *strict() {
          try {
            for (let n = 1; ; n++) yield numbered(n)
          } finally {
            ended++
          }
        },
      }),
    )
    const stream = client.strict()
    await t.until(() => ended === 1, 'the producer to be ended')
    const drain = async () => {
      for (let n = 1; ; n++) equal(numberOf(await nextOf(stream)), n, 'the number of an item before the end')
    }
    await fails(drain(), { code: 'resource_exhausted', processed: 'yes', message: /slow.maxItems is 4/ })
    await isOver(stream)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },
}

const events: Cases = {
  async 'drops old bodies of an event for a slow subscriber alone, and numbers show it'(t) {
    const publisher = feed()
    const { feed: client } = await t.open(publisher)
    const [slow, quick] = [client.placed(), client.placed()]
    await Promise.all([slow.ready, quick.ready])
    const count = 4_000
    const id = 'x'.repeat(100)
    let taken = 0
    for (let n = 1; n <= count; n++) {
      publisher.publish.placed({ id, n })
      if (n % 100 > 0) continue
      for (; taken < n; taken++) equal((await nextOf(quick)).n, taken + 1, 'what the quick one gets')
    }
    equal(quick.dropped, 0, 'what the quick one lacks')
    let before = 0
    while (before < count) {
      const { n } = await nextOf(slow)
      holds(n > before, `a body behind number ${before}, not ${n}`)
      equal(slow.sequence, n, 'its number')
      before = n
    }
    holds(slow.dropped > 0, 'bodies that were left out')
  },

  async 'keeps the newest body of each key of an event for a slow subscriber'(t) {
    const publisher = feed()
    const { feed: client } = await t.open(publisher)
    const slow = client.priced()
    await slow.ready
    const ids = ['a', 'b', 'c']
    const padding = new Uint8Array(1_000)
    for (const n of upTo(300)) for (const id of ids) publisher.publish.priced({ id, n, padding })
    const last: Record<string, number> = {}
    let count = 0
    while (ids.some((id) => last[id] !== 299)) {
      const { id, n } = await nextOf(slow)
      holds(n > (last[id] ?? -1), `a newer body of ${id}`)
      last[id] = n
      count++
    }
    equal(slow.sequence, 900, 'the number of the last body')
    equal(slow.dropped, 900 - count, 'bodies that were left out')
    holds(count < 900, 'bodies that were left out')
  },

  async 'takes what the service says of a slow receiver over what the contract says'(t) {
    const handlers = feed({
      *newest() {
        for (let n = 1; ; n++) yield numbered(n)
      },
    })
    const { feed: client } = await t.open(service(Feed, handlers.handlers, { slow: { newest: 'block' } }))
    const stream = client.newest()
    for (let n = 1; n <= 200; n++) {
      equal(numberOf(await nextOf(stream)), n, 'the number of an item')
      if (n % 50 === 0) await t.turns(5)
    }
    equal(stream.dropped, 0, 'items that were left out')
    await stream.return()
  },
}

export const slowReceivers: Cases = { ...streams, ...events }
