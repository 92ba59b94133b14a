/**
 * Clients that want memory by way of streams: what they do not take, do not acknowledge, do not finish, or nobody takes of theirs,
 * holds no more than its bounds (spec/streams.md, F9 to F16), and is gone when they are.
 */
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { defaultLimits } from '../../src/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { hello, RawPeer } from '../support/raw-peer.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { settle, withinBytes } from './memory.ts'
import {
  acknowledge,
  cancel,
  count,
  credit,
  data,
  endlessly,
  expectGone,
  hold,
  large,
  open,
  placed,
  RECENT_BYTES,
  recent,
  sendAll,
  streamVictim,
  sum,
} from './streams.ts'
import { untilDeaf } from './victim.ts'

const MIB = 2 ** 20
const { MORE, GAP, WAIT } = flags
const STREAMS = 1_000

/** DATA of a few bytes each, as many as the credit lets. */
const bits = (id: number, body: Uint8Array, flagBits = 0) => {
  const times = Math.floor(16_384 / body.length)
  return Buffer.concat(Array<Uint8Array>(times).fill(data(id, body, flagBits)))
}

describe('items that nobody takes', { timeout: PATIENCE_MS }, () => {
  const byte = pack(1)
  it.each([
    ['one in each frame', 100, (id: number) => bits(id, byte), 4],
    ['behind a gap each', 100, (id: number) => bits(id, Buffer.concat([new Uint8Array(4).fill(255), byte]), GAP), 4],
    [
      'in two fragments each',
      100,
      (id: number) =>
        Buffer.concat(Array<Uint8Array>(8_000).fill(Buffer.concat([data(id, byte, MORE), data(id, byte)]))),
      4,
    ],
    ['all in one frame', 1_000, (id: number) => data(id, new Uint8Array(16_384)), 2],
  ])('take about as much memory as they have bytes, %s', async (_, streams, bytesFor, times) => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    await sendAll(peer, 1, () => open(10_000, hold))
    const before = await settle()
    await sendAll(peer, streams, (id) => Buffer.concat([open(10_000 + id, hold), bytesFor(10_000 + id)]))
    expect(attacked.server.stats().inFlight).toBe(streams + 2)
    await withinBytes(times * streams * 16_384 + 8 * MIB, before)
    await expectGone(attacked, peer, before)
  })

  it('are no more than the largest windows, however much is asked for with WAIT', async () => {
    const maxStreamBytes = 8 * MIB
    const attacked = await streamVictim({ maxStreamBytes, maxMessageBytes: MIB })
    const peer = await RawPeer.greeted(attacked.url)
    const before = await settle()
    const credits = new Map<number, number>()
    let sent = 0
    const send = (id: number) => {
      for (let left = credits.get(id) ?? 0; left > 0; left = credits.get(id) ?? 0) {
        const bytes = Math.min(left, 16_384)
        peer.send(data(id, new Uint8Array(bytes), WAIT))
        credits.set(id, left - bytes)
        sent += bytes
      }
    }
    peer.onFrame = ({ kind, id, body }) => {
      if (kind !== kinds.CREDIT || id === 0) return
      credits.set(id, (credits.get(id) ?? 0) + Buffer.from(body).readUInt32BE())
      send(id)
    }
    for (let id = 1; id <= STREAMS; id++) {
      credits.set(id, 16_384)
      peer.send(open(id, hold), data(id, new Uint8Array(0), WAIT))
      send(id)
    }
    await untilDeaf(attacked.server)
    expect(sent).toBeLessThanOrEqual(STREAMS * 16_384 + maxStreamBytes)
    await withinBytes(2 * (STREAMS * 16_384 + maxStreamBytes) + 8 * MIB, before)
    await expectGone(attacked, peer, before)
  })

  it('wait within bounds before their handlers have begun', async () => {
    const attacked = await streamVictim({ maxCallsInFlight: 2 })
    const peer = await RawPeer.greeted(attacked.url)
    const before = await settle()
    await sendAll(peer, 128, (id) => Buffer.concat([open(id, hold), data(id, new Uint8Array(16_384))]))
    peer.send(open(129, hold), data(129, new Uint8Array(16_384)))
    expect(await peer.errorOf(129)).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    await withinBytes(8 * MIB, before)
    peer.send(...Array.from({ length: 128 }, (_, at) => cancel(128 - at)))
    for (let id = 3; id <= 128; id++)
      expect(await peer.errorOf(id)).toMatchObject({ code: 'cancelled', processed: 'no' })
    await expectGone(attacked, peer, before)
  })

  it('that are begun, jumbo ones, and never finished: no more than one window each, and one room for all', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    const before = await settle()
    let sent = 0
    const sentTo = new Map<number, number>()
    const piece = new Uint8Array(8_192)
    const head = Buffer.concat([Uint8Array.of(0xc6, 0, 0x3f, 0xff, 0xff), piece.subarray(5)]) // nearly 4 MiB
    peer.onFrame = ({ kind, id, body }) => {
      if (kind !== kinds.CREDIT || id === 0) return
      let came = sentTo.get(id) ?? 2 * piece.length
      for (let left = Buffer.from(body).readUInt32BE(); left >= piece.length; left -= piece.length) {
        if (came + piece.length > 4_000_000) break // not to its end
        peer.send(data(id, piece, MORE))
        came += piece.length
        sent += piece.length
      }
      sentTo.set(id, came)
    }
    for (let id = 1; id <= STREAMS; id++) {
      peer.send(open(id, id % 2 ? hold : sum), data(id, head, MORE), data(id, piece, MORE))
      sent += 2 * piece.length
      if (id % 50 === 0) await nextTurn()
    }
    await untilDeaf(attacked.server)
    const { maxStreamBytes, maxMessageBytes } = defaultLimits
    expect(sent).toBeLessThanOrEqual(STREAMS * 16_384 + maxStreamBytes + maxMessageBytes)
    await withinBytes(STREAMS * 16_384 + 16 * MIB + 32 * MIB, before)
    await expectGone(attacked, peer, before)
  })
})

