/** What the tests of TLS share: peers that know TLS and nothing else, and what became of a server's connections. */
import { type ConnectionOptions, connect as secure, type TLSSocket } from 'node:tls'
import { expect, onTestFinished } from 'vitest'
import type { ClientTls } from '../../src/index.ts'
import { dialTcp, tlsDialer } from '../../src/transport/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { pem } from '../support/certificates.ts'
import { context, rawServer, type Served, until } from './sockets.ts'

export const echo = ({ session, effects }: Served) => {
  effects.onRequest = ({ call, body }) => session.respond(call, undefined, body)
}

export async function called(client: Served): Promise<RecordedCall> {
  const call = new RecordedCall()
  client.session.start(call)
  await until(() => call.outcomes.length > 0)
  return call
}

/** The error that dialling ends with. */
export async function dialError(port: number, tls: ClientTls, host = '127.0.0.1') {
  return await dialTcp({ host, port }, context, tlsDialer(tls)).then(
    () => expect.fail('it worked'),
    (error: unknown) => error as { code: string; processed: string; message: string },
  )
}

/** A client of TLS that is no Nanowire. */
export function foreign(port: number, options: ConnectionOptions = {}): { socket: TLSSocket; events: string[] } {
  const socket = secure({ host: '127.0.0.1', port, ca: pem('authority'), servername: 'localhost', ...options })
  const events: string[] = []
  for (const name of ['secureConnect', 'end', 'close']) socket.on(name, () => events.push(name))
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(`error ${error.code}`))
  onTestFinished(() => void socket.destroy())
  return { socket, events }
}

/** A ClientHello as this Node writes it. */
export async function clientHello(): Promise<Uint8Array> {
  const { port } = await rawServer((socket) => socket.once('data', (chunk) => heard(chunk)))
  let heard: (chunk: Uint8Array) => void = () => {}
  const hello = new Promise<Uint8Array>((resolve) => {
    heard = resolve
  })
  const { socket } = foreign(port)
  const bytes = await hello
  socket.destroy()
  return bytes
}

export const isOver = ({ session }: Served) => session.state === 'closed'
export const rules = (served: readonly Served[]) =>
  served.flatMap(({ effects }) => effects.violations.map(({ rule }) => rule))
export const words = (served: readonly Served[]) =>
  served.flatMap(({ effects }) => effects.violations.map(({ message }) => message))
