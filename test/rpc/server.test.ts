/** What only a server has: it is an object of its own, beside the connections to it. What every place has: src/testing/conformance. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Connection, connect, type Server, type Service, serve } from '../../src/index.ts'
import { HandClock, until } from '../support/hand-clock.ts'
import { failureOf, Gate, Lab, lab } from './lab.ts'

/** A server and a connection to it, for which no time passes: a call of the lab may have little of it. */
async function open(service: Service): Promise<{ readonly server: Server; readonly wire: Connection }> {
  const clock = new HandClock()
  const server = await serve(service, 'tcp://127.0.0.1:0', { clock })
  const wire = connect(server.url, { clock })
  onTestFinished(async () => {
    await wire.close({ drainMs: 0 })
    await server.close({ drainMs: 0 })
  })
  return { server, wire }
}

const echo = lab({ echo: (request) => request, quick: () => undefined })

describe('a server', () => {
  it('closes once, and then nothing listens at its address', async () => {
    const begun = new Gate()
    const go = new Gate()
    const { server, wire } = await open(
      lab({
        async echo(request) {
          begun.open()
          await go.promise
          return request
        },
      }),
    )
    const call = wire.client(Lab).echo({ text: 'x' })
    await begun.promise
    const closing = server.close()
    expect(server.close()).toBe(closing)
    go.open()
    expect(await call).toEqual({ text: 'x' })
    await closing
    await until(() => wire.stats().connections === 0)
    const error = await failureOf(wire.client(Lab).quick())
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toContain('nothing listens at 127.0.0.1:')
    expect(server.stats()).toMatchObject({ connections: 0, inFlight: 0 })
  })

  it('is disposed by `await using`', async () => {
    const { server, wire } = await open(echo)
    await wire.client(Lab).quick()
    await server[Symbol.asyncDispose]()
    expect(server.stats().connections).toBe(0)
  })

  it.each([-1, 1.5, Number.NaN, 2 ** 31, '5'])('refuses a drainMs of %s, and stays open', async (drainMs) => {
    const { server, wire } = await open(echo)
    const close = async () => server.close({ drainMs: drainMs as number })
    const error = await failureOf(close())
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(error.message).toContain('drainMs is a whole number of milliseconds from 0')
    expect(await wire.client(Lab).quick()).toBeUndefined()
  })

  it('counts what its clients count: connections, bytes and how calls ended, in plain copies', async () => {
    const { server, wire } = await open(echo)
    await wire.client(Lab).echo({ text: 'x'.repeat(1_000) })
    const { bytesSent, bytesReceived } = wire.stats()
    const stats = server.stats()
    expect(stats).toMatchObject({ connections: 1, bytesReceived: bytesSent, bytesSent: bytesReceived })
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats)
    Object.assign(stats.calls['lab/echo'] ?? {}, { ok: 99 })
    expect(server.stats().calls).toEqual({ 'lab/echo': { ok: 1 } })
  })
})

describe('memory', () => {
  it('has no connections and no bytes to count', async () => {
    const wire = connect(echo)
    await wire.client(Lab).echo({ text: 'x' })
    expect(wire.stats()).toMatchObject({ connections: 0, bytesReceived: 0, bytesSent: 0 })
    await wire.close()
  })
})
