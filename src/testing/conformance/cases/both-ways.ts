/** Items both ways at once, each direction at its own pace. */
import type { HandlersOf } from '../../../rpc/index.ts'
import { equal, holds, matches, watch } from '../assert.ts'
import { endOf, type Feed, feed, isOver, listOf, nextOf, numbers, type Tick, takeNumbers, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import type { Cases } from '../suite.ts'
import { watched } from './watched-items.ts'

/** How far a caller's items are ahead of its own taking: items of 1,000 bytes, on two ways. */
const MAX_AHEAD = 300

const echoing: Partial<HandlersOf<typeof Feed>> = {
  async *chat(items) {
    for await (const { n } of items) yield { n, text: `${n}` }
  },
}

export const bothWays: Cases = {
  async 'goes to and fro: each item is sent when the answer to the one before has come'(t) {
    const { feed: client } = await t.open(feed(echoing))
    let answered = new Gate()
    async function* questions(): AsyncGenerator<Tick> {
      for (const n of upTo(50)) {
        yield { n }
        await answered.promise
        answered = new Gate()
      }
    }
    const answers = client.chat(questions())
    for (const n of upTo(50)) {
      equal(await nextOf(answers), { n, text: `${n}` })
      answered.open()
    }
    await isOver(answers)
  },

  async 'carries many items both ways at once'(t) {
    const { feed: client } = await t.open(feed(echoing))
    const stream = client.chat(numbers(5_000))
    await takeNumbers(stream, 0, 5_000)
    await isOver(stream)
  },

  async 'goes on answering when the caller has sent its last item'(t) {
    const { feed: client } = await t.open(
      feed({
        async *chat(items) {
          let count = 0
          for await (const _ of items) count++
          await t.turns(3)
          for (let n = 0; n < count; n++) yield { n }
        },
      }),
    )
    const stream = client.chat(numbers(300))
    await takeNumbers(stream, 0, 300)
    await isOver(stream)
  },

  async 'ends a caller’s generator when the handler has answered with its last item'(t) {
    const { feed: client, counts } = await t.open(
      feed({
        async *chat(items) {
          for await (const item of items) {
            yield item
            if (item.n === 3) return
          }
        },
      }),
    )
    const { given, items } = watched(Number.POSITIVE_INFINITY)
    const { items: got, error } = await endOf(client.chat(items))
    equal([got, error], [[0, 1, 2, 3], undefined])
    await given.ended.promise
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async 'ends both sides when the caller leaves its loop'(t) {
    const stopped = new Gate<unknown>()
    const { feed: client, counts } = await t.open(
      feed({
        async *chat(items, ctx) {
          try {
            for await (const item of items) yield item
          } finally {
            stopped.open(ctx.signal.reason)
          }
        },
      }),
    )
    const { given, items } = watched(Number.POSITIVE_INFINITY)
    for await (const { n } of client.chat(items)) if (n === 20) break
    await given.ended.promise
    matches(await stopped.promise, { code: 'cancelled' }, "the signal's reason")
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(given.finallys, 1, 'how often its finally ran')
  },

  async 'ends the caller’s generator of a call that is left at once'(t) {
    const { feed: client, counts } = await t.open(feed(echoing))
    const { given, items } = watched(Number.POSITIVE_INFINITY)
    await items.next() // so that there is a finally to run
    const stream = client.chat(items)
    await stream.return()
    await given.ended.promise
    await isOver(stream)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal((await endOf(client.chat([{ n: 1 }]))).items, [1], 'the items of the next call')
  },

  async 'gives what the handler throws after the items before it, and ends the caller’s generator'(t) {
    const { feed: client } = await t.open(
      feed({
        async *chat(items, ctx) {
          for await (const item of items) {
            if (item.n === 100) throw ctx.error('Gone', { since: 'monday' })
            yield item
          }
        },
      }),
    )
    const { given, items } = watched(Number.POSITIVE_INFINITY)
    const { items: got, error } = await endOf(client.chat(items))
    equal(got, upTo(100), 'the items before it')
    matches(error, { code: 'Gone', data: { since: 'monday' }, processed: 'yes' })
    await given.ended.promise
  },

  async 'holds back a handler that nobody takes from, and with it the caller’s items'(t) {
    let echoed = 0
    const { feed: client } = await t.open(
      feed({
        async *chat(items) {
          for await (const item of items) {
            echoed++
            yield item
          }
        },
      }),
    )
    const text = 'x'.repeat(1_000)
    const given = { asked: 0 }
    async function* items(): AsyncGenerator<Tick> {
      for (let n = 0; ; n++) {
        given.asked++
        yield { n, text }
      }
    }
    const stream = client.chat(items())
    await takeNumbers(stream, 0, 1)
    await t.turns(60)
    holds(given.asked <= MAX_AHEAD, `at most ${MAX_AHEAD} items ahead, not ${given.asked}`)
    await takeNumbers(stream, 1, 1_000)
    holds(echoed >= 1_001, 'items that went on')
    await stream.return()
  },

  async 'begins to answer before the first item has come'(t) {
    const { feed: client } = await t.open(
      feed({
        async *chat(items) {
          yield { n: 0 }
          for await (const { n } of items) yield { n }
        },
      }),
    )
    const go = new Gate()
    async function* items(): AsyncGenerator<Tick> {
      await go.promise
      yield { n: 1 }
    }
    const stream = client.chat(items())
    await takeNumbers(stream, 0, 1)
    const waiting = watch(nextOf(stream))
    await t.turns(3)
    equal(waiting.hasSettled, false, 'whether there is another item')
    go.open()
    equal(await waiting.ended, { n: 1 })
    equal(await listOf(stream), [])
  },
}
