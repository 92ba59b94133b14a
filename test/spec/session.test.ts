/** Rules of spec/session.md that need more than a script of bytes: queues, slots, who stops reading, and how often. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { type Connection, contract, notify, service, unary } from '../../src/index.ts'
import { resolveLimits } from '../../src/limits.ts'
import { OutgoingCalls } from '../../src/session/outgoing.ts'
import { kinds, pack, packHello, readHello } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { opened } from '../support/tapped.ts'
import { Greeter, makeGreeter } from './fixture.ts'
import { endOf, errorOf } from './places.ts'
import { helloBody, pass, settle, stageClient, stageServer } from './stage.ts'
import { bytesOf } from './vectors.ts'

const kindsOf = (frames: readonly { readonly kind: number }[]) => frames.map(({ kind }) => kind)
const requestsIn = (frames: readonly { readonly kind: number; readonly id: number }[]) =>
  frames.filter(({ kind }) => kind === kinds.REQUEST).map(({ id }) => id)

const PING = new Uint8Array(8)

/** The body of a REQUEST without a deadline. */
function request(tag: number, body: unknown): Uint8Array {
  const head = tag.toString(16).padStart(8, '0')
  return Uint8Array.from([...bytesOf(`${head}00000000`), ...pack(body)])
}

/** A client whose server has said HELLO. */
async function openClient(limits = {}, serverLimits = {}) {
  const stage = stageClient(limits)
  void stage.wire.ready()
  await settle(stage.clock)
  await stage.end.sendFrame('HELLO', 0, helloBody(serverLimits))
  await stage.end.take()
  return stage
}

const callHello = (wire: Connection, name = 'Ada') => endOf(wire.client(Greeter).hello({ name }, { timeoutMs: 60_000 }))

