/** What a stream may not: be called as what it is not, and run ahead of whoever takes its items. */
import Type from 'typebox'
import { contract, serverStream, unary } from '../../../contract/index.ts'
import type { HandlersOf } from '../../../rpc/index.ts'
import { equal, fails, failureOf, holds } from '../assert.ts'
import { type Feed, feed, isOver, listOf, nextOf, numbers } from '../feed.ts'
import type { Cases } from '../suite.ts'

const counting: Partial<HandlersOf<typeof Feed>> = { ticks: ({ count }) => numbers(count) }

/** Methods that are of another kind in `Feed`. */
const Swapped = contract('feed', {
  ticks: unary(Type.Object({ count: Type.Integer() }), Type.Void()),
  sum: serverStream(Type.Void(), Type.Integer()),
})

const refused: Cases = {
  async 'refuses a bad request before its handler'(t) {
    let runs = 0
    const { feed: client } = await t.open(
      feed({
        ticks() {
          runs++
          return []
        },
      }),
    )
    const pattern = { code: 'invalid_argument', processed: 'no', message: /^the request of feed\/ticks does not fit: / }
    const stream = client.ticks({ count: 'x' } as never) // as a program without types may call it
    await fails(stream.next(), pattern)
    await isOver(stream)
    equal(await listOf(client.ticks({ count: 1 })), [])
    equal(runs, 1, 'runs of the handler')
  },

  async 'refuses a call of a stream as unary, and of a clientStream as serverStream'(t) {
    let runs = 0
    const { wire, feed: client } = await t.open(
      feed({
        ...counting,
        sum() {
          runs++
          return 0
        },
      }),
    )
    const swapped = wire.client(Swapped)
    await fails(swapped.ticks({ count: 1 }), { processed: 'no' })
    await fails(swapped.sum().next(), { processed: 'no' })
    equal(runs, 0, 'runs of the handler')
    equal(await listOf(client.ticks({ count: 1 })), [{ n: 0 }], 'the items of a call after it')
  },

  async 'has no stream that its contract lacks'(t) {
    const Newer = contract('feed', { added: serverStream(Type.Void(), Type.Void()) })
    const { wire, feed: client } = await t.open(feed(counting))
    await fails(wire.client(Newer).added().next(), { code: 'unimplemented', processed: 'no' })
    equal(await listOf(client.ticks({ count: 1 })), [{ n: 0 }], 'the items of a call after it')
  },

  async 'takes a priority, and refuses what is none'(t) {
    const { feed: client } = await t.open(feed(counting))
    for (const priority of ['low', 'normal', 'high'] as const) {
      const got = await listOf(client.ticks({ count: 300 }, { priority }))
      equal(got.length, 300, `items of a call of priority ${priority}`)
    }
    const call = listOf(client.ticks({ count: 1 }, { priority: 'urgent' as never })) // as a program without types may
    const error = await failureOf(call)
    equal([error.code, error.processed], ['invalid_argument', 'no'], 'what the call ends with')
  },
}

/** How far a producer is ahead of whom nobody takes anything from: items of 1,024 bytes. */
const MAX_AHEAD = 100

const ahead: Cases = {
  async 'asks a handler for no more than is taken, and a little ahead'(t) {
    let given = 0
    const { feed: client } = await t.open(
      feed({
        *blobs() {
          for (;;) {
            given++
            yield new Uint8Array(1_024)
          }
        },
      }),
    )
    const stream = client.blobs({ count: 0, size: 0 })
    await nextOf(stream)
    await t.turns(30)
    const before = given
    holds(before <= MAX_AHEAD, `at most ${MAX_AHEAD} items ahead, not ${before}`)
    await t.turns(30)
    equal(given, before, 'items that were asked for while none was taken')
    for (let n = 0; n < 500; n++) await nextOf(stream)
    holds(given > 500, 'a handler that was asked for more when items were taken')
    holds(given - 501 <= 2_000, `a handler that is still not far ahead, not ${given - 501} items`)
    await stream.return()
  },

  async 'lets a call pass, however full a stream is that nobody takes from'(t) {
    const { feed: client } = await t.open(
      feed({
        *blobs() {
          for (;;) yield new Uint8Array(50_000)
        },
        ...counting,
      }),
    )
    const stream = client.blobs({ count: 0, size: 0 })
    await nextOf(stream)
    await t.turns(10)
    equal((await listOf(client.ticks({ count: 100 }))).length, 100, 'items of another stream')
    await stream.return()
  },
}

export const streamBounds: Cases = { ...refused, ...ahead }
