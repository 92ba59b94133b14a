/** What only a connection over TCP has: addresses, ports, dialling once, and coming back after a server did. */
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Connection,
  type ConnectOptions,
  connect,
  type ServeOptions,
  type Server,
  serve,
} from '../../src/index.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { failureOf, Gate, Lab, lab } from './lab.ts'

const echo = lab({ echo: (request) => request })

async function serving(at = 'tcp://127.0.0.1:0', service = echo, options: ServeOptions = {}): Promise<Server> {
  const server = await serve(service, at, options)
  onTestFinished(() => server.close({ drainMs: 0 }))
  return server
}

function connected(url: string, options: ConnectOptions = {}): Connection {
  const wire = connect(url, options)
  onTestFinished(() => wire.close({ drainMs: 0 }))
  return wire
}

const call = (wire: Connection) => wire.client(Lab).echo({ text: 'x' })

/** A port at which nothing listens. */
async function freeUrl(): Promise<string> {
  const server = await serve(echo, 'tcp://127.0.0.1:0')
  await server.close()
  return server.url
}

describe('an address', () => {
  it('has the real port, where 0 was asked for', async () => {
    const server = await serving()
    expect(server.url).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d+$/)
    expect(await call(connected(server.url))).toEqual({ text: 'x' })
  })

  it('may be a name', async () => {
    const server = await serving()
    const url = server.url.replace('127.0.0.1', 'localhost')
    expect(await call(connected(url))).toEqual({ text: 'x' })
  })

  it('may be one of version 6', async (context) => {
    const hasLoopback = await new Promise((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen({ host: '::1', port: 0 }, () => probe.close(() => resolve(true)))
    })
    if (!hasLoopback) context.skip('this machine has no loopback of version 6')
    const server = await serving('tcp://[::1]:0')
    expect(server.url).toMatch(/^tcp:\/\/\[::1\]:\d+$/)
    expect(await call(connected(server.url))).toEqual({ text: 'x' })
  })

  it('where nothing listens is said at once, and how to mend it', async () => {
    const url = await freeUrl()
    const wire = connected(url)
    const { host } = new URL(url)
    for (const met of [await failureOf(call(wire)), await failureOf(wire.ready())]) {
      expect(met).toMatchObject({ code: 'unavailable', processed: 'no' })
      expect(met.message).toBe(
        `nothing listens at ${host}: is the server running, and is the port right? (ECONNREFUSED)`,
      )
      expect(met.cause).toMatchObject({ code: 'ECONNREFUSED' })
    }
    expect(wire.stats()).toMatchObject({ connections: 0, inFlight: 0, waiting: 0 })
    expect(wire.stats().calls).toEqual({ 'lab/echo': { unavailable: 1 } })
  })

  it('that is taken is said when it is served at', async () => {
    const server = await serving()
    const met = await failureOf(serve(echo, server.url))
    expect(met).toMatchObject({ code: 'unavailable', processed: 'no', cause: { code: 'EADDRINUSE' } })
    expect(met.message).toBe(
      `${new URL(server.url).host} is in use: stop what listens there, or take another port (0 for any) (EADDRINUSE)`,
    )
    expect(await call(connected(server.url))).toEqual({ text: 'x' })
  })

  it('that is not of this machine is said when it is served at', async () => {
    const met = await failureOf(serve(echo, 'tcp://192.0.2.1:0'))
    expect(met).toMatchObject({ code: 'unavailable', cause: { code: 'EADDRNOTAVAIL' } })
    expect(met.message).toContain('192.0.2.1:0 is no address of this machine')
  })
})

