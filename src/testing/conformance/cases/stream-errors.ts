/** What a stream ends with, where it ends with an error: after the items before it, and typed as that of any call. */
import { NanowireError } from '../../../errors.ts'
import type { HandlersOf } from '../../../rpc/index.ts'
import { equal, fails, holds, matches } from '../assert.ts'
import { endOf, type Feed, feed, isOver, listOf, takeNumbers, upTo } from '../feed.ts'
import { type Cases, each } from '../suite.ts'

type Ticks = HandlersOf<typeof Feed>['ticks']

interface Failing {
  readonly ticks: Ticks
  readonly error: object
  /** How many items come before. */
  readonly count: number
}

const DECLARED = { code: 'Gone', processed: 'yes', data: { since: 'monday' }, message: 'feed/ticks: Gone' }
const STATUS = { code: 'not_found', processed: 'yes', message: 'no more ticks' }
const INTERNAL = { code: 'internal', processed: 'yes', data: undefined, id: /^[0-9a-f]{12}$/ }

const failing: Readonly<Record<string, Failing>> = {
  'a declared error': {
    async *ticks(_, ctx) {
      for (const n of upTo(300)) yield { n }
      throw ctx.error('Gone', { since: 'monday' })
    },
    error: DECLARED,
    count: 300,
  },
  'a status': {
    async *ticks() {
      for (const n of upTo(300)) yield { n }
      throw new NanowireError('not_found', 'no more ticks')
    },
    error: STATUS,
    count: 300,
  },
  'what is no error of this library': {
    *ticks() {
      for (const n of upTo(3)) yield { n }
      throw new Error('secret')
    },
    error: INTERNAL,
    count: 3,
  },
  'a declared error before the first item': {
    // biome-ignore lint/correctness/useYield: that is the case
    async *ticks(_, ctx) {
      throw ctx.error('Gone', { since: 'monday' })
    },
    error: DECLARED,
    count: 0,
  },
  'a status that the handler throws, and not its generator': {
    ticks() {
      throw new NanowireError('not_found', 'no more ticks')
    },
    error: STATUS,
    count: 0,
  },
  'a promise of items that rejects': {
    ticks: (_, ctx) => Promise.reject(ctx.error('Gone', { since: 'monday' })),
    error: DECLARED,
    count: 0,
  },
  'a declared error whose data do not fit': {
    *ticks(_, ctx) {
      yield { n: 0 }
      throw ctx.error('Gone', { since: 7 } as never) // as a program without types may
    },
    error: INTERNAL,
    count: 1,
  },
  'what cannot be iterated': {
    ticks: () => 7 as never, // as a program without types may
    error: INTERNAL,
    count: 0,
  },
  'an iterator that gives no results': {
    ticks: () => ({ [Symbol.iterator]: () => ({ next: () => 7 }) }) as never, // likewise
    error: INTERNAL,
    count: 0,
  },
}

const ends = each(
  failing,
  (what) => `ends a stream with ${what}, after the items before it`,
  async (t, { ticks, error, count }) => {
    const { feed: client, counts } = await t.open(feed({ ticks }))
    const stream = client.ticks({ count: 0 })
    const ended = await endOf(stream)
    matches(ended.error, error, 'what the stream ends with')
    holds(ended.error instanceof NanowireError, 'a NanowireError')
    equal(ended.items, upTo(count), 'the items before it')
    await isOver(stream)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },
)

const others: Cases = {
  async 'ends a stream with internal at an item that does not fit; only the log has the rest'(t) {
    let ended = 0
    const { feed: client, log } = await t.open(
      feed({
        async *ticks() {
          try {
            yield { n: 0 }
            yield { n: 1 }
            yield { n: 'payload' } as never // as a program without types may
            yield { n: 3 }
          } finally {
            ended++
          }
        },
      }),
    )
    const { items, error } = await endOf(client.ticks({ count: 4 }))
    equal(items, [0, 1], 'the items before it')
    matches(error, INTERNAL, 'what the stream ends with')
    equal(ended, 1, 'how often its finally ran')
    const [line, ...more] = log.at('error')
    matches(line, { message: 'an item does not fit', fields: { method: 'feed/ticks', misfit: '/n must be integer' } })
    equal(more, [], 'further lines of the log')
    equal(line?.fields['id'], (error as NanowireError).id, 'the id in the log') // it is one, as seen above
    holds(!log.text.includes('payload'), 'a log without payloads')
  },

  async 'counts streams by how they ended'(t) {
    const {
      feed: client,
      counts,
      wire,
    } = await t.open(
      feed({
        async *ticks({ count }, ctx) {
          yield { n: 0 }
          if (count === 1) throw ctx.error('Gone', { since: 'monday' })
          if (count === 2) throw new Error('secret')
          if (count === 3) await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
        },
      }),
    )
    for (const count of [0, 0, 1, 2]) await endOf(client.ticks({ count }))
    for await (const _ of client.ticks({ count: 3 })) break
    await t.until(() => counts().inFlight === 0, 'all handlers to end')
    const expected = { 'feed/ticks': { ok: 2, Gone: 1, internal: 1, cancelled: 1 } }
    equal(wire.stats().calls, expected, 'how the calls ended')
    equal(counts().calls, expected, 'how the calls ended at their handlers')
  },

  async 'lets an error of one stream be nobody else’s'(t) {
    const { feed: client } = await t.open(
      feed({
        async *ticks({ count }) {
          for (const n of upTo(50)) {
            if (n === count) throw new NanowireError('aborted', 'here')
            yield { n }
            await t.turns()
          }
        },
      }),
    )
    const [failed, whole] = await Promise.all([endOf(client.ticks({ count: 7 })), endOf(client.ticks({ count: 99 }))])
    equal(failed.items.length, 7, 'items of the one')
    matches(failed.error, { code: 'aborted' })
    equal([whole.items.length, whole.error], [50, undefined], 'the other')
  },

  async 'passes on what a call within the handler ended with as that of any handler'(t) {
    const inner = await t.open(
      feed({
        async *ticks(_, ctx) {
          yield { n: 0 }
          throw ctx.error('Gone', { since: 'monday' })
        },
      }),
    )
    const { feed: client } = await t.open(feed({ ticks: (request) => inner.feed.ticks(request) }))
    const stream = client.ticks({ count: 1 })
    await takeNumbers(stream, 0, 1)
    await fails(stream.next(), { code: 'internal', processed: 'yes' })
  },

  async 'needs nobody to take the error that a stream ends with'(t) {
    const { feed: client, counts } = await t.open(
      feed({
        ticks() {
          throw new NanowireError('aborted', 'here')
        },
        texts: () => ['x'],
      }),
    )
    client.ticks({ count: 1 })
    await t.until(() => counts().calls['feed/ticks']?.['aborted'] === 1, 'the call to be counted')
    equal(await listOf(client.texts([])), ['x'], 'the items of a call after it')
  },
}

export const streamErrors: Cases = { ...ends, ...others }
