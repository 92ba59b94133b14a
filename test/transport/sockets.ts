/**
 * Real sockets for the tests of links: links, sessions and peers that know nothing of either, over whatever a socket is
 * made of.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createServer as createTlsServer, connect as secure } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { ClientTls, ServerTls } from '../../src/index.ts'
import { type LimitOptions, type Limits, resolveLimits } from '../../src/limits.ts'
import { type Role, Session, systemClock } from '../../src/session/index.ts'
import {
  dialTcp,
  dialUnix,
  type FirstBytes,
  listenTcp,
  listenUnix,
  type SocketLink,
  type SocketListener,
  tlsDialer,
} from '../../src/transport/index.ts'
import { RecordedEffects } from '../support/calls.ts'
import { pem, serverTls, trusting } from '../support/certificates.ts'
import { framesIn, joined, type SlowFrame } from '../support/slow-frames.ts'

/** Limits of time that a machine keeps which is slow, or stands still for seconds; others as they are, or as a test wants them. */
function patient(limits: LimitOptions = {}): Limits {
  return resolveLimits({ handshakeTimeoutMs: 80_000, pingAfterMs: 100_000, idleTimeoutMs: 200_000, ...limits })
}

export const context = { clock: systemClock, limits: patient() }
export const anywhere = { host: '127.0.0.1', port: 0 }

/** Lets turns of the event loop pass until it holds; the test's own timeout is the end of patience. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn()
}

export interface Served {
  readonly session: Session
  readonly link: SocketLink
  readonly effects: RecordedEffects
}

/** A session over a link, with effects that are remembered. */
export function sessionOver(link: SocketLink, role: Role, limits: LimitOptions = {}): Served {
  const effects = new RecordedEffects()
  const common = { link, clock: systemClock, limits: patient(limits), effects, incarnation: new Uint8Array(16) }
  const session = new Session({ ...common, role })
  link.attach(session)
  onTestFinished(() => link.destroy())
  return { session, link, effects }
}

/** Where something listens: a port of the loopback, or a path. */
export type At = { readonly port: number } | { readonly path: string }

export interface Listening {
  readonly listener: SocketListener
  /** 0 where there is none. */
  readonly port: number
  readonly at: At
  /** Every connection, in the order of their coming. */
  readonly served: Served[]
}

type Accept = (link: SocketLink) => void

/** A server whose connections are sessions; each is shown before any input. */
async function serving(
  listen: (accept: Accept) => Promise<SocketListener>,
  limits: LimitOptions,
  began: (served: Served) => void,
): Promise<Listening> {
  const served: Served[] = []
  const listener = await listen((link) => {
    const one = sessionOver(link, 'server', limits)
    served.push(one)
    began(one)
  })
  onTestFinished(async () => {
    for (const { link } of served) link.destroy()
    await listener.close()
  })
  const { pathname } = new URL(listener.url)
  const port = portOf(listener.url)
  return { listener, port, at: port === 0 ? { path: pathname } : { port }, served }
}

export async function listening(
  limits: LimitOptions = {},
  began: (served: Served) => void = () => {},
  settings: { readonly firstBytes?: FirstBytes; readonly tls?: ServerTls } = {},
): Promise<Listening> {
  const full = { clock: systemClock, limits: patient(limits), tls: settings.tls }
  return await serving((accept) => listenTcp(anywhere, full, accept, settings.firstBytes), limits, began)
}

export async function dialled(port: number, limits: LimitOptions = {}, tls?: ClientTls): Promise<Served> {
  const address = { host: '127.0.0.1', port }
  const link = await dialTcp(address, { clock: systemClock, limits: patient(limits) }, tls && tlsDialer(tls))
  return sessionOver(link, 'client', limits)
}

export function portOf(url: string): number {
  return Number(new URL(url).port)
}

/** A folder of this test's own. */
export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What links can be made of. */
export interface Carrier {
  readonly name: 'TCP' | 'TLS' | 'a unix socket'
  listening(limits?: LimitOptions, began?: (served: Served) => void): Promise<Listening>
  dialled(at: At, limits?: LimitOptions): Promise<Served>
  raw(at: At, options?: Partial<NetConnectOpts>): Promise<RawSocket>
  /** A server of something else. */
  rawServer(onSocket: (raw: RawSocket) => void): Promise<At>
}

