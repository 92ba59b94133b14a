/** ConnectRPC over HTTP/2 without TLS, in its own protocol and binary, as its guides for Node have it. */
import { createServer } from 'node:http2'
import { createClient, type ServiceImpl } from '@connectrpc/connect'
import { connectNodeAdapter, createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { listen } from '../shared/net.ts'
import { serviceOf } from '../shared/proto.ts'
import { ticksOf } from '../shared/ticks.ts'
import { answer, type Client, chunksOf, itemsOf, type Order, type SmallReply, type SmallRequest } from '../work.ts'

const Bench = serviceOf('Bench')

interface Count {
  readonly count: number
}

export const serve = (): Promise<number> =>
  listen(
    createServer(
      connectNodeAdapter({
        // Its messages are what bench.proto says: the descriptor, read at run time, has no types.
        routes: (router) => {
          router.service(Bench, {
            small: (request: unknown) => answer(request as SmallRequest), // see above
            record: (order: unknown) => order,
            bytes: (blob: unknown) => blob,
            items: ({ count }: Count) => itemsOf(count),
            chunks: async function* ({ count }: Count) {
              for await (const data of chunksOf(count)) yield { data }
            },
            ticks: () => ticksOf(),
          } as unknown as ServiceImpl<typeof Bench>) // see above
        },
      }),
    ),
  )

export async function connect(port: number): Promise<Client> {
  const baseUrl = `http://127.0.0.1:${port}`
  const sessionManager = new Http2SessionManager(baseUrl)
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: '2',
    useBinaryFormat: true,
    acceptCompression: [], // nobody else compresses, and over loopback it only costs
    sessionManager,
  })
  await sessionManager.connect()
  const client = createClient(Bench, transport) as unknown as {
    small(request: SmallRequest): Promise<SmallReply>
    record(order: Order): Promise<Order>
    bytes(blob: { data: Uint8Array }): Promise<{ data: Uint8Array }>
    items(count: Count): AsyncIterable<SmallReply>
    chunks(count: Count): AsyncIterable<{ data: Uint8Array }>
    ticks(count: Count): AsyncIterable<SmallReply>
  } // bench.proto
  return {
    small: (request) => client.small(request),
    record: (order) => client.record(order),
    bytes: async (data) => (await client.bytes({ data })).data,
    streams: {
      items: (count) => client.items({ count }),
      chunks: async function* (count) {
        for await (const { data } of client.chunks({ count })) yield data
      },
      ticks: () => client.ticks({ count: 0 }),
    },
  }
}
