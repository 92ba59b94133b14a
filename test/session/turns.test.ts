/** Bulk takes turns, and small calls pass beside it (spec/streams.md, F14, F17; spec/protocol.md, P33). */
import { describe, expect, it, vi } from 'vitest'
import type { Priority } from '../../src/session/index.ts'
import { flags, kinds } from '../../src/wire/index.ts'
import type { SlowFrame } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed, request, response, startedAt } from './messages.ts'
import { beginAt, beginFrom, bulkIn, cancel, credit, Item, Producer, priority, ramp, words } from './streams-kit.ts'

const { OUTPUT } = flags

/** What went out by the end of this turn. */
function sentBy({ clock, link }: Tapped): SlowFrame[] {
  clock.runTurns()
  return link.takeSent()
}

/** Bytes of each call in frames that went out. */
function shares(frames: readonly SlowFrame[]): Map<number, number> {
  const bytes = new Map<number, number>()
  for (const { id, body } of frames) bytes.set(id, (bytes.get(id) ?? 0) + body.length)
  return bytes
}

/** The peer acknowledges 64 KiB at most each millisecond, and gives each stream what it has used. */
function goOn(made: Tapped, rounds: number): SlowFrame[] {
  const all: SlowFrame[] = []
  for (let round = 0; round < rounds; round++) {
    const sent = sentBy(made)
    all.push(...sent)
    const bytes = Math.min(65_536, bulkIn(made.link.sent) - (acknowledged.get(made) ?? 0))
    acknowledged.set(made, (acknowledged.get(made) ?? 0) + bytes)
    const items = sent.filter(({ kind }) => kind === kinds.DATA)
    for (const [id, used] of shares(items)) if (used > 0) feed(made, credit(id, used))
    made.clock.advance(1)
    if (bytes > 0) feed(made, credit(0, bytes))
  }
  return all
}

/** By then, by `goOn`. */
const acknowledged = new WeakMap<Tapped, number>()

/** A server that streams without end in calls of these priorities. */
function streams(priorities: readonly Priority[], bytes = 1_000): Tapped {
  const made = opened()
  const flows = priorities.map((level, at) => {
    const { flow } = beginAt(made, at + 1, OUTPUT)
    if (level !== 1) feed(made, priority(at + 1, level))
    return flow
  })
  for (const [at] of flows.entries()) feed(made, credit(at + 1, 1_000_000))
  for (const { outflow } of flows) new Producer(outflow, bytes).run()
  return made
}