describe('a client', () => {
  it('P12: reads more than 64 contracts of its server', () => {
    const names = Array.from({ length: 65 }, (_, index) => `c${index}`)
    const contracts = new Map(names.map((name) => [name, new Uint8Array(16)]))
    const hello = { major: 1, limits: resolveLimits(), features: [], incarnation: new Uint8Array(16), contracts }
    const bytes = packHello(hello)
    expect([...(readHello(bytes, 0, bytes.length, 'server').contracts?.keys() ?? [])]).toEqual(names)
  })

  it('S2: sends 128 requests before the HELLO, notifies included', async () => {
    const stage = stageClient()
    const { hello, log } = stage.wire.client(Greeter)
    for (let n = 0; n < 150; n++) void endOf(n % 2 === 0 ? hello({ name: 'x' }) : log({ line: 'x' }))
    await settle(stage.clock)
    expect(requestsIn(await stage.end.take())).toHaveLength(128)
    await stage.end.sendFrame('HELLO', 0, helloBody())
    expect(requestsIn(await stage.end.take())).toHaveLength(22)
  })

  it('S3: passes over ids that are still in use', () => {
    const calls = new OutgoingCalls(0xffff_ffff)
    const last = calls.takeId()
    calls.sent(1, new RecordedCall(), 0)
    calls.sent(2, new RecordedCall(), 0)
    expect([last, calls.takeId(), calls.takeId()]).toEqual([0xffff_ffff, 3, 4])
  })

  it('S3: counts across the wrap without 0', () => {
    const { session, link, clock } = opened({ role: 'client', firstId: 0xffff_fffe })
    for (let n = 0; n < 4; n++) session.start(new RecordedCall({ oneWay: n === 1 }))
    clock.runTurns()
    expect(requestsIn(link.takeSent())).toEqual([0xffff_fffe, 0xffff_ffff, 1, 2])
  })

  it('S7: lets calls wait in their order, and refuses one too many', async () => {
    const { clock, wire, end } = await openClient({ maxCallsQueued: 2 }, { maxCallsInFlight: 1 })
    const outcomes = ['a', 'b', 'c', 'd'].map((name) => callHello(wire, name))
    await settle(clock)
    expect(errorOf(outcomes[3]?.outcome)).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(wire.stats()).toMatchObject({ inFlight: 1, waiting: 2, refused: { maxCallsQueued: 1 } })
    const names: string[] = []
    for (let id = 1; id <= 3; id++) {
      const [frame, ...more] = await end.take()
      names.push(
        Buffer.from(frame?.body ?? [])
          .toString('latin1')
          .slice(-1),
      )
      expect(more).toEqual([])
      await end.sendFrame('RESPONSE', id, pack({ text: 'x' }))
    }
    expect(names).toEqual(['a', 'b', 'c'])
  })

  it('S7, S17: lets calls wait while its link is congested, and reads on', async () => {
    const { clock, wire, end } = await openClient({ maxBacklogBytes: 16_384 })
    end.stopReading()
    const { echo } = wire.client(Greeter)
    const first = endOf(echo(new Uint8Array(20_000)))
    await settle(clock)
    const second = endOf(echo(new Uint8Array(1)))
    await settle(clock)
    expect(wire.stats()).toMatchObject({ inFlight: 1, waiting: 1 })
    await end.sendFrame('RESPONSE', 1, pack(new Uint8Array(5)))
    expect(first.outcome).toEqual({ value: new Uint8Array(5) })
    expect(second.outcome).toBeUndefined()
    end.readOn()
    expect(requestsIn(await end.take())).toEqual([1, 2])
  })

  it('S23, S24, S28: never sends a call twice; the next call makes a new connection with new ids', async () => {
    const stage = await openClient()
    const outcome = callHello(stage.wire)
    await settle(stage.clock)
    const first = stage.end
    expect(requestsIn(await first.take())).toEqual([1])
    await first.cut()
    expect(errorOf(outcome.outcome)).toMatchObject({ code: 'unavailable', processed: 'maybe' })
    await pass(stage.clock, 60_000)
    expect(stage.dials).toBe(1)
    const next = callHello(stage.wire, 'Bob')
    await settle(stage.clock)
    expect(stage.dials).toBe(2)
    const frames = await stage.end.take()
    expect(kindsOf(frames)).toEqual([kinds.HELLO, kinds.REQUEST])
    expect(requestsIn(frames)).toEqual([1])
    await stage.end.sendFrame('HELLO', 0, helloBody())
    await stage.end.sendFrame('RESPONSE', 1, pack({ text: 'Hello, Bob' }))
    expect(next.outcome).toEqual({ value: { text: 'Hello, Bob' } })
  })

  it('S20, P28: makes new calls on another connection once its server goes away', async () => {
    const stage = await openClient()
    const first = stage.end
    const before = callHello(stage.wire)
    await settle(stage.clock)
    await first.sendFrame('GOAWAY', 0, new Uint8Array(4))
    const after = callHello(stage.wire, 'Bob')
    await settle(stage.clock)
    expect(stage.dials).toBe(2)
    expect(requestsIn(await first.take())).toEqual([1])
    expect(requestsIn(await stage.end.take())).toEqual([1])
    await first.sendFrame('RESPONSE', 1, pack({ text: 'from the first' }))
    await stage.end.sendFrame('HELLO', 0, helloBody())
    await stage.end.sendFrame('RESPONSE', 1, pack({ text: 'from the second' }))
    expect([before.outcome, after.outcome]).toEqual([
      { value: { text: 'from the first' } },
      { value: { text: 'from the second' } },
    ])
    expect(first.isClosed).toBe(true)
  })

  it('S24: a call ends once, whatever comes later', async () => {
    const { clock, wire, end } = await openClient()
    let endings = 0
    const call = wire.client(Greeter).hello({ name: 'Ada' }, { timeoutMs: 50 })
    call.then(
      () => endings++,
      () => endings++,
    )
    await pass(clock, 100)
    await end.sendFrame('RESPONSE', 1, pack({ text: 'late' }))
    await end.sendFrame('RESPONSE', 1, pack({ text: 'later' }))
    await end.cut()
    expect(endings).toBe(1)
    await expect(call).rejects.toMatchObject({ code: 'deadline_exceeded', processed: 'maybe' })
  })
})

