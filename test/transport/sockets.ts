/** Real sockets for the tests of TCP: links, sessions and peers that know nothing of either. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { defaultLimits, type LimitOptions, resolveLimits } from '../../src/limits.ts'
import { type Role, Session, systemClock } from '../../src/session/index.ts'
import { dialTcp, type FirstBytes, listenTcp, type TcpLink, type TcpListener } from '../../src/transport/index.ts'
import { RecordedEffects } from '../support/calls.ts'
import { framesIn, joined, type SlowFrame } from '../support/slow-frames.ts'

export const context = { clock: systemClock, limits: defaultLimits }
export const anywhere = { host: '127.0.0.1', port: 0 }

/** Lets turns of the event loop pass until it holds; the test's own timeout is the end of patience. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn()
}

export interface Served {
  readonly session: Session
  readonly link: TcpLink
  readonly effects: RecordedEffects
}

/** A session over a link, with effects that are remembered. */
export function sessionOver(link: TcpLink, role: Role, limits: LimitOptions = {}): Served {
  const effects = new RecordedEffects()
  const common = { link, clock: systemClock, limits: resolveLimits(limits), effects, incarnation: new Uint8Array(16) }
  const session = new Session({ ...common, role })
  link.attach(session)
  onTestFinished(() => link.destroy())
  return { session, link, effects }
}

export interface Listening {
  readonly listener: TcpListener
  readonly port: number
  /** Every connection, in the order of their coming. */
  readonly served: Served[]
}

/** A server whose connections are sessions; each is shown before any input. */
export async function listening(
  limits: LimitOptions = {},
  began: (served: Served) => void = () => {},
  firstBytes?: FirstBytes,
): Promise<Listening> {
  const served: Served[] = []
  const accept = (link: TcpLink) => {
    const one = sessionOver(link, 'server', limits)
    served.push(one)
    began(one)
  }
  const listener = await listenTcp(anywhere, { clock: systemClock, limits: resolveLimits(limits) }, accept, firstBytes)
  onTestFinished(async () => {
    for (const { link } of served) link.destroy()
    await listener.close()
  })
  return { listener, port: portOf(listener.url), served }
}

export async function dialled(port: number, limits: LimitOptions = {}): Promise<Served> {
  const link = await dialTcp({ host: '127.0.0.1', port }, { clock: systemClock, limits: resolveLimits(limits) })
  return sessionOver(link, 'client', limits)
}

export function portOf(url: string): number {
  return Number(new URL(url).port)
}

/** A socket that writes what the test says, and keeps what it reads. */
export class RawSocket {
  readonly socket: Socket
  readonly #chunks: Uint8Array[] = []
  /** `end`, `error` with its code, and `close`, as they came. */
  readonly events: string[] = []

  constructor(socket: Socket) {
    this.socket = socket
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

  get bytes(): Uint8Array {
    return joined(this.#chunks)
  }

  get frames(): SlowFrame[] {
    return framesIn(this.bytes)
  }

  get isClosed(): boolean {
    return this.events.includes('close')
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
