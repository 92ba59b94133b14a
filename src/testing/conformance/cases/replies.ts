/** What goes to a handler and comes back: checked on both ways, without what is not declared. */
import Type from 'typebox'
import { contract, notify, unary } from '../../../contract/index.ts'
import { service } from '../../../rpc/index.ts'
import { equal, fails, holds, matches } from '../assert.ts'
import { Gate, Lab, lab, never } from '../lab.ts'
import type { Cases } from '../suite.ts'

const echo = ({ text }: { text: string }) => ({ text })

const plain: Cases = {
  async 'answers, also synchronously and with nothing'(t) {
    const handlers = { echo: async ({ text }: { text: string }) => ({ text: `${text}!` }), quick: () => undefined }
    const { client } = await t.open(lab(handlers))
    equal(await client.echo({ text: 'Ada' }), { text: 'Ada!' })
    equal(await client.quick(), undefined)
    equal(await client.quick(undefined), undefined)
  },

  async 'hands on no undeclared property, in neither direction'(t) {
    let received: unknown
    const { client } = await t.open(
      lab({
        store(request) {
          received = request
          const rows = [{ text: 'a', passwordHash: 'secret' }, { text: 'b' }]
          return rows
        },
      }),
    )
    const asked = { users: [{ name: 'Ada', password: 'secret' }], admin: true }
    equal(await client.store(asked), [{ text: 'a' }, { text: 'b' }], 'the reply')
    equal(received, { users: [{ name: 'Ada' }] }, 'what the handler got')
    equal(asked, { users: [{ name: 'Ada', password: 'secret' }], admin: true }, "the caller's own request")
  },

  async 'carries large messages whole'(t) {
    const { client } = await t.open(lab({ echo }))
    const text = 'é'.repeat(300_000)
    holds((await client.echo({ text })).text === text, '600 kB of text as they were sent')
  },

  async 'lets a proxy stand for the handlers: a client of another place'(t) {
    const told = new Gate<unknown>()
    const { client: inner } = await t.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'Mallory') throw ctx.error('Banned', { until: 'tomorrow' })
          return { text }
        },
        quick(_, ctx) {
          ctx.signal.addEventListener('abort', () => told.open(ctx.signal.reason))
          return never()
        },
      }),
    )
    const { client, counts } = await t.open(service(Lab, { ...inner, store: () => [{ text: 'moved here' }] }))
    equal(await client.echo({ text: 'Ada' }), { text: 'Ada' })
    equal(await client.store({ users: [] }), [{ text: 'moved here' }])
    await fails(client.echo({ text: 'Mallory' }), { code: 'internal', processed: 'yes' })
    const controller = new AbortController()
    const call = client.quick(undefined, { signal: controller.signal, metadata: { tenant: 'blue' } })
    await t.until(() => counts().inFlight === 1, 'the outer handler to begin')
    controller.abort()
    await fails(call, { code: 'cancelled', processed: 'maybe' })
    matches(await told.promise, { code: 'cancelled' }, 'why the inner handler was told to stop')
  },

  async 'works for a client that another service was made from, without middleware or options'(t) {
    const { client } = await t.open(lab({ echo }))
    const outer = await t.open(service(Lab, client))
    equal(await outer.client.echo({ text: 'x' }), { text: 'x' })
  },

  async 'has clients that are plain frozen objects, one function for each method'(t) {
    const { connection } = await t.open(lab({ echo }))
    const client = connection.client(Lab)
    holds(Object.isFrozen(client) && Object.isFrozen(client.echo), 'a frozen client with frozen methods')
    equal(Object.keys(client).sort(), ['echo', 'note', 'quick', 'quickNote', 'store'], 'its methods')
    const { echo: alone } = client
    equal(await alone({ text: 'x' }), { text: 'x' }, 'the reply to a method taken out of its client')
  },
}

