/**
 * The limit: bytes of the right number to a bare `net` server and back. Replies are told apart by their number only, and
 * the client keeps whole values, so nothing is encoded. A stream is a connection of its own, with a pipe instead of
 * an echo.
 */
import { once } from 'node:events'
import { createServer, connect as open, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pack } from 'msgpackr'
import { batch, listen } from '../shared/net.ts'
import { answer, BYTES, bytesOf, type Client, chunksOf, itemOf, orderOf, requestOf } from '../work.ts'

/** No MessagePack map begins so. An order has one of these, how many bytes are wanted at a time, and how many times. */
const POUR = 0
const PIPE = 1
const ORDER_BYTES = 9
/** What a pipe sends at once of what is smaller. */
const WRITE_BYTES = 65_536

export const serve = (): Promise<number> =>
  listen(
    createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', (first: Buffer) => {
        if (first[0] === POUR) return pour(socket, first).catch(() => socket.destroy())
        if (first[0] === PIPE) return Readable.from(chunksOf(first.readUInt32BE(5))).pipe(socket)
        socket.write(first)
        return socket.on('data', (chunk) => socket.write(chunk))
      })
    }),
  )

async function pour(socket: Socket, order: Buffer): Promise<void> {
  const length = order.readUInt32BE(1)
  const count = order.readUInt32BE(5)
  const many = Math.max(1, Math.floor(WRITE_BYTES / length))
  const block = bytesOf(length * many)
  for (let sent = 0; sent < count; sent += many) {
    const isWhole = count - sent >= many
    if (!socket.write(isWhole ? block : block.subarray(0, length * (count - sent)))) await once(socket, 'drain')
  }
  socket.end()
}

function order(port: number, kind: number, length: number, count: number): Socket {
  const socket = open({ port, host: '127.0.0.1', noDelay: true })
  const bytes = Buffer.alloc(ORDER_BYTES, kind)
  bytes.writeUInt32BE(length, 1)
  bytes.writeUInt32BE(count, 5)
  socket.write(bytes)
  return socket
}

/** Calls `took` whenever another `length` bytes have come, `count` times in all. */
async function drain(port: number, length: number, count: number, took: () => void): Promise<void> {
  const socket = order(port, POUR, length, count)
  let received = 0
  socket.on('data', (chunk: Buffer) => {
    for (received += chunk.length; received >= length; received -= length) took()
  })
  await once(socket, 'end')
}

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
  const itemLength = pack(itemOf(100_000)).length
  const chunk = bytesOf(BYTES)
  return {
    small: (value) => echo(request, answer(value)),
    record: (order) => echo(record, order),
    bytes: (bytes) => echo(bytes, bytes),
    streams: {
      chunks: (count) => order(port, PIPE, BYTES, count),
      pushItems: (count, take) => {
        let id = 0
        return drain(port, itemLength, count, () => take(itemOf(id++)))
      },
      pushChunks: (count, take) => drain(port, BYTES, count, () => take(chunk)),
    },
  }
}
