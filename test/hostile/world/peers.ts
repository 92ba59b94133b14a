/**
 * Attackers: connections that write what a script says and note what they are told. Invariant: nothing of a peer is kept
 * but counts, so that ten thousand of them are little beside what they attack.
 */
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connect as connectSecure, TLSSocket } from 'node:tls'
import { encodeFrame } from '../../../src/codec.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { type Frame, FrameDecoder, kinds, readError } from '../../../src/wire/index.ts'
import { pem } from '../../support/certificates.ts'
import { LeakScan } from './leaks.ts'

export interface Script {
  /** One write each. */
  readonly writes: Iterable<Uint8Array>
  /** `all` by default. */
  readonly reads?: 'all' | 'nothing' | undefined
  /** Acknowledges all bulk as it comes. */
  readonly acknowledges?: true | undefined
  /** What follows the last write; `hold` by default. */
  readonly last?: 'hold' | 'end' | 'reset' | undefined
  /** Where it comes from: an address of this machine. */
  readonly from?: string | undefined
  /** TLS first, by a client that does what it should. */
  readonly isSecure?: true | undefined
}

/** Connections that are opened at once: fewer than a system lets wait. */
const GROUP = 100
/** Written in a row, at most, before anything else has its turn. */
const TURN_WRITES = 500

export class Peer {
  /** The rules by which the connection was ended; more than one is a fault of the server. */
  readonly rules: string[] = []
  /** How many calls ended how: `ok`, `end`, or the code of an ERROR. */
  readonly answers: Record<string, number> = {}
  /** Resolves when both directions are closed. */
  readonly closed: Promise<void>
  readonly leaks = new LeakScan()
  isClosed = false
  hasWritten = false
  /** What came behind the ERROR that ends the connection. */
  afterEnd = 0
  /** What cannot be taken apart, or was no frame. */
  noise = 0
  readonly socket: Socket
  #decoder: FrameDecoder | undefined
  #acknowledges = false
  readonly #changed: () => void

  constructor(socket: Socket, changed: () => void) {
    this.socket = socket
    this.#changed = changed
    socket.setNoDelay(true)
    socket.on('error', () => {}) // a reset is an end like others here
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true
        this.#decoder = undefined
        changed()
        resolve()
      })
    })
  }

  read(): void {
    this.socket.on('data', (chunk: Buffer) => this.#received(chunk))
  }

  async run({ writes, last, reads, acknowledges }: Script): Promise<void> {
    this.#acknowledges = acknowledges === true
    if (reads !== 'nothing') this.read()
    let inTurn = 0
    for (const bytes of writes) {
      if (this.isClosed || this.socket.destroyed) break
      if (!this.socket.write(bytes)) await this.#drained()
      if (++inTurn % TURN_WRITES === 0) await nextTurn()
    }
    this.hasWritten = true
    if (last === 'end') this.socket.end()
    if (last === 'reset') this.reset()
    this.#changed()
  }

  /** Leaves no port behind that waits, where that can be done: behind an end, or writes that wait, Node cannot. */
  reset(): void {
    const { socket } = this
    const canReset = !(socket instanceof TLSSocket) && !socket.writableEnded && socket.writableLength === 0
    if (canReset) socket.resetAndDestroy()
    else socket.destroy()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done)
        resolve()
      }
      this.socket.on('drain', done).on('close', done)
    })
  }

  #received(chunk: Buffer): void {
    this.leaks.take(chunk)
    this.#decoder ??= new FrameDecoder()
    try {
      for (const frame of this.#decoder.frames(chunk)) this.#took(frame)
    } catch {
      this.noise++ // what answers is no Nanowire: TLS, for one
    }
    this.#changed()
  }

  #took(frame: Frame): void {
    const { kind, id, body } = frame
    if (this.rules.length > 0) this.afterEnd++
    if (kind === kinds.ERROR) {
      const { code, rule } = readError(body, 0, body.length, defaultLimits)
      if (id === 0) this.rules.push(rule ?? 'none')
      else this.#count(code)
    } else if (kind === kinds.RESPONSE && (frame.flags & 1) === 0) this.#count('ok')
    else if (kind === kinds.END) this.#count('end')
    if (kind === kinds.DATA && body.length > 0 && this.#acknowledges) this.socket.write(acknowledged(body.length))
  }

  #count(answer: string): void {
    this.answers[answer] = (this.answers[answer] ?? 0) + 1
  }
}

function acknowledged(bytes: number): Uint8Array {
  const body = Buffer.alloc(4)
  body.writeUInt32BE(bytes)
  return encodeFrame({ kind: kinds.CREDIT, flags: 0, id: 0, body })
}

/** Many peers, each with its script. */
export class Assault {
  readonly peers: Peer[] = []
  /** Connections that were closed before their scripts could begin. */
  unbegun = 0
  /** Resolves when all scripts have been written, or their connections are over. */
  written: Promise<unknown> = Promise.resolve()
  #wake = () => {}

  /** Resolves when all are connected. */
  static async begin(port: number, count: number, scriptOf: (n: number) => Script): Promise<Assault> {
    const assault = new Assault()
    const runs: Promise<void>[] = []
    for (let n = 0; n < count; n += GROUP) {
      const group = Array.from({ length: Math.min(GROUP, count - n) }, async (_, index) => {
        const script = scriptOf(n + index)
        const peer = await openPeer(port, script, () => assault.#wake())
        if (peer === undefined) {
          assault.unbegun++
          return
        }
        assault.peers.push(peer)
        runs.push(peer.run(script))
      })
      await Promise.all(group)
    }
    assault.written = Promise.all(runs)
    return assault
  }

  /** How many connections are over. */
  get closed(): number {
    return this.peers.reduce((sum, { isClosed }) => sum + (isClosed ? 1 : 0), this.unbegun)
  }

  /** Resolves when it holds for all of them. */
  until(condition: (peer: Peer) => boolean): Promise<void> {
    return this.#until(() => this.peers.every(condition))
  }

  /** Resolves when so many connections are over. */
  untilClosed(count: number): Promise<void> {
    return this.#until(() => this.closed >= count)
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await nextTurn() // whatever else came with it
    }
  }

  async end(): Promise<void> {
    for (const peer of this.peers) peer.reset()
    await Promise.all(this.peers.map(({ closed }) => closed))
  }
}

/** A peer that is connected; `undefined` where the other side, or who destroys what is in `opening`, closed it before. */
export async function openPeer(
  port: number,
  script: Script,
  changed: () => void,
  opening: Set<Socket> = new Set(),
): Promise<Peer | undefined> {
  const { from, isSecure } = script
  const where = { host: '127.0.0.1', port, ...(from === undefined ? {} : { localAddress: from }) }
  const socket = isSecure ? connectSecure({ ...where, ...TRUSTING }) : connect(where)
  opening.add(socket)
  try {
    return await new Promise((resolve, reject) => {
      // Here and not later: a connection may be over before a promise has told of it.
      socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve(new Peer(socket, changed)))
      socket.once('close', () => resolve(undefined))
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(undefined)
        else reject(error)
      })
    })
  } finally {
    opening.delete(socket)
  }
}

const TRUSTING = { ca: pem('authority'), servername: 'localhost', ALPNProtocols: ['nanowire/1'] }