describe('F14: messages under way', () => {
  it('have the same share each, however large they are', () => {
    const made = opened()
    feed(made, ...[1, 2, 3, 4].map((id) => request(id)))
    for (const [at, { call }] of made.effects.requests.entries())
      made.session.respond(call, undefined, ramp(600_000 + at * 300_000))
    const sent = goOn(made, 30)
    const bytes = [...shares(sent).values()]
    expect(bytes).toHaveLength(4)
    // The first has had the window for itself before the others came.
    expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThanOrEqual(65_536 + 16_384)
  })

  it('are cut into pieces of at most 16,384 bytes, and of 1,024 at least', () => {
    const made = streams([1, 0, 2], 40_000)
    const sent = goOn(made, 40).filter(({ kind, flags: bits }) => kind === kinds.DATA && (bits & flags.WAIT) === 0)
    expect(Math.max(...sent.map(({ body }) => body.length))).toBeLessThanOrEqual(16_384)
    const pieces = sent.filter(({ flags: bits }) => (bits & flags.MORE) !== 0)
    expect(pieces.length).toBeGreaterThan(20)
    expect(Math.min(...pieces.map(({ body }) => body.length))).toBeGreaterThanOrEqual(1_024)
  })

  it('arrive whole and in order, each, though they take turns', () => {
    const made = opened()
    feed(made, ...[1, 2, 3].map((id) => request(id)))
    for (const { call } of made.effects.requests) made.session.respond(call, undefined, ramp(200_000 + call.id))
    const sent = goOn(made, 40)
    for (const id of [1, 2, 3]) {
      const body = Buffer.concat(sent.filter((frame) => frame.id === id).map(({ body }) => body))
      expect(Buffer.compare(body, ramp(200_000 + id))).toBe(0)
    }
    expect(made.session.inFlight).toBe(0)
  })

  it('leave in no piece below 1,024 bytes for want of more room', () => {
    const made = opened({ role: 'client' })
    startedAt(made, { body: ramp(400_000) })
    sentBy(made)
    const piecesAfter = (bytes: number) => {
      feed(made, credit(0, bytes))
      return words(sentBy(made))
    }
    expect(piecesAfter(1_023)).toEqual([])
    expect(piecesAfter(1)).toEqual(['REQUEST 1 MORE 1024'])
    expect(piecesAfter(16_384 + 1_023)).toEqual(['REQUEST 1 MORE 16384'])
    expect(piecesAfter(1)).toEqual(['REQUEST 1 MORE 1024'])
    expect(piecesAfter(16_384 + 1_024)).toEqual(['REQUEST 1 MORE 16384', 'REQUEST 1 MORE 1024'])
  })

  it('do not widen the window where there was no more to send', () => {
    const made = opened()
    const { flow } = beginAt(made, 1, OUTPUT)
    feed(made, credit(1, 1_000_000))
    for (let round = 0; round < 5; round++) {
      flow.outflow?.put(new Item(60_000))
      expect(bulkIn(sentBy(made))).toBe(60_000)
      made.clock.advance(10)
      feed(made, credit(0, 60_000))
    }
    flow.outflow?.put(new Item(300_000))
    expect(bulkIn(sentBy(made))).toBe(65_536)
  })

  it('are told to the link once for all pieces, and not where there was none', () => {
    const made = opened({ role: 'client' })
    startedAt(made, { body: ramp(400_000) })
    sentBy(made)
    const written = vi.spyOn(made.link, 'written')
    feed(made, credit(0, 1_000))
    expect(written).not.toHaveBeenCalled()
    feed(made, credit(0, 40_000))
    expect(written.mock.calls).toEqual([[0]])
  })

  it('let a small reply pass at once, however much waits before it', () => {
    const made = streams([1, 1])
    feed(made, request(8), request(9))
    const [large, small] = made.effects.requests.slice(2)
    if (large) made.session.respond(large.call, undefined, ramp(1_000_000))
    sentBy(made)
    if (small) made.session.respond(small.call, undefined, ramp(100))
    expect(words(sentBy(made))).toEqual(['RESPONSE 9 100'])
  })

  it('of a client let a small request pass at once, and wait for their turn in order', () => {
    const made = opened({ role: 'client' })
    for (let count = 0; count < 3; count++) startedAt(made, { body: ramp(4_000_000) })
    sentBy(made)
    startedAt(made, { body: ramp(100) })
    expect(words(sentBy(made))).toEqual(['REQUEST 4 108'])
    const sent = goOn(made, 100)
    const begun = [...shares(sent).keys()].filter((id) => id > 0)
    expect(begun).toEqual([1, 2]) // the third waits: two of the longest are what a server has room for
    expect(made.session.state).toBe('open')
    goOn(made, 150)
    expect(made.session.inFlight).toBe(4)
    feed(made, response(4))
    expect(made.session.inFlight).toBe(3)
  })

  it('stop while the link is congested, and go on when it is not', () => {
    const made = streams([1, 1])
    sentBy(made)
    made.link.isCongested = true
    feed(made, credit(0, 30_000))
    expect(bulkIn(sentBy(made))).toBe(0)
    made.link.drain()
    expect(bulkIn(sentBy(made))).toBeGreaterThan(20_000)
  })

  it('that end give their turn up: nothing of them is left', () => {
    const made = streams([1, 1, 1])
    sentBy(made)
    for (const { call } of made.effects.requests)
      made.session.refuse(call, { code: 'Failed', message: '', processed: 'yes' })
    feed(made, cancel(1), cancel(2), cancel(3))
    expect([made.session.inFlight, made.session.state]).toEqual([0, 'open'])
    feed(made, credit(0, bulkIn(made.link.sent)))
    expect(bulkIn(sentBy(made))).toBe(0)
  })
})

