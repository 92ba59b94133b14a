/** @grpc/grpc-js with @grpc/proto-loader, as grpc.io's guide for Node has it. Its messages are typed by Protocol Buffers. */
import { promisify } from 'node:util'
import {
  credentials,
  type Client as GrpcClient,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js'
import { definition } from '../shared/proto.ts'
import { answer, type Client, type Order, type SmallReply, type SmallRequest } from '../work.ts'

const Bench = loadPackageDefinition(definition)['bench'] as unknown as { Bench: ServiceClientConstructor } // bench.proto

type Reply<T> = (error: ServiceError | null, value?: T) => void
type Handler<Q, A> = (call: { readonly request: Q }, reply: Reply<A>) => void
type Method<Q, A> = (request: Q, reply: Reply<A>) => void
type Blob = { data: Uint8Array }

const handlers: {
  Small: Handler<SmallRequest, SmallReply>
  Record: Handler<Order, Order>
  Bytes: Handler<Blob, Blob>
} = {
  Small: ({ request }, reply) => reply(null, answer(request)),
  Record: ({ request }, reply) => reply(null, request),
  Bytes: ({ request }, reply) => reply(null, request),
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
  return {
    small: method('Small'),
    record: method('Record'),
    bytes: async (data) => (await bytes({ data })).data,
  }
}