const portIn = (at: At): number => ('port' in at ? at.port : 0)
const pathIn = (at: At) => ('path' in at ? { path: at.path, url: `unix:${at.path}` } : { path: '', url: '' })

const overTcp: Carrier = {
  name: 'TCP',
  listening,
  dialled: (at, limits) => dialled(portIn(at), limits),
  raw: (at, options) => RawSocket.connect(portIn(at), options),
  rawServer: async (onSocket) => {
    const { port } = await rawServer((socket) => onSocket(new RawSocket(socket)))
    return { port }
  },
}

const overTls: Carrier = {
  name: 'TLS',
  listening: (limits, began) => listening(limits, began, { tls: serverTls() }),
  dialled: (at, limits) => dialled(portIn(at), limits, trusting()),
  raw: (at, options) => RawSocket.secured(portIn(at), options),
  async rawServer(onSocket) {
    let wire: Socket | undefined // of the last one; tests connect one at a time
    const server = createTlsServer({ cert: pem('server'), key: pem('server.key') }, (socket) =>
      onSocket(new RawSocket(socket, wire)),
    )
    server.on('connection', (socket) => {
      wire = socket
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return { port: (server.address() as AddressInfo).port } // it listens at a port
  },
}

const overUnix: Carrier = {
  name: 'a unix socket',
  async listening(limits = {}, began = () => {}) {
    const path = join(ownFolder(), 's')
    const full = { clock: systemClock, limits: patient(limits) }
    return await serving((accept) => listenUnix({ path, url: `unix:${path}` }, full, accept), limits, began)
  },
  async dialled(at, limits = {}) {
    return sessionOver(await dialUnix(pathIn(at), { clock: systemClock, limits: patient(limits) }), 'client', limits)
  },
  async raw(at, options) {
    const socket = connect({ path: pathIn(at).path, ...options })
    await once(socket, 'connect')
    return new RawSocket(socket)
  },
  async rawServer(onSocket) {
    const path = join(ownFolder(), 's')
    const server = createServer((socket) => onSocket(new RawSocket(socket)))
    server.listen({ path })
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return { path }
  },
}

export const carriers: readonly Carrier[] = [overTcp, overTls, overUnix]

/** A socket that writes what the test says, and keeps what it reads. */
export class RawSocket {
  readonly socket: Socket
  /** What carries it: itself, where there is no TLS. */
  readonly wire: Socket
  readonly #chunks: Uint8Array[] = []
  /** `end`, `error` with its code, and `close`, as they came. */
  readonly events: string[] = []

  constructor(socket: Socket, wire = socket) {
    this.socket = socket
    this.wire = wire
    socket.on('data', (chunk) => this.#chunks.push(chunk))
    socket.on('end', () => this.events.push('end'))
    socket.on('error', (error: NodeJS.ErrnoException) => this.events.push(`error ${error.code}`))
    socket.on('close', () => this.events.push('close'))
    onTestFinished(() => void socket.destroy())
  }

  static async connect(port: number, options: Partial<NetConnectOpts> = {}): Promise<RawSocket> {
    const socket = connect({ host: '127.0.0.1', port, ...options })
    const raw = new RawSocket(socket)
    await once(socket, 'connect')
    return raw
  }

  /** With TLS, when the handshake is done. */
  static async secured(port: number, options: Partial<NetConnectOpts> = {}): Promise<RawSocket> {
    const wire = connect({ host: '127.0.0.1', port, ...options })
    const socket = secure({ socket: wire, ca: pem('authority'), servername: 'localhost', ...options })
    const raw = new RawSocket(socket, wire)
    await once(socket, 'secureConnect')
    return raw
  }

  get bytes(): Uint8Array {
    return joined(this.#chunks)
  }

  get frames(): SlowFrame[] {
    return framesIn(this.bytes)
  }

  get isClosed(): boolean {
    return this.events.includes('close')
  }

  /** Goes away without a word; where there are resets, by one. */
  vanish(): void {
    if (this.wire.remotePort === undefined) this.wire.destroy()
    else this.wire.resetAndDestroy()
  }
}

/** A server of something else. */
export async function rawServer(
  onSocket: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // it listens at a port
  return { server, port }
}
