/**
 * What somebody would write by hand with msgpackr: frames of `u32 length, MessagePack [id, body]`, batched by size and
 * turn, nothing validated, no deadline, no cancellation, no limit. The bar.
 */
import { connect, createServer, type Socket } from 'node:net'
import { Packr } from 'msgpackr'
import { answer, type SmallRequest } from './work.ts'

const FLUSH_BYTES = 1_024
const packr = new Packr({ useRecords: false })

/** Frames in and out of a socket. */
function frames(socket: Socket, received: (message: [number, unknown]) => void): (message: [number, unknown]) => void {
  let rest: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    let input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (input.length >= 4) {
      const end = 4 + input.readUInt32BE(0)
      if (input.length < end) break
      received(packr.unpack(input.subarray(4, end)) as [number, unknown]) // its own other side wrote it
      input = input.subarray(end)
    }
    rest = input
  })
  const free: Buffer[] = [] // a fresh buffer for each flush would cost more than the rest
  let batch: Buffer = Buffer.allocUnsafe(65_536)
  let length = 0
  let isDue = false
  const flush = () => {
    isDue = false
    if (length === 0) return
    const sent = batch
    socket.write(sent.subarray(0, length), () => free.push(sent))
    batch = free.pop() ?? Buffer.allocUnsafe(65_536)
    length = 0
  }
  return (message) => {
    const body = packr.pack(message)
    if (length + body.length + 4 > batch.length) flush()
    batch.writeUInt32BE(body.length, length)
    batch.set(body, length + 4)
    length += 4 + body.length
    if (length >= FLUSH_BYTES) flush()
    else if (!isDue) {
      isDue = true
      setImmediate(flush)
    }
  }
}

export function serveByHand(): Promise<number> {
  const server = createServer((socket) => {
    const send = frames(socket, ([id, request]) => {
      void Promise.resolve(answer(request as SmallRequest)).then((reply) => send([id, reply])) // not validated
    })
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  ) // it listens on TCP
}

export function connectByHand(port: number): (request: SmallRequest) => Promise<{ id: number }> {
  const waiting = new Map<number, (reply: { id: number }) => void>()
  const socket = connect(port, '127.0.0.1')
  const send = frames(socket, ([id, reply]) => {
    waiting.get(id)?.(reply as { id: number }) // not validated
    waiting.delete(id)
  })
  let lastId = 0
  return (request) =>
    new Promise((resolve) => {
      waiting.set(++lastId, resolve)
      send([lastId, request])
    })
}
