/** Services over TLS: who calls by certificate, and what a person reads when the two ends do not fit (spec/places.md). */
import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type AuthenticateRequest,
  type ClientTls,
  type ConnectOptions,
  connect,
  router,
  type ServeOptions,
  serve,
} from '../../src/index.ts'
import { askingTls, pem, serverTls, showing, trusting } from '../support/certificates.ts'
import { until } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { failureOf, Lab, lab } from './lab.ts'

const services = lab({
  echo({ text }, ctx) {
    if (text === 'who') return { text: String(ctx.principal) }
    if (text === 'banned') throw ctx.error('Banned', { until: 'ever' })
    return { text }
  },
})

async function serving(options: ServeOptions = { tls: serverTls() }, at = 'tcp://127.0.0.1:0') {
  const log = new RecordingLog()
  const server = await serve(router([services], { log }), at, options)
  onTestFinished(() => server.close({ drainMs: 0 }))
  return { server, log, url: server.url }
}

function connected(url: string, options: ConnectOptions = {}) {
  const wire = connect(url, options)
  onTestFinished(() => wire.close({ drainMs: 0 }))
  return { wire, lab: wire.client(Lab) }
}

describe('a service over TLS', () => {
  it.each([['127.0.0.1'], ['localhost']])('is called at %s as over TCP', async (host) => {
    const { url, server, log } = await serving()
    const { wire, lab: calls } = connected(url.replace('127.0.0.1', host), { tls: trusting() })
    expect(await calls.echo({ text: 'x' })).toEqual({ text: 'x' })
    const large = 'y'.repeat(1_000_000)
    expect(await calls.echo({ text: large })).toEqual({ text: large })
    expect(await failureOf(calls.echo({ text: 'banned' }))).toMatchObject({ code: 'Banned', data: { until: 'ever' } })
    await wire.close()
    await until(() => server.stats().connections === 0)
    expect(log.lines.filter(({ level }) => level !== 'debug')).toEqual([])
  })

  it('is encrypted: nothing of a call can be read on the way', async () => {
    const { url } = await serving()
    const secret = 'correct horse battery staple'
    const heard: Buffer[] = []
    const middle = createServer((socket) => {
      const further = dial({ host: '127.0.0.1', port: Number(new URL(url).port) })
      for (const [from, to] of [[socket, further] as const, [further, socket] as const]) {
        from.on('error', () => {}).on('data', (chunk: Buffer) => heard.push(chunk))
        from.pipe(to)
      }
    })
    middle.listen(0, '127.0.0.1')
    await once(middle, 'listening')
    onTestFinished(() => void middle.close())
    const { port } = middle.address() as AddressInfo // it listens at a port
    const { lab: calls } = connected(`tcp://127.0.0.1:${port}`, { tls: trusting() })
    expect(await calls.echo({ text: secret })).toEqual({ text: secret })
    expect(Buffer.concat(heard).length).toBeGreaterThan(100)
    expect(Buffer.concat(heard).includes(secret)).toBe(false)
    expect(Buffer.concat(heard).includes('NWIR')).toBe(false)
  })

  it('is reached again by the next call after its server has come back', async () => {
    const first = await serving()
    const { wire, lab: calls } = connected(first.url, { tls: trusting() })
    await calls.echo({ text: 'x' })
    await first.server.close()
    await until(() => wire.stats().connections === 0)
    await serving({ tls: serverTls() }, first.url)
    expect(await calls.echo({ text: 'y' })).toEqual({ text: 'y' })
  })
})

