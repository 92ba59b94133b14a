/** What holds where values travel as bytes: limits of their size, copies, and a connection that can be counted. */
import Type from 'typebox'
import { Bytes, contract, unary } from '../../../contract/index.ts'
import { NanowireError } from '../../../errors.ts'
import { service } from '../../../rpc/index.ts'
import { equal, fails, holds } from '../assert.ts'
import { feed, isOver, listOf, nextOf } from '../feed.ts'
import { lab } from '../lab.ts'
import type { Cases } from '../suite.ts'

const limits = { maxMessageBytes: 1_024 }
const echo = lab({ echo: (request) => request })

const sizes: Cases = {
  async 'refuses a request above maxMessageBytes: its handler never ran'(t) {
    let runs = 0
    const counting = lab({
      echo(request) {
        runs++
        return request
      },
    })
    const { client, wire } = await t.open(counting, { limits })
    await wire.ready()
    const pattern = { code: 'resource_exhausted', processed: 'no', message: /maxMessageBytes is 1024/ }
    await fails(client.echo({ text: 'x'.repeat(2_000) }), pattern)
    equal(runs, 0, 'runs of the handler')
    equal(await client.echo({ text: 'x' }), { text: 'x' }, 'the reply to the next call')
  },

  async 'refuses a reply above maxMessageBytes: its handler has run'(t) {
    const { client, wire } = await t.open(lab({ echo: ({ text }) => ({ text: text.repeat(100) }) }), { limits })
    await wire.ready()
    const pattern = { code: 'resource_exhausted', processed: 'yes', message: /maxMessageBytes is 1024/ }
    await fails(client.echo({ text: 'x'.repeat(100) }), pattern)
    equal(await client.echo({ text: 'x' }), { text: 'x'.repeat(100) }, 'the reply to the next call')
  },

  async 'carries what is just as large as maxMessageBytes'(t) {
    const { client } = await t.open(echo, { limits })
    const text = 'x'.repeat(1_024 - 1 - 5 - 3) // a map of one, the key, the head of the text
    holds((await client.echo({ text })).text === text, 'a text in a message of 1,024 bytes')
    await fails(client.echo({ text: `${text}x` }), { code: 'resource_exhausted', processed: 'no' })
  },

  async 'ends a stream at an item above maxMessageBytes, behind the items before it'(t) {
    const sized = feed({
      async *blobs({ count, size }) {
        for (let n = 0; n < count; n++) yield new Uint8Array(n === 3 ? size : 10)
      },
    })
    const { feed: client, wire } = await t.open(sized, { limits })
    await wire.ready()
    equal((await listOf(client.blobs({ count: 5, size: 1_000 }))).length, 5, 'items that have room')
    const stream = client.blobs({ count: 5, size: 2_000 })
    for (let n = 0; n < 3; n++) await nextOf(stream)
    await fails(stream.next(), { code: 'resource_exhausted', processed: 'yes', message: /maxMessageBytes is 1024/ })
    await isOver(stream)
    equal((await listOf(client.blobs({ count: 5, size: 10 }))).length, 5, 'items of the next call')
  },

  async 'ends an upload at an item above maxMessageBytes, and its generator'(t) {
    let finallys = 0
    const service = feed({
      async store(items) {
        let bytes = 0
        for await (const item of items) bytes += item.length
        return bytes
      },
    })
    const { feed: client, wire } = await t.open(service, { limits })
    await wire.ready()
    async function* items() {
      try {
        yield new Uint8Array(10)
        yield new Uint8Array(2_000)
        yield new Uint8Array(10)
      } finally {
        finallys++
      }
    }
    await fails(client.store(items()), { code: 'resource_exhausted', message: /maxMessageBytes is 1024/ })
    equal(finallys, 1, 'how often its finally ran')
    equal(await client.store([new Uint8Array(1_000)]), 1_000, 'the reply to the next call')
  },

  async 'replaces an error above maxErrorBytes by one that names the limit'(t) {
    const large = lab({
      echo(_, ctx) {
        throw ctx.error('Banned', { until: 'x'.repeat(2_000) })
      },
    })
    const { client } = await t.open(large, { limits: { maxErrorBytes: 1_024 } })
    await fails(client.echo({ text: 'x' }), { code: 'resource_exhausted', processed: 'yes', message: /maxErrorBytes/ })
  },

  async 'cuts the message of an error to 1,024 units'(t) {
    const long = lab({ echo: () => Promise.reject(new NanowireError('aborted', 'x'.repeat(5_000))) })
    const { client } = await t.open(long)
    const { message } = await fails(client.echo({ text: 'x' }), { code: 'aborted', processed: 'yes' })
    equal(message.length, 1_024, 'its length')
  },

  async 'counts connections and bytes'(t) {
    const { client, wire } = await t.open(echo)
    const before = wire.stats()
    equal([before.connections, before.bytesSent, before.bytesReceived], [0, 0, 0], 'connections and bytes before')
    await client.echo({ text: 'x'.repeat(1_000) })
    const { connections, bytesSent, bytesReceived } = wire.stats()
    equal(connections, 1, 'connections')
    holds(bytesSent > 1_000 && bytesReceived > 1_000, 'more than 1,000 bytes sent and received')
  },
}

const Store = contract('store', {
  put: unary(Type.Object({ items: Type.Array(Type.String()) }), Type.Object({ items: Type.Array(Type.String()) })),
  bytes: unary(Bytes(), Bytes()),
  has: unary(Type.Object({ nick: Type.Optional(Type.String()) }), Type.Boolean()),
})

const copies: Cases = {
  async 'gives the handler a copy, and the caller another one'(t) {
    const kept: { items: string[] } = { items: [] }
    const { wire } = await t.open(
      service(Store, {
        put(request) {
          request.items.push('changed by the handler')
          kept.items.push(...request.items)
          return kept
        },
        bytes: (bytes) => bytes,
        has: () => true,
      }),
    )
    const request = { items: ['a'] }
    const first = await wire.client(Store).put(request)
    equal(request, { items: ['a'] }, "the caller's own request")
    first.items.length = 0
    equal(kept.items, ['a', 'changed by the handler'], "the handler's own reply")
  },

  async 'gives bytes with a memory of their own'(t) {
    let seen: Uint8Array | undefined
    const { wire } = await t.open(
      service(Store, {
        put: (request) => request,
        bytes(bytes) {
          seen = bytes
          return bytes
        },
        has: () => true,
      }),
    )
    const sent = Uint8Array.of(1, 2, 3)
    const got = await wire.client(Store).bytes(sent)
    holds(seen !== sent && got !== sent, 'copies')
    equal(seen, Uint8Array.of(1, 2, 3), 'what the handler got')
    equal(got, Uint8Array.of(1, 2, 3), 'what the caller got')
    holds(Object.getPrototypeOf(got) === Uint8Array.prototype, 'a plain Uint8Array')
  },

  async 'leaves out an optional property that is undefined'(t) {
    const { wire } = await t.open(
      service(Store, {
        put: (request) => request,
        bytes: (bytes) => bytes,
        has: (request) => 'nick' in request,
      }),
    )
    const request = { nick: undefined } as never // which the schema takes for absent
    equal(await wire.client(Store).has(request), false, 'whether the handler has the property')
  },
}

export const bytes: Cases = { ...sizes, ...copies }
