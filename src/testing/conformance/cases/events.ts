/** Events: subscribers get what is published from when their subscription stands, in its order, each once (spec/events.md). */
import type { Subscription } from '../../../rpc/index.ts'
import { equal, fails, failureOf, holds, matches } from '../assert.ts'
import { Feed, feed, isOver, listOf, nextOf, numbers, upTo } from '../feed.ts'
import type { Cases } from '../suite.ts'

interface Placed {
  readonly id: string
  readonly n: number
}

/** Takes so many bodies, and says of each its id, its number and how many-th it is. */
async function take(subscription: Subscription<Placed>, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    const { id, n } = await nextOf(subscription)
    taken.push(`${id}${n} ${subscription.sequence}`)
  }
  return taken
}

const told: Cases = {
  async 'gives a subscriber what is published from when it is ready, in order'(t) {
    const service = feed()
    const { feed: client, counts } = await t.open(service)
    service.publish.placed({ id: 'x', n: 0 }) // to nobody
    const subscription = client.placed()
    equal(subscription.sequence, 0, 'the number before the first body')
    await subscription.ready
    for (const n of [1, 2, 3]) service.publish.placed({ id: 'x', n })
    equal(await take(subscription, 3), ['x1 1', 'x2 2', 'x3 3'])
    equal(subscription.dropped, 0, 'bodies that were dropped')
    await subscription.return()
    await isOver(subscription)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async 'gives those who name a key what has it, and the others everything'(t) {
    const service = feed()
    const { feed: client } = await t.open(service)
    const [x, y, all] = [client.placed({ id: 'x' }), client.placed({ id: 'y' }), client.placed({})]
    await Promise.all([x.ready, y.ready, all.ready])
    for (const [n, id] of ['x', 'y', 'z', 'x'].entries()) service.publish.placed({ id, n })
    equal(await take(x, 2), ['x0 1', 'x3 2'])
    equal(await take(y, 1), ['y1 1'])
    equal(await take(all, 4), ['x0 1', 'y1 2', 'z2 3', 'x3 4'])
  },

  async 'has events without a key'(t) {
    const service = feed()
    const { feed: client } = await t.open(service)
    const subscription = client.rang()
    await subscription.ready
    service.publish.rang({ n: 7 })
    equal(await nextOf(subscription), { n: 7 })
  },

  async 'tells all subscribers the same, in the same order, whoever publishes meanwhile'(t) {
    const service = feed({
      *ticks({ count }) {
        for (let n = 0; n < count; n++) {
          service.publish.placed({ id: 'handler', n })
          yield { n }
        }
      },
    })
    const { feed: client } = await t.open(service)
    const subscriptions = upTo(5).map(() => client.placed())
    await Promise.all(subscriptions.map(({ ready }) => ready))
    const ticks = listOf(client.ticks({ count: 20 }))
    for (const n of upTo(20)) {
      service.publish.placed({ id: 'elsewhere', n })
      await t.turns()
    }
    await ticks
    const [first, ...others] = await Promise.all(subscriptions.map((one) => take(one, 40)))
    for (const other of others) equal(other, first, 'what another subscriber got')
    for (const id of ['handler', 'elsewhere']) {
      const own = first?.filter((one) => one.startsWith(id)).map((one) => one.split(' ')[0])
      equal(
        own,
        upTo(20).map((n) => `${id}${n}`),
        'the bodies of one publisher',
      )
    }
  },

  async 'brings many bodies that are published at once'(t) {
    const service = feed()
    const { feed: client } = await t.open(service)
    const subscription = client.placed()
    await subscription.ready
    for (const n of upTo(1_000)) service.publish.placed({ id: 'x', n })
    for (const n of upTo(1_000)) equal((await nextOf(subscription)).n, n, 'the number of a body')
    equal([subscription.sequence, subscription.dropped], [1_000, 0])
  },

  async 'hands on no undeclared property of a body, and tells nobody of one that does not fit'(t) {
    const service = feed()
    const { feed: client } = await t.open(service)
    const subscription = client.placed()
    await subscription.ready
    const publish = async () => service.publish.placed({ id: 7, n: 1 } as never) // as a program without types may
    await fails(publish(), { code: 'invalid_argument' }, 'what publish throws')
    const body = { id: 'x', n: 2, secret: 'payload' }
    service.publish.placed(body)
    equal(await nextOf(subscription), { id: 'x', n: 2 })
    equal(subscription.sequence, 1, 'its number')
  },
}

const ending: Cases = {
  async 'tells those no more who have left, and the others on'(t) {
    const service = feed()
    const { feed: client, counts } = await t.open(service)
    const [leaves, stays] = [client.placed(), client.placed()]
    await Promise.all([leaves.ready, stays.ready])
    service.publish.placed({ id: 'x', n: 0 })
    for await (const _ of leaves) break
    await t.until(() => counts().inFlight === 1, 'the one to be gone')
    service.publish.placed({ id: 'x', n: 1 })
    equal(await take(stays, 2), ['x0 1', 'x1 2'])
    await isOver(leaves)
  },

  async 'ends a subscription by its signal, and by a deadline where it has one'(t) {
    const service = feed()
    const { feed: client, clock, counts } = await t.open(service)
    const controller = new AbortController()
    const one = client.placed({}, { signal: controller.signal })
    const other = client.placed({}, { timeoutMs: 200 })
    await Promise.all([one.ready, other.ready])
    controller.abort()
    await fails(one.next(), { code: 'cancelled', processed: 'maybe' })
    clock.advance(210)
    await fails(other.next(), { code: 'deadline_exceeded', processed: 'maybe' })
    await t.until(() => counts().inFlight === 0, 'both slots to be free')
    service.publish.placed({ id: 'x', n: 0 })
    await isOver(one)
    await isOver(other)
  },

  async 'rejects ready where the subscription is refused, and says the same at the first item'(t) {
    const { feed: client } = await t.open(feed(), { authorize: () => false })
    const subscription = client.placed()
    await fails(subscription.ready, { code: 'permission_denied', processed: 'no' }, 'ready')
    await fails(subscription.next(), { code: 'permission_denied', processed: 'no' })
    await isOver(subscription)
  },

  async 'rejects ready where the subscription is left at once, whether it was asked for before or after'(t) {
    const { feed: client, counts } = await t.open(feed())
    for (const leave of ['return', Symbol.asyncDispose] as const) {
      const [one, other] = [client.placed(), client.placed({ id: 'x' })]
      const asked = fails(one.ready, { code: 'cancelled', processed: 'maybe' }, 'ready')
      await Promise.all([one[leave](), other[leave]()])
      await asked
      await fails(other.ready, { code: 'cancelled', processed: 'maybe' }, 'ready')
      await isOver(one)
    }
    await t.until(() => counts().inFlight === 0, 'the slots to be free')
  },

  async 'has been ready where the subscription is left later'(t) {
    const { feed: client } = await t.open(feed())
    const [unasked, asked] = [client.placed(), client.placed()]
    await asked.ready // and so the one before it
    await Promise.all([asked.return(), unasked.return()])
    await Promise.all([asked.ready, unasked.ready])
  },

  async 'refuses to choose by what is no key'(t) {
    const { feed: client } = await t.open(feed())
    for (const filter of [{ n: 1 }, { id: 7 }, 'x']) {
      const subscription = client.placed(filter as never) // as a program without types may
      await fails(subscription.ready, { code: 'invalid_argument', processed: 'no' }, 'ready')
      await fails(subscription.next(), { code: 'invalid_argument', processed: 'no' })
    }
  },

  async 'lets one be left that is not ready yet'(t) {
    const service = feed()
    const { feed: client, counts } = await t.open(service)
    const subscription = client.placed()
    await subscription.return()
    await isOver(subscription)
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
    service.publish.placed({ id: 'x', n: 1 })
    const next = client.placed()
    await next.ready
    service.publish.placed({ id: 'x', n: 2 })
    equal(await take(next, 1), ['x2 1'])
  },

  async 'takes no harm from a subscriber that leaves and comes while bodies are published'(t) {
    const service = feed()
    const { feed: client, counts } = await t.open(service)
    const steady = client.placed()
    await steady.ready
    for (const n of upTo(30)) {
      const subscription = client.placed({ id: 'x' })
      await subscription.ready
      service.publish.placed({ id: 'x', n })
      equal((await nextOf(subscription)).n, n, 'what the new subscriber got')
      await subscription.return()
    }
    equal(
      (await take(steady, 30)).at(-1),
      'x29 30', // none missing
    )
    await t.until(() => counts().inFlight === 1, 'only the steady one to be left')
  },

  async 'counts a subscription as a call in flight'(t) {
    const { feed: client, wire } = await t.open(feed(), { limits: { maxCallsInFlight: 1, maxCallsQueued: 0 } })
    await wire.ready()
    const one = client.placed()
    await one.ready
    const other = client.placed()
    await fails(other.ready, { code: 'resource_exhausted', processed: 'no' }, 'ready')
    await fails(other.next(), { code: 'resource_exhausted', processed: 'no' })
  },
}

const answered: Cases = {
  async 'lets a handler say what subscribers get, by what they chose'(t) {
    const service = feed({
      async *placed({ id }) {
        for await (const { n } of numbers(3)) yield { id: id ?? 'all', n }
      },
    })
    const { feed: client } = await t.open(service)
    const subscription = client.placed({ id: 'x' })
    await subscription.ready
    equal(await take(subscription, 3), ['x0 1', 'x1 2', 'x2 3'])
    await isOver(subscription)
    equal((await listOf(client.placed())).length, 3, 'bodies for who names no key')
  },

  async 'passes on the events of another place'(t) {
    const inner = feed()
    const place = await t.open(inner)
    const { feed: client, counts } = await t.open(feed({ placed: place.feed.placed }))
    const subscription = client.placed({ id: 'x' })
    await subscription.ready
    inner.publish.placed({ id: 'y', n: 0 })
    inner.publish.placed({ id: 'x', n: 1 })
    equal(await take(subscription, 1), ['x1 1'])
    await subscription.return()
    await t.until(() => counts().inFlight === 0 && place.counts().inFlight === 0, 'both slots to be free')
  },

  async 'refuses to publish what a handler answers'(t) {
    const service = feed({ placed: () => [] })
    const { feed: client } = await t.open(service)
    const error = await failureOf((async () => service.publish.placed({ id: 'x', n: 1 }))(), 'publish')
    matches(error, { code: 'invalid_argument' })
    equal(await listOf(client.placed()), [])
  },

  async 'lets a client of events be a service’s handlers, all of them'(t) {
    const inner = feed({ ticks: ({ count }) => numbers(count) })
    const place = await t.open(inner)
    const { wire } = await t.open(feed(place.feed))
    const client = wire.client(Feed)
    const subscription = client.rang()
    await subscription.ready
    inner.publish.rang({ n: 3 })
    equal(await nextOf(subscription), { n: 3 })
    holds((await listOf(client.ticks({ count: 3 }))).length === 3, 'three items of a stream beside it')
  },
}

export const events: Cases = { ...told, ...ending, ...answered }
