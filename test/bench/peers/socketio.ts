/** socket.io over its WebSocket transport alone, with acknowledgements as replies. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { listen } from '../shared/net.ts'
import { answer, type Client, type Order, type SmallReply, type SmallRequest } from '../work.ts'

type Reply<T> = (value: T) => void

interface Events {
  small(request: SmallRequest, reply: Reply<SmallReply>): void
  record(order: Order, reply: Reply<Order>): void
  bytes(bytes: Uint8Array, reply: Reply<Uint8Array>): void
}

export function serve(): Promise<number> {
  const http = createServer()
  const server = new Server<Events>(http, { transports: ['websocket'], serveClient: false })
  server.on('connection', (socket) => {
    socket.on('small', (request, reply) => reply(answer(request)))
    socket.on('record', (order, reply) => reply(order))
    socket.on('bytes', (bytes, reply) => reply(bytes))
  })
  return listen(http)
}

export async function connect(port: number): Promise<Client> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return {
    small: (request) => socket.emitWithAck('small', request),
    record: (order) => socket.emitWithAck('record', order),
    bytes: (bytes) => socket.emitWithAck('bytes', bytes),
  }
}
