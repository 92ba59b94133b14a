/**
 * Handshakes that do not work, seen from both ends (spec/places.md): peers that are refused, peers that are no use, and those
 * that mean harm. What users meet is in test/rpc/tls.test.ts.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type ConnectionOptions, createServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { defaultLimits, resolveLimits } from '../../src/limits.ts'
import { Session } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { dialTcp, listenTcp, type SocketLink, tlsDialer } from '../../src/transport/index.ts'
import { kinds } from '../../src/wire/index.ts'
import { RecordedEffects } from '../support/calls.ts'
import { askingTls, pem, serverTls, showing, trusting } from '../support/certificates.ts'
import { errorIn, helloBytes } from '../support/tapped.ts'
import { anywhere, dialled, listening, portOf, RawSocket, rawServer, until } from './sockets.ts'
import { called, clientHello, dialError, echo, foreign, isOver, rules, words } from './tls-peers.ts'

describe('a client refuses a server', () => {
  it.each([
    [
      'of another authority',
      'stranger-server',
      /is of an authority that is not trusted here: name its authority in tls\.ca/,
    ],
    ['whose certificate has expired', 'expired-server', /^the certificate of 127.* has expired \(CERT_HAS_EXPIRED\)$/],
    [
      'of another name',
      'elsewhere',
      /is not for 127\.0\.0\.1 but for DNS:elsewhere\.test: tls\.serverName may say which is meant \(ERR_TLS/,
    ],
  ] as const)('%s, in words, and its server notes it', async (_, name, message) => {
    const { port, served } = await listening({}, echo, { tls: serverTls(name) })
    const error = await dialError(port, trusting())
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toContain(`127.0.0.1:${port}`)
    expect(error.message).toMatch(message)
    await until(() => served.length === 1 && served.every(isOver))
    // Its own handshake may have been over by then, and the client went without a word.
    expect(['not_nanowire', undefined]).toContain(rules(served)[0])
  })

  it('that is only the client of somebody', async () => {
    const { port } = await listening({}, echo, { tls: { cert: pem('client'), key: pem('client.key') } })
    expect((await dialError(port, trusting({ serverName: 'orders.test' }))).message).toContain(
      'is not meant for this use',
    )
  })

  it('that is known to nobody but itself, by default', async () => {
    const { port } = await listening({}, echo, { tls: serverTls() })
    expect((await dialError(port, {})).message).toContain('name its authority in tls.ca')
  })

  it('but not one whose name was told', async () => {
    const { port } = await listening({}, echo, { tls: serverTls('elsewhere') })
    expect((await called(await dialled(port, {}, trusting({ serverName: 'elsewhere.test' })))).fate).toBe('replied')
    const error = await dialError(port, trusting({ serverName: 'other.test' }))
    expect(error.message).toContain('is not for other.test but for DNS:elsewhere.test')
    const byAddress = await dialError(port, trusting({ serverName: '10.0.0.7' }))
    expect(byAddress.message).toContain('is not for 10.0.0.7 but for DNS:elsewhere.test')
  })

  it('that has no TLS', async () => {
    const { port, served } = await listening({}, echo)
    const error = await dialError(port, trusting())
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toBe(
      `what 127.0.0.1:${port} says is no TLS: has it the option tls? (ERR_SSL_WRONG_VERSION_NUMBER)`,
    )
    await until(() => served.every(isOver))
    expect(served[0]?.effects.violations).toEqual([
      {
        rule: 'not_nanowire',
        message:
          'the peer speaks TLS and this side does not: give both serve and connect the option tls, or neither of them',
      },
    ])
  })

  it.each([
    ['closes at once', (socket: Socket) => void socket.end(), /closed the connection during the TLS handshake/],
    ['resets at once', (socket: Socket) => void socket.resetAndDestroy(), /cut the connection|closed the connection/],
    ['talks nonsense', (socket: Socket) => void socket.end('220 mail.example ESMTP\r\n'), /is no TLS/],
    [
      'answers with an alert',
      (socket: Socket) => void socket.end(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x28)),
      /have no cipher or signature in common/,
    ],
    [
      'speaks another protocol',
      (socket: Socket) => void socket.end(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x78)),
      /\(ALPN\)/,
    ],
    ['is too old', (socket: Socket) => void socket.end(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x46)), /no version of TLS/],
  ])('that %s', async (_, answer, message) => {
    const { port } = await rawServer((socket) => socket.once('data', () => answer(socket)))
    const error = await dialError(port, trusting())
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toMatch(message)
  })

  it('that never finishes the handshake, after handshakeTimeoutMs', async () => {
    let said = 0
    const { port } = await rawServer((socket) =>
      socket.on('data', (chunk) => {
        said += chunk.length
      }),
    )
    const clock = new VirtualClock()
    const dialling = dialTcp({ host: '127.0.0.1', port }, { clock, limits: defaultLimits }, tlsDialer(trusting())).then(
      () => 'it worked',
      (error: Error) => error,
    )
    await until(() => said > 0)
    clock.advance(5_000)
    expect(await dialling).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(String(await dialling)).toMatch(/no TLS handshake by 127\.0\.0\.1:\d+: handshakeTimeoutMs is 5000/)
    expect(clock.timers).toBe(0)
  })

  it('that asks for a certificate by an alert, after the handshake of TLS 1.3', async () => {
    const own = { cert: pem('server'), key: pem('server.key') }
    const server = createServer({ ...own, requestCert: true, rejectUnauthorized: true, ca: pem('authority') })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const client = await dialled(typeof address === 'object' && address ? address.port : 0, {}, trusting())
    const call = await called(client)
    expect(call.outcomes).toHaveLength(1)
    expect(call.message).toContain('asks for a certificate: give tls.cert and tls.key')
  })
})

describe('P39: a server refuses a client', () => {
  it.each([
    [
      'without a certificate',
      trusting(),
      /^this server asks for a client certificate: connect\(url, \{ tls: \{ cert, key \} \}\)$/,
    ],
    [
      'of another authority',
      showing('stranger-client'),
      /^the client certificate is of an authority that is not trusted here/,
    ],
    ['whose certificate has expired', showing('expired-client'), /^the client certificate has expired/],
    [
      'whose certificate is for servers',
      trusting({ cert: pem('server'), key: pem('server.key') }),
      /^the client certificate is not meant for this use/,
    ],
  ])('%s, and tells it so', async (_, tls, message) => {
    for (const minVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { port, served } = await listening({}, echo, { tls: { ...askingTls(), minVersion } })
      const client = await dialled(port, {}, tls)
      const call = await called(client)
      expect(call.fate).toBe('lost unauthenticated no')
      await until(() => isOver(client) && served.every(isOver))
      expect(served[0]?.effects.requests).toEqual([])
      expect(rules(served)).toEqual(['auth'])
      expect(words(served)[0]).toMatch(message)
      expect(call.message).toContain(words(served)[0])
    }
  })

  it('with TLS 1.2 likewise, where the handshake ends with the server', async () => {
    const { port, served } = await listening({}, echo, { tls: askingTls() })
    const { socket } = foreign(port, { maxVersion: 'TLSv1.2' })
    const raw = new RawSocket(socket)
    await once(socket, 'secureConnect')
    socket.write(helloBytes())
    await until(() => raw.isClosed)
    expect(raw.frames.map((frame) => errorIn(frame))).toMatchObject([{ code: 'unauthenticated', rule: 'auth' }])
    expect(served[0]?.effects).toMatchObject({ hellos: [], requests: [] })
  })

  it.each([['TLSv1.2'], ['TLSv1.3']] as const)(
    'again, however it resumes what it was refused before (%s)',
    async (version) => {
      const { port, served } = await listening({}, echo, { tls: askingTls() })
      const sessions: Buffer[] = []
      let session: Buffer | undefined
      for (let count = 1; count <= 2; count++) {
        const { socket } = foreign(port, { minVersion: version, maxVersion: version, session })
        const raw = new RawSocket(socket)
        socket.on('session', (one) => sessions.push(one))
        await once(socket, 'secureConnect')
        expect(socket.isSessionReused()).toBe(false)
        session = socket.getSession()
        socket.write(helloBytes())
        await until(() => raw.isClosed && served.length === count && served.every(isOver))
        session = sessions.at(-1) ?? session
        expect(raw.frames.map((frame) => errorIn(frame))).toMatchObject([{ code: 'unauthenticated', rule: 'auth' }])
      }
      expect(session).toBeInstanceOf(Buffer)
      expect(served.flatMap(({ effects }) => effects.hellos)).toEqual([])
    },
  )

  it('without TLS, and tells it so in the clear', async () => {
    const { port, served } = await listening({}, echo, { tls: serverTls() })
    const client = await dialled(port)
    const call = await called(client)
    expect(call.fate).toBe('lost unavailable no')
    expect(call.message).toContain('this server takes TLS only: connect(url, { tls })')
    await until(() => served.every(isOver))
    expect(rules(served)).toEqual(['not_nanowire'])
    expect(served[0]?.link.tls).toBeUndefined()
  })

  it.each([
    ['speaks HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['says one byte', 'x'],
    ['begins as Nanowire does', helloBytes()],
  ])('that %s', async (_, bytes) => {
    const { port, served } = await listening({}, echo, { tls: serverTls() })
    const raw = await RawSocket.connect(port)
    raw.socket.write(bytes)
    await until(() => raw.isClosed && served.every(isOver))
    expect(raw.frames.map((frame) => [frame.kind, errorIn(frame).rule])).toEqual([[kinds.ERROR, 'not_nanowire']])
    expect(rules(served)).toEqual(['not_nanowire'])
  })

  it.each([
    [
      'offers other protocols only (ALPN)',
      { ALPNProtocols: ['h2', 'http/1.1'] },
      /wants another protocol than nanowire\/1/,
    ],
    [
      'is too old',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      /no version of TLS in common/,
    ],
    [
      'knows no cipher of ours',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      /no cipher in common/,
    ],
  ] as const)('that %s', async (_, options, message) => {
    const { port, served } = await listening({}, echo, { tls: serverTls() })
    const { events } = foreign(port, { ...options } as ConnectionOptions) // some are read-only above
    await until(() => events.includes('close') && served.length === 1 && served.every(isOver))
    expect(events).not.toContain('secureConnect')
    expect(rules(served)).toEqual(['not_nanowire'])
    expect(words(served)[0]).toMatch(/^the TLS handshake failed: /)
    expect(words(served)[0]).toMatch(message)
  })

  it('whose version is below the one that it asks for', async () => {
    const { port, served } = await listening({}, echo, { tls: serverTls('server', { minVersion: 'TLSv1.3' }) })
    const { events } = foreign(port, { maxVersion: 'TLSv1.2' })
    await until(() => events.includes('close') && served.every(isOver))
    expect(events).not.toContain('secureConnect')
    expect(words(served)[0]).toContain('no version of TLS in common')
  })
})

describe('a handshake that comes to nothing', () => {
  const shaking = Uint8Array.of(0x16, 3, 1, 0, 200, 1)

  it.each([
    [
      'nonsense in a record',
      (raw: RawSocket) => raw.socket.write(Uint8Array.of(0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5)),
      true,
    ],
    ['nonsense', (raw: RawSocket) => raw.socket.write(new Uint8Array(70_000).fill(0x16)), true],
    ['the end of it', (raw: RawSocket) => raw.socket.end(shaking), true],
    ['no word at all', (raw: RawSocket) => raw.socket.end(), false],
    ['a reset before it', (raw: RawSocket) => raw.vanish(), false],
  ])('by %s leaves nothing', async (_, act, isNoted) => {
    const { port, served, listener } = await listening({}, echo, { tls: serverTls() })
    const raw = await RawSocket.connect(port)
    await until(() => served.length === 1)
    act(raw)
    await until(() => raw.isClosed && served.every(isOver))
    expect(rules(served)).toEqual(isNoted ? ['not_nanowire'] : [])
    await listener.close() // which waits for every socket
  })

  it('by a reset at any byte leaves nothing', async () => {
    const bytes = await clientHello()
    const { port, served, listener } = await listening({}, echo, { tls: serverTls() })
    const cuts = [1, 2, 5, 6, 40, bytes.length - 1, bytes.length]
    for (const [index, length] of cuts.entries()) {
      const raw = await RawSocket.connect(port)
      raw.socket.write(bytes.subarray(0, length))
      await until(() => served.length === index + 1)
      raw.vanish()
      await until(() => raw.isClosed && served.every(isOver))
    }
    expect(served.flatMap(({ effects }) => effects.closings)).toHaveLength(cuts.length)
    await listener.close()
  })

  it('by standing still ends after handshakeTimeoutMs, from the first moment of the connection', async () => {
    for (const bytes of [new Uint8Array(0), shaking, (await clientHello()).subarray(0, 100)]) {
      const clock = new VirtualClock()
      const limits = resolveLimits({ handshakeTimeoutMs: 300, lingerMs: 50 })
      const links: SocketLink[] = []
      const effects = new RecordedEffects()
      const listener = await listenTcp(anywhere, { clock, limits, tls: serverTls() }, (link) => {
        links.push(link)
        link.attach(new Session({ role: 'server', link, clock, limits, effects, incarnation: new Uint8Array(16) }))
      })
      const raw = await RawSocket.connect(portOf(listener.url))
      raw.socket.write(bytes)
      await until(() => links.length === 1)
      clock.advance(299)
      expect(effects.limits).toEqual([])
      clock.advance(1)
      expect(effects.limits).toMatchObject([{ name: 'handshakeTimeoutMs' }])
      clock.advance(50)
      await until(() => raw.isClosed && effects.closings.length === 1)
      expect(raw.bytes).toHaveLength(0)
      await listener.close()
      expect(clock.timers).toBe(0)
    }
  })

  it('hurts no neighbour', async () => {
    const { port } = await listening({}, echo, { tls: serverTls() })
    const client = await dialled(port, {}, trusting())
    for (let count = 0; count < 20; count++) {
      const raw = await RawSocket.connect(port)
      raw.socket.write(count % 2 === 0 ? shaking : Uint8Array.of(0x16, 1, 2, 3, 4, 5, 6, 7, 8))
      if (count % 3 === 0) raw.vanish()
      expect((await called(client)).fate).toBe('replied')
    }
  })
})

it('a client that wants to renegotiate is refused (TLS 1.2), and others are not hurt', async () => {
  const { port } = await listening({}, echo, { tls: serverTls() })
  const { socket, events } = foreign(port, { maxVersion: 'TLSv1.2' })
  await once(socket, 'secureConnect')
  socket.renegotiate({}, () => {})
  await until(() => events.some((event) => event.startsWith('error')))
  expect(events).toContain('error ERR_SSL_NO_RENEGOTIATION')
  expect((await called(await dialled(port, {}, trusting()))).fate).toBe('replied')
})

it('the words of a server that turns a client away before the handshake wait for it', async () => {
  const { port, served } = await listening(
    {},
    ({ session }) => session.turnAway('maxConnections', 'too many connections'),
    { tls: serverTls() },
  )
  const raw = await RawSocket.secured(port)
  await until(() => raw.isClosed && served.every(isOver))
  expect(raw.frames.map((frame) => errorIn(frame))).toMatchObject([{ code: 'resource_exhausted', rule: 'limit' }])
})
