/** A client before a server that is none, is another one, or answers badly: a typed error that says what was met. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Connection, type ConnectOptions, connect } from '../../src/index.ts'
import { kinds, pack, packError, type WireError } from '../../src/wire/index.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { fakeServer, frame, hello, moreFlag, type RawPeer } from '../support/raw-peer.ts'
import { failureOf, Lab } from './lab.ts'

/** Connects to what stands where a server should. */
async function dial(
  connected: (peer: RawPeer) => void,
  options: ConnectOptions = {},
): Promise<Connection & { url: string }> {
  const url = await fakeServer(connected)
  const wire = connect(url, options)
  onTestFinished(() => wire.close({ drainMs: 0 }))
  return Object.assign(wire, { url })
}

const call = (wire: Connection) => failureOf(wire.client(Lab).echo({ text: 'x' }))

/** A server that says hello and does what it is told with each request. */
const greeting = (answer: (peer: RawPeer, id: number) => void) => (peer: RawPeer) => {
  peer.onFrame = ({ kind, id }) => {
    if (kind === kinds.REQUEST) answer(peer, id)
  }
  peer.send(hello())
}

const reply = (id: number, value: unknown) => frame(kinds.RESPONSE, id, pack(value))
const error = (id: number, said: WireError) => frame(kinds.ERROR, id, packError(said))

describe('a server that is none', () => {
  it.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['SMTP', '220 mail.example.com ESMTP\r\n'],
    ['one wrong byte', 'X'],
    ['zeros', '\0'.repeat(64)],
  ])('but speaks %s', async (_, words) => {
    const wire = await dial((peer) => peer.send(Buffer.from(words, 'latin1')))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(met.message).toContain('the peer does not speak Nanowire')
    expect(met.message).toContain(new URL(wire.url).host)
    expect(await failureOf(wire.ready())).toMatchObject({ code: 'unavailable', processed: 'no' })
  })

  it.each([
    ['an alert', [0x15, 3, 1, 0, 2, 2, 0x46]],
    ['a handshake', [0x16, 3, 3, 0, 4, 2, 0, 0, 0]],
    ['the first byte of one', [0x16]],
  ])('but speaks TLS: says so at %s, and what to do', async (_, bytes) => {
    const wire = await dial((peer) => peer.send(Uint8Array.from(bytes)))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(met.message).toContain(
      'the peer speaks TLS and this side does not: give both serve and connect the option tls',
    )
    expect(met.message).toContain(new URL(wire.url).host)
  })

  it('shows how it began, in printable letters', async () => {
    const wire = await dial((peer) => peer.send(Buffer.from('HTTP/1.1 400 Bad\r\nX: y')))
    expect((await call(wire)).message).toContain('it began with "HTTP/1.1 400 Bad..X: y"')
  })

  it('but sends us our own bytes back', async () => {
    const wire = await dial((peer) => peer.socket.pipe(peer.socket))
    expect(await call(wire)).toMatchObject({ code: 'internal', name: 'NanowireError' })
  })

  it('but speaks another version', async () => {
    const wire = await dial((peer) => peer.send(hello({}, 9)))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'failed_precondition', processed: 'no' })
    expect(met.message).toContain('the peer speaks version 9 of the protocol, this side version 1')
  })

  it('but is silent: the handshake has its time', async () => {
    const clock = new HandClock()
    let connected = false
    const wire = await dial(() => (connected = true), { clock, limits: { handshakeTimeoutMs: 700 } })
    const ready = failureOf(wire.ready())
    const met = call(wire)
    await until(() => connected && wire.stats().connections === 1)
    clock.advance(701)
    expect(await met).toMatchObject({ code: 'unavailable', processed: 'maybe' })
    expect((await met).message).toMatch(
      /the peer sent no HELLO in time: handshakeTimeoutMs is 700 \(peer 127\.0\.0\.1:\d+; option limits\.handshakeTimeoutMs\)/,
    )
    expect(await ready).toMatchObject({ code: 'unavailable' })
    expect(wire.stats().refused).toEqual({ handshakeTimeoutMs: 1 })
    clock.advance(1_000)
  })

  it('but stops in the middle of its HELLO', async () => {
    const clock = new HandClock()
    let sent = false
    const half = (peer: RawPeer) => {
      peer.send(hello().subarray(0, 20))
      sent = true
    }
    const wire = await dial(half, { clock })
    const met = call(wire)
    await until(() => sent && wire.stats().bytesReceived === 20)
    clock.advance(5_001)
    expect(await met).toMatchObject({ code: 'unavailable' })
    clock.advance(1_000)
  })

  it.each([
    ['closes at once', (peer: RawPeer) => peer.socket.end()],
    ['resets at once', (peer: RawPeer) => peer.socket.resetAndDestroy()],
    ['closes after half a HELLO', (peer: RawPeer) => peer.socket.end(hello().subarray(0, 12))],
  ])('but %s', async (_, act) => {
    const wire = await dial(act)
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'unavailable', name: 'NanowireError' })
    expect(met.message).toMatch(/127\.0\.0\.1:\d+/)
    await expect(wire.ready()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('but has no room', async () => {
    const said = { code: 'resource_exhausted', message: 'too many connections', rule: 'limit', lastId: 0 }
    const wire = await dial((peer) => peer.socket.end(error(0, said)))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(met.message).toContain('too many connections')
  })
})

