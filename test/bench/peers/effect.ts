/** Effect RPC over a TCP socket with its MessagePack serialization; its schemas decode what comes, on both sides. */
import { NodeSocket, NodeSocketServer } from '@effect/platform-node'
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from '@effect/rpc'
import { Effect, Layer, ManagedRuntime, Schema, Scope, Stream } from 'effect'
import { freePort } from '../shared/net.ts'
import { answer, BYTES, bytesOf, type Client, itemOf } from '../work.ts'

const { String: text, Number: number, Int: integer, Boolean: flag, Struct: struct } = Schema
const list = <T extends Schema.Schema.Any>(item: T) => Schema.mutable(Schema.Array(item))
const address = struct({ street: text, city: text, postcode: text, country: text })
const order = struct({
  id: integer,
  placedAt: text,
  status: text,
  isPaid: flag,
  customer: struct({ id: integer, name: text, email: text, isMember: flag, address }),
  lines: list(struct({ sku: text, title: text, quantity: integer, price: number, taxRate: number, isGift: flag })),
  shipping: struct({ carrier: text, tracking: text, weightKg: number, isExpress: flag }),
  totals: struct({ currency: text, net: number, tax: number, gross: number }),
  tags: list(text),
})
const request = struct({ id: integer, name: text, tags: list(text), score: number })

const reply = struct({ id: integer, text, ok: flag })
const count = struct({ count: integer })

const Bench = RpcGroup.make(
  Rpc.make('small', { payload: request, success: reply }),
  Rpc.make('record', { payload: order, success: order }),
  Rpc.make('bytes', { payload: Schema.Uint8ArrayFromSelf, success: Schema.Uint8ArrayFromSelf }),
  Rpc.make('items', { payload: count, success: reply, stream: true }),
  Rpc.make('chunks', { payload: count, success: Schema.Uint8ArrayFromSelf, stream: true }),
)

/** Of 64 KiB each. */
const CHUNKS_AT_A_TIME = 16
const chunk = bytesOf(BYTES)

const handlers = Bench.toLayer({
  small: (payload) => Effect.succeed(answer(payload)),
  record: (payload) => Effect.succeed(payload),
  bytes: (payload) => Effect.succeed(payload),
  items: ({ count }) => Stream.map(Stream.range(0, count - 1), itemOf), // thousands at a time, unlike a generator
  chunks: ({ count }) => Stream.map(Stream.range(0, count - 1, CHUNKS_AT_A_TIME), () => chunk),
})

export async function serve(): Promise<number> {
  const port = await freePort() // its server keeps to itself which port it was given
  const layer = RpcServer.layer(Bench, { disableTracing: true }).pipe(
    Layer.provide(handlers),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(NodeSocketServer.layer({ port, host: '127.0.0.1', noDelay: true })),
    Layer.provide(RpcSerialization.layerMsgPack),
  )
  await ManagedRuntime.make(layer).runtime() // it is listening when its layers are built
  return port
}

const each =
  <T>(take: (item: T) => void) =>
  (chunk: Iterable<T>) =>
    Effect.sync(() => {
      for (const item of chunk) take(item)
    })

export async function connect(port: number): Promise<Client> {
  const layer = RpcClient.layerProtocolSocket().pipe(
    Layer.provide(NodeSocket.layerNet({ port, host: '127.0.0.1', noDelay: true })),
    Layer.provide(RpcSerialization.layerMsgPack),
  )
  const runtime = ManagedRuntime.make(layer)
  const scope = await runtime.runPromise(Scope.make())
  const client = await runtime.runPromise(Scope.extend(RpcClient.make(Bench, { disableTracing: true }), scope))
  return {
    small: (payload) => runtime.runPromise(client.small(payload)),
    record: (payload) => runtime.runPromise(client.record(payload)),
    bytes: (payload) => runtime.runPromise(client.bytes(payload)),
    streams: {
      pushItems: (count, take) => runtime.runPromise(Stream.runForEachChunk(client.items({ count }), each(take))),
      pushChunks: (count, take) => runtime.runPromise(Stream.runForEachChunk(client.chunks({ count }), each(take))),
    },
  }
}
