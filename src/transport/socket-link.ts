/**
 * A link over a socket: TCP, with or without TLS, or a unix socket (spec/architecture.md). No delay, `write()`'s backlog
 * obeyed, an `error` listener from the first moment. Invariant: at a server with TLS nothing is sent before the handshake is
 * done, and nothing is read as a frame before the client's certificate was judged.
 */
import type { Socket } from 'node:net'
import { ProtocolError } from '../wire/index.ts'
import { ByteLink, type ByteLinkOptions, type Done } from './byte-link.ts'
import { explainSocketError } from './errno.ts'
import type { SharedInput } from './shared-input.ts'
import { copySmall } from './slab.ts'
import type { PeerTls } from './tls-options.ts'

/** What a listener may do with a connection that begins with foreign bytes: return `true` to take the socket over. */
export type FirstBytes = (bytes: Uint8Array, socket: Socket) => boolean

/** What becomes of a handshake at a server. */
export interface Handshake {
  /** @param refusal why the client may not go on, in words for it */
  secured(socket: Socket, tls: () => PeerTls, refusal: string | undefined): void
  failed(words: string): void
}

export interface SocketSettings {
  /** Asked with the first bytes whether they are for somebody else. */
  readonly firstBytes?: FirstBytes | undefined
  /** At a server with TLS: takes over a socket whose first bytes wait to be read, and tells what becomes of it. */
  readonly secure?: ((socket: Socket, handshake: Handshake) => void) | undefined
  /** At a client, where its input comes from instead of the socket's own events. */
  readonly input?: SharedInput | undefined
  /** At a client with TLS, whose handshake is done. */
  readonly tls?: (() => PeerTls) | undefined
}

/** So many batches may wait in slabs of their own; else a peer that takes nothing would hold 64 KiB with each small one. */
const MOST_SLABS_WAITING = 4

/** First bytes of TLS records: a handshake, and an alert. */
const TLS_HANDSHAKE = 0x16
const TLS_ALERT = 0x15

/** Where a socket's listeners find its link: they are the same for all, as each function costs a quiet connection memory. */
const LINK = Symbol('link')

interface LinkedSocket extends Socket {
  [LINK]?: SocketLink | undefined
}

