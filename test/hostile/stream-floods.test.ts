/** Clients that send what costs little, for ever: it leaves nothing behind, and their handlers end. */
import { describe, expect, it } from 'vitest'
import type { MethodRef } from '../../src/contract/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { Lab } from '../rpc/lab.ts'
import { until } from '../support/hand-clock.ts'
import { frame, moreFlag, RawPeer, request } from '../support/raw-peer.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { settle, withinBytes } from './memory.ts'
import {
  cancel,
  chat,
  count,
  credit,
  data,
  end,
  endlessly,
  expectGone,
  hold,
  itemOf,
  open,
  placed,
  sendAll,
  streamVictim,
  stuck,
  sum,
} from './streams.ts'
import { untilDeaf } from './victim.ts'

const MIB = 2 ** 20
const { MORE } = flags
const { echo } = Lab.methods

describe('for ever', { timeout: PATIENCE_MS }, () => {
  it('streams opened and cancelled leave nothing, and all of their handlers end', async () => {
    const attacked = await streamVictim()
    const { seen, server } = attacked
    const peer = await RawPeer.greeted(attacked.url)
    peer.onFrame = ({ kind }) => kind !== kinds.PONG && peer.frames.pop()
    const round = async (from: number, methods: readonly MethodRef[]) => {
      for (let id = from; id < from + 500; id++) {
        const method = methods[id % methods.length] ?? count
        peer.send(open(id, method, endlessly), ...(method.input ? [data(id, itemOf(1))] : []), cancel(id))
      }
      await sendAll(peer, 1, () => new Uint8Array(0))
      await until(() => server.stats().inFlight === 1)
      seen.taken.length = 0
      seen.met.length = 0
    }
    const all = [count, chat, sum, hold, placed]
    for (let from = 1; from <= 2_000; from += 500) await round(from, all)
    const before = await settle()
    for (let from = 2_001; from <= 20_000; from += 500) await round(from, all)
    await untilDeaf(server)
    await withinBytes(4 * MIB, before)
    expect(server.stats().inFlight).toBe(1)
    await expectGone(attacked, peer, before)
    expect(seen.ended).toBeGreaterThan(0)
  })

  it.each([
    ['ENDs', (id: number) => end(id)],
    ['credit', (id: number) => credit(id, 2 ** 31)],
    ['items', (id: number) => data(id, itemOf(id))],
    ['half items', (id: number) => data(id, itemOf(id), MORE)],
    ['priorities', (id: number) => frame(kinds.PRIORITY, id, Uint8Array.of(2))],
  ])('%s for nobody leave nothing', async (_, bytesFor) => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    const before = await settle()
    await sendAll(peer, 50, (n) => Buffer.concat(Array.from({ length: 1_000 }, (_, at) => bytesFor(n * 1_000 + at))))
    expect(attacked.server.stats().unknownIds).toBe(50_000)
    await withinBytes(4 * MIB, before)
    await expectGone(attacked, peer, before)
  })

  it('priorities of one call leave nothing', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, stuck, null))
    const before = await settle()
    const some = Array.from({ length: 1_000 }, (_, at) => frame(kinds.PRIORITY, 1, Uint8Array.of(at % 3)))
    await sendAll(peer, 50, () => Buffer.concat(some))
    await withinBytes(4 * MIB, before)
    await expectGone(attacked, peer, before)
  })

  it('priorities of requests whose rest is thrown away leave nothing', async () => {
    const attacked = await streamVictim({ maxCallsInFlight: 128 })
    const peer = await RawPeer.greeted(attacked.url)
    peer.onFrame = ({ kind }) => kind !== kinds.PONG && peer.frames.pop()
    for (let id = 1; id <= 128; id++) peer.send(open(id, stuck, null))
    await until(() => attacked.server.stats().inFlight === 129)
    const before = await settle()
    await sendAll(peer, 100, (n) =>
      Buffer.concat(
        Array.from({ length: 1_000 }, (_, at) => at + n * 1_000).flatMap((id) => [
          request(id, echo, null, { bytes: pack(1), flags: moreFlag }),
          frame(kinds.PRIORITY, id, Uint8Array.of(2)),
          frame(kinds.REQUEST, id),
        ]),
      ),
    )
    expect(attacked.server.stats().refused).toEqual({ maxCallsInFlight: 100_000 })
    await withinBytes(8 * MIB, before)
    await expectGone(attacked, peer, before)
  })
})
