/** Servers that mean their clients harm: what they say is cut, left out, or bounded. */
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Connection, type ConnectOptions, connect, contract, unary } from '../../src/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { kinds, packError, packHello } from '../../src/wire/index.ts'
import { failureOf } from '../rpc/lab.ts'
import { HandClock } from '../support/hand-clock.ts'
import { fakeServer, frame, hello, type RawPeer } from '../support/raw-peer.ts'
import { close } from './facing.ts'

const Shop = contract('shop', { order: unary(Type.Null(), Type.Null()) })

/** A HELLO that tells these contracts. */
function telling(names: readonly string[]): Uint8Array {
  const contracts = new Map(names.map((name) => [name, new Uint8Array(16)]))
  const said = { major: 1, limits: defaultLimits, features: [], incarnation: new Uint8Array(16), contracts }
  return frame(kinds.HELLO, 0, packHello(said))
}

interface Connected {
  readonly wire: Connection
  readonly clock: HandClock
}

async function connected(options: ConnectOptions, says: (peer: RawPeer) => void): Promise<Connected> {
  const clock = new HandClock()
  const wire = connect(await fakeServer(says), { clock, ...options })
  onTestFinished(() => close(wire, clock))
  await wire.ready()
  return { wire, clock }
}

describe('a server that means harm', () => {
  it('and never tells what its contract is has no more calls wait for it than may wait', async () => {
    const { wire, clock } = await connected({ limits: { maxCallsQueued: 10 } }, (peer) =>
      peer.send(telling(['shop', 'nanowire'])),
    )
    const { order } = wire.client(Shop)
    const calls = Array.from({ length: 12 }, () => failureOf(order(null)))
    const refused = await Promise.all(calls.slice(10))
    for (const failure of refused) {
      expect(failure).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
      expect(failure.message).toContain('maxCallsQueued is 10')
    }
    expect(wire.stats()).toMatchObject({ waiting: 10, refused: { maxCallsQueued: 2 } })
    await close(wire, clock)
    for (const call of calls.slice(0, 10)) expect(await call).toMatchObject({ code: 'unavailable', processed: 'no' })
  })

  it('and lists contracts whose names are none is not quoted', async () => {
    const { wire } = await connected({}, (peer) => peer.send(telling(['orders', '\u001b[31mred', 'x'.repeat(50_000)])))
    const failure = await failureOf(wire.client(Shop).order(null))
    expect(failure).toMatchObject({ code: 'unimplemented', processed: 'no' })
    expect(failure.message).toMatch(/^tcp:\/\/[\d.:]+ has no contract shop; it has orders$/)
  })

  it('and answers by an error without an end is cut short', async () => {
    const answer = packError({ code: 'x'.repeat(30_000), message: 'y'.repeat(30_000), processed: 'yes' })
    const { wire } = await connected({}, (peer) => {
      peer.send(hello())
      peer.onFrame = ({ kind, id }) => kind === kinds.REQUEST && peer.send(frame(kinds.ERROR, id, answer))
    })
    const failure = await failureOf(wire.client(Shop).order(null))
    expect(failure).toMatchObject({ code: 'unknown', processed: 'yes' })
    expect(failure.message.length).toBeLessThan(300)
  })
})
