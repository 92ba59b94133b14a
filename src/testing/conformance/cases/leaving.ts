/** How a stream ends when its caller leaves it: the handler's `finally` runs, and its slot is held until that has ended. */
import type { ItemStream } from '../../../rpc/index.ts'
import { equal, matches, quiet, same, watch } from '../assert.ts'
import { feed, isOver, listOf, nextOf, type Tick, takeNumbers, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import { type Cases, each } from '../suite.ts'
import { ENDLESS, endless } from './endless.ts'

type Ticks = ItemStream<Tick>

const left = each(
  {
    async 'by break'(stream: Ticks) {
      for await (const { n } of stream) if (n === 9) break
    },
    async 'by an error thrown in its loop'(stream: Ticks) {
      const error = new Error('enough')
      const loop = async () => {
        for await (const { n } of stream) if (n === 9) throw error
      }
      same(await quiet(loop()).catch((thrown: unknown) => thrown), error, 'what the loop throws')
    },
    async 'by return()'(stream: Ticks) {
      await takeNumbers(stream, 0, 10)
      equal(await stream.return(), { done: true, value: undefined }, 'what return() says')
    },
    async 'by disposal'(stream: Ticks) {
      await takeNumbers(stream, 0, 10)
      await stream[Symbol.asyncDispose]()
    },
  },
  (how) => `runs a handler's finally when its caller leaves ${how}; its slot is free when that has ended`,
  async (t, leave) => {
    const { service, ended, release } = endless(true)
    const { feed: client, counts } = await t.open(service)
    const stream = client.ticks(ENDLESS)
    await leave(stream)
    await isOver(stream)
    matches(await ended.promise, { name: 'NanowireError', code: 'cancelled' }, "the signal's reason")
    equal(counts().inFlight, 1, 'calls in flight, as the finally runs')
    release()
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(await listOf(client.ticks({ count: 1 })), [{ n: 0 }], 'the items of the next call')
  },
)

const leaving: Cases = {
  async 'ends those next() that wait, when it is left'(t) {
    const { feed: client, counts } = await t.open(
      feed({
        async *ticks(_, ctx) {
          yield { n: 0 }
          await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
        },
      }),
    )
    const stream = client.ticks(ENDLESS)
    await takeNumbers(stream, 0, 1)
    const waiting = [quiet(stream.next()), quiet(stream.next())]
    await stream.return()
    for (const one of waiting) equal(await one, { done: true, value: undefined })
    await t.until(() => counts().inFlight === 0, 'the handler to end')
  },

  async 'takes a return() after the end for nothing'(t) {
    const { service } = endless()
    const { feed: client, counts, wire } = await t.open(service)
    const stream = client.ticks({ count: 3 })
    await listOf(stream)
    await stream.return()
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(wire.stats().calls, { 'feed/ticks': { ok: 1 } }, 'how the calls ended')
  },

  async 'leaves one of several streams without the others'(t) {
    const { service, ends } = endless()
    const { feed: client } = await t.open(service)
    const [one, other] = [client.ticks(ENDLESS), client.ticks(ENDLESS)]
    await takeNumbers(one, 0, 5)
    await takeNumbers(other, 0, 5)
    await one.return()
    await t.until(() => ends.count === 1, 'the one handler to end')
    await takeNumbers(other, 5, 3_000)
    equal(ends.count, 1, 'handlers that have ended')
    await other.return()
    await t.until(() => ends.count === 2, 'the other handler to end')
  },

  async 'frees the slots of very many streams that are left at once'(t) {
    const { service, ends } = endless()
    const { feed: client, counts, wire } = await t.open(service, { limits: { maxCallsInFlight: 10 } })
    for (let round = 0; round < 10; round++) {
      const streams = upTo(10).map(() => client.ticks(ENDLESS))
      await Promise.all(streams.map((stream) => takeNumbers(stream, 0, 2)))
      await Promise.all(streams.map((stream) => stream.return()))
    }
    await t.until(() => ends.count === 100 && counts().inFlight === 0, 'all handlers to end')
    await t.until(() => wire.stats().inFlight === 0, 'no call to be in flight')
    equal(wire.stats().calls, { 'feed/ticks': { cancelled: 100 } }, 'how the calls ended')
  },

  async 'ends a handler that waits, by its signal'(t) {
    const stopped = new Gate<unknown>()
    const { feed: client, counts } = await t.open(
      feed({
        async *ticks(_, ctx) {
          yield { n: 0 }
          await new Promise((_, reject) => {
            ctx.signal.addEventListener('abort', () => {
              stopped.open(ctx.signal.reason)
              reject(ctx.signal.reason)
            })
          })
        },
      }),
    )
    for await (const _ of client.ticks(ENDLESS)) break
    matches(await stopped.promise, { code: 'cancelled' }, "the signal's reason")
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },
}

const slots: Cases = {
  async 'holds a slot from the call to the last item'(t) {
    const go = new Gate()
    let runs = 0
    const { feed: client, counts } = await t.open(
      feed({
        async *ticks() {
          runs++
          yield { n: 0 }
          await go.promise
        },
      }),
      { limits: { maxCallsInFlight: 2 } },
    )
    const streams = upTo(3).map(() => client.ticks({ count: 1 }))
    await Promise.all(streams.slice(0, 2).map((stream) => nextOf(stream)))
    const third = watch(nextOf(streams[2] as Ticks)) // there are three
    await t.turns(5)
    equal([third.hasSettled, runs], [false, 2], 'whether the third stream has begun, and runs of the handler')
    go.open()
    await third.ended
    for (const stream of streams) await listOf(stream)
    await t.until(() => counts().inFlight === 0, 'all slots to be free')
  },

  async 'lets a stream be left that waits for its slot: its handler never runs'(t) {
    const { service, ends } = endless()
    const { feed: client, counts } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    const first = client.ticks(ENDLESS)
    await takeNumbers(first, 0, 1)
    const second = client.ticks(ENDLESS)
    await t.turns(2)
    await second.return()
    await isOver(second)
    await first.return()
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal((await listOf(client.ticks({ count: 3 }))).length, 3, 'items of the next call')
    equal(ends.count, 1, 'handlers that have ended')
  },
}

export const leavingStreams: Cases = { ...left, ...leaving, ...slots }
