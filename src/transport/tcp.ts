/**
 * TCP, with or without TLS (spec/places.md), and what unix sockets share with it: the only file that makes sockets and
 * listeners.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { NanowireError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { Clock } from '../session/index.ts'
import { explainSocketError } from './errno.ts'
import { SharedInput } from './shared-input.ts'
import { type FirstBytes, SocketLink, type SocketSettings } from './socket-link.ts'
import { peerTlsOf, TlsAcceptor, type TlsDialer } from './tls.ts'
import type { ServerTls } from './tls-options.ts'

export interface SocketContext {
  readonly clock: Clock
  readonly limits: Limits
}

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

export interface SocketListener {
  /** `tcp://127.0.0.1:7000`, with the port that was really taken, or `unix:/run/greeter.sock`. */
  readonly url: string
  /** Nobody on another machine can reach it. */
  readonly isLocal: boolean
  /** Takes no new connections; those that are open stay. */
  close(): Promise<void>
}

/** Connects. Rejects with `unavailable`, `processed: 'no'`, in words for whoever typed the address. */
export function dialTcp(address: TcpAddress, context: SocketContext, dialer?: TlsDialer): Promise<SocketLink> {
  const { host, port } = address
  const peer = hostAndPort(host, port)
  if (!dialer) {
    const input = new SharedInput()
    return dialSocket(
      { socket: connect({ host, port, onread: input.onread }), peer, settings: () => ({ input }) },
      context,
    )
  }
  const socket = dialer.open(host, port)
  const settings = (): SocketSettings => ({ tls: peerTlsOf(socket, true) })
  return dialSocket({ socket, peer, isSecure: true, settings }, context)
}

/** Connects to a unix socket, as `dialTcp` does. */
export function dialPath(
  path: string,
  peer: string,
  context: SocketContext,
  explain: ExplainError,
): Promise<SocketLink> {
  const input = new SharedInput()
  const socket = connect({ path, onread: input.onread })
  return dialSocket({ socket, peer, explain, settings: () => ({ input }) }, context)
}

type ExplainError = (error: Error, peer: string) => NanowireError

interface Dialling {
  readonly socket: Socket
  readonly peer: string
  /** There is a handshake after the connection. */
  readonly isSecure?: boolean
  /** What the link needs when it is there. */
  readonly settings: () => SocketSettings
  /** Default: as of a socket with a port. */
  readonly explain?: ExplainError
}

function dialSocket(dialling: Dialling, { clock, limits }: SocketContext): Promise<SocketLink> {
  const { socket, peer, isSecure, settings, explain = explainSocketError } = dialling
  return new Promise((resolve, reject) => {
    let met = 'no answer from'
    const cancelTimer = clock.after(limits.handshakeTimeoutMs, () => {
      socket.destroy()
      const limit = `handshakeTimeoutMs is ${limits.handshakeTimeoutMs} (option limits.handshakeTimeoutMs)`
      reject(new NanowireError('unavailable', `${met} ${peer}: ${limit}`, { processed: 'no' }))
    })
    socket.once('connect', () => {
      met = 'no TLS handshake by'
    })
    const onError = (error: Error): void => {
      cancelTimer()
      reject(explain(error, peer))
    }
    socket.once('error', onError)
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      cancelTimer()
      resolve(new SocketLink(socket, { clock, limits, peer }, settings()))
      socket.off('error', onError)
    })
  })
}

export interface ListenTcpContext extends SocketContext {
  readonly tls?: ServerTls | undefined
}

/**
 * Listens. `accept` gets each connection as a link and attaches to it at once; with TLS before the handshake, so that its time
 * counts and its limits hold.
 * @param firstBytes asked with the first bytes of each connection whether they are for somebody else
 * @throws NanowireError `invalid_argument` for certificates or keys that cannot be used
 */
export async function listenTcp(
  address: TcpAddress,
  context: ListenTcpContext,
  accept: (link: SocketLink) => void,
  firstBytes?: FirstBytes,
): Promise<SocketListener> {
  const { clock, limits, tls } = context
  const settings = { firstBytes, secure: tls && new TlsAcceptor(tls).secure }
  const server = createServer({ allowHalfOpen: false, noDelay: true }, (socket) => {
    const peer = hostAndPort(socket.remoteAddress ?? 'a peer that has gone', socket.remotePort ?? 0)
    accept(new SocketLink(socket, { clock, limits, peer }, settings))
  })
  const { host } = address
  await listening(server, { host, port: address.port }, hostAndPort(host, address.port))
  const bound = server.address()
  const { address: ip, port } = typeof bound === 'object' && bound ? bound : { address: host, port: 0 }
  return { url: `tcp://${hostAndPort(host, port)}`, isLocal: isLoopback(ip), close: () => closeServer(server) }
}

/** Listens at a path, whose file is there when this returns. `begun` rejects where it could not be made. */
export function listenPath(
  path: string,
  peer: string,
  context: SocketContext,
  accept: (link: SocketLink) => void,
): { readonly begun: Promise<void>; close(): Promise<void> } {
  const { clock, limits } = context
  const server = createServer({ allowHalfOpen: false }, (socket) =>
    accept(new SocketLink(socket, { clock, limits, peer })),
  )
  const begun = listening(server, { path, exclusive: true }, peer)
  return { begun, close: () => closeServer(server) }
}

function listening(server: Server, options: Parameters<Server['listen']>[0], wanted: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(explainSocketError(error, wanted)))
    server.listen(options, () => {
      server.removeAllListeners('error')
      server.on('error', () => {}) // a failed accept: the peer sees its connection refused
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || /^(::ffff:)?127\./.test(ip)
}

function hostAndPort(host: string, port: number): string {
  return [host.includes(':') ? `[${host}]` : host, port].join(':') // one text, where a template would hold its parts too
}
