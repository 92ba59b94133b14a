/**
 * What somebody would write by hand with msgpackr: frames of `u32 length, MessagePack [id, method, body]`, batched by
 * size and turn, nothing validated, no deadline, no cancellation, no limit. The bar.
 */
import { once } from 'node:events'
import { createServer, connect as open, type Socket } from 'node:net'
import { Packr } from 'msgpackr'
import { batch, listen } from '../shared/net.ts'
import { answer, type Client, type Order, type SmallReply, type SmallRequest } from '../work.ts'

type Message = [id: number, method: number, body: unknown]

/** Frames in and out of a socket. */
function frames(socket: Socket, received: (message: Message) => void): (message: Message) => void {
  const packr = new Packr({ useRecords: false })
  const header = Buffer.alloc(4)
  const send = batch(socket)
  let rest: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    const input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (input.length - at >= 4) {
      const end = at + 4 + input.readUInt32BE(at)
      if (input.length < end) break
      received(packr.unpack(input.subarray(at + 4, end)) as Message) // its own other side wrote it
      at = end
    }
    rest = input.subarray(at)
  })
  return (message) => {
    const body = packr.pack(message)
    header.writeUInt32BE(body.length)
    send(header, body)
  }
}

const handlers: readonly ((body: unknown) => unknown)[] = [
  (body) => answer(body as SmallRequest), // not validated: that is what this peer is
  (order) => order,
  (bytes) => bytes,
]

export const serve = (): Promise<number> =>
  listen(
    createServer({ noDelay: true }, (socket) => {
      const send = frames(socket, ([id, method, body]) => {
        void Promise.resolve(handlers[method]?.(body)).then((reply) => send([id, method, reply])) // a handler is async
      })
    }),
  )

export async function connect(port: number): Promise<Client> {
  const socket = open({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const waiting = new Map<number, (body: unknown) => void>()
  const send = frames(socket, ([id, , body]) => {
    waiting.get(id)?.(body)
    waiting.delete(id)
  })
  let lastId = 0
  const call = (method: number, body: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.set(++lastId, resolve)
      send([lastId, method, body])
    })
  // Replies are not validated either.
  return {
    small: (request) => call(0, request) as Promise<SmallReply>,
    record: (order) => call(1, order) as Promise<Order>,
    bytes: (bytes) => call(2, bytes) as Promise<Uint8Array>,
  }
}
