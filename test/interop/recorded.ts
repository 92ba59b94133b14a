/** An exchange over real sockets, and every byte of it in the order in which a proxy between the two ends saw it. */
import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import Type from 'typebox'
import { connect, contract, notify, serve, service, unary } from '../../src/index.ts'
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
