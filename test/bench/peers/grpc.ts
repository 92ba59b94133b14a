/** @grpc/grpc-js with @grpc/proto-loader, as grpc.io's guide for Node has it. Its messages are typed by Protocol Buffers. */
import { promisify } from 'node:util'
import {
  type ClientReadableStream,
  credentials,
  type Client as GrpcClient,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js'
import { definition } from '../shared/proto.ts'
import { ticksOf } from '../shared/ticks.ts'
import {
  answer,
  BYTES,
  bytesOf,
  type Client,
  itemOf,
  type Order,
  type SmallReply,
  type SmallRequest,
  type Streams,
} from '../work.ts'

const Bench = loadPackageDefinition(definition)['bench'] as unknown as { Bench: ServiceClientConstructor } // bench.proto

type Reply<T> = (error: ServiceError | null, value?: T) => void
type Handler<Q, A> = (call: { readonly request: Q }, reply: Reply<A>) => void
type Method<Q, A> = (request: Q, reply: Reply<A>) => void
type Blob = { data: Uint8Array }
type Count = { count: number }
type Output<T> = ServerWritableStream<Count, T>
type StreamMethod<T> = (request: Count) => ClientReadableStream<T>

/** Faster than a generator, whose every item is a promise. */
async function write<T>(call: Output<T>, itemOf: (id: number) => T): Promise<void> {
  const { count } = call.request
  for (let id = 0; id < count && !call.cancelled; id++) {
    if (!call.write(itemOf(id))) await drained(call)
  }
  call.end()
}

/** Or the client has gone. */
const drained = (call: Output<unknown>) =>
  new Promise<void>((resolve) => {
    const goOn = () => {
      call.off('drain', goOn).off('cancelled', goOn)
      resolve()
    }
    call.on('drain', goOn).on('cancelled', goOn)
  })

async function writeTicks(call: Output<SmallReply>): Promise<void> {
  for await (const tick of ticksOf()) {
    if (call.cancelled) return
    call.write(tick)
  }
}

const chunk = { data: bytesOf(BYTES) }

const handlers: {
  Small: Handler<SmallRequest, SmallReply>
  Record: Handler<Order, Order>
  Bytes: Handler<Blob, Blob>
  Items(call: Output<SmallReply>): void
  Chunks(call: Output<Blob>): void
  Ticks(call: Output<SmallReply>): void
} = {
  Small: ({ request }, reply) => reply(null, answer(request)),
  Record: ({ request }, reply) => reply(null, request),
  Bytes: ({ request }, reply) => reply(null, request),
  Items: (call) => void write(call, itemOf),
  Chunks: (call) => void write(call, () => chunk),
  Ticks: (call) => void writeTicks(call),
}

export function serve(): Promise<number> {
  const server = new Server()
  server.addService(Bench.Bench.service, handlers)
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  )
}

export async function connect(port: number): Promise<Client> {
  const client = new Bench.Bench(`127.0.0.1:${port}`, credentials.createInsecure())
  await promisify((done: (error?: Error) => void) => client.waitForReady(Date.now() + 5_000, done))()
  const method = <Q, A>(name: string): ((request: Q) => Promise<A>) => {
    const call = (client as GrpcClient & Record<string, Method<Q, A>>)[name] // bench.proto names it
    if (call === undefined) throw new Error(`bench.proto has no ${name}`)
    return promisify(call.bind(client)) as (request: Q) => Promise<A> // promisify reads it as optional
  }
  const bytes = method<Blob, Blob>('Bytes')
  const stream = <T>(name: string, count: number): ClientReadableStream<T> => {
    const call = (client as GrpcClient & Record<string, StreamMethod<T>>)[name] // bench.proto names it
    if (call === undefined) throw new Error(`bench.proto has no ${name}`)
    return call.call(client, { count })
  }
  return {
    small: method('Small'),
    record: method('Record'),
    bytes: async (data) => (await bytes({ data })).data,
    streams: streamsOf(stream),
  }
}

function streamsOf(stream: <T>(name: string, count: number) => ClientReadableStream<T>): Streams {
  const push = <T>(name: string, count: number, take: (item: T) => void) =>
    new Promise<void>((resolve, reject) =>
      stream<T>(name, count)
        .on('data', (item: T) => {
          try {
            take(item)
          } catch (error) {
            reject(error)
          }
        })
        .on('end', resolve)
        .on('error', reject),
    )
  return {
    items: (count) => pull<SmallReply>(stream('Items', count)),
    chunks: async function* (count) {
      for await (const { data } of pull<Blob>(stream('Chunks', count))) yield data
    },
    ticks: () => pull<SmallReply>(stream('Ticks', 0)),
    pushItems: (count, take) => push('Items', count, take),
    pushChunks: (count, take) => push<Blob>('Chunks', count, ({ data }) => take(data)),
  }
}

/** Its own iterator only stops reading when the consumer breaks; the call goes on until it is cancelled. */
async function* pull<T>(call: ClientReadableStream<T>): AsyncGenerator<T> {
  call.on('error', () => {}) // of the cancel
  try {
    for await (const item of call) yield item as T // bench.proto has its type
  } finally {
    call.cancel()
  }
}
