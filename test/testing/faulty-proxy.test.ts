/** `faultyProxy`: a real proxy between real sockets, whose time is moved by hand. */
import { once } from 'node:events'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect, serve } from '../../src/index.ts'
import {
  type ConnectionFaults,
  type FaultyProxy,
  type FaultyProxyOptions,
  faultyProxy,
} from '../../src/testing/index.ts'
import { Chance } from '../../src/testing/simulate/chance.ts'
import { failureOf, Lab, lab } from '../rpc/lab.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'

/** A server's end and a client's end of connections through a proxy. */
interface Ends {
  readonly proxy: FaultyProxy
  readonly clock: HandClock
  /** The server's ends, in their order. */
  readonly accepted: Socket[]
  connect(): Promise<End>
}

/** One end, with all that it got. */
class End {
  readonly socket: Socket
  ended = false
  failure: string | undefined
  readonly #chunks: Uint8Array[] = []
  length = 0

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Uint8Array) => {
      this.#chunks.push(chunk)
      this.length += chunk.length
    })
    socket.on('end', () => {
      this.ended = true
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.failure = error.code
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString()
  }
}

/** A server that does nothing by itself. */
async function target(accept: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // a reset is what some tests are about
    accept(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens at a port
}

async function proxied(faults: ConnectionFaults = {}, options: Partial<FaultyProxyOptions> = {}): Promise<Ends> {
  const clock = new HandClock()
  const accepted: Socket[] = []
  const url = options.target ?? (await target((socket) => accepted.push(socket)))
  const proxy = await faultyProxy({ faults, clock, ...options, target: url })
  onTestFinished(async () => {
    await proxy.close()
    expect(proxy.connections).toEqual([])
    expect(clock.timers).toBe(0)
  })
  return { proxy, clock, accepted, connect: () => socketTo(proxy.url) }
}

async function socketTo(url: string): Promise<End> {
  const { hostname, port } = new URL(url)
  const socket = connectSocket({ host: hostname, port: Number(port), allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const end = new End(socket)
  await once(socket, 'connect')
  return end
}

/** Both ends of a connection through the proxy. */
async function pair(ends: Ends): Promise<{ readonly client: End; readonly server: End }> {
  const client = await ends.connect()
  await until(() => ends.accepted.length > 0)
  const [socket] = ends.accepted.splice(0)
  if (!socket) throw new Error('nothing was accepted')
  const server = new End(socket)
  socket.resume()
  return { client, server }
}

describe('a faulty proxy', () => {
  it('passes calls on when nothing goes wrong', async () => {
    const server = await serve(lab({ echo: (request) => request }), 'tcp://127.0.0.1:0')
    onTestFinished(() => server.close())
    const { proxy } = await proxied({}, { target: server.url })
    const wire = connect(proxy.url)
    onTestFinished(() => wire.close())
    const text = 'x'.repeat(1_000_000)
    expect(await wire.client(Lab).echo({ text })).toEqual({ text })
    const [connection] = proxy.connections
    await wire.close()
    await until(() => server.stats().connections === 0) // all that was under way has come
    expect(connection?.bytesToServer).toBe(server.stats().bytesReceived)
    expect(connection?.bytesToClient).toBe(server.stats().bytesSent)
  })

  it('lets each direction end by itself, and closes when both have', async () => {
    const ends = await proxied()
    const { client, server } = await pair(ends)
    client.socket.end('question')
    await until(() => server.ended)
    expect(server.text).toBe('question')
    server.socket.end('answer')
    await until(() => client.ended)
    expect(client.text).toBe('answer')
    await until(() => ends.proxy.connections.length === 0)
  })

  it('passes a reset on behind the bytes before it', async () => {
    const ends = await proxied({ latencyMs: 10 })
    const { client, server } = await pair(ends)
    server.socket.write('last words')
    await until(() => server.socket.bytesWritten === 10)
    for (let turn = 0; turn < 20; turn++) await nextTurn() // the proxy has read them
    server.socket.resetAndDestroy()
    await until(() => {
      ends.clock.advance(1)
      return client.failure !== undefined
    })
    expect(client.failure).toBe('ECONNRESET')
    expect(ends.proxy.connections).toEqual([])
  })

  it('is late by the latency, in the direction that has one', async () => {
    const ends = await proxied({ toClient: { latencyMs: 50 } })
    const { client, server } = await pair(ends)
    client.socket.write('at once')
    await until(() => server.length === 7)
    server.socket.write('late')
    await until(() => ends.clock.timers === 1)
    ends.clock.advance(49)
    for (let turn = 0; turn < 20; turn++) await nextTurn()
    expect(client.length).toBe(0)
    ends.clock.advance(1)
    await until(() => client.text === 'late')
  })

  it('hands on slices, one after each pause', async () => {
    const ends = await proxied({ toServer: { sliceBytes: 3, slicePauseMs: 10 } })
    const { client, server } = await pair(ends)
    client.socket.write('abcdefgh')
    for (const so of ['abc', 'abcdef', 'abcdefgh']) {
      await until(() => server.text === so)
      ends.clock.advance(10)
    }
  })

  it.each([0, 1, 5])('closes in good order after %i bytes', async (limitBytes) => {
    const ends = await proxied({ toServer: { limitBytes } })
    const { client, server } = await pair(ends)
    client.socket.write('0123456789')
    await until(() => client.ended && server.ended)
    expect(server.text).toBe('0123456789'.slice(0, limitBytes))
    expect(server.failure).toBeUndefined()
    client.socket.end()
    server.socket.end()
    await until(() => ends.proxy.connections.length === 0)
  })

  it('waits 500 ms at most for who was told the end', async () => {
    const ends = await proxied({ toServer: { limitBytes: 1 } })
    const { client, server } = await pair(ends)
    client.socket.write('01')
    await until(() => client.ended && server.ended)
    expect(ends.proxy.connections).toHaveLength(1)
    ends.clock.advance(500)
    await until(() => ends.proxy.connections.length === 0)
  })

  it('resets both ends after a time', async () => {
    const ends = await proxied({ resetMs: 100 })
    const { client, server } = await pair(ends)
    ends.clock.advance(100)
    await until(() => client.socket.closed && server.socket.closed)
    expect([client.failure, server.failure]).toEqual(['ECONNRESET', 'ECONNRESET'])
  })

  it('closes both ends after a timeout in which nothing came through', async () => {
    const ends = await proxied({ toClient: { timeoutMs: 100 } })
    const { client, server } = await pair(ends)
    server.socket.write('lost')
    client.socket.write('heard')
    await until(() => server.text === 'heard')
    ends.clock.advance(100)
    await until(() => client.ended && server.ended)
    expect(client.text).toBe('')
  })

  it('is half-open where a stalled direction keeps the end of the other side', async () => {
    const ends = await proxied({ toServer: { stall: true } })
    const { client, server } = await pair(ends)
    client.socket.resetAndDestroy()
    server.socket.write('anybody there?')
    for (let turn = 0; turn < 50; turn++) await nextTurn()
    expect([server.ended, server.failure]).toEqual([false, undefined])
    ends.proxy.setFaults({})
    await until(() => server.failure === 'ECONNRESET')
  })

  it('says the end late, where the close is slow', async () => {
    const ends = await proxied({ slowCloseMs: 1_000 })
    const { client, server } = await pair(ends)
    client.socket.end('bye')
    await until(() => server.text === 'bye')
    expect(server.ended).toBe(false)
    await until(() => ends.clock.timers === 1)
    ends.clock.advance(1_000)
    await until(() => server.ended)
  })

  it.each([
    ['while it is stalled', true],
    ['while the other side does not read', false],
  ])('reads no more than it may hold, and loses nothing of it: %s', async (_, stall) => {
    const ends = await proxied({ toServer: { stall } }, { maxQueuedBytes: 65_536 })
    const { client, server } = await pair(ends)
    const MIB = 1_048_576
    const block = Buffer.alloc(MIB, 'block of bytes ')
    server.socket.pause()
    for (let count = 0; count < 64; count++) client.socket.write(block)
    let untaken = -1
    for (let still = 0; still < 200; await nextTurn()) {
      still = client.socket.writableLength === untaken ? still + 1 : 0
      untaken = client.socket.writableLength
    }
    expect(untaken).toBeGreaterThan(32 * MIB) // the rest is in the buffers of the system
    ends.proxy.setFaults({})
    server.socket.resume()
    await until(() => server.length === 64 * MIB)
    expect(server.bytes.equals(Buffer.alloc(64 * MIB, block))).toBe(true)
  })

  it('closes in good order, although it does not read what it cannot hold', async () => {
    const ends = await proxied({ toServer: { timeoutMs: 100 } }, { maxQueuedBytes: 1_000 })
    const { client, server } = await pair(ends)
    client.socket.end(Buffer.alloc(1_000_000))
    for (let turn = 0; turn < 100; turn++) await nextTurn() // what may be read has been
    server.socket.end()
    ends.clock.advance(100)
    await until(() => ends.proxy.connections.length === 0)
    expect([client.failure, server.failure]).toEqual([undefined, undefined])
  })

  it('passes on that a client is gone which had ended its direction before', async () => {
    const ends = await proxied()
    const { client, server } = await pair(ends)
    client.socket.end('last words')
    await until(() => server.ended)
    client.socket.resetAndDestroy()
    await until(() => {
      server.socket.write('anybody there?')
      return server.failure !== undefined
    })
    expect(ends.proxy.connections).toEqual([])
  })

  it('resets the client when nothing listens at its target, and finds another one', async () => {
    const accepted: Socket[] = []
    const url = await target((socket) => accepted.push(socket))
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo // it listens at a port
    gone.close()
    await once(gone, 'close')
    const ends = await proxied({}, { target: `tcp://127.0.0.1:${port}` })
    const lost = await ends.connect()
    await until(() => lost.socket.closed)
    expect(lost.failure).toBe('ECONNRESET')
    ends.proxy.setTarget(url)
    await ends.connect()
    await until(() => accepted.length === 1)
  })

  it('cuts a connection whose end is just being sent', async () => {
    const ends = await proxied({ timeoutMs: 100 })
    await pair(ends)
    ends.clock.advance(100)
    ends.proxy.cut()
    await until(() => ends.proxy.connections.length === 0)
  })

  it('loses, doubles and turns around no byte, whatever faults end nothing', async () => {
    const chance = new Chance(1)
    const someFaults = (): ConnectionFaults => ({
      latencyMs: chance.between(0, 20),
      jitterMs: chance.between(0, 20),
      joinMs: chance.between(0, 5),
      stall: chance.happens(0.2),
      ...(chance.happens(0.5) ? { sliceBytes: chance.between(1, 5_000) } : {}),
      ...(chance.happens(0.5) ? { bytesPerSecond: chance.between(1_000_000, 50_000_000) } : {}),
    })
    const ends = await proxied(someFaults(), { maxQueuedBytes: 10_000 })
    const { client, server } = await pair(ends)
    const sent = Buffer.from(Uint8Array.from({ length: 1_000_000 }, () => chance.between(0, 255)))
    for (let from = 0; from < sent.length; ) {
      const part = sent.subarray(from, from + chance.between(1, 100_000))
      client.socket.write(part)
      server.socket.write(part)
      from += part.length
    }
    client.socket.end()
    server.socket.end()
    await until(() => {
      if (chance.happens(0.05)) ends.proxy.setFaults(someFaults())
      ends.clock.advance(1)
      return client.ended && server.ended
    })
    expect(client.bytes.equals(sent)).toBe(true)
    expect(server.bytes.equals(sent)).toBe(true)
  })

  it('turns clients away while it is told to', async () => {
    const ends = await proxied({ refuse: true })
    const wire = connect(ends.proxy.url)
    onTestFinished(() => wire.close())
    expect(await failureOf(wire.client(Lab).echo({ text: 'a' }))).toMatchObject({ code: 'unavailable' })
    expect(ends.accepted).toEqual([])
  })

  it('cuts one connection, or all of them', async () => {
    const ends = await proxied()
    const [first, second, third] = [await pair(ends), await pair(ends), await pair(ends)]
    ends.proxy.connections[1]?.cut()
    await until(() => second.client.failure === 'ECONNRESET' && second.server.failure === 'ECONNRESET')
    expect(ends.proxy.connections.map(({ index }) => index)).toEqual([0, 2])
    ends.proxy.cut()
    await until(() => first.client.socket.closed && third.server.socket.closed)
    expect(ends.proxy.connections).toEqual([])
  })

  it('gives each connection the faults that are drawn for it', async () => {
    const ends = await proxied({}, { faults: (connection) => (connection === 1 ? { latencyMs: 10 } : {}) })
    const [quick, slow] = [await pair(ends), await pair(ends)]
    quick.client.socket.write('a')
    slow.client.socket.write('a')
    await until(() => quick.server.length === 1)
    await until(() => ends.clock.timers === 1)
    expect(slow.server.length).toBe(0)
    ends.clock.advance(10)
    await until(() => slow.server.length === 1)
  })

  it('takes nobody any more when it is closed, and closing twice is closing once', async () => {
    const ends = await proxied({ stall: true, resetMs: 10 })
    const { client } = await pair(ends)
    await Promise.all([ends.proxy.close(), ends.proxy.close()])
    await until(() => client.socket.closed)
    const { hostname, port } = new URL(ends.proxy.url)
    const late = connectSocket({ host: hostname, port: Number(port) })
    const [error] = await once(late, 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('says why it cannot listen', async () => {
    const { proxy } = await proxied()
    const failure = await failureOf(faultyProxy({ target: 'tcp://127.0.0.1:1', listen: proxy.url }))
    expect(failure).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(failure.message).toContain(`cannot listen at ${proxy.url}`)
  })
})
