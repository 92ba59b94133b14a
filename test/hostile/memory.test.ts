/** Peers that want memory: what is announced, unread, unfinished or finished holds no more than its bound. */
import { describe, expect, it } from 'vitest'
import { kinds } from '../../src/wire/index.ts'
import { Lab } from '../rpc/lab.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { frame, header, hello, moreFlag, RawPeer, request } from '../support/raw-peer.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { usedBytes, withinBytes } from './memory.ts'
import { untilDeaf, victim } from './victim.ts'

const MIB = 1024 * 1024
const { echo } = Lab.methods

describe('memory', { timeout: PATIENCE_MS }, () => {
  it('is not given for what is only announced', async () => {
    const attacked = await victim({ maxFrameBytes: 16 * MIB - 1, maxMessageBytes: 64 * MIB })
    const { bytesReceived } = attacked.server.stats()
    const begun = [header(16 * MIB - 1, kinds.REQUEST, 0, 1), new Uint8Array(100)]
    const peers: RawPeer[] = []
    const before = usedBytes()
    for (let n = 0; n < 50; n++) {
      const peer = await RawPeer.greeted(attacked.url)
      peer.send(...begun)
      peers.push(peer)
    }
    const sent = Buffer.concat([hello(), ...begun]).length * peers.length
    await until(() => attacked.server.stats().bytesReceived === bytesReceived + sent)
    await withinBytes(20 * MIB, before)
    for (const peer of peers) peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('is not lost to a frame that comes byte by byte', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    const bytes = request(1, echo, { text: 'x'.repeat(60_000) })
    const before = usedBytes()
    const received = attacked.server.stats().bytesReceived
    for (let at = 0; at < bytes.length - 1; at++) {
      if (!peer.socket.write(bytes.subarray(at, at + 1)))
        await new Promise((resolve) => peer.socket.once('drain', resolve))
      if (at % 500 === 0) await nextTurn()
    }
    await until(() => attacked.server.stats().bytesReceived === received + bytes.length - 1)
    await withinBytes(8 * MIB, before)
    peer.send(bytes.subarray(-1))
    expect(await peer.replyTo(1)).toEqual({ text: 'x'.repeat(60_000) })
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('is not lost to a peer that does not read: the server stops reading, and goes on when it does', async () => {
    const attacked = await victim({ maxBacklogBytes: 64 * 1024 })
    const peer = await RawPeer.greeted(attacked.url)
    peer.socket.pause()
    const text = 'x'.repeat(50_000)
    const before = usedBytes()
    let sent = 0
    while (sent < 2_000 && peer.socket.writableLength < 4 * MIB) {
      peer.send(request(++sent, echo, { text }))
      await nextTurn()
    }
    expect(sent).toBeLessThan(2_000)
    await untilDeaf(attacked.server)
    const { bytesReceived } = attacked.server.stats()
    expect(bytesReceived).toBeLessThan(sent * 50_000)
    await withinBytes(16 * MIB, before)
    peer.socket.resume()
    for (let id = 1; id <= sent; id++) expect(await peer.replyTo(id)).toEqual({ text })
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('is not lost to PINGs whose PONGs nobody reads', async () => {
    const attacked = await victim({ maxBacklogBytes: 64 * 1024 })
    const peer = await RawPeer.greeted(attacked.url)
    peer.socket.pause()
    const pings = Buffer.concat(Array.from({ length: 4_000 }, () => frame(kinds.PING, 0, new Uint8Array(8))))
    const before = usedBytes()
    const most = 1_000 * pings.length // several times what systems take
    let sent = 0
    for (; sent < most && peer.socket.writableLength < MIB; await nextTurn()) {
      peer.send(pings)
      sent += pings.length
    }
    expect(sent).toBeLessThan(most)
    await untilDeaf(attacked.server)
    expect(attacked.server.stats().bytesReceived).toBeLessThan(sent)
    await withinBytes(16 * MIB, before)
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('is not lost to requests that are begun and never ended', async () => {
    const attacked = await victim({ maxCallsInFlight: 100 })
    const peer = await RawPeer.greeted(attacked.url)
    const before = usedBytes()
    for (let id = 1; id <= 20_000 && peer.socket.writable; id++) {
      peer.send(request(id, echo, null, { bytes: new Uint8Array(1), flags: moreFlag }))
      if (id % 500 === 0) await nextTurn()
    }
    const words = await peer.lastWords()
    expect(words).toMatchObject({ code: 'resource_exhausted', rule: 'limit' })
    expect(words.message).toContain('maxCallsInFlight is 100')
    await withinBytes(16 * MIB, before)
    await attacked.expectUnharmed()
  })

  it('is not lost to cancelling what was never called', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    const before = usedBytes()
    for (let n = 0; n < 20; n++) {
      const cancels = Array.from({ length: 1_000 }, (_, index) => frame(kinds.CANCEL, n * 1_000 + index + 1))
      peer.send(...cancels)
    }
    peer.send(request(1, echo, { text: 'x' }))
    expect(await peer.replyTo(1)).toEqual({ text: 'x' })
    expect(attacked.server.stats().unknownIds).toBe(20_000)
    await withinBytes(16 * MIB, before)
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('is not lost to finished calls', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    const round = async (from: number, count: number) => {
      for (let id = from; id < from + count; id++) peer.send(request(id, echo, { text: 'x' }))
      await peer.replyTo(from + count - 1)
      peer.frames.length = 0
    }
    for (let from = 1; from <= 5_000; from += 500) await round(from, 500)
    const before = usedBytes()
    for (let from = 5_001; from <= 25_000; from += 500) await round(from, 500)
    await withinBytes(4 * MIB, before)
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })
})
