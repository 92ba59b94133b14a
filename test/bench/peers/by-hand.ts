/**
 * What somebody would write by hand with msgpackr: frames of `u32 length, MessagePack [id, method, body]`, batched by
 * size and turn, nothing validated, no deadline, no limit. Streams wait for the socket's drain, and their consumer, when
 * it is far behind, stops the whole socket. The bar.
 */
import { once } from 'node:events'
import { createServer, connect as open, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { Packr } from 'msgpackr'
import { batch, listen, STREAM_FLUSH_BYTES } from '../shared/net.ts'
import { Queue } from '../shared/queue.ts'
import { ticksOf } from '../shared/ticks.ts'
import {
  answer,
  BYTES,
  bytesOf,
  type Client,
  chunksOf,
  itemOf,
  itemsOf,
  type Order,
  type SmallReply,
  type SmallRequest,
} from '../work.ts'

type Message = [id: number, method: number, body: unknown]
type Send = (message: Message) => void

const methods = { small: 0, record: 1, bytes: 2, items: 3, chunks: 4, ticks: 5, pushItems: 6, pushChunks: 7 } as const
/** In the place of the method: of a stream's items, of its end, and of what its consumer has enough of. */
const ITEM = 8
const END = 9
const CANCEL = 10

/** After so many items the server looks at what else there is: a socket that takes all of them would never let it. */
const ITEMS_A_TURN = 1_024
/** Before the socket is paused: more small items than one read brings, or 1 MiB. */
const MOST_ITEMS = 4_096
const MOST_CHUNKS = 16

/** Frames in and out of a socket; those of streams are sent in batches of their own. */
function frames(socket: Socket, received: (message: Message) => void): { send: Send; stream: Send } {
  const packr = new Packr({ useRecords: false })
  const header = Buffer.alloc(4)
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
  const sender =
    (put: (...parts: Uint8Array[]) => void): Send =>
    (message) => {
      const body = packr.pack(message)
      header.writeUInt32BE(body.length)
      put(header, body)
    }
  return { send: sender(batch(socket)), stream: sender(batch(socket, STREAM_FLUSH_BYTES)) }
}

const handlers: readonly ((body: unknown) => unknown)[] = [
  (body) => answer(body as SmallRequest), // not validated: that is what this peer is
  (order) => order,
  (bytes) => bytes,
]

const sources: Readonly<Record<number, (count: number) => AsyncIterable<unknown>>> = {
  [methods.items]: itemsOf,
  [methods.chunks]: chunksOf,
  [methods.ticks]: ticksOf,
}

const chunk = bytesOf(BYTES)

/** The streams that one socket's server sends. */
class Producer {
  readonly #socket: Socket
  readonly #send: Send
  readonly #running = new Set<number>()

  constructor(socket: Socket, send: Send) {
    this.#socket = socket
    this.#send = send
  }

  /** @returns undefined where the method has no stream */
  start(id: number, method: number, count: number): Promise<void> | undefined {
    if (method === methods.pushItems) return this.#push(id, count, itemOf)
    if (method === methods.pushChunks) return this.#push(id, count, () => chunk)
    const source = sources[method]
    return source === undefined ? undefined : this.#stream(id, source(count))
  }

  cancel(id: number): void {
    this.#running.delete(id)
  }

  async #stream(id: number, source: AsyncIterable<unknown>): Promise<void> {
    this.#running.add(id)
    let sent = 0
    for await (const item of source) {
      if (!this.#running.has(id)) return
      this.#send([id, ITEM, item])
      if (this.#socket.writableNeedDrain) await once(this.#socket, 'drain')
      else if (++sent % ITEMS_A_TURN === 0) await setImmediate()
    }
    this.#send([id, END, null])
  }

  /** Without any generator. */
  async #push(id: number, count: number, bodyOf: (index: number) => unknown): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.#send([id, ITEM, bodyOf(index)])
      if (this.#socket.writableNeedDrain) await once(this.#socket, 'drain')
      else if (index % ITEMS_A_TURN === 0) await setImmediate()
    }
    this.#send([id, END, null])
  }
}

function serveSocket(socket: Socket): void {
  const { send, stream: sendItem } = frames(socket, ([id, method, body]) => {
    const stream = producer.start(id, method, Number(body))
    if (stream !== undefined) stream.catch(() => socket.destroy())
    else if (method === CANCEL) producer.cancel(id)
    else void Promise.resolve(handlers[method]?.(body)).then((reply) => send([id, method, reply])) // a handler is async
  })
  const producer = new Producer(socket, sendItem)
}

export const serve = (): Promise<number> => listen(createServer({ noDelay: true }, serveSocket))

export async function connect(port: number): Promise<Client> {
  const socket = open({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const waiting = new Map<number, (body: unknown, method: number) => void>()
  const { send } = frames(socket, ([id, method, body]) => {
    waiting.get(id)?.(body, method)
    if (method !== ITEM) waiting.delete(id)
  })
  let lastId = 0
  const call = (method: number, body: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.set(++lastId, resolve)
      send([lastId, method, body])
    })
  const pull = <T>(method: number, count: number, most: number): AsyncIterable<T> => {
    const id = ++lastId
    const cancel = () => {
      waiting.delete(id)
      send([id, CANCEL, null])
    }
    const queue = new Queue<T>({ pause: () => socket.pause(), resume: () => socket.resume(), cancel }, most)
    waiting.set(id, (body, kind) => (kind === ITEM ? queue.push(body as T) : queue.end())) // replies are not validated
    send([id, method, count])
    return queue
  }
  const push = <T>(method: number, count: number, take: (item: T) => void): Promise<void> =>
    new Promise((resolve) => {
      waiting.set(++lastId, (body, kind) => (kind === ITEM ? take(body as T) : resolve())) // nor are these
      send([lastId, method, count])
    })
  // Replies are not validated either.
  return {
    small: (request) => call(methods.small, request) as Promise<SmallReply>,
    record: (order) => call(methods.record, order) as Promise<Order>,
    bytes: (bytes) => call(methods.bytes, bytes) as Promise<Uint8Array>,
    streams: {
      items: (count) => pull(methods.items, count, MOST_ITEMS),
      chunks: (count) => pull(methods.chunks, count, MOST_CHUNKS),
      ticks: () => pull(methods.ticks, 0, MOST_ITEMS),
      pushItems: (count, take) => push(methods.pushItems, count, take),
      pushChunks: (count, take) => push(methods.pushChunks, count, take),
    },
  }
}