export class SocketLink extends ByteLink {
  static readonly #onError = function (this: LinkedSocket, error: Error): void {
    const link = this[LINK]
    if (link) link.#error = error
  }
  static readonly #onClose = function (this: LinkedSocket): void {
    const link = this[LINK]
    if (link) link.#socketClosed()
  }
  static readonly #onData = function (this: LinkedSocket, chunk: Uint8Array): void {
    const link = this[LINK]
    if (link) link.#dataReceived(chunk, false)
  }
  #socket: LinkedSocket
  #error: Error | undefined
  #settings: SocketSettings
  #tls: (() => PeerTls) | undefined
  /** What is to be done when TLS is there. */
  #held: (() => void)[] | undefined
  #heldBytes = 0
  #isShaking = false
  #isFirst = true
  /** Batches that were sent since the system had last taken everything. */
  #batchesBehind = 0
  /** Too much was sent, and nobody was told yet that it is no more too much. */
  #wasCongested = false

  constructor(socket: Socket, options: ByteLinkOptions, settings: SocketSettings = {}) {
    super(options)
    this.#socket = socket
    this.#settings = settings
    this.#tls = settings.tls
    if (settings.secure) this.#held = []
    socket.setNoDelay(true)
    this.#listenForErrors()
  }

  override attach(listener: Parameters<ByteLink['attach']>[0]): void {
    super.attach(listener)
    this.#listen()
    if (this.#socket.closed) this.clock.turn(() => this.#socketClosed())
  }

  override get tls(): PeerTls | undefined {
    return this.#tls?.()
  }

  get isCongested(): boolean {
    return this.#untakenBytes > this.limits.maxBacklogBytes
  }

  get takenBytes(): number {
    return this.flushedBytes - this.#untakenBytes
  }

  get #untakenBytes(): number {
    return this.#heldBytes + this.#socket.writableLength
  }

  keepProcess(keeps: boolean): void {
    if (keeps) this.#socket.ref()
    else this.#socket.unref()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  protected send(chunks: Uint8Array[], done: Done): void {
    if (this.#held) {
      this.#held.push(() => this.send(chunks, done))
      for (const chunk of chunks) this.#heldBytes += chunk.length
      this.#wasCongested ||= this.isCongested
      return
    }
    const socket = this.#socket
    if (socket.writableLength === 0) this.#batchesBehind = 0
    else if (++this.#batchesBehind >= MOST_SLABS_WAITING) copySmall(chunks)
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (const [index, chunk] of chunks.entries()) {
      if (index < last) socket.write(chunk)
      else socket.write(chunk, done)
    }
    if (last > 0) socket.uncork()
    this.#wasCongested ||= this.isCongested
  }

  /** A socket says `drain` only above a mark of its own, which need not be below `maxBacklogBytes`. */
  protected override batchTaken(): void {
    if (!this.#wasCongested || this.isCongested) return
    this.#wasCongested = false
    this.drained()
  }

  protected finish(flushed: () => void): void {
    if (this.#held) {
      this.#held.push(() => this.finish(flushed))
      return
    }
    this.#socket.ref() // whoever waits for the close must not find the process gone
    this.#socket.end(flushed)
  }

  protected pauseSource(): void {
    this.#socket.pause()
  }

  protected resumeSource(): void {
    this.#socket.resume()
  }

  #listenForErrors(): void {
    this.#socket[LINK] = this
    this.#socket.on('error', SocketLink.#onError)
  }

  #listen(): void {
    this.#socket.on('close', SocketLink.#onClose)
    const { input } = this.#settings
    if (input) input.listen((chunk) => this.#dataReceived(chunk, true))
    else this.#socket.on('data', SocketLink.#onData)
  }

  #stopListening(): void {
    this.#socket.off('close', SocketLink.#onClose).off('data', SocketLink.#onData)
  }

  #dataReceived(chunk: Uint8Array, isShared: boolean): void {
    if (!this.#isFirst) return this.receive(chunk, isShared)
    this.#isFirst = false
    const { secure, firstBytes } = this.#settings
    if (this.#held && secure) this.#begin(secure, chunk)
    else if (firstBytes && this.#handOver(firstBytes, chunk)) this.closed(undefined)
    else if (isTls(chunk) && !this.#tls) this.broken(new ProtocolError('not_nanowire', UNEXPECTED_TLS))
    else this.receive(chunk, isShared)
  }

  /** The hook finds the socket without our listeners, and sets its own; they come back when it says no. */
  #handOver(hook: FirstBytes, chunk: Uint8Array): boolean {
    this.#stopListening()
    this.#socket.off('error', SocketLink.#onError)
    this.#socket[LINK] = undefined
    if (hook(chunk, this.#socket)) return true
    this.#listenForErrors()
    this.#listen()
    return false
  }

  /** The first bytes at a server with TLS. A peer without it is told so in the clear. */
  #begin(secure: NonNullable<SocketSettings['secure']>, chunk: Uint8Array): void {
    const socket = this.#socket
    if (chunk[0] !== TLS_HANDSHAKE) {
      this.#release()
      this.broken(new ProtocolError('not_nanowire', MISSING_TLS))
      return
    }
    this.#isShaking = true
    socket.off('data', SocketLink.#onData).pause()
    socket.unshift(chunk)
    secure(socket, {
      secured: (secured, tls, refusal) => this.#secured(secured, tls, refusal),
      failed: (words) => this.#handshakeFailed(words),
    })
  }

  #secured(socket: Socket, tls: () => PeerTls, refusal: string | undefined): void {
    this.#isShaking = false
    this.#isFirst = true
    this.#stopListening()
    this.#socket = socket
    this.#tls = tls
    this.#listenForErrors()
    this.#listen()
    this.#release()
    if (refusal !== undefined) this.broken(new ProtocolError('auth', refusal))
  }

  #handshakeFailed(words: string): void {
    if (!this.#isShaking) return
    this.#isShaking = false
    this.broken(new ProtocolError('not_nanowire', `the TLS handshake failed: ${words}`))
  }

  #release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    this.#heldBytes = 0
    for (const act of held) act()
  }

  #socketClosed(): void {
    this.#handshakeFailed('the client closed the connection; it may not trust the certificate of this server')
    this.closed(this.#error && explainSocketError(this.#error, this.peer))
  }
}

const MISSING_TLS = 'this server takes TLS only: connect(url, { tls })'
const UNEXPECTED_TLS =
  'the peer speaks TLS and this side does not: give both serve and connect the option tls, or neither of them'

function isTls(chunk: Uint8Array): boolean {
  return (chunk[0] === TLS_HANDSHAKE || chunk[0] === TLS_ALERT) && (chunk.length < 2 || chunk[1] === 3)
}
