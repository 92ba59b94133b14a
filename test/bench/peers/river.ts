/** Replit's River over a WebSocket, with its binary codec (MessagePack); it checks the requests against TypeBox schemas. */
import { createServer } from 'node:http'
import { createClient, createServer as createRiver, Ok, Procedure, ServiceSchema } from '@replit/river'
import { BinaryCodec } from '@replit/river/codec'
import { WebSocketClientTransport } from '@replit/river/transport/ws/client'
import { WebSocketServerTransport } from '@replit/river/transport/ws/server'
import { type TObject, Type } from '@sinclair/typebox'
import { WebSocket, WebSocketServer } from 'ws'
import { schemasBy } from '../schemas.ts'
import { listen } from '../shared/net.ts'
import { answer, BYTES, bytesOf, type Client, itemOf, type Order, type SmallReply, type SmallRequest } from '../work.ts'

// It brings a TypeBox of its own, whose builder says the same; the types of the two know nothing of each other.
const builder = Type as unknown as Parameters<typeof schemasBy>[0]
const { request, reply, order } = schemasBy(builder) as unknown as Record<'request' | 'reply' | 'order', TObject> // as above

const bytes = Type.Object({ data: Type.Uint8Array() })
const errors = Type.Never()
const count = Type.Object({ count: Type.Integer() })
const chunk = bytesOf(BYTES)
const Bench = ServiceSchema.define({
  small: Procedure.rpc({
    input: request,
    output: reply,
    errors,
    handler: async (_ctx, input) => Ok({ ...answer(input as unknown as SmallRequest) }), // checked
  }),
  record: Procedure.rpc({ input: order, output: order, errors, handler: async (_ctx, input) => Ok(input) }),
  bytes: Procedure.rpc({ input: bytes, output: bytes, errors, handler: async (_ctx, input) => Ok(input) }),
  items: Procedure.subscription({
    input: count,
    output: reply,
    errors,
    handler: async (_ctx, { count }, output) => {
      for (let id = 0; id < count; id++) output.push(Ok({ ...itemOf(id) }))
      output.end()
    },
  }),
  chunks: Procedure.subscription({
    input: count,
    output: bytes,
    errors,
    handler: async (_ctx, { count }, output) => {
      for (let sent = 0; sent < count; sent++) output.push(Ok({ data: chunk }))
      output.end()
    },
  }),
})
const options = { codec: BinaryCodec }

const serveOn = (wss: WebSocketServer) =>
  createRiver(new WebSocketServerTransport(wss, 'SERVER', options), { bench: Bench })

export function serve(): Promise<number> {
  const http = createServer()
  serveOn(new WebSocketServer({ server: http }))
  return listen(http)
}

type Result = { readonly ok: boolean; readonly payload: unknown }

async function payloadOf<T>(result: Promise<Result> | Result): Promise<T> {
  const { ok, payload } = await result
  if (!ok) throw new Error(`River answered ${JSON.stringify(payload)}`)
  return payload as T // what its own server answered
}

export async function connect(port: number): Promise<Client> {
  const open = async () => new WebSocket(`ws://127.0.0.1:${port}`)
  const transport = new WebSocketClientTransport(open, `client-${process.pid}`, options)
  const { bench } = createClient<ReturnType<typeof serveOn>>(transport, 'SERVER')
  return {
    small: (input) => payloadOf<SmallReply>(bench.small.rpc({ ...input })),
    record: (input) => payloadOf<Order>(bench.record.rpc({ ...input })),
    bytes: async (data) => (await payloadOf<{ data: Uint8Array }>(bench.bytes.rpc({ data }))).data,
    streams: {
      items: async function* (count) {
        const [output] = await bench.items.subscribe({ count })
        for await (const item of output) yield payloadOf<SmallReply>(item)
      },
      chunks: async function* (count) {
        const [output] = await bench.chunks.subscribe({ count })
        for await (const item of output) yield (await payloadOf<{ data: Uint8Array }>(item)).data
      },
    },
  }
}