describe('a connection', () => {
  it('is made by the first call, once for all that come together', async () => {
    const server = await serving()
    const wire = connected(server.url)
    await nextTurn()
    expect(server.stats().connections).toBe(0)
    const calls = Array.from({ length: 300 }, () => call(wire))
    await Promise.all([...calls, wire.ready(), wire.ready()])
    expect(server.stats()).toMatchObject({ connections: 1, calls: { 'lab/echo': { ok: 300 } } })
    expect(wire.stats().connections).toBe(1)
  })

  it('is made by ready, which says that it is there', async () => {
    const server = await serving()
    const wire = connected(server.url)
    expect(await wire.ready()).toBeUndefined()
    expect(server.stats().connections).toBe(1)
    await wire.ready()
    await call(wire)
    expect(server.stats().connections).toBe(1)
  })

  it('that could not be made is tried again by the next call', async () => {
    const url = await freeUrl()
    const wire = connected(url)
    await failureOf(wire.ready())
    await failureOf(call(wire))
    await serving(url)
    expect(await call(wire)).toEqual({ text: 'x' })
  })

  it('is made anew after the server has come back on the same port', async () => {
    const first = await serving()
    const wire = connected(first.url)
    const { echo: method } = wire.client(Lab)
    expect(await method({ text: 'x' })).toEqual({ text: 'x' })
    const before = wire.stats()
    await first.close()
    await until(() => wire.stats().connections === 0)
    expect(await failureOf(call(wire))).toMatchObject({ code: 'unavailable', processed: 'no' })
    const second = await serving(first.url)
    expect(await method({ text: 'y' })).toEqual({ text: 'y' })
    expect(second.stats()).toMatchObject({ connections: 1, calls: { 'lab/echo': { ok: 1 } } })
    expect(wire.stats().bytesSent).toBeGreaterThan(before.bytesSent)
    expect(wire.stats().calls).toEqual({ 'lab/echo': { ok: 2, unavailable: 1 } })
  })

  it('is not waited for by a call that is cancelled or late meanwhile', async () => {
    const server = await serving()
    const wire = connected(server.url)
    const controller = new AbortController()
    const cancelled = failureOf(wire.client(Lab).echo({ text: 'x' }, { signal: controller.signal }))
    controller.abort()
    expect(await cancelled).toMatchObject({ code: 'cancelled', processed: 'no' })
    expect(await call(wire)).toEqual({ text: 'x' })
    expect(server.stats().calls).toEqual({ 'lab/echo': { ok: 1 } })
  })

  it('that is closed while it is made runs none of its calls', async () => {
    const server = await serving()
    const wire = connected(server.url)
    const waiting = call(wire)
    const closing = wire.close()
    const ended = await waiting.then(
      () => 'ok',
      (error: unknown) => error,
    )
    if (ended !== 'ok') expect(ended).toMatchObject({ code: 'unavailable' })
    await closing
    expect(wire.stats()).toMatchObject({ connections: 0, inFlight: 0, waiting: 0 })
    await until(() => server.stats().connections === 0)
  })

  it('bounds how many calls wait for it', async () => {
    const server = await serving()
    const wire = connected(server.url, { limits: { maxCallsQueued: 3 } })
    const ended = await Promise.allSettled(Array.from({ length: 5 }, () => call(wire)))
    expect(ended.map(({ status }) => status).sort()).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled'],
      ...['rejected', 'rejected'],
    ])
    expect(wire.stats().refused).toEqual({ maxCallsQueued: 2 })
  })

  it('is one of many: each client has its own', async () => {
    const server = await serving()
    const wires = Array.from({ length: 20 }, () => connected(server.url))
    await Promise.all(wires.map(call))
    expect(server.stats()).toMatchObject({ connections: 20, calls: { 'lab/echo': { ok: 20 } } })
    await Promise.all(wires.map((wire) => wire.close()))
    await until(() => server.stats().connections === 0)
  })

  it('above maxConnections is refused, and the others go on', async () => {
    const server = await serving(undefined, echo, { limits: { maxConnections: 2 } })
    const [one, two, three] = [connected(server.url), connected(server.url), connected(server.url)]
    await Promise.all([one.ready(), two.ready()])
    const met = await failureOf(call(three))
    expect(met).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(met.message).toContain('maxConnections is 2')
    expect(met.message).toContain('option limits.maxConnections')
    expect(await call(one)).toEqual({ text: 'x' })
    expect(server.stats()).toMatchObject({ connections: 2, refused: { maxConnections: 1 } })
    await two.close()
    await until(() => server.stats().connections === 1)
    expect(await call(three)).toEqual({ text: 'x' })
  })

  it('tells its handlers where it comes from', async () => {
    const peer = new Gate<string>()
    const server = await serving(
      undefined,
      lab({
        echo(request, ctx) {
          peer.open(ctx.peer)
          return request
        },
      }),
    )
    await call(connected(server.url))
    expect(await peer.promise).toMatch(/^127\.0\.0\.1:\d+$/)
  })
})

describe('a large message', () => {
  const size = lab({
    echo: ({ text }) => ({ text: text.startsWith('grow') ? 'x'.repeat(Number(text.slice(4))) : String(text.length) }),
  })

  it('is refused by the client when the server takes no such, and nothing else is hurt', async () => {
    const server = await serving(undefined, size, { limits: { maxMessageBytes: 100_000 } })
    const wire = connected(server.url)
    await wire.ready()
    const { echo: method } = wire.client(Lab)
    // {"text": …} is 1 + 5 + 5 bytes around the text.
    expect(await method({ text: 'x'.repeat(100_000 - 11) })).toEqual({ text: String(100_000 - 11) })
    const met = await failureOf(method({ text: 'x'.repeat(100_000 - 10) }))
    expect(met).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(met.message).toContain('maxMessageBytes is 100000')
    expect(await method({ text: 'x' })).toEqual({ text: '1' })
  })

  it('is refused by the server when the client takes no such: the handler ran', async () => {
    const server = await serving(undefined, size)
    const wire = connected(server.url, { limits: { maxMessageBytes: 100_000 } })
    const { echo: method } = wire.client(Lab)
    expect((await method({ text: `grow${100_000 - 11}` })).text).toHaveLength(100_000 - 11)
    const met = await failureOf(method({ text: `grow${100_000 - 10}` }))
    expect(met).toMatchObject({ code: 'resource_exhausted', processed: 'yes' })
    expect(met.message).toContain('maxMessageBytes is 100000')
    expect(await method({ text: 'x' })).toEqual({ text: '1' })
  })

  it('that is an error is replaced by the limit that it broke', async () => {
    const service = lab({
      echo({ text }, ctx) {
        throw ctx.error('Banned', { until: 'x'.repeat(Number(text)) })
      },
    })
    const server = await serving(undefined, service, { limits: { maxErrorBytes: 2_000 } })
    const wire = connected(server.url)
    expect(await failureOf(wire.client(Lab).echo({ text: '1000' }))).toMatchObject({ code: 'Banned' })
    const met = await failureOf(wire.client(Lab).echo({ text: '3000' }))
    expect(met).toMatchObject({ code: 'resource_exhausted', processed: 'yes' })
    expect(met.message).toContain('maxErrorBytes is 2000')
  })
})
