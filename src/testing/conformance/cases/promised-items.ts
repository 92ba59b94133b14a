/** A list of promises for items, which is waited for one by one, as `for await` does (spec/streams.md). */
import type { ClientMiddleware } from '../../../rpc/index.ts'
import { equal, fails, matches } from '../assert.ts'
import { endOf, feed, isOver, nextOf, type Tick, upTo } from '../feed.ts'
import { Gate } from '../lab.ts'
import type { Cases } from '../suite.ts'

/** So many promises, and whether what gives them was told to return. */
function promises(count: number, at: (n: number) => Promise<Tick>) {
  const given = { ended: 0, items: make() }
  function* make() {
    try {
      for (let n = 0; n < count; n++) yield at(n)
    } finally {
      given.ended++
    }
  }
  return given
}

export const promisedItems: Cases = {
  async 'waits for items that are promised, both ways and in their order'(t) {
    const service = feed({
      ticks: ({ count }) => promises(count, async (n) => ({ n })).items,
      async sum(items) {
        const taken: number[] = []
        for await (const { n } of items) taken.push(n)
        equal(taken, upTo(taken.length), 'what the handler got')
        return taken.length
      },
    })
    const { feed: client } = await t.open(service)
    equal(await endOf(client.ticks({ count: 300 })), { items: upTo(300), error: undefined })
    const later = promises(3, async (n) => {
      await t.turns(3 - n)
      return { n }
    })
    equal(await client.sum(later.items), 3)
    equal(later.ended, 1, 'how often its finally ran')
  },

  async 'asks for the next promise when the one before has come'(t) {
    const come = upTo(3).map(() => new Gate<Tick>())
    let asked = 0
    const service = feed({
      ticks: () =>
        promises(3, (n) => {
          asked++
          return (come[n] as Gate<Tick>).promise // there are three
        }).items,
    })
    const { feed: client } = await t.open(service)
    const stream = client.ticks({ count: 3 })
    for (const [n, gate] of come.entries()) {
      await t.until(() => asked === n + 1, 'the next to be asked for')
      await t.turns(2)
      equal(asked, n + 1, 'promises that were asked for')
      gate.open({ n })
      equal(await nextOf(stream), { n })
    }
    await isOver(stream)
  },

  async 'ends with the error of a promise, and what gave it is told to return'(t) {
    const broken = promises(9, async (n) => {
      if (n === 2) throw new Error('payload')
      return { n }
    })
    const sent = promises(9, async (n) => {
      if (n === 2) throw new Error('no more')
      return { n }
    })
    const service = feed({
      ticks: () => broken.items,
      async sum(items) {
        for await (const _ of items);
        return 0
      },
    })
    const { feed: client, counts } = await t.open(service)
    const { items, error } = await endOf(client.ticks({ count: 9 }))
    equal(items, [0, 1], 'what came before')
    matches(error, { code: 'internal' }, 'the error')
    await fails(client.sum(sent.items), { code: 'cancelled', message: /no more/ })
    await t.until(() => counts().inFlight === 0, 'both handlers to end')
    equal([broken.ended, sent.ended], [1, 1], 'how often their finally ran')
  },

  async 'leaves what gives promises while one is waited for, whatever becomes of it'(t) {
    const late = new Gate<Tick>()
    const given = promises(9, () => late.promise)
    const { feed: client, counts } = await t.open(feed({ ticks: () => given.items }))
    const stream = client.ticks({ count: 9 })
    await t.until(() => counts().inFlight === 1, 'the handler to begin')
    await stream.return()
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    equal(given.ended, 1, 'how often its finally ran')
    late.open({ n: 0 })
    await t.turns(2)
    await isOver(stream)
  },

  async 'refuses a promised item that does not fit like any other'(t) {
    const misfits = promises(9, async (n) => (n === 1 ? ({ n: 'payload' } as never) : { n })) // as a program without types may give it
    const { feed: client } = await t.open(feed({ sum: () => 0, ticks: () => misfits.items }))
    const { items, error } = await endOf(client.ticks({ count: 9 }))
    equal(items, [0], 'what came before')
    matches(error, { code: 'internal', message: /failed; the server's log/ }, 'the error')
    equal(misfits.ended, 1, 'how often its finally ran')
  },

  async 'waits for what client middleware promises, too'(t) {
    const answer = promises(3, async (n) => ({ n }))
    const broken = promises(3, async () => Promise.reject(new Error('no more')))
    const clientUse: ClientMiddleware = ({ request }) =>
      Reflect.get(Object(request), 'count') === 1 ? broken.items : answer.items
    const { feed: client } = await t.open(feed(), { clientUse: [clientUse] })
    equal(await endOf(client.ticks({ count: 2 })), { items: [0, 1, 2], error: undefined })
    const thrown = await client
      .ticks({ count: 1 })
      .next()
      .catch((error: unknown) => error)
    equal(Object(thrown).message, 'no more', 'what it ends with')
    equal([answer.ended, broken.ended], [1, 1], 'how often their finally ran')
  },
}
