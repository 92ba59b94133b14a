/** Peers that want every slot and every connection: what they get is bounded, and the others go on. */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { Gate, Lab, lab } from '../rpc/lab.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { frame, hello, notifyFlag, RawPeer, request } from '../support/raw-peer.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { untilDeaf, victim } from './victim.ts'

const { echo, note } = Lab.methods

describe('slots', () => {
  /** A service whose handlers end only when they are told to, whatever their callers do. */
  function stubborn() {
    let running = 0
    let most = 0
    let gate = new Gate()
    const hold = async () => {
      most = Math.max(most, ++running)
      await gate.promise
      running--
    }
    const service = lab({
      async echo(asked) {
        await hold()
        return asked
      },
      note: hold,
    })
    return {
      service,
      running: () => running,
      most: () => most,
      release() {
        gate.open()
        gate = new Gate()
      },
    }
  }

  it('are not got by calling and cancelling in turn', async () => {
    const { service, running, most, release } = stubborn()
    const attacked = await victim({ maxCallsInFlight: 50 }, service)
    const peer = await RawPeer.greeted(attacked.url)
    for (let id = 1; id <= 2_000; id++) peer.send(request(id, echo, { text: 'x' }), frame(kinds.CANCEL, id))
    expect(await peer.errorOf(2_000)).toMatchObject({ processed: 'no' })
    expect(running()).toBe(50)
    expect(attacked.server.stats().inFlight).toBe(50)
    release()
    await until(() => attacked.server.stats().inFlight === 0)
    expect(most()).toBe(50)
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('are not got by calling more than was allowed: what is above a bound is refused, and each call is answered once', async () => {
    const { service, running, most, release } = stubborn()
    const attacked = await victim({ maxCallsInFlight: 200 }, service)
    const peer = await RawPeer.greeted(attacked.url)
    for (let id = 1; id <= 1_000; id++) peer.send(request(id, echo, { text: 'x' }))
    expect(await peer.errorOf(1_000)).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(running()).toBe(200)
    expect(attacked.server.stats().refused).toEqual({ maxCallsInFlight: 800 })
    release()
    for (let id = 1; id <= 200; id++) expect(await peer.replyTo(id)).toEqual({ text: 'x' })
    for (let id = 201; id <= 999; id++) expect(await peer.errorOf(id)).toMatchObject({ code: 'resource_exhausted' })
    expect(most()).toBe(200)
    expect(peer.frames).toEqual([])
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('are not got by notifies: the server stops reading until one ends', async () => {
    const { service, running, most, release } = stubborn()
    const attacked = await victim({ maxCallsInFlight: 50 }, service)
    const peer = await RawPeer.greeted(attacked.url)
    for (let id = 1; id <= 200; id++) peer.send(request(id, note, { line: 'x' }, { flags: notifyFlag }))
    await until(() => running() === 50)
    await untilDeaf(attacked.server)
    expect(running()).toBe(50)
    while (attacked.server.stats().calls['lab/note']?.['ok'] !== 200) {
      release()
      await nextTurn()
    }
    expect(most()).toBe(50)
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('are given back when their peer has gone, as soon as the handlers end', async () => {
    const { service, running, release } = stubborn()
    const attacked = await victim({ maxCallsInFlight: 50 }, service)
    const peer = await RawPeer.greeted(attacked.url)
    for (let id = 1; id <= 50; id++) peer.send(request(id, echo, { text: 'x' }))
    await until(() => running() === 50)
    peer.socket.resetAndDestroy()
    await until(() => attacked.server.stats().connections === 1)
    release()
    await attacked.expectUnharmed()
    expect(running()).toBe(0)
  })
})

describe('connections', { timeout: PATIENCE_MS }, () => {
  it('are bounded: one too many is told so, and one that closes makes room', async () => {
    const maxConnections = 1_000
    const attacked = await victim({ maxConnections })
    const peers: RawPeer[] = []
    while (peers.length < maxConnections - 1) {
      const some = Array.from({ length: Math.min(100, maxConnections - 1 - peers.length) }, () =>
        RawPeer.greeted(attacked.url),
      )
      peers.push(...(await Promise.all(some)))
    }
    expect(attacked.server.stats().connections).toBe(maxConnections)
    const late = await RawPeer.connect(attacked.url)
    late.send(hello(), request(1, echo, { text: 'x' }))
    const words = await late.lastWords()
    expect(words).toMatchObject({ code: 'resource_exhausted', rule: 'limit' })
    expect(words.message).toContain(`maxConnections is ${maxConnections}`)
    expect(attacked.runs()).toBe(0)
    peers.pop()?.socket.end()
    await until(() => attacked.server.stats().connections < maxConnections)
    const next = await RawPeer.greeted(attacked.url)
    next.send(request(1, echo, { text: 'there is room' }))
    expect(await next.replyTo(1)).toEqual({ text: 'there is room' })
    expect(attacked.server.stats().refused).toEqual({ maxConnections: 1 })
    for (const peer of [...peers, next]) peer.socket.destroy()
    await attacked.expectUnharmed()
  })

  it('that were refused and stay are bounded too: one more is destroyed at once', async () => {
    const maxConnections = 20
    const attacked = await victim({ maxConnections })
    for (let n = 1; n < maxConnections; n++) await RawPeer.greeted(attacked.url)
    /** One that does not end its own direction: while no time passes, it stays. */
    const stubborn = async () => {
      const peer = await RawPeer.connect(attacked.url)
      peer.socket.allowHalfOpen = true
      return peer
    }
    const refused: RawPeer[] = []
    for (let n = 0; n < maxConnections; n++) refused.push(await stubborn())
    for (const peer of refused) expect(await peer.errorOf(0)).toMatchObject({ rule: 'limit' })
    const late = await stubborn()
    for (; !late.socket.destroyed; await nextTurn()) late.send(Uint8Array.of(0)) // until it hears that nobody is there
    expect(refused.filter(({ socket }) => socket.destroyed)).toEqual([])
    expect(attacked.server.stats().refused).toEqual({ maxConnections: maxConnections + 1 })
  })

  it('that say nothing are freed by the time for the handshake', async () => {
    const attacked = await victim({ maxConnections: 101, handshakeTimeoutMs: 1_000 })
    const peers = await Promise.all(Array.from({ length: 100 }, () => RawPeer.connect(attacked.url)))
    await until(() => attacked.server.stats().connections === 101)
    attacked.clock.advance(1_001)
    for (const peer of peers) expect(await peer.lastWords()).toMatchObject({ rule: 'timeout' })
    await attacked.expectUnharmed()
    const next = await RawPeer.greeted(attacked.url)
    next.socket.end()
    await next.closed
  })

  it('that are reset in the middle of everything hurt nobody', async () => {
    const attacked = await victim()
    const bytes = Buffer.concat([
      hello(),
      request(1, echo, { text: 'x' }),
      request(2, echo, { text: 'x'.repeat(3_000) }, { flags: flags.MORE }),
      frame(kinds.CANCEL, 1),
    ])
    for (let at = 0; at < bytes.length; at += 97) {
      const peer = await RawPeer.connect(attacked.url)
      peer.send(bytes.subarray(0, at))
      await nextTurn()
      peer.socket.resetAndDestroy()
    }
    await attacked.expectUnharmed()
    expect(attacked.log.at('error')).toEqual([])
  })

  it('that never close are destroyed after a while, having been told why', async () => {
    const attacked = await victim({ lingerMs: 300 })
    const peer = await RawPeer.greeted(attacked.url)
    peer.socket.allowHalfOpen = true
    peer.send(frame(99, 0))
    expect(await peer.errorOf(0)).toMatchObject({ rule: 'frame_kind' })
    peer.send(new Uint8Array(200_000))
    expect(attacked.server.stats().connections).toBe(2)
    attacked.clock.advance(301)
    await until(() => attacked.server.stats().connections === 1)
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })
})

/** Noise is let be where it happens to be frames that may be skipped, or the beginning of one: this is none. */
it('noise of any kind is told one rule, and then the end', async () => {
  const attacked = await victim()
  let seed = 42
  const chance = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed >>> 16
  }
  const rules = new Set<string>()
  for (let n = 0; n < 100; n++) {
    const peer = await RawPeer.connect(attacked.url)
    const noise = Uint8Array.from({ length: 50 + (chance() % 2_000) }, () => chance() & 0xff)
    noise[4]! &= ~flags.IGNORE // it is there
    if (n % 3 === 0) noise.fill(0, 0, 2) // so short that its kind is looked at
    if (n % 6 === 0) noise[3]! &= 0x0f // mostly one that there is
    const good = n % 2 === 0 ? hello() : new Uint8Array(0)
    const half = n % 4 === 0 ? request(1, echo, null, { bytes: noise.subarray(0, 30) }) : new Uint8Array(0)
    peer.send(good, half, noise)
    const { rule = 'none', lastId } = await peer.lastWords()
    expect(lastId, 'the last request that was read').toBe(n % 4 === 0 ? 1 : 0)
    const before = peer.frames.slice(0, -1).map(({ kind, id }) => ({ kind, id }))
    expect(before).toEqual([
      ...(n % 2 === 0 ? [{ kind: kinds.HELLO, id: 0 }] : []),
      ...(n % 4 === 0 ? [{ kind: kinds.ERROR, id: 1 }] : []),
    ])
    const logged = attacked.log.at('warn').filter(({ fields }) => 'rule' in fields)
    expect(logged).toHaveLength(n + 1)
    expect(logged[n]?.fields).toMatchObject({ rule })
    rules.add(rule)
    await attacked.passSecond() // a rule has one line a second
  }
  expect([...rules].sort()).toEqual(['frame_flags', 'frame_kind', 'frame_size', 'not_nanowire'])
  expect(attacked.runs()).toBe(0)
  expect(attacked.log.at('error')).toEqual([])
  await attacked.expectUnharmed()
})
