/** Peers that mean harm to a server with TLS: before, in and instead of its handshake (spec/security.md). */
import { once } from 'node:events'
import { connect as secure } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { kinds } from '../../src/wire/index.ts'
import { Lab } from '../rpc/lab.ts'
import { askingTls, pem, serverTls, showing, trusting } from '../support/certificates.ts'
import { until } from '../support/hand-clock.ts'
import { hello, RawPeer, request } from '../support/raw-peer.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { portOf, RawSocket } from '../transport/sockets.ts'
import { clientHello } from '../transport/tls-peers.ts'
import { type VictimTls, victim } from './victim.ts'

const tls: VictimTls = { server: serverTls(), client: trusting() }
const shaking = Uint8Array.of(0x16, 3, 1, 0, 200, 1)

/** Numbers that look like chance, and are the same in each run. */
function noise(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }
}

describe('noise at a port with TLS', { timeout: PATIENCE_MS }, () => {
  it('of any kind ends its own connection, and nothing else', async () => {
    const attacked = await victim({}, undefined, tls)
    const next = noise(7)
    const whole = await clientHello()
    for (let count = 0; count < 120; count++) {
      const peer = await RawSocket.connect(portOf(attacked.url))
      const bytes = Uint8Array.from({ length: 1 + next() * 20 }, next)
      if (count % 3 === 1) bytes.set([0x16, 3, 1].slice(0, bytes.length))
      if (count % 3 === 2) peer.socket.write(flipped(whole, next))
      peer.socket.end(bytes)
      await until(() => peer.isClosed)
      // Either a record of TLS, or an ERROR in the clear for a peer that has none.
      const [first] = peer.bytes
      if (first === 0) expect(peer.frames.map(({ kind }) => kind)).toEqual([kinds.ERROR])
      else expect([undefined, 0x15, 0x16]).toContain(first)
    }
    await attacked.expectUnharmed()
    expect(attacked.runs()).toBe(0)
    expect(attacked.log.at('error')).toEqual([])
    expect(attacked.log.at('warn').length).toBeLessThan(10) // one line a second of a kind, and the clock stands
  })

  it('within TLS is judged as without', async () => {
    const attacked = await victim({}, undefined, tls)
    const next = noise(9)
    for (let count = 0; count < 30; count++) {
      const peer = await secured(attacked.url)
      peer.send(count % 2 ? hello() : new Uint8Array(0), Uint8Array.from({ length: 500 }, next))
      peer.socket.end()
      await peer.closed
      for (const { kind } of peer.frames) expect([kinds.HELLO, kinds.ERROR]).toContain(kind)
    }
    await attacked.expectUnharmed()
    expect(attacked.runs()).toBe(0)
  })
})

describe('handshakes that are never finished', { timeout: PATIENCE_MS }, () => {
  it('count as connections, are refused above maxConnections, and are freed by the time for the handshake', async () => {
    const maxConnections = 51
    const attacked = await victim({ maxConnections, handshakeTimeoutMs: 1_000, lingerMs: 300 }, undefined, tls)
    const peers: RawPeer[] = []
    for (let count = 0; count < 50; count++) {
      const peer = await RawPeer.connect(attacked.url)
      if (count % 2) peer.send(shaking)
      peers.push(peer)
    }
    await until(() => attacked.server.stats().connections === maxConnections)
    const refused = await secured(attacked.url)
    expect(await refused.lastWords()).toMatchObject({ code: 'resource_exhausted', rule: 'limit' })
    expect(attacked.server.stats().refused).toEqual({ maxConnections: 1 })
    attacked.clock.advance(1_001)
    attacked.clock.advance(301)
    await Promise.all(peers.map(({ closed }) => closed))
    expect(attacked.server.stats().refused).toEqual({ maxConnections: 1, handshakeTimeoutMs: 50 })
    const next = await secured(attacked.url)
    next.send(hello())
    await next.next(kinds.HELLO)
    next.socket.end()
    await attacked.expectUnharmed()
  })

  it('are bounded above maxConnections too, where those that are refused do not listen', async () => {
    const attacked = await victim({ maxConnections: 3, lingerMs: 300 }, undefined, tls)
    const peers: RawPeer[] = []
    for (let count = 0; count < 20; count++) {
      const peer = await RawPeer.connect(attacked.url)
      peer.send(shaking)
      peers.push(peer)
    }
    let closed = 0
    for (const peer of peers) void peer.closed.then(() => closed++)
    // 2 have a place, 3 are told that there is none, and for the others there is no time.
    await until(() => closed === 15)
    expect(attacked.server.stats()).toMatchObject({ connections: 3, refused: { maxConnections: 18 } })
    for (const peer of peers) peer.socket.destroy()
    await attacked.expectUnharmed()
  })
})

it('a client without a good certificate runs nothing, whatever it sends before it is told', async () => {
  const attacked = await victim({}, undefined, { server: askingTls(), client: showing() })
  for (const options of [{}, { cert: pem('stranger-client'), key: pem('stranger-client.key') }]) {
    const peer = await secured(attacked.url, options)
    peer.send(hello(), request(1, Lab.methods.echo, { text: 'x' }))
    expect(await peer.lastWords()).toMatchObject({ code: 'unauthenticated', rule: 'auth' })
  }
  expect(attacked.runs()).toBe(0)
  await attacked.expectUnharmed()
})

/** A peer with TLS, when its handshake is done. */
async function secured(url: string, options: { cert?: string; key?: string } = {}): Promise<RawPeer> {
  const port = Number(new URL(url).port)
  const socket = secure({ host: '127.0.0.1', port, ca: pem('authority'), servername: 'localhost', ...options })
  onTestFinished(() => void socket.destroy())
  const peer = new RawPeer(socket)
  await once(socket, 'secureConnect')
  return peer
}

/** The bytes with one of them changed. */
function flipped(bytes: Uint8Array, next: () => number): Uint8Array {
  const at = 5 + ((next() * 256 + next()) % (bytes.length - 5))
  return bytes.map((byte, index) => (index === at ? byte ^ 0xff : byte))
}