const refused: Cases = {
  async 'refuses a bad request before its handler, says where, and goes on'(t) {
    let runs = 0
    const { wire, client, counts } = await t.open(
      lab({
        store: () => [],
        echo(request) {
          runs++
          return request
        },
      }),
    )
    await client.store({ users: [] })
    const { connections } = wire.stats()
    const bad = { text: 7 } as never // as a program without types may pass it
    await fails(client.echo(bad), {
      code: 'invalid_argument',
      processed: 'no',
      data: undefined,
      message: /^the request of lab\/echo does not fit: \/text must be string$/,
    })
    const deep = { users: [{ name: 'Ada' }, {}] } as never // likewise
    await fails(client.store(deep), { message: /\/users\/1\/name is required/ })
    equal(runs, 0, 'runs of the handler')
    equal(await client.echo({ text: 'x' }), { text: 'x' })
    equal(runs, 1, 'runs of the handler')
    equal(wire.stats().connections, connections, 'connections afterwards')
    equal(counts().inFlight, 0, 'calls in flight')
  },

  async 'turns a bad reply into internal with an id; only the log has the rest'(t) {
    const { client, log } = await t.open(
      lab({
        store: () => [{ text: 'ok' }, { text: 12345, secret: 'payload' }] as never, // as a program without types may
        quick: () => 'payload' as never, // likewise
      }),
    )
    const error = await fails(client.store({ users: [] }), {
      code: 'internal',
      processed: 'yes',
      data: undefined,
      id: /^[0-9a-f]{12}$/,
    })
    equal(error.message, `lab/store failed; the server's log has it under ${error.id}`, 'its message')
    const fields = { method: 'lab/store', id: error.id, misfit: '/1/text must be string' }
    equal(log.at('error'), [{ level: 'error', message: 'the reply does not fit', fields }], 'the log')
    const other = await fails(client.quick(), { code: 'internal', processed: 'yes' })
    holds(other.id !== error.id, 'another id for another error')
    holds(!/payload|12345/.test(log.text), 'a log without payloads')
  },

  async 'has no method of another contract'(t) {
    const Other = contract('other', { echo: unary(Type.Void(), Type.Void()) })
    const { wire, client } = await t.open(lab({ echo }))
    await fails(wire.client(Other).echo(), { code: 'unimplemented', processed: 'no' })
    equal(await client.echo({ text: 'x' }), { text: 'x' }, 'the reply to a call after it')
  },

  async 'has no method that its contract lacks'(t) {
    const Newer = contract('lab', { added: unary(Type.Void(), Type.Void()) })
    const { wire, client } = await t.open(lab({ echo }))
    await fails(wire.client(Newer).added(), { code: 'unimplemented', processed: 'no' })
    equal(await client.echo({ text: 'x' }), { text: 'x' }, 'the reply to a call after it')
  },

  async 'routes several services by their names'(t) {
    const One = contract('one', { get: unary(Type.Void(), Type.String()) })
    const Two = contract('two', { get: unary(Type.Void(), Type.String()) })
    const { wire, client } = await t.open([
      service(One, { get: () => '1' }),
      service(Two, { get: () => '2' }),
      lab({ echo }),
    ])
    equal(await wire.client(One).get(), '1')
    equal(await wire.client(Two).get(), '2')
    equal(await client.echo({ text: 'x' }), { text: 'x' })
  },
}

/** The same two methods, of which each is what the other is in `Lab`. */
const Swapped = contract('lab', {
  note: unary(Type.Object({ line: Type.String() }), Type.Void()),
  echo: notify(Type.Object({ text: Type.String() })),
})

const kinds: Cases = {
  async 'refuses a call of a notify as unary'(t) {
    let runs = 0
    const { wire } = await t.open(
      lab({
        note() {
          runs++
        },
      }),
    )
    const call = wire.client(Swapped).note({ line: 'x' })
    await fails(call, { processed: 'no' })
    equal(runs, 0, 'runs of the handler')
  },

  async 'refuses a call of a unary method as notify, whose caller hears nothing'(t) {
    let runs = 0
    const { wire, client } = await t.open(
      lab({
        echo(request) {
          runs++
          return request
        },
        quick: () => undefined,
      }),
    )
    await wire
      .client(Swapped)
      .echo({ text: 'x' })
      .catch(() => {}) // some places know it at once
    await client.quick()
    equal(runs, 0, 'runs of the handler')
  },
}

export const replies: Cases = { ...plain, ...refused, ...kinds }
