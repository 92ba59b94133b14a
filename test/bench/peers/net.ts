/**
 * The limit: bytes of the right number to a bare `net` server and back. Replies are told apart by their number only, and
 * the client keeps whole values, so nothing is encoded.
 */
import { once } from 'node:events'
import { createServer, connect as open } from 'node:net'
import { pack } from 'msgpackr'
import { batch, listen } from '../shared/net.ts'
import { answer, type Client, orderOf, requestOf } from '../work.ts'

export const serve = (): Promise<number> =>
  listen(
    createServer({ noDelay: true }, (socket) => {
      socket.on('data', (chunk) => socket.write(chunk))
      socket.on('error', () => socket.destroy())
    }),
  )

export async function connect(port: number): Promise<Client> {
  const socket = open({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const send = batch(socket)
  const waiting: { length: number; settle: () => void }[] = []
  let received = 0
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    let first = 0
    for (let next = waiting[first]; next !== undefined && received >= next.length; next = waiting[++first]) {
      received -= next.length
      next.settle()
    }
    waiting.splice(0, first) // they end in their order
  })
  const echo = <T>(bytes: Uint8Array, value: T): Promise<T> =>
    new Promise((resolve) => {
      waiting.push({ length: bytes.length, settle: () => resolve(value) })
      send(bytes)
    })
  const request = pack(requestOf(100_000))
  const record = pack(orderOf(100_000))
  return {
    small: (value) => echo(request, answer(value)),
    record: (order) => echo(record, order),
    bytes: (bytes) => echo(bytes, bytes),
  }
}
