/** Cancellation and deadlines of streams: the caller meets them at its next item, the handler at once. */
import type { ItemStream } from '../../../rpc/index.ts'
import { equal, fails, matches, same } from '../assert.ts'
import { feed, isOver, listOf, type Tick, takeNumbers, upTo } from '../feed.ts'
import { untyped } from '../lab.ts'
import type { Cases } from '../suite.ts'
import { ENDLESS, endless } from './endless.ts'

type Ticks = ItemStream<Tick>

/** Its handlers have ended when their last item is taken. */
const listed = feed({ ticks: ({ count }) => upTo(count).map((n) => ({ n })) })

const cancelled: Cases = {
  async 'cancels a stream by its signal: the next item is an error, and the handler is told'(t) {
    const { service, ended } = endless()
    const { feed: client, counts } = await t.open(service)
    const controller = new AbortController()
    const stream = client.ticks(ENDLESS, { signal: controller.signal })
    await takeNumbers(stream, 0, 5)
    const reason = new Error('enough')
    controller.abort(reason)
    const pattern = { code: 'cancelled', processed: 'maybe', message: 'feed/ticks was cancelled by its caller' }
    const error = await fails(stream.next(), pattern)
    same(error.cause, reason, "the error's cause")
    await isOver(stream)
    matches(await ended.promise, { code: 'cancelled' }, "the signal's reason")
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async 'runs no stream for a signal that is aborted already'(t) {
    let runs = 0
    const { feed: client } = await t.open(
      feed({
        ticks() {
          runs++
          return []
        },
      }),
    )
    const stream = client.ticks({ count: 1 }, { signal: AbortSignal.abort('enough') })
    await fails(stream.next(), { code: 'cancelled', processed: 'no', cause: 'enough' })
    await isOver(stream)
    equal(await listOf(client.ticks({ count: 1 })), [])
    equal(runs, 1, 'runs of the handler')
  },

  async 'cancels a stream also while its last items wait to be taken'(t) {
    const { service } = endless()
    const { feed: client, counts } = await t.open(service)
    const controller = new AbortController()
    const stream = client.ticks({ count: 50 }, { signal: controller.signal })
    await takeNumbers(stream, 0, 5)
    await t.turns(5) // its end has come, where it has a way to go
    controller.abort()
    await fails(stream.next(), { code: 'cancelled' })
    await isOver(stream)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async 'cancels a stream also while its items wait before an error'(t) {
    const service = feed({
      *strict() {
        for (;;) yield new Uint8Array(4_096)
      },
    })
    const { feed: client, wire, counts } = await t.open(service)
    const controller = new AbortController()
    const stream = client.strict(undefined, { signal: controller.signal })
    await t.until(() => counts().inFlight === 0, 'the handler to end, which is too fast')
    await t.turns(5)
    controller.abort()
    await fails(stream.next(), { code: 'cancelled' })
    await isOver(stream)
    equal(wire.stats().calls, { 'feed/strict': { cancelled: 1 } }, 'how the calls ended')
  },

  async 'ends a stream at its deadline also while its last items wait to be taken'(t) {
    const { service } = endless()
    const { feed: client, clock } = await t.open(service)
    const stream = client.ticks({ count: 50 }, { timeoutMs: 100 })
    await takeNumbers(stream, 0, 5)
    await t.turns(5)
    clock.advance(108)
    await fails(stream.next(), { code: 'deadline_exceeded' })
    await isOver(stream)
  },

  async 'ends a stream at its deadline also where only the end is left'(t) {
    const { feed: client, clock } = await t.open(listed)
    const [empty, stream] = [0, 1].map((count) => client.ticks({ count }, { timeoutMs: 100 })) as [Ticks, Ticks] // two
    await takeNumbers(stream, 0, 1)
    await t.turns(5)
    clock.advance(108)
    for (const one of [empty, stream]) {
      await fails(one.next(), { code: 'deadline_exceeded', processed: 'maybe' })
      await isOver(one)
    }
  },

  async 'cancels a stream of which only the end is left, also where the handler has ended with its last item'(t) {
    const { feed: client, wire, counts } = await t.open(listed)
    const controller = new AbortController()
    const stream = client.ticks({ count: 2 }, { signal: controller.signal })
    await takeNumbers(stream, 0, 2)
    await t.turns(5)
    controller.abort()
    await fails(stream.next(), { code: 'cancelled', processed: 'maybe' })
    await isOver(stream)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(wire.stats().calls, { 'feed/ticks': { cancelled: 1 } }, 'how the calls ended')
  },

  async 'counts a stream when its end is taken, or when it is left before'(t) {
    const { feed: client, wire, counts } = await t.open(listed)
    const [empty, left] = [client.ticks({ count: 0 }), client.ticks({ count: 1 })]
    await takeNumbers(left, 0, 1)
    await t.until(() => counts().inFlight === 0, 'both handlers to end')
    await t.turns(5)
    equal(wire.stats().calls, {}, 'how the calls ended, before their ends are taken')
    await isOver(empty)
    await left.return()
    equal(wire.stats().calls, { 'feed/ticks': { ok: 1, cancelled: 1 } }, 'how the calls ended')
  },

  async 'takes no harm from a signal that is aborted after the last item'(t) {
    const { service } = endless()
    const { feed: client, wire } = await t.open(service)
    const controller = new AbortController()
    const stream = client.ticks({ count: 2 }, { signal: controller.signal })
    equal((await listOf(stream)).length, 2, 'items')
    controller.abort()
    await isOver(stream)
    equal(wire.stats().calls, { 'feed/ticks': { ok: 1 } }, 'how the calls ended')
  },
}

const late: Cases = {
  async 'ends a stream at its deadline, and tells its handler'(t) {
    const { service, ended } = endless()
    const { feed: client, clock, counts } = await t.open(service)
    const stream = client.ticks(ENDLESS, { timeoutMs: 250 })
    await takeNumbers(stream, 0, 5)
    clock.advance(249)
    await takeNumbers(stream, 5, 1)
    clock.advance(9)
    await fails(stream.next(), { code: 'deadline_exceeded', processed: 'maybe' })
    await isOver(stream)
    matches(await ended.promise, { code: 'deadline_exceeded' }, "the signal's reason")
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async "takes the method's deadline where a stream names none"(t) {
    const { service, begun } = endless()
    const { feed: client, clock } = await t.open(service)
    const stream = client.quick()
    const { deadline } = await begun.promise
    equal(deadline?.remainingMs, 100, 'what is left at first')
    await takeNumbers(stream, 0, 3)
    clock.advance(108)
    await fails(stream.next(), { code: 'deadline_exceeded' })
  },

  async 'has no deadline where neither the method nor the caller names one'(t) {
    const { service, begun } = endless()
    const {
      feed: client,
      wire,
      clock,
    } = await t.open(service, {
      limits: { idleTimeoutMs: 2 ** 31 - 1, pingAfterMs: 2 ** 30, callTimeoutMs: 500 },
    })
    await wire.ready()
    const stream = client.ticks(ENDLESS)
    const ctx = await begun.promise
    equal(ctx.deadline, undefined, "the handler's deadline")
    await takeNumbers(stream, 0, 5)
    clock.advance(1_000_000)
    await takeNumbers(stream, 5, 3_000)
    equal(ctx.signal.aborted, false, 'whether the handler was told to stop')
    await stream.return()
  },

  async 'ends a stream that waits for its slot at its deadline: its handler never runs'(t) {
    const { service, ends } = endless()
    const { feed: client, clock, counts } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    const first = client.ticks(ENDLESS)
    await takeNumbers(first, 0, 1)
    const second = client.ticks(ENDLESS, { timeoutMs: 100 })
    await t.turns(2)
    clock.advance(108)
    await fails(second.next(), { code: 'deadline_exceeded' })
    await isOver(second)
    await first.return()
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal((await listOf(client.ticks({ count: 3 }))).length, 3, 'items of the next call')
    equal(ends.count, 1, 'handlers that have ended')
  },

  async 'leaves no timer of a stream behind'(t) {
    const { service } = endless()
    const { feed: client, clock, counts } = await t.open(service)
    await listOf(client.ticks({ count: 1 }))
    await t.turns()
    const before = clock.timers
    const streams = upTo(50).map(() => client.ticks({ count: 5 }, { timeoutMs: 5_000 }))
    for (const stream of streams) await listOf(stream)
    for (const _ of upTo(50)) for await (const _ of client.ticks(ENDLESS, { timeoutMs: 5_000 })) break
    await t.until(() => counts().inFlight === 0, 'all handlers to end')
    await t.turns(2)
    equal(clock.timers, before, 'timers that wait')
  },

  async 'refuses a timeoutMs of 0 and a signal that is none, when an item is asked for'(t) {
    const { service } = endless()
    const { feed: client } = await t.open(service)
    for (const options of [{ timeoutMs: 0 }, { signal: {} }, { timeout: 5 }]) {
      const stream = client.ticks(ENDLESS, untyped(options))
      await fails(stream.next(), { code: 'invalid_argument', processed: 'no' })
      await isOver(stream)
    }
  },
}

export const streamTime: Cases = { ...cancelled, ...late }