describe('who calls', () => {
  /** Serves with an `authenticate` that keeps what it is asked. */
  async function asked(tls: ServeOptions['tls'], client: ConnectOptions) {
    const requests: AuthenticateRequest[] = []
    const authenticate: ServeOptions['authenticate'] = (request) => {
      requests.push(request)
      return request.tls?.certificate?.names.find((name) => name.startsWith('URI:spiffe://')) ?? 'somebody'
    }
    const { url } = await serving({ tls, authenticate })
    const { lab: calls } = connected(url, client)
    const principal = (await calls.echo({ text: 'who' })).text
    return { principal, requests }
  }

  it('is said by the certificate that a client has shown, beside its credentials', async () => {
    const { principal, requests } = await asked(askingTls(), { tls: showing(), credentials: 'token' })
    expect(principal).toBe('URI:spiffe://test/orders')
    expect(requests).toEqual([
      {
        credentials: 'token',
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        tls: {
          authorized: true,
          certificate: {
            subject: 'test client',
            names: ['DNS:orders.test', 'URI:spiffe://test/orders'],
            issuer: 'test authority',
            serialNumber: expect.stringMatching(/^[0-9A-F]+$/),
            fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
            validFrom: 'Jan  1 00:00:00 2020 GMT',
            validTo: 'Jan  1 00:00:00 2120 GMT',
          },
        },
      },
    ])
  })

  it('is not said by TLS where no certificate is asked for, and there is no `tls` without TLS', async () => {
    const unasked = await asked(serverTls(), { tls: showing() })
    expect(unasked.requests[0]?.tls).toEqual({ authorized: false, certificate: undefined })
    expect(unasked.principal).toBe('somebody')
    const plain = await asked(undefined, {})
    expect(plain.requests[0]).toHaveProperty('tls', undefined)
  })

  it('may be judged by the certificate alone, and be refused though it is in order', async () => {
    const authenticate: ServeOptions['authenticate'] = ({ tls }) => tls?.certificate?.subject === 'somebody else'
    const { url, log, server } = await serving({ tls: askingTls(), authenticate })
    const { lab: calls } = connected(url, { tls: showing() })
    const failure = await failureOf(calls.echo({ text: 'x' }))
    expect(failure).toMatchObject({ code: 'unauthenticated', processed: 'no' })
    expect(log.at('warn').map(({ message }) => message)).toContain('a client was refused: authenticate returned nobody')
    expect(server.stats().calls).toEqual({})
  })

  it('is asked only of a client whose certificate was found good', async () => {
    const authenticate = vi.fn(() => 'somebody')
    const { url } = await serving({ tls: askingTls(), authenticate })
    for (const tls of [trusting(), showing('stranger-client'), showing('expired-client')]) {
      const { lab: calls } = connected(url, { tls })
      expect(await failureOf(calls.echo({ text: 'x' }))).toMatchObject({ code: 'unauthenticated', processed: 'no' })
    }
    expect(authenticate).not.toHaveBeenCalled()
  })
})

describe('two ends that do not fit', () => {
  const plain: ServeOptions = {}
  const named = (name: Parameters<typeof serverTls>[0]): ServeOptions => ({ tls: serverTls(name) })
  const refused = { code: 'unauthenticated', processed: 'no' }
  const unreached = { code: 'unavailable', processed: 'no' }
  it.each<[string, ServeOptions, ClientTls | undefined, object, RegExp]>([
    ['a server of another authority', named('stranger-server'), trusting(), unreached, /name its authority in tls\.ca/],
    ['a server whose certificate has expired', named('expired-server'), trusting(), unreached, /has expired/],
    ['a server of another name', named('elsewhere'), trusting(), unreached, /is not for 127\.0\.0\.1 but for DNS:e/],
    ['a server that only itself knows', named('server'), {}, unreached, /name its authority in tls\.ca/],
    ['a server without TLS', plain, trusting(), unreached, /is no TLS: has it the option tls\?/],
    ['a server with TLS, for a client without', named('server'), undefined, unreached, /takes TLS only: connect\(url/],
    ['a client without a certificate', { tls: askingTls() }, trusting(), refused, /asks for a client certificate: c/],
    [
      'a client of another authority',
      { tls: askingTls() },
      showing('stranger-client'),
      refused,
      /the client certificate is of an authority that is not trusted here/,
    ],
    [
      'a client whose certificate has expired',
      { tls: askingTls() },
      showing('expired-client'),
      refused,
      /the client certificate has expired/,
    ],
  ])('%s: calls and ready say why, and the server has one line and goes on', async (_, options, tls, code, words) => {
    const { url, server, log } = await serving(options)
    const { wire, lab: calls } = connected(url, { tls })
    const failure = await failureOf(calls.echo({ text: 'x' }))
    expect(failure).toMatchObject(code)
    expect(failure.message).toMatch(words)
    expect(failure.message).toContain(new URL(url).host)
    await until(() => wire.stats().connections === 0 && server.stats().connections === 0)
    expect(server.stats().calls).toEqual({})
    expect(log.at('error')).toEqual([])
    expect(log.at('warn').length).toBeLessThanOrEqual(1) // none where the client went without a word, its handshake done
    expect(await failureOf(wire.ready())).toMatchObject(code)
  })

  it('do not fit either where the environment says that anything may be trusted', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { url } = await serving(named('stranger-server'))
    for (const tls of [trusting(), true as const]) {
      const { lab: calls } = connected(url, { tls })
      expect((await failureOf(calls.echo({ text: 'x' }))).message).toContain('name its authority in tls.ca')
    }
  })

  it('fit where the client says which name is meant', async () => {
    const { url } = await serving(named('elsewhere'))
    const { lab: calls } = connected(url, { tls: trusting({ serverName: 'elsewhere.test' }) })
    expect(await calls.echo({ text: 'x' })).toEqual({ text: 'x' })
  })

  it('HTTP at a port with TLS is one line in the log, and others are not hurt', async () => {
    const { url, server, log } = await serving()
    const socket = dial({ host: '127.0.0.1', port: Number(new URL(url).port) })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {}).resume()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'close')
    await until(() => server.stats().connections === 0)
    expect(log.at('warn').map(({ fields }) => fields)).toMatchObject([
      { rule: 'not_nanowire', detail: 'this server takes TLS only: connect(url, { tls })' },
    ])
    expect(log.at('error')).toEqual([])
    expect(await connected(url, { tls: trusting() }).lab.echo({ text: 'x' })).toEqual({ text: 'x' })
  })
})

