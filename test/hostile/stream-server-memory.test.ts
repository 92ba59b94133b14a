/** Servers that want the memory of their clients: what consumers do not take, and what cannot leave, is bounded (spec/streams.md). */
import { describe, expect, it } from 'vitest'
import { kinds, pack } from '../../src/wire/index.ts'
import { failureOf } from '../rpc/lab.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { frame } from '../support/raw-peer.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { all, asked, close, endless, facing } from './facing.ts'
import { settle, withinBytes } from './memory.ts'
import { credit, data, itemOf, many, NOTHING } from './streams.ts'

const MIB = 2 ** 20

describe('memory of a client', { timeout: PATIENCE_MS }, () => {
  it('is not lost to items that its consumers do not take, whatever they are cut into', async () => {
    const { client, peer } = await facing()
    const before = await settle()
    const streams = Array.from({ length: 200 }, () => client.count(asked))
    await peer.next(kinds.REQUEST, 200)
    const bits = (id: number) => many(1_638, data(id, pack('123456789')))
    for (let id = 1; id <= 200; id++) {
      peer.send(bits(id), frame(kinds.PING, 0, new Uint8Array(8)))
      await peer.next(kinds.PONG)
    }
    await withinBytes(200 * 16_384 * 2 + 8 * MIB, before)
    for (const stream of streams) await stream.return()
  })

  it.each([
    ['credit and acknowledgements', 0],
    ['acknowledgements, where it gives all the credit there is', 2 ** 30],
  ])(
    'is not lost to a server that gives no %s: producers are asked only as far as items can leave',
    async (_, more) => {
      const { client, wire, clock } = await facing((id) => (more ? credit(id, more) : NOTHING))
      const before = await settle()
      const counted = { count: 0, ended: 0 }
      const calls = Array.from({ length: 200 }, () => failureOf(client.sum(endless(counted, 'x'.repeat(1_000)))))
      await still(() => counted.count)
      expect(counted.count * 1_000).toBeLessThan(200 * 2 * 16_384)
      await withinBytes(200 * 2 * 16_384 + 8 * MIB, before)
      await close(wire, clock)
      for (const call of calls) expect(await call).toMatchObject({ code: 'unavailable' })
      await until(() => counted.ended === 200)
    },
  )

  it('is not lost to a server that acknowledges all and reads nothing', async () => {
    const { client, wire, clock, peer } = await facing((id) => credit(id, 2 ** 30), {
      limits: { maxBacklogBytes: 64 * 1_024 },
    })
    const before = await settle()
    const counted = { count: 0, ended: 0 }
    const call = failureOf(client.sum(endless(counted, 'x'.repeat(10_000))))
    await until(() => counted.count > 0)
    peer.socket.pause()
    for (let n = 0; n < 2_000 && peer.socket.writable; n++) {
      peer.send(credit(0, 8_000))
      await nextTurn()
    }
    await withinBytes(16 * MIB, before)
    await close(wire, clock)
    expect((await call).code).toMatch(/unavailable|internal/)
    await until(() => counted.ended === 1)
  })

  it('is not lost to a server that never ends what was cancelled', async () => {
    const { client, wire, peer } = await facing((id) => data(id, itemOf(1)))
    peer.onFrame = ({ kind, id }) => {
      if (kind === kinds.REQUEST) peer.send(data(id, itemOf(1)))
      peer.frames.length = 0
    }
    const round = async (times: number) => {
      for (let n = 0; n < times; n++) for await (const _ of client.count(asked)) break
    }
    await round(100)
    const before = await settle()
    await round(900)
    await withinBytes(3 * MIB, before)
    expect(wire.stats()).toMatchObject({ connections: 1, inFlight: 1_000 })
    const one = await Promise.race([all(client.count(asked)), nextTurn().then(() => 'asked')])
    expect(one).toBe('asked')
  })
})

/** Until it does not change any more. */
async function still(value: () => number): Promise<void> {
  for (let same = 0, before = -1; same < 50; await nextTurn()) {
    same = value() === before ? same + 1 : 0
    before = value()
  }
}