describe('answers that nobody takes', { timeout: PATIENCE_MS }, () => {
  it('are asked of their producers only as far as they can leave: a thousand streams and no byte read', async () => {
    const attacked = await streamVictim({ maxBacklogBytes: 64 * 1_024 })
    const peer = await RawPeer.greeted(attacked.url)
    peer.socket.pause()
    const before = await settle()
    for (let id = 1; id <= STREAMS; id++) peer.send(open(id, count, endlessly))
    await untilDeaf(attacked.server)
    expect(attacked.seen.yielded * 1_000).toBeLessThan(STREAMS * 2 * 16_384)
    await withinBytes(STREAMS * 16_384 + 16 * MIB, before)
    await expectGone(attacked, peer, before)
    expect(attacked.seen.ended).toBe(attacked.server.stats().calls['streams/count']?.['cancelled'])
  })

  it('are no more where their client gives all the credit there is, and acknowledges nothing', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    const before = await settle()
    for (let id = 1; id <= STREAMS; id++) peer.send(open(id, count, endlessly), credit(id, 2 ** 31 - 1 - 16_384))
    await untilDeaf(attacked.server)
    const bulk = peer.frames.reduce((sum, { kind, body }) => (kind === kinds.DATA ? sum + body.length : sum), 0)
    expect(bulk).toBeLessThanOrEqual(65_536)
    await withinBytes(STREAMS * 16_384 + 16 * MIB, before)
    await expectGone(attacked, peer, before)
  })

  it('also whole ones: large replies that nobody acknowledges wait within bounds, and go on when they are', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    const before = await settle()
    for (let id = 1; id <= 400; id++) peer.send(open(id, large, MIB / 4))
    await untilDeaf(attacked.server)
    await withinBytes(80 * MIB, before) // the reference path has larger buffers behind the same replies; all would be 100
    let bulk = 0
    let whole = 0
    const isBegun = new Set<number>()
    const took = ({ kind, flags: flagBits, id, body }: (typeof peer.frames)[number]) => {
      if (kind !== kinds.RESPONSE) return
      if (isBegun.has(id)) bulk += body.length
      isBegun.add(id)
      if ((flagBits & MORE) === 0) whole++
    }
    for (const one of peer.frames.splice(0)) took(one)
    peer.onFrame = (one) => {
      took(one)
      peer.frames.length = 0
      if (bulk > 0) peer.send(credit(0, bulk))
      bulk = 0
    }
    peer.send(credit(0, bulk))
    bulk = 0
    await until(() => whole === 400)
    await expectGone(attacked, peer, before)
  })

  it('and are not acknowledged for long end the connection, though it answers every PING', async () => {
    const attacked = await streamVictim()
    const { server } = attacked
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, count, endlessly), credit(1, 2 ** 30))
    await untilDeaf(server)
    for (let ms = 0; ms <= 2 * defaultLimits.idleTimeoutMs && server.stats().connections === 2; ms += 1_000) {
      await sendAll(peer, 1, () => new Uint8Array(0)).catch(() => {}) // it is there, and reads, until it is cut
      await attacked.passSecond()
    }
    await attacked.expectUnharmed()
    expect(attacked.seen.ended).toBe(1)
    expect(server.stats().refused).toEqual({ idleTimeoutMs: 1 })
  })

  it('of which all is acknowledged, and no credit is given, wait in their producers', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    acknowledge(peer)
    const ids = Array.from({ length: 100 }, (_, at) => at + 1)
    for (const id of ids) peer.send(open(id, count, endlessly))
    const bytesOf = (id: number) =>
      peer.frames.reduce((sum, one) => (one.kind === kinds.DATA && one.id === id ? sum + one.body.length : sum), 0)
    await until(() => ids.every((id) => bytesOf(id) > 15_000))
    await untilDeaf(attacked.server)
    for (const id of ids) expect(bytesOf(id)).toBeLessThanOrEqual(16_384)
    expect(attacked.seen.yielded * 1_000).toBeLessThan(100 * 2 * 16_384)
    peer.socket.destroy()
    await attacked.expectUnharmed()
    expect(attacked.seen.ended).toBe(100)
  })

  it('but byte by byte, and acknowledged at once, hold what the system has not taken, and no more', async () => {
    const attacked = await streamVictim({ maxBacklogBytes: 64 * 1_024 })
    const before = await settle()
    const { hostname, port } = new URL(attacked.url)
    let readBytes = 0
    let mayRead = false
    const socket = connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer: new Uint8Array(1),
        callback(bytes) {
          readBytes += bytes
          return mayRead // pauses otherwise
        },
      },
    })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    socket.write(Buffer.concat([hello(), open(1, count, endlessly), credit(1, 2 ** 30), open(2, count, endlessly)]))
    await until(() => attacked.seen.yielded > 0)
    mayRead = true
    for (let n = 0; n < 300; n++) {
      socket.resume()
      await attacked.passSecond()
      socket.write(credit(2, 1))
    }
    await until(() => readBytes > 100)
    await withinBytes(8 * MIB, before)
    socket.destroy()
    await attacked.expectUnharmed()
    expect(attacked.seen.ended).toBe(2)
  })

  it('of methods that drop the oldest are bounded by their budget for each call', async () => {
    const attacked = await streamVictim({ maxBacklogBytes: 64 * 1_024 })
    const peer = await RawPeer.greeted(attacked.url)
    peer.socket.pause()
    const before = await settle()
    const [streams, items] = [300, 400]
    for (let id = 1; id <= streams; id++) peer.send(open(id, recent, { count: items, bytes: 1_000 }))
    await until(() => attacked.seen.yielded === streams * items) // 120 MB, and nobody has waited for anything
    await withinBytes(streams * (RECENT_BYTES + 16_384) * 1.5 + 8 * MIB, before)
    await expectGone(attacked, peer, before)
  })

  it('of events are bounded by their budget for each subscriber, and shared by those that are told the same', async () => {
    const attacked = await streamVictim({ maxBacklogBytes: 64 * 1_024 })
    const peer = await RawPeer.greeted(attacked.url)
    for (let id = 1; id <= STREAMS; id++) peer.send(open(id, placed, {}))
    await until(() => attacked.server.stats().inFlight === STREAMS + 1)
    peer.socket.pause()
    const before = await settle()
    const text = 'x'.repeat(10_000)
    for (let n = 0; n < 2_000; n++) {
      attacked.service.publish.placed({ n, text })
      if (n % 20 === 0) await nextTurn()
    }
    await untilDeaf(attacked.server)
    await withinBytes(STREAMS * 16_384 + 40 * MIB, before)
    await expectGone(attacked, peer, before)
  })
})
