/** TLS (spec/places.md): handshakes that work, what is known by them, and what certificates and keys are taken. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dialTcp, listenTcp, tlsDialer } from '../../src/transport/index.ts'
import { askingTls, pem, serverTls, showing, trusting } from '../support/certificates.ts'
import { helloBytes } from '../support/tapped.ts'
import { anywhere, context, dialled, listening, RawSocket, until } from './sockets.ts'
import { called, echo, foreign, isOver, rules } from './tls-peers.ts'

describe('a handshake', () => {
  it.each([['127.0.0.1'], ['localhost']])('of a client that dialled %s carries calls', async (host) => {
    const { port } = await listening({}, echo, { tls: serverTls() })
    const link = await dialTcp({ host, port }, context, tlsDialer(trusting()))
    onTestFinished(() => link.destroy())
    expect(link.peer).toBe(`${host}:${port}`)
    expect((await called(await dialled(port, {}, trusting()))).fate).toBe('replied')
  })

  it('tells a client what its server has shown', async () => {
    const { port } = await listening({}, echo, { tls: serverTls() })
    const { link } = await dialled(port, {}, trusting())
    expect(link.tls).toMatchObject({
      authorized: true,
      certificate: {
        subject: 'test server',
        names: ['DNS:localhost', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1'],
        issuer: 'test authority',
      },
    })
  })

  it('tells a server what its client has shown, as plain data, made once, also when the client has gone', async () => {
    const { port, served } = await listening({}, echo, { tls: askingTls() })
    const client = await dialled(port, {}, showing())
    expect((await called(client)).fate).toBe('replied')
    client.link.destroy()
    await until(() => served.every(isOver))
    const tls = served[0]?.link.tls
    expect(tls).toEqual({
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
    })
    expect(JSON.parse(JSON.stringify(tls))).toEqual(tls)
    expect(served[0]?.link.tls).toBe(tls)
    expect(Object.isFrozen(tls) && Object.isFrozen(tls?.certificate) && Object.isFrozen(tls?.certificate?.names)).toBe(
      true,
    )
  })

  it('does not take one name for two', async () => {
    const { port, served } = await listening({}, echo, { tls: askingTls() })
    expect((await called(await dialled(port, {}, showing('odd-client')))).fate).toBe('replied')
    expect(served[0]?.link.tls?.certificate?.names).toEqual(['URI:http://odd.test/,DNS:admin.test', 'DNS:odd.test'])
  })

  it('asks for no certificate where none is wanted', async () => {
    const { port, served } = await listening({}, echo, { tls: serverTls() })
    expect((await called(await dialled(port, {}, showing()))).fate).toBe('replied')
    expect(served[0]?.link.tls).toEqual({ authorized: false, certificate: undefined })
  })

  it.each([
    ['offers nanowire/1', ['nanowire/1'], 'nanowire/1'],
    ['offers others too', ['h2', 'nanowire/1'], 'nanowire/1'],
    ['offers none', undefined, false],
  ])('may be with a client that %s (ALPN)', async (_, ALPNProtocols, agreed) => {
    const { port } = await listening({}, echo, { tls: serverTls() })
    const { socket } = foreign(port, ALPNProtocols ? { ALPNProtocols } : {})
    await once(socket, 'secureConnect')
    expect(socket.alpnProtocol).toBe(agreed)
    socket.write(helloBytes())
    await once(socket, 'data')
  })

  it('hands a foreign protocol within TLS over, as without it', async () => {
    const firstBytes = (bytes: Uint8Array, socket: Socket) => {
      if (bytes[0] !== 0x47) return false
      socket.end(`got ${Buffer.from(bytes)}`)
      return true
    }
    const { port, served } = await listening({}, echo, { firstBytes, tls: serverTls() })
    const raw = await RawSocket.secured(port)
    raw.socket.write('GET')
    await until(() => raw.isClosed)
    expect(Buffer.from(raw.bytes).toString()).toBe('got GET')
    expect(rules(served)).toEqual([])
    expect((await called(await dialled(port, {}, trusting()))).fate).toBe('replied')
  })

  it.each([['TLSv1.2'], ['TLSv1.3']] as const)('may be with %s', async (version) => {
    const { port } = await listening({}, echo, { tls: serverTls() })
    const { socket } = foreign(port, { minVersion: version, maxVersion: version })
    await once(socket, 'secureConnect')
    expect(socket.getProtocol()).toBe(version)
  })
})

describe('certificates and keys', () => {
  const good = serverTls()
  const encrypted = { cert: pem('client'), key: pem('client.encrypted-key') }
  it.each([
    [
      'a certificate that is none',
      { ...good, cert: 'x' },
      'tls.cert is no certificate in PEM (-----BEGIN CERTIFICATE-----)',
    ],
    ['no certificate', { ...good, cert: '' }, 'tls.cert is no certificate in PEM (-----BEGIN CERTIFICATE-----)'],
    [
      'a broken certificate',
      { ...good, cert: good.cert.toString().replace(/MII/, 'AAA') },
      'tls.cert has a certificate that cannot be read',
    ],
    [
      'a broken one behind a good one',
      { ...good, cert: `${good.cert}${good.cert.toString().replace(/MII/, 'AAA')}` },
      'tls.cert has a certificate that cannot be read',
    ],
    ['a key that is none', { ...good, key: 'x' }, 'tls.key is no private key in PEM (-----BEGIN PRIVATE KEY-----)'],
    [
      'a certificate for a key',
      { ...good, key: good.cert },
      'tls.key is no private key in PEM (-----BEGIN PRIVATE KEY-----)',
    ],
    ['the key of another', { ...good, key: pem('client.key') }, 'tls.key does not belong to tls.cert'],
    ['an encrypted key', encrypted, 'tls.key is encrypted: give tls.passphrase'],
    ['a wrong passphrase', { ...encrypted, passphrase: 'wrong' }, 'tls.passphrase does not open tls.key'],
  ])('%s is refused at once, by both sides', async (_, tls, message) => {
    const mistake = { code: 'invalid_argument', processed: 'no', message }
    await expect(listenTcp(anywhere, { ...context, tls }, () => {})).rejects.toMatchObject(mistake)
    expect(() => tlsDialer(tls)).toThrow(expect.objectContaining(mistake))
  })

  it.each([['nothing'], [pem('server.key')]])('authorities that are none are refused: %#', async (ca) => {
    const tls = serverTls('server', { clientCa: ca })
    await expect(listenTcp(anywhere, { ...context, tls }, () => {})).rejects.toMatchObject({
      message: 'tls.clientCa is no certificate in PEM (-----BEGIN CERTIFICATE-----)',
    })
    expect(() => tlsDialer({ ca })).toThrow('tls.ca is no certificate in PEM (-----BEGIN CERTIFICATE-----)')
  })

  it('may be bytes, several authorities, and an encrypted key with its passphrase', async () => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    const tls = {
      cert: bytes(pem('server')),
      key: bytes(pem('server.key')),
      clientCa: bytes(pem('stranger') + pem('authority')),
    }
    const { port, served } = await listening({}, echo, { tls })
    const client = await dialled(port, {}, { ca: bytes(pem('authority')), ...encrypted, passphrase: 'secret' })
    expect((await called(client)).fate).toBe('replied')
    expect(served[0]?.link.tls?.certificate?.subject).toBe('test client')
    expect((await called(await dialled(port, {}, showing('stranger-client')))).fate).toBe('replied')
  })
})