describe('a server that answers badly', () => {
  it('with a reply that does not fit: only that call fails, and says where', async () => {
    let answers = 0
    const wire = await dial(
      greeting((peer, id) => peer.send(reply(id, answers++ === 0 ? { text: 7, secret: 'payload' } : { text: 'fine' }))),
    )
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'internal', processed: 'yes' })
    expect(met.message).toBe('the reply of lab/echo does not fit: /text must be string')
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'fine' })
    expect(wire.stats().connections).toBe(1)
  })

  it('with what is no MessagePack', async () => {
    const wire = await dial(greeting((peer, id) => peer.send(frame(kinds.RESPONSE, id, Uint8Array.of(0xc1)))))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'internal', processed: 'yes' })
    expect(met.message).toContain('reserved_byte')
    expect(wire.stats().connections).toBe(1)
  })

  it('with a declared error whose data do not fit', async () => {
    const said = { code: 'Banned', message: 'x', data: { until: 7 }, processed: 'yes' } as const
    const wire = await dial(greeting((peer, id) => peer.send(error(id, said))))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'internal', processed: 'yes', data: undefined })
    expect(met.message).toContain('/until must be string')
  })

  it('with an error that nobody declared', async () => {
    const said = { code: 'Newer', message: 'x', data: 'secret', processed: 'no', id: 'abc' } as const
    const wire = await dial(greeting((peer, id) => peer.send(error(id, said))))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'unknown', processed: 'no', data: undefined, id: 'abc' })
    expect(met.message).toContain('"Newer"')
    expect(wire.stats().calls).toEqual({ 'lab/echo': { unknown: 1 } })
  })

  it('with an error that does not say whether it ran', async () => {
    const wire = await dial(greeting((peer, id) => peer.send(error(id, { code: 'aborted', message: 'x' }))))
    expect(await call(wire)).toMatchObject({ code: 'aborted', processed: 'maybe', message: 'x' })
  })

  it('with undeclared properties: they do not arrive', async () => {
    const wire = await dial(greeting((peer, id) => peer.send(reply(id, { text: 'x', hash: 'secret' }))))
    expect(await wire.client(Lab).echo({ text: 'x' })).toStrictEqual({ text: 'x' })
  })

  it('twice, and to calls that nobody made: counted, and otherwise nothing', async () => {
    const wire = await dial(
      greeting((peer, id) =>
        peer.send(reply(id, { text: 'x' }), reply(id, { text: 'y' }), reply(id + 500, { text: 'z' })),
      ),
    )
    for (let n = 0; n < 3; n++) expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'x' })
    await until(() => wire.stats().unknownIds === 6)
    expect(wire.stats().calls).toEqual({ 'lab/echo': { ok: 3 } })
  })

  it('too late: counted, and otherwise nothing', async () => {
    let answer = () => {}
    const wire = await dial(
      greeting((peer, id) => {
        answer = () => peer.send(reply(id, { text: 'late' }))
      }),
    )
    const controller = new AbortController()
    const cancelled = failureOf(wire.client(Lab).echo({ text: 'x' }, { signal: controller.signal }))
    const before = answer
    await until(() => answer !== before)
    controller.abort()
    expect(await cancelled).toMatchObject({ code: 'cancelled', processed: 'maybe' })
    expect(wire.stats().inFlight).toBe(1)
    answer()
    await until(() => wire.stats().lateReplies === 1)
    expect(wire.stats().inFlight).toBe(0)
  })

  it('with a reply that is too large: only that call fails', async () => {
    const wire = await dial(
      greeting((peer, id) => {
        const part = new Uint8Array(60_000)
        peer.send(frame(kinds.RESPONSE, id, part, moreFlag), frame(kinds.RESPONSE, id, part, 0))
        peer.send(frame(kinds.PING, 0, new Uint8Array(8)))
      }),
      { limits: { maxMessageBytes: 100_000 } },
    )
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'resource_exhausted', processed: 'yes' })
    expect(met.message).toContain('maxMessageBytes is 100000')
    expect(wire.stats()).toMatchObject({ connections: 1, refused: { maxMessageBytes: 1 } })
  })

  it.each([
    ['a request', (id: number) => frame(kinds.REQUEST, id, new Uint8Array(8)), 'a client does not take'],
    ['a second HELLO', () => hello(), 'a second HELLO'],
    ['an unknown kind', () => frame(99, 0), 'frame kind 99 is not known'],
    ['a frame too large', () => Uint8Array.of(255, 255, 255, 4, 0, 0, 0, 0, 1), 'maxFrameBytes is 65536'],
    ['an error without a code', (id: number) => frame(kinds.ERROR, id, pack({ message: 'x' })), 'without code'],
  ])('by breaking the protocol with %s: calls end, and say by what', async (_, bytes, words) => {
    const wire = await dial(greeting((peer, id) => peer.send(bytes(id))))
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'internal', processed: 'maybe' })
    expect(met.message).toContain(words)
  })

  it('and is told which rule it broke', async () => {
    let server: RawPeer | undefined
    const wire = await dial((peer) => {
      server = peer
      peer.send(hello(), frame(99, 0))
    })
    await call(wire)
    expect(await server?.lastWords()).toMatchObject({ code: 'internal', rule: 'frame_kind' })
  })
})