describe('options that cannot be', () => {
  const own = serverTls()
  const mistake = (message: string) => ({ code: 'invalid_argument', processed: 'no', message })
  const encrypted = { cert: pem('client'), key: pem('client.encrypted-key') }

  it.each<[string, object, string]>([
    ['no certificate', { key: own.key }, 'serve: tls.cert is PEM, as text or bytes; it is missing'],
    ['no key', { cert: own.cert }, 'serve: tls.key is PEM, as text or bytes; it is missing'],
    ['a certificate that is a number', { ...own, cert: 7 }, 'serve: tls.cert is PEM, as text or bytes'],
    ['authorities that are a list', { ...own, clientCa: [] }, 'serve: tls.clientCa is PEM, as text or bytes'],
    ['an empty passphrase', { ...own, passphrase: '' }, 'serve: tls.passphrase is a text that is not empty'],
    ['an old version', { ...own, minVersion: 'TLSv1.1' }, 'serve: tls.minVersion is TLSv1.2 or TLSv1.3'],
    ['a key of another certificate', { ...own, key: pem('client.key') }, 'tls.key does not belong to tls.cert'],
    ['an encrypted key', { ...encrypted }, 'tls.key is encrypted: give tls.passphrase'],
    ['a wrong passphrase', { ...encrypted, passphrase: 'x' }, 'tls.passphrase does not open tls.key'],
    ['text that is no PEM', { ...own, cert: 'x' }, 'tls.cert is no certificate in PEM (-----BEGIN CERTIFICATE-----)'],
  ])('for serve: %s', async (_, tls, message) => {
    const options = { tls } as ServeOptions // as a program without types may pass them
    expect(await failureOf(serve(services, 'tcp://127.0.0.1:0', options))).toMatchObject(mistake(message))
  })

  it('for serve: a misspelt one, with the names that there are', async () => {
    const options = { tls: { ...own, ca: '' } } as ServeOptions // likewise
    expect((await failureOf(serve(services, 'tcp://127.0.0.1:0', options))).message).toMatch(
      /serve: tls has no option "ca".*clientCa/,
    )
  })

  it.each<[string, unknown, string]>([
    ['false', false, 'connect: tls is true or an object'],
    ['null', null, 'connect: tls is true or an object'],
    [
      'a certificate without its key',
      { cert: own.cert },
      'connect: tls.cert and tls.key belong together: give both, or',
    ],
    ['an empty name', { serverName: '' }, 'connect: tls.serverName is a text that is not empty'],
    ['authorities that are a list', { ca: ['x'] }, 'connect: tls.ca is PEM, as text or bytes'],
    ['a misspelt one', { servername: 'x' }, 'connect: tls has no option "servername"'],
  ])('for connect: %s, at once', (_, tls, message) => {
    const options = { tls } as ConnectOptions // likewise
    expect(() => connect('tcp://127.0.0.1:7000', options)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) }),
    )
  })

  it.each<[string, ClientTls, string]>([
    ['a key of another certificate', { cert: pem('client'), key: own.key }, 'tls.key does not belong to tls.cert'],
    ['an encrypted key', encrypted, 'tls.key is encrypted: give tls.passphrase'],
    ['text that is no PEM', { ca: 'x' }, 'tls.ca is no certificate in PEM (-----BEGIN CERTIFICATE-----)'],
  ])('for connect: %s, when it connects, and nothing is sent', async (_, tls, message) => {
    const { url, server } = await serving()
    const { wire, lab: calls } = connected(url, { tls })
    expect(await failureOf(calls.echo({ text: 'x' }))).toMatchObject(mistake(message))
    expect(await failureOf(wire.ready())).toMatchObject(mistake(message))
    expect(server.stats()).toMatchObject({ connections: 0, bytesReceived: 0 })
  })

  it('TLS where there is none', async () => {
    expect(() => connect('unix:/nowhere/s', { tls: true })).toThrow('the option tls is not for unix:/path')
    expect(() => connect(services, { tls: true })).toThrow('the option tls is for a tcp:// address')
    const failure = await failureOf(serve(services, 'unix:/nowhere/s', { tls: own }))
    expect(failure).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(failure.message).toContain('the option tls is not for unix:/path')
  })
})