describe('F17: a priority', () => {
  it('gives about one, four and sixteen times the share', () => {
    const made = streams([0, 1, 2], 100)
    goOn(made, 5) // the first of them has had the window for itself
    const bytes = shares(goOn(made, 100))
    const [low = 0, normal = 0, high = 0] = [1, 2, 3].map((id) => bytes.get(id))
    expect(normal / low).toBeGreaterThan(2.9)
    expect(normal / low).toBeLessThan(5)
    expect(high / normal).toBeGreaterThan(2.9)
    expect(high / normal).toBeLessThan(5)
  })

  it('leaves the low ones something, however many are high', () => {
    const sent = goOn(streams([0, ...Array<Priority>(10).fill(2)]), 200)
    expect(shares(sent).get(1)).toBeGreaterThan(8_192)
  })

  it('is sent behind the REQUEST, with IGNORE, where it is not the normal one', () => {
    const made = opened({ role: 'client' })
    for (const level of [0, 1, 2] as const) beginFrom(made, { input: true, priority: level })
    startedAt(made, { priority: 2 })
    const sent = made.link.takeSent()
    expect(words(sent)).toEqual([
      'REQUEST 1 INPUT 8',
      'PRIORITY 1 IGNORE 1',
      'REQUEST 2 INPUT 8',
      'REQUEST 3 INPUT 8',
      'PRIORITY 3 IGNORE 1',
      'REQUEST 4 9',
      'PRIORITY 4 IGNORE 1',
    ])
    expect(sent.filter(({ kind }) => kind === kinds.PRIORITY).map(({ body }) => body[0])).toEqual([0, 2, 2])
  })

  it.each([
    ['that came before a reply in fragments', true],
    ['that comes while a reply leaves in fragments', false],
  ])('%s counts for it', (_, isBefore) => {
    const made = opened()
    feed(made, request(1), request(2))
    if (isBefore) feed(made, priority(1, 2))
    for (const { call } of made.effects.requests) made.session.respond(call, undefined, ramp(2_000_000))
    if (!isBefore) feed(made, priority(1, 2))
    const bytes = shares(goOn(made, 20))
    expect((bytes.get(1) ?? 0) / (bytes.get(2) ?? 1)).toBeGreaterThan(2.5)
  })

  it('of a call that waits for a slot counts when it begins', () => {
    const made = opened({ limits: { maxCallsInFlight: 2 } })
    const flows = [beginAt(made, 1, OUTPUT), beginAt(made, 2, OUTPUT)]
    feed(made, ...[3].map((id) => request(id)), priority(3, 2))
    made.effects.onRequest = ({ call }) => made.session.respond(call, undefined, ramp(2_000_000))
    if (flows[0]) made.session.endStream(flows[0].call, undefined)
    feed(made, credit(2, 5_000_000))
    new Producer(flows[1]?.flow.outflow, 1_000).run()
    const bytes = shares(goOn(made, 20))
    expect((bytes.get(3) ?? 0) / (bytes.get(2) ?? 1)).toBeGreaterThan(2.5)
  })

  it('holds for what the client sends, too', () => {
    const made = opened({ role: 'client' })
    const [normal, high] = [1, 2].map((level) => beginFrom(made, { input: true, priority: level as Priority })) // 1 or 2
    for (const call of [normal, high]) {
      feed(made, credit(call?.flow === normal?.flow ? 1 : 2, 1_000_000))
      call?.flow.outflow?.put(new Item(1_000_000))
    }
    goOn(made, 3)
    const bytes = shares(goOn(made, 10))
    expect((bytes.get(2) ?? 0) / (bytes.get(1) ?? 1)).toBeGreaterThan(2.5)
  })
})

it('F14: an input that waits for its turn does not keep the answer from ending its call', () => {
  const made = opened({ role: 'client' })
  const call = beginFrom(made, { input: true })
  feed(made, credit(1, 1_000_000))
  call.flow.outflow?.put(new Item(1_000_000))
  sentBy(made)
  feed(made, response(1))
  expect([call.fate, made.session.inFlight]).toEqual(['replied', 0])
  feed(made, credit(0, 60_000))
  expect(bulkIn(sentBy(made))).toBe(0)
})