describe('a connection that is cut', () => {
  it('ends the calls in flight as maybe, and the next call connects again', async () => {
    let connections = 0
    const wire = await dial((peer) => {
      connections++
      if (connections === 1) greeting((one) => one.socket.destroy())(peer)
      else greeting((one, id) => one.send(reply(id, { text: 'again' })))(peer)
    })
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'unavailable', processed: 'maybe' })
    expect(met.message).toMatch(/^the connection to 127\.0\.0\.1:\d+ was cut|127\.0\.0\.1:\d+ cut the connection/)
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'again' })
    expect(connections).toBe(2)
  })

  it('ends every call once, among many', async () => {
    let requests = 0
    const wire = await dial(
      greeting((peer, id) => {
        if (++requests <= 50) peer.send(reply(id, { text: 'x' }))
        if (requests === 100) peer.socket.destroy()
      }),
    )
    await wire.ready()
    const calls = Array.from({ length: 120 }, () => wire.client(Lab).echo({ text: 'x' }))
    const ended = await Promise.allSettled(calls)
    expect(ended).toHaveLength(120)
    for (const one of ended) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'unavailable', processed: 'maybe' })
    }
    await nextTurn()
    expect(wire.stats()).toMatchObject({ inFlight: 0, waiting: 0, connections: 0 })
  })

  it('says what server went away, when it says so before', async () => {
    const goaway = frame(kinds.GOAWAY, 0, Buffer.from([0, 0, 0, 0, ...Buffer.from('bye')]), 1)
    let connections = 0
    const wire = await dial((peer) => {
      if (++connections === 1) greeting((one) => one.send(goaway))(peer)
      else greeting((one, id) => one.send(reply(id, { text: 'other' })))(peer)
    })
    const met = await call(wire)
    expect(met).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(met.message).toContain('is going away and did not take this call')
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'other' })
  })
})
