/**
 * A peer that says whatever a test wants, over a real socket: as a client of a served router, or in place of a server.
 * What it reads is taken apart by the library's decoder; what it writes is not checked by anything.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { MethodRef } from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import {
  BufferWriter,
  type Frame,
  FrameDecoder,
  flags as flag,
  type Kind,
  kinds,
  pack,
  packHello,
  readError,
  unpack,
  type WireError,
  writeFrame,
} from '../../src/wire/index.ts'

const INCARNATION = new Uint8Array(16)

/** A frame as bytes, whether or not it is allowed. */
export function frame(kind: number, id: number, body: Uint8Array = new Uint8Array(0), flags = 0): Uint8Array {
  const writer = new BufferWriter()
  writeFrame(writer, kind as Kind, flags, id, body) // others are what some tests are about
  return writer.bytes()
}

/** A header alone, of a frame whose body may never come. */
export function header(length: number, kind: number, flags: number, id: number): Uint8Array {
  const bytes = new Uint8Array(9)
  new DataView(bytes.buffer).setUint32(0, (length << 8) | kind)
  bytes[4] = flags
  new DataView(bytes.buffer).setUint32(5, id)
  return bytes
}

/** A HELLO that says what this library says, or something else. */
export function hello(limits: Partial<typeof defaultLimits> = {}, major = 1): Uint8Array {
  const said = { major, limits: { ...defaultLimits, ...limits }, features: [], incarnation: INCARNATION }
  return frame(kinds.HELLO, 0, packHello(said))
}

export interface RequestSettings {
  readonly flags?: number
  readonly timeoutMs?: number
  /** MessagePack, or what is to be taken for it. Default: of the value. */
  readonly bytes?: Uint8Array
}

/** A REQUEST for a method, or for a number that no method has. */
export function request(
  id: number,
  method: MethodRef | number,
  value: unknown,
  settings: RequestSettings = {},
): Uint8Array {
  const { flags = 0, timeoutMs = 0, bytes = pack(value) } = settings
  const head = Buffer.alloc(8)
  head.writeUInt32BE(typeof method === 'number' ? method : method.tag, 0)
  head.writeUInt32BE(timeoutMs, 4)
  return frame(kinds.REQUEST, id, Buffer.concat([head, bytes]), flags)
}

export const notifyFlag = flag.ONE_WAY
export const moreFlag = flag.MORE

export class RawPeer {
  readonly socket: Socket
  /** Everything that came and was a frame. */
  readonly frames: Frame[] = []
  /** Settles when both directions are closed; says whether the other side did it in good order. */
  readonly closed: Promise<'ended' | 'reset'>
  /** Called with each frame as it comes. */
  onFrame: (frame: Frame) => void = () => {}
  #isClosed = false
  #ended = false
  readonly #decoder = new FrameDecoder()
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', () => {}) // a reset shows in `closed`
    socket.on('data', (chunk) => this.#received(chunk))
    socket.on('end', () => {
      this.#ended = true
    })
    const closed = new Promise((resolve) => socket.once('close', resolve)) // `once` rejects with an EPIPE
    this.closed = closed.then(() => {
      this.#isClosed = true
      this.#wake()
      return this.#ended ? 'ended' : 'reset'
    })
  }

  /** Connects to a served router. Closes when the test is over. */
  static async connect(url: string): Promise<RawPeer> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port) })
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    return new RawPeer(socket)
  }

  /** Connects, and says hello. */
  static async greeted(url: string): Promise<RawPeer> {
    const peer = await RawPeer.connect(url)
    peer.send(hello())
    await peer.next(kinds.HELLO)
    return peer
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** The first frame of this kind that was not asked for yet, and has this id. */
  async next(kind: Kind, id?: number): Promise<Frame> {
    for (;;) {
      const at = this.frames.findIndex((one) => one.kind === kind && (id === undefined || one.id === id))
      const [found] = at < 0 ? [] : this.frames.splice(at, 1)
      if (found) return found
      if (this.#isClosed) throw new Error(`the connection was closed without a frame of kind ${kind}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The reply to a call, if there is one. */
  async replyTo(id: number): Promise<unknown> {
    const { body } = await this.next(kinds.RESPONSE, id)
    return unpack(body, 0, body.length, defaultLimits)
  }

  /** The answer to a call, if it is an ERROR. */
  async errorOf(id: number): Promise<WireError> {
    return errorIn(await this.next(kinds.ERROR, id))
  }

  /** The last words of the other side: exactly one ERROR for the connection, then the end in good order. */
  async lastWords(): Promise<WireError> {
    const how = await this.closed
    const errors = this.frames.filter((one) => one.kind === kinds.ERROR && one.id === 0)
    const [only] = errors
    if (how !== 'ended' || !only || errors.length > 1 || this.frames.at(-1) !== only) {
      const seen = this.frames.map(({ kind, id }) => `${kind}#${id}`).join(' ')
      throw new Error(`no single ERROR and then the end, but ${how} after ${seen || 'nothing'}`)
    }
    return errorIn(only)
  }

  #received(chunk: Uint8Array): void {
    for (const one of this.#decoder.frames(chunk)) {
      this.frames.push(one)
      this.onFrame(one)
    }
    this.#wake()
  }
}

function errorIn({ body }: Frame): WireError {
  return readError(body, 0, body.length, defaultLimits)
}

/** Stands where a server should, and does what it is told with each connection. Closes when the test is over. */
export async function fakeServer(connected: (peer: RawPeer) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    connected(new RawPeer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` // listening on a port
}
