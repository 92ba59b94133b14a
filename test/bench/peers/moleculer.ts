/** Moleculer with its TCP transporter and its own JSON; its validator checks the requests. */
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type BrokerOptions, ServiceBroker } from 'moleculer'
import { freePort, fromBase64, toBase64 } from '../shared/net.ts'
import { answer, type Client, chunksOf, itemsOf, type Order, type SmallReply, type SmallRequest } from '../work.ts'

interface Count {
  readonly count: number
}

const text = 'string'
const number = 'number'
const flag = 'boolean'
const integer = { type: 'number', integer: true }
const texts = { type: 'array', items: text }
const object = (props: Record<string, unknown>) => ({ type: 'object', props })
const address = object({ street: text, city: text, postcode: text, country: text })
const line = object({ sku: text, title: text, quantity: integer, price: number, taxRate: number, isGift: flag })
const order = {
  id: integer,
  placedAt: text,
  status: text,
  isPaid: flag,
  customer: object({ id: integer, name: text, email: text, isMember: flag, address }),
  lines: { type: 'array', items: line },
  shipping: object({ carrier: text, tracking: text, weightKg: number, isExpress: flag }),
  totals: object({ currency: text, net: number, tax: number, gross: number }),
  tags: texts,
}

/** Megabytes of bytes are more of text; its own limit is 1 MiB. */
const MAX_PACKET_BYTES = 16_777_216

/** The two nodes know each other by address: nothing is looked for on the network. */
const broker = (nodeID: string, options: { port?: number; urls?: string }) =>
  new ServiceBroker({
    nodeID,
    logger: false,
    transporter: {
      type: 'TCP',
      options: { udpDiscovery: false, useHostname: false, maxPacketSize: MAX_PACKET_BYTES, ...options },
    },
  } satisfies BrokerOptions)

export async function serve(): Promise<number> {
  const port = await freePort() // it tells nobody which port it was given
  const server = broker('server', { port })
  server.createService({
    name: 'bench',
    actions: {
      small: {
        params: { id: integer, name: text, tags: texts, score: number },
        handler: ({ params }: { params: SmallRequest }) => answer(params),
      },
      record: { params: order, handler: ({ params }: { params: Order }) => params },
      bytes: { params: { data: text }, handler: ({ params }: { params: { data: string } }) => params },
      items: { handler: ({ params }: { params: Count }) => Readable.from(itemsOf(params.count)) },
      chunks: {
        handler: ({ params }: { params: Count }) => Readable.from(chunksOf(params.count), { objectMode: false }),
      },
    },
  })
  await server.start()
  return port
}

async function push<T>(client: ServiceBroker, action: string, count: number, take: (item: T) => void): Promise<void> {
  const stream = await client.call<Readable, Count>(action, { count })
  stream.on('data', take)
  await finished(stream)
}

export async function connect(port: number): Promise<Client> {
  const client = broker('client', { urls: `tcp://127.0.0.1:${port}/server` })
  await client.start()
  await client.waitForServices('bench', 10_000)
  return {
    small: (request) => client.call<SmallReply, SmallRequest>('bench.small', request),
    record: (record) => client.call<Order, Order>('bench.record', record),
    bytes: async (bytes) =>
      fromBase64(await client.call<{ data: string }, { data: string }>('bench.bytes', toBase64(bytes))),
    streams: {
      pushItems: (count, take) => push<SmallReply>(client, 'bench.items', count, take),
      pushChunks: (count, take) => push<Uint8Array>(client, 'bench.chunks', count, take),
    },
  }
}