describe('a server', () => {
  it('S17: does not read while what it wrote is not taken', async () => {
    const { clock, end } = stageServer(makeGreeter().greeter, { maxBacklogBytes: 16_384 })
    await end.sendFrame('HELLO', 0, helloBody())
    await end.take()
    end.stopReading()
    await end.sendFrame('REQUEST', 1, request(Greeter.tags.echo, new Uint8Array(20_000)))
    await end.sendFrame('PING', 0, PING)
    await end.sendFrame('REQUEST', 2, request(Greeter.tags.echo, new Uint8Array(1)))
    await pass(clock, 20_000) // S16: a silence that it does not hear
    expect(end.isClosed).toBe(false)
    end.readOn()
    const frames = await end.take()
    expect(kindsOf(frames)).toEqual([kinds.RESPONSE, kinds.PONG, kinds.RESPONSE])
  })

  it('S17: gives up a peer that takes nothing', async () => {
    const { clock, end } = stageServer(makeGreeter().greeter, { maxBacklogBytes: 16_384 })
    await end.sendFrame('HELLO', 0, helloBody())
    await end.take()
    end.stopReading()
    await end.sendFrame('REQUEST', 1, request(Greeter.tags.echo, new Uint8Array(20_000)))
    await pass(clock, 60_000)
    expect(end.isClosed).toBe(true)
  })

  it('S9, S16: stops reading where notifies fill its slots, refuses nothing, and counts no silence', async () => {
    const Lab = contract('lab', { hold: notify(Type.Null()), quick: unary(Type.Null(), Type.Null()) })
    const ends: (() => void)[] = []
    const lab = service(Lab, { hold: () => new Promise((resolve) => ends.push(resolve)), quick: () => null })
    const { clock, end } = stageServer(lab, { maxCallsInFlight: 2, callTimeoutMs: 1_000_000 })
    await end.sendFrame('HELLO', 0, helloBody())
    await end.take()
    for (const id of [1, 2]) await end.sendFrame('REQUEST', id, request(Lab.tags.hold, null), 4)
    await end.sendFrame('REQUEST', 3, request(Lab.tags.quick, null))
    await end.sendFrame('PING', 0, PING)
    expect(ends).toHaveLength(2)
    await pass(clock, 60_000)
    expect(new Set(kindsOf(await end.take()))).toEqual(new Set([kinds.PING])) // it says that it is there
    expect(end.isClosed).toBe(false)
    ends[0]?.()
    expect(new Set(kindsOf(await end.take()))).toEqual(new Set([kinds.PONG, kinds.RESPONSE]))
  })

  it('S8, S10: a slot is free only when the handler has ended', async () => {
    const { end, server } = stageServer(makeGreeter().greeter, { maxCallsInFlight: 1 })
    await end.sendFrame('HELLO', 0, helloBody())
    await end.sendFrame('REQUEST', 1, request(Greeter.tags.wait, {}))
    await end.take()
    expect(server.stats().inFlight).toBe(1)
    await end.sendFrame('CANCEL', 1)
    expect(server.stats()).toMatchObject({ inFlight: 0, calls: { 'greeter/wait': { ok: 1 } } })
  })

  it('S23: a request reaches its handler once', async () => {
    const { greeter, lines } = makeGreeter()
    const { end } = stageServer(greeter)
    await end.sendFrame('HELLO', 0, helloBody())
    await end.sendFrame('REQUEST', 5, request(Greeter.tags.log, { line: 'once' }), 4)
    await end.sendFrame('REQUEST', 5, request(Greeter.tags.log, { line: 'once' }), 4)
    expect(lines).toEqual(['once'])
    expect(end.isClosed).toBe(true)
  })

  it('S25: a connection that is cut cancels its handlers', async () => {
    const { clock, end, server } = stageServer(makeGreeter().greeter)
    await end.sendFrame('HELLO', 0, helloBody())
    await end.sendFrame('REQUEST', 1, request(Greeter.tags.wait, {}))
    await end.cut()
    await settle(clock)
    expect(server.stats()).toMatchObject({ connections: 0, inFlight: 0, calls: { 'greeter/wait': { ok: 1 } } })
  })

  it('E5: has no room for a connection too many', async () => {
    const { end, connect, clock } = stageServer(makeGreeter().greeter, { maxConnections: 1 })
    const second = connect()
    await second.sendFrame('HELLO', 0, helloBody())
    expect(kindsOf(await second.take())).toEqual([kinds.ERROR])
    await pass(clock, 500)
    expect([second.isClosed, end.isClosed]).toEqual([true, false])
  })
})
