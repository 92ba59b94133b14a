/**
 * TCP (spec/architecture.md): the only file that knows sockets. No delay, `write()`'s backlog obeyed, an `error` listener
 * from the first moment.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { NanowireError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { Clock } from '../session/index.ts'
import { ByteLink, type ByteLinkOptions } from './byte-link.ts'
import { explainSocketError } from './errno.ts'

/** What a listener may do with a connection that begins with foreign bytes: return `true` to take the socket over. */
export type FirstBytes = (bytes: Uint8Array, socket: Socket) => boolean

export interface TcpContext {
  readonly clock: Clock
  readonly limits: Limits
}

export class TcpLink extends ByteLink {
  readonly #socket: Socket
  readonly #onError = (error: Error): void => {
    this.#error = error
  }
  readonly #onClose = (): void => this.closed(this.#error && explainSocketError(this.#error, this.peer))
  readonly #onDrain = (): void => this.drained()
  readonly #onData = (chunk: Uint8Array): void => this.#dataReceived(chunk)
  #error: Error | undefined
  #firstBytes: FirstBytes | undefined

  constructor(socket: Socket, options: ByteLinkOptions, firstBytes?: FirstBytes) {
    super(options)
    this.#socket = socket
    this.#firstBytes = firstBytes
    socket.setNoDelay(true)
    this.#listen()
  }

  get isCongested(): boolean {
    return this.#socket.writableLength > this.limits.maxBacklogBytes
  }

  get takenBytes(): number {
    return this.flushedBytes - this.#socket.writableLength
  }

  keepProcess(keeps: boolean): void {
    if (keeps) this.#socket.ref()
    else this.#socket.unref()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  protected send(chunks: Uint8Array[], done: () => void): void {
    const socket = this.#socket
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (const [index, chunk] of chunks.entries()) {
      if (index < last) socket.write(chunk)
      else socket.write(chunk, done)
    }
    if (last > 0) socket.uncork()
  }

  protected finish(flushed: () => void): void {
    this.#socket.ref() // whoever waits for the close must not find the process gone
    this.#socket.end(flushed)
  }

  protected pauseSource(): void {
    this.#socket.pause()
  }

  protected resumeSource(): void {
    this.#socket.resume()
  }

  #listen(): void {
    this.#socket
      .on('error', this.#onError)
      .on('close', this.#onClose)
      .on('drain', this.#onDrain)
      .on('data', this.#onData)
  }

  #stopListening(): void {
    this.#socket
      .off('error', this.#onError)
      .off('close', this.#onClose)
      .off('drain', this.#onDrain)
      .off('data', this.#onData)
  }

  #dataReceived(chunk: Uint8Array): void {
    const hook = this.#firstBytes
    this.#firstBytes = undefined
    if (hook && this.#handOver(hook, chunk)) this.closed(undefined)
    else this.receive(chunk)
  }

  /** The hook finds the socket without our listeners, and sets its own; they come back when it says no. */
  #handOver(hook: FirstBytes, chunk: Uint8Array): boolean {
    this.#stopListening()
    if (hook(chunk, this.#socket)) return true
    this.#listen()
    return false
  }
}

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** Connects. Rejects with `unavailable`, `processed: 'no'`, in words for whoever typed the address. */
export function dialTcp(address: TcpAddress, context: TcpContext): Promise<TcpLink> {
  const { host, port } = address
  const { clock, limits } = context
  const peer = hostAndPort(host, port)
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const cancelTimer = clock.after(limits.handshakeTimeoutMs, () => {
      socket.destroy()
      reject(
        new NanowireError(
          'unavailable',
          `no answer from ${peer}: handshakeTimeoutMs is ${limits.handshakeTimeoutMs} (option limits.handshakeTimeoutMs)`,
          { processed: 'no' },
        ),
      )
    })
    socket.once('error', (error) => {
      cancelTimer()
      reject(explainSocketError(error, peer))
    })
    socket.once('connect', () => {
      cancelTimer()
      socket.removeAllListeners('error')
      resolve(new TcpLink(socket, { clock, limits, peer }))
    })
  })
}

export interface TcpListener {
  /** `tcp://127.0.0.1:7000`, with the port that was really taken. */
  readonly url: string
  /** Takes no new connections; those that are open stay. */
  close(): Promise<void>
}

/**
 * Listens. `accept` gets each connection as a link and attaches to it at once.
 * @param firstBytes asked with the first bytes of each connection whether they are for somebody else
 */
export function listenTcp(
  address: TcpAddress,
  context: TcpContext,
  accept: (link: TcpLink) => void,
  firstBytes?: FirstBytes,
): Promise<TcpListener> {
  const server = createServer({ allowHalfOpen: false, noDelay: true }, (socket) => {
    const peer = hostAndPort(socket.remoteAddress ?? 'a peer that has gone', socket.remotePort ?? 0)
    accept(new TcpLink(socket, { ...context, peer }, firstBytes))
  })
  const wanted = hostAndPort(address.host, address.port)
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(explainSocketError(error, wanted)))
    server.listen({ host: address.host, port: address.port }, () => {
      server.removeAllListeners('error')
      server.on('error', () => {}) // a failed accept: the peer sees its connection refused
      resolve({ url: `tcp://${hostAndPort(address.host, portOf(server))}`, close: () => closeServer(server) })
    })
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
