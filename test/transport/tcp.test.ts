/** TCP over loopback (spec/architecture.md): how it begins, carries and ends. */
import { createServer as createHttpServer, get } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { NanowireError } from '../../src/errors.ts'
import { defaultLimits } from '../../src/limits.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { dialTcp, listenTcp } from '../../src/transport/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { anywhere, context, dialled, listening, RawSocket, rawServer, type Served, until } from './sockets.ts'

const echo = ({ session, effects }: Served) => {
  effects.onRequest = ({ call, body }) => session.respond(call, undefined, body)
}

async function called(served: Served, body: Uint8Array): Promise<RecordedCall> {
  const call = new RecordedCall({ body })
  served.session.start(call)
  await until(() => call.outcomes.length > 0)
  return call
}

async function errorOf(promise: Promise<unknown>): Promise<NanowireError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof NanowireError) return error
  throw new Error(`expected a NanowireError, not ${String(error)}`)
}

describe('a connection', () => {
  it('says who its peer is', async () => {
    const { port, served } = await listening()
    const client = await dialled(port)
    expect(client.link.peer).toBe(`127.0.0.1:${port}`)
    await until(() => served.length === 1)
    expect(served[0]?.link.peer).toMatch(/^127\.0\.0\.1:\d+$/)
    expect([client.link.tls, served[0]?.link.tls]).toEqual([undefined, undefined])
  })

  it('does not wait to collect bytes, at either end', async () => {
    const noDelay = vi.spyOn(Socket.prototype, 'setNoDelay')
    try {
      const { port, served } = await listening()
      await dialled(port)
      await until(() => served.length === 1)
      const told = noDelay.mock.calls.filter(([on]) => on === true).map((_, index) => noDelay.mock.contexts[index])
      expect(new Set(told).size).toBe(2)
    } finally {
      noDelay.mockRestore()
    }
  })

  it('keeps the process alive only as its session says', async () => {
    const { port } = await listening({}, echo)
    const calls: string[] = []
    const spies = (['ref', 'unref'] as const).map((name) =>
      vi.spyOn(Socket.prototype, name).mockImplementation(function (this: Socket) {
        calls.push(name)
        return this
      }),
    )
    try {
      const client = await dialled(port)
      await until(() => client.session.state === 'open')
      expect(calls.at(-1)).toBe('unref')
      await called(client, new Uint8Array(1))
      expect(calls.slice(-2)).toEqual(['ref', 'unref'])
      client.session.drain(10, '')
      expect(calls.at(-1)).toBe('ref')
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  })
})

describe('dialling', () => {
  it('where nothing listens says so, in words', async () => {
    const { listener, port } = await listening()
    await listener.close()
    const error = await errorOf(dialTcp({ host: '127.0.0.1', port }, context))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toBe(
      `nothing listens at 127.0.0.1:${port}: is the server running, and is the port right? (ECONNREFUSED)`,
    )
  })

  it('without an answer ends after handshakeTimeoutMs, and names the limit', async () => {
    const { port } = await rawServer(() => {})
    const clock = new VirtualClock()
    const error = errorOf(dialTcp({ host: '127.0.0.1', port }, { clock, limits: defaultLimits }))
    clock.advance(5_000)
    expect(await error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect((await error).message).toMatch(
      new RegExp(`127\\.0\\.0\\.1:${port}.*handshakeTimeoutMs is 5000 .*option limits\\.handshakeTimeoutMs`),
    )
    expect(clock.timers).toBe(0)
  })

  it('leaves no timer behind, whether it works or not', async () => {
    const { port, listener } = await listening()
    const clock = new VirtualClock()
    const link = await dialTcp({ host: '127.0.0.1', port }, { clock, limits: defaultLimits })
    expect(clock.timers).toBe(0)
    link.destroy()
    await listener.close()
    await errorOf(dialTcp({ host: '127.0.0.1', port }, { clock, limits: defaultLimits }))
    expect(clock.timers).toBe(0)
  })

  it('what is no Nanowire says what was met', async () => {
    const http = createHttpServer()
    http.listen(0, '127.0.0.1')
    await until(() => http.listening)
    const address = http.address()
    const client = await dialled(typeof address === 'object' && address ? address.port : 0)
    const call = new RecordedCall()
    client.session.start(call)
    await until(() => client.session.state === 'closed')
    expect(call.fate).toBe('lost unavailable no')
    expect(call.message).toMatch(/does not speak Nanowire: it began with "HTTP\/1\.1 400 Bad Request/)
    http.close()
  })
})

describe('a listener', () => {
  it('says the port that it really has', async () => {
    const listener = await listenTcp(anywhere, context, () => {})
    expect(listener.url).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
    await listener.close()
  })

  it('at a port in use is refused, in words', async () => {
    const { port } = await listening()
    const error = await errorOf(listenTcp({ host: '127.0.0.1', port }, context, () => {}))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toBe(
      `127.0.0.1:${port} is in use: stop what listens there, or take another port (0 for any) (EADDRINUSE)`,
    )
  })

  it('at an address of another machine is refused, in words', async () => {
    const error = await errorOf(listenTcp({ host: '192.0.2.1', port: 0 }, context, () => {}))
    expect(error.message).toBe('192.0.2.1:0 is no address of this machine (EADDRNOTAVAIL)')
  })

  it('that is closed lets open connections be, and takes no new ones', async () => {
    const { listener, port, served } = await listening({}, echo)
    const client = await dialled(port)
    await until(() => served.length === 1)
    const closed = listener.close()
    expect((await called(client, new Uint8Array(9))).fate).toBe('replied')
    expect((await errorOf(dialTcp({ host: '127.0.0.1', port }, context))).message).toContain('ECONNREFUSED')
    client.session.end()
    await closed
  })
})

describe('a socket with foreign first bytes', () => {
  it('can be taken over, listeners and all: HTTP at the same port', async () => {
    const http = createHttpServer((request, response) => response.end(`hello from ${request.url}`))
    const seen: string[] = []
    const { port, served } = await listening({}, echo, {
      firstBytes: (bytes, socket) => {
        seen.push(Buffer.from(bytes.subarray(0, 3)).toString('latin1'))
        if ((bytes[0] ?? 0) <= 1) return false
        http.emit('connection', socket)
        socket.unshift(bytes)
        return true
      },
    })
    for (const path of ['/one', '/two']) {
      const body = await new Promise<string>((resolve, reject) => {
        get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (part) => {
            text += part
          })
          response.on('end', () => resolve(text))
        }).on('error', reject)
      })
      expect(body).toBe(`hello from ${path}`)
    }
    const client = await dialled(port)
    expect((await called(client, new Uint8Array(9))).fate).toBe('replied')
    expect(seen).toEqual(['GET', 'GET', expect.stringMatching(/^\0/)])
    expect(served.slice(0, 2).map(({ session }) => session.state)).toEqual(['closed', 'closed'])
    expect(served.slice(0, 2).flatMap(({ effects }) => effects.violations)).toEqual([])
  })

  it('goes on with whoever took it, beyond the first bytes', async () => {
    const { port } = await listening({}, () => {}, {
      firstBytes: (bytes, socket) => {
        socket.write(`first ${Buffer.from(bytes)}.`)
        socket.on('data', (more) => socket.end(`then ${more}.`))
        return true
      },
    })
    const raw = await RawSocket.connect(port)
    raw.socket.write('GET')
    await until(() => Buffer.from(raw.bytes).toString() === 'first GET.')
    raw.socket.write('more')
    await until(() => raw.isClosed)
    expect(Buffer.from(raw.bytes).toString()).toBe('first GET.then more.')
  })
})
