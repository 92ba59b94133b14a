/** An exchange over real sockets, and every byte of it in the order in which a proxy between the two ends saw it. */
import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { createServer as createTlsServer, connect as dialTls } from 'node:tls'
import Type from 'typebox'
import { connect, contract, notify, serve, service, unary } from '../../src/index.ts'
import { pem } from '../support/certificates.ts'
import { joined } from '../support/slow-frames.ts'
import type { Sent } from './pcap.ts'

const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Type.String() }) },
  }),
  log: notify(Type.Object({ line: Type.String() })),
  wait: unary(Type.Object({}), Type.Null()),
})

/** A call with metadata, one with a name of this length, new credentials, a declared error, a notify, a cancelled call, and the end. */
export async function recordExchange(nameLength: number): Promise<readonly Sent[]> {
  const sent: Sent[] = []
  let waits = (): void => {}
  const isWaiting = new Promise<void>((resolve) => {
    waits = resolve
  })
  const greeter = service(Greeter, {
    async hello({ name }, ctx) {
      if (name === 'Mallory') throw ctx.error('Banned', { until: 'tomorrow' })
      return { text: `Hello, ${name}` }
    },
    log() {},
    wait(_, ctx) {
      waits()
      return new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
    },
  })
  await using server = await serve(greeter, 'tcp://127.0.0.1:0', { authenticate: () => 'anybody' })
  await using proxy = await recordingProxy(Number(new URL(server.url).port), sent)
  await using wire = connect(`tcp://127.0.0.1:${proxy.port}`, { credentials: { token: 'hush-1' } })
  const { hello, log, wait } = wire.client(Greeter)
  await hello({ name: 'Ada' }, { metadata: { tenant: 'acme' } })
  await hello({ name: 'x'.repeat(nameLength) })
  await wire.renewCredentials('hush-2')
  await hello.try({ name: 'Mallory' })
  await log({ line: 'over' })
  const caller = new AbortController()
  const cancelled = wait.try({}, { signal: caller.signal })
  await isWaiting
  caller.abort()
  await cancelled
  await server.close()
  return sent
}

/** What both ends sent, over TLS, and the keys to read it, one to a line. */
export async function encrypted(exchange: readonly Sent[]): Promise<{ sent: readonly Sent[]; keys: string }> {
  const sent: Sent[] = []
  let keys = ''
  const of = (from: Sent['from']) => joined(exchange.filter((one) => one.from === from).map(({ bytes }) => bytes))
  const server = createTlsServer({ cert: pem('server'), key: pem('server.key') }, (socket) => {
    socket.resume()
    socket.end(of('server'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens at a port
  await using proxy = await recordingProxy(port, sent)
  const client = dialTls({ port: proxy.port, host: '127.0.0.1', ca: pem('authority') })
  client.on('keylog', (line) => {
    keys += line
  })
  client.resume()
  client.end(of('client'))
  await once(client, 'close')
  server.close()
  return { sent, keys }
}

/** Passes everything on to a port of this machine. */
async function recordingProxy(port: number, sent: Sent[]): Promise<{ readonly port: number } & AsyncDisposable> {
  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const server = dial({ port, host: '127.0.0.1', allowHalfOpen: true })
    pass(client, server, (bytes) => sent.push({ from: 'client', bytes }))
    pass(server, client, (bytes) => sent.push({ from: 'server', bytes }))
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address() as AddressInfo // it listens at a port
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

function pass(from: Socket, to: Socket, record: (bytes: Uint8Array) => void): void {
  from.on('data', (bytes) => {
    record(bytes)
    to.write(bytes)
  })
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
}
