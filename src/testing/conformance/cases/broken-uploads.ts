/** Uploads that end before their last item: an item that does not fit, a generator that throws, a caller that goes away. */
import { NanowireError } from '../../../errors.ts'
import type { HandlersOf } from '../../../rpc/index.ts'
import { equal, fails, matches, same } from '../assert.ts'
import { type Feed, feed, isOver, type Tick, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import { type Cases, each } from '../suite.ts'
import { watched } from './watched-items.ts'

/** What a handler of `sum` saw of its caller's items: how many, and what its loop threw. */
function told() {
  const items: number[] = []
  const seen = { items, thrown: new Gate<unknown>() }
  const sum: HandlersOf<typeof Feed>['sum'] = async (items) => {
    try {
      for await (const { n } of items) seen.items.push(n)
    } catch (error) {
      seen.thrown.open(error)
      throw error
    }
    return seen.items.length
  }
  return { seen, sum }
}

export const brokenUploads: Cases = {
  async 'refuses a caller’s item that does not fit: the call ends, its generator too, and the handler is told'(t) {
    const { seen, sum } = told()
    const { feed: client, counts } = await t.open(feed({ sum }))
    let finallys = 0
    async function* items(): AsyncGenerator<Tick> {
      try {
        yield { n: 0 }
        await t.until(() => seen.items.length === 1, 'the first item to arrive')
        yield { n: 'payload' } as never // as a program without types may give it
        yield { n: 2 }
      } finally {
        finallys++
      }
    }
    const pattern = { code: 'invalid_argument', message: 'an item of feed/sum does not fit: /n must be integer' }
    const error = await fails(client.sum(items()), pattern)
    equal(error.processed, 'maybe', 'its processed')
    matches(await seen.thrown.promise, { code: 'cancelled' }, "what the handler's loop throws")
    equal(seen.items, [0], 'what the handler got')
    await t.until(() => finallys === 1 && counts().inFlight === 0, 'both to end')
  },

  ...each(
    {
      'an error': [() => new Error('no more'), 'cancelled'],
      'a status': [() => new NanowireError('data_loss', 'no more'), 'data_loss'],
      'an error that the contract declares': [() => new NanowireError('Gone', 'no more'), 'cancelled'],
    } as const,
    (kind) => `ends a call whose caller's items end with ${kind}, and tells the handler`,
    async (t, [make, code]) => {
      const { seen, sum } = told()
      const { feed: client, counts } = await t.open(feed({ sum }))
      const thrown = make()
      async function* items(): AsyncGenerator<Tick> {
        yield { n: 0 }
        await t.until(() => seen.items.length === 1, 'the first item to arrive')
        throw thrown
      }
      const error = await fails(client.sum(items()), { code, processed: 'maybe', message: /no more/ })
      same(error.cause, thrown, 'its cause')
      matches(await seen.thrown.promise, { code: 'cancelled' }, "what the handler's loop throws")
      await t.until(() => counts().inFlight === 0, 'the slot to be free')
    },
  ),

  ...each(
    { 'a number': 7, 'a text': 'items', nothing: undefined, 'an object': {}, null: null },
    (what) => `refuses ${what} for items before the handler runs`,
    async (t, given) => {
      let runs = 0
      const { feed: client } = await t.open(
        feed({
          sum() {
            runs++
            return 0
          },
          chat() {
            runs++
            return []
          },
        }),
      )
      const items = given as never // as a program without types may pass it
      const pattern = { code: 'invalid_argument', processed: 'no' }
      await fails(client.sum(items), { ...pattern, message: /items come from/ })
      const stream = client.chat(items)
      await fails(stream.next(), pattern)
      await isOver(stream)
      equal(await client.sum([]), 0)
      equal(runs, 1, 'runs of handlers')
    },
  ),

  async 'tells the items of a call that never begins to end'(t) {
    const { feed: client } = await t.open(feed({ sum: () => 0 }))
    const { given, items } = watched(10)
    await items.next() // so that there is a finally to run
    await fails(client.sum(items, { signal: AbortSignal.abort() }), { code: 'cancelled', processed: 'no' })
    await given.ended.promise
  },

  async 'cancels an upload by its signal: its generator ends, and the handler is told'(t) {
    const { seen, sum } = told()
    const { feed: client, counts } = await t.open(feed({ sum }))
    const controller = new AbortController()
    const { given, items } = watched(Number.POSITIVE_INFINITY)
    const call = fails(client.sum(items, { signal: controller.signal }), { code: 'cancelled', processed: 'maybe' })
    await t.until(() => seen.items.length > 20, 'items to arrive')
    controller.abort()
    await call
    await given.ended.promise
    matches(await seen.thrown.promise, { code: 'cancelled' }, "what the handler's loop throws")
    equal(seen.items, upTo(seen.items.length), 'what the handler got')
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  ...each(
    { cancelled: 'cancelled', late: 'deadline_exceeded' } as const,
    (how) => `gives a handler no more items when its caller is ${how}: its loop throws`,
    async (t, code) => {
      const begun = new Gate()
      const thrown = new Gate<unknown>()
      let taken = 0
      const { feed: client, clock } = await t.open(
        feed({
          async sum(items, ctx) {
            const told = new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
            try {
              for await (const _ of items) {
                taken++
                begun.open()
                await told
              }
            } catch (error) {
              thrown.open(error)
            }
            return taken
          },
        }),
      )
      const controller = new AbortController()
      const { given, items } = watched(1_000)
      const call = fails(client.sum(items, { signal: controller.signal, timeoutMs: 200 }), { code, processed: 'maybe' })
      await begun.promise
      await t.turns(5) // items wait, where some may be under way
      if (code === 'cancelled') controller.abort()
      else clock.advance(210)
      await call
      matches(await thrown.promise, { name: 'NanowireError' }, "what the handler's loop throws")
      equal(taken, 1, 'items that the handler got')
      await given.ended.promise
    },
  ),

  async 'ends an upload at its deadline'(t) {
    const seen = { items: 0, reason: new Gate<unknown>() }
    const {
      feed: client,
      clock,
      counts,
    } = await t.open(
      feed({
        async quickSum(items, ctx) {
          ctx.signal.addEventListener('abort', () => seen.reason.open(ctx.signal.reason))
          for await (const _ of items) seen.items++
          return seen.items
        },
      }),
    )
    const { given, items } = watched(Number.POSITIVE_INFINITY)
    const call = fails(client.quickSum(items), { code: 'deadline_exceeded', processed: 'maybe' })
    await t.until(() => seen.items > 20, 'items to arrive')
    clock.advance(110)
    await call
    await given.ended.promise
    matches(await seen.reason.promise, { name: 'NanowireError' }, "the signal's reason")
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },
}
