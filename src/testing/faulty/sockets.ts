/** The sockets of `faultyProxy`: the only file of this chapter that makes any. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { misuse, NanowireError } from '../../errors.ts'

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** Both directions of it end by themselves. */
export function dial({ host, port }: TcpAddress): Socket {
  return connect({ host, port, allowHalfOpen: true, noDelay: true })
}

/** Resets a connection; one that is not there yet is given up. */
export function abort(socket: Socket): void {
  // While the end is being sent a reset fails (EINVAL), and Node then leaves the socket open without a `close`.
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  if (socket.destroyed) return
  if (socket.connecting) socket.destroy()
  else if (isEnding) socket.once('finish', () => abort(socket))
  else socket.resetAndDestroy()
}

export interface Listening {
  /** With the port that was really taken. */
  readonly url: string
  /** Takes no new connections, and resolves when all are closed. */
  close(): Promise<void>
}

/** @throws NanowireError `unavailable` where the address cannot be had */
export async function listen(address: TcpAddress, accept: (socket: Socket) => void): Promise<Listening> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `faultyProxy cannot listen at ${urlOf(address)}: ${cause.message}`
      reject(new NanowireError('unavailable', message, { processed: 'no', cause }))
    })
    server.listen(address, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', () => {}) // a failed accept: the client sees its connection refused
  return { url: urlOf({ ...address, port: portOf(server) }), close: () => closed(server) }
}

/** @throws NanowireError `invalid_argument` for what is no `tcp://host:port` */
export function addressOf(option: string, text: unknown, minPort: number): TcpAddress {
  const url = typeof text === 'string' && /^tcp:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && [url.username, url.password, url.search, url.hash].every((extra) => extra === '')
  const hasPath = url !== undefined && url.pathname !== '' && url.pathname !== '/'
  if (!url || !isPlain || hasPath || url.hostname === '' || url.port === '' || Number(url.port) < minPort) {
    const said = typeof text === 'string' ? JSON.stringify(text) : String(text)
    throw misuse(`faultyProxy: ${option} is an address such as tcp://127.0.0.1:7000, not ${said}`)
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) }
}

function urlOf({ host, port }: TcpAddress): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function portOf(server: Server): number {
  const bound = server.address()
  return typeof bound === 'object' && bound ? bound.port : 0
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
