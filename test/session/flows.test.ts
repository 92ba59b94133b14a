/** What calls of one connection share that is longer than a frame (spec/streams.md, F14, F16, F17; spec/session.md, S8 and S10). */
import { describe, expect, it } from 'vitest'
import { type Body, flags, kinds } from '../../src/wire/index.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { failure, feed, request, response, startedAt } from './messages.ts'
import {
  beginAt,
  beginFrom,
  bulkIn,
  Consumer,
  credit,
  data,
  end,
  Item,
  priority,
  ramp,
  said,
  words,
} from './streams-kit.ts'

const { MORE, OUTPUT } = flags
const pong = frameBytes(kinds.PONG, 0, 0, new Uint8Array(8))

const ran = ({ effects }: Tapped) => effects.requests.map(({ call }) => call.id)

/** Answers a call that runs with so many bytes. */
function respond(made: Tapped, id: number, body: Body): void {
  const found = made.effects.requests.find(({ call }) => call.id === id)
  if (!found) throw new Error(`the call ${id} does not run`)
  made.session.respond(found.call, undefined, body)
}

/** The peer acknowledges all bulk until no more of it comes. */
function acknowledgeAll(made: Tapped): void {
  for (let acknowledged = 0, bulk = bulkIn(made.link.sent); bulk > acknowledged; bulk = bulkIn(made.link.sent)) {
    feed(made, credit(0, bulk - acknowledged))
    acknowledged = bulk
  }
}

describe('S8: answers that have not left', () => {
  it.each([
    [299_999, [1]],
    [300_000, [1, 2]],
  ])('of 300,000 bytes hold back the next request where there is room for %d', (maxReassemblyBytes, expected) => {
    const made = opened({ limits: { maxReassemblyBytes } })
    feed(made, request(1))
    respond(made, 1, ramp(300_000))
    feed(made, request(2))
    expect(ran(made)).toEqual(expected)
    acknowledgeAll(made)
    expect(ran(made)).toEqual([1, 2])
    feed(made, request(3))
    expect(ran(made)).toEqual([1, 2, 3])
  })

  it('count together, each until all of it has left', () => {
    const made = opened({ limits: { maxReassemblyBytes: 250_000 } })
    feed(made, request(1), request(2))
    respond(made, 1, ramp(100_000))
    respond(made, 2, ramp(200_000))
    feed(made, request(3))
    expect(ran(made)).toEqual([1, 2])
    const isLast = ({ kind, id, flags: bits }: { kind: number; id: number; flags: number }) =>
      kind === kinds.RESPONSE && id === 1 && bits === 0
    for (let round = 0; round < 20 && !made.link.sent.some(isLast); round++) feed(made, credit(0, 16_384))
    expect(ran(made)).toEqual([1, 2, 3])
  })

  it('are the bytes that they were, whatever becomes of the memory', () => {
    const made = opened()
    feed(made, request(1))
    const pieces = [ramp(100_000), ramp(200_000, 100_000)] // large bytes that stand in a value are not copied
    respond(made, 1, { pieces, length: 300_000 })
    made.clock.runTurns()
    for (const piece of pieces) piece.fill(0xee)
    acknowledgeAll(made)
    const sent = made.link.sent.flatMap(({ kind, body }) => (kind === kinds.RESPONSE ? [body] : []))
    expect(Buffer.compare(Buffer.concat(sent), ramp(300_000))).toBe(0)
  })
})

describe('F14: the longest messages', () => {
  it('take turns two at a time, and a third waits', () => {
    const made = opened({ peerLimits: { maxMessageBytes: 150_000 } })
    feed(made, request(1), request(2), request(3))
    for (const id of [1, 2, 3]) respond(made, id, ramp(150_000))
    const begun = said(made)
    expect(begun.at(-1)).toBe('RESPONSE 3 MORE 16384')
    expect(bulkIn(made.link.sent)).toBe(65_536) // of the first, which was alone
    const sent: string[] = []
    for (let round = 0; round < 4; round++) {
      feed(made, credit(0, 16_384))
      sent.push(...said(made))
    }
    expect(sent).toEqual([1, 2, 1, 2].map((id) => `RESPONSE ${id} MORE 16384`))
  })
})

describe('a call that ends while another one has streams', () => {
  it('is none of them: nothing of it is cut', () => {
    const made = opened({ role: 'client' })
    const stream = beginFrom(made, { input: true })
    const [first, second] = [startedAt(made), startedAt(made)]
    said(made)
    made.session.abandon(first)
    expect(said(made)).toEqual(['CANCEL 2 0'])
    feed(made, response(3), failure(2))
    expect([second.fate, made.session.inFlight]).toEqual(['replied', 1])
    stream.flow.outflow?.put(new Item(5))
    expect(said(made)).toEqual(['DATA 1 5'])
  })
})

describe('S10: a request that is given up while it leaves', () => {
  it('is cancelled, also by its deadline, and no fragment of it follows', () => {
    for (const tells of [true, false]) {
      const made = opened({ role: 'client' })
      const call = startedAt(made, { body: ramp(400_000) })
      expect(said(made).at(-1)).toBe('REQUEST 1 MORE 16384')
      made.session.abandon(call, tells)
      expect(said(made)).toEqual(['CANCEL 1 0'])
      feed(made, credit(0, 65_536))
      expect(said(made)).toEqual([])
    }
  })

  it('is not once all of it has left, where a deadline has told the server', () => {
    const made = opened({ role: 'client' })
    const call = startedAt(made, { body: ramp(100_000) })
    acknowledgeAll(made)
    said(made)
    made.session.abandon(call, false)
    expect(said(made)).toEqual([])
  })
})

describe('a large request', () => {
  it('of a notify leaves nothing behind', () => {
    const made = opened({ role: 'client' })
    startedAt(made, { oneWay: true, body: ramp(80_000) })
    expect(said(made).at(-1)).toMatch(/^REQUEST 1 \d+$/)
    feed(made, credit(1, 10))
    expect([made.session.state, made.session.counters.unknownIds]).toEqual(['open', 1])
  })

  it('of a stream leaves the stream, when all of it has left', () => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made, { output: true, body: ramp(80_000) })
    expect(said(made).at(-1)).toMatch(/^REQUEST 1 \d+$/)
    const consumer = new Consumer(call.flow.inflow)
    feed(made, data(1, [1, 2]), end(1))
    expect([consumer.bytes.length, call.fate]).toEqual([2, 'ended'])
  })

  it('has the share of its priority, though it has no streams', () => {
    const made = opened({ role: 'client' })
    startedAt(made, { body: ramp(400_000) })
    startedAt(made, { body: ramp(400_000), priority: 2 })
    said(made)
    feed(made, credit(0, 65_536))
    feed(made, credit(0, 16_384))
    const ids = said(made).map((word) => Number(word.split(' ')[1]))
    expect(ids.slice(0, 5)).toEqual([1, 2, 2, 2, 2])
  })
})

describe('F17: a PRIORITY', () => {
  it('counts for what leaves already: items, and the rest of a message', () => {
    const made = opened()
    const { flow } = beginAt(made, 9, OUTPUT)
    feed(made, priority(9, 0))
    expect([flow.priority, flow.outflow?.priority]).toEqual([0, 0])
    feed(made, request(10), request(11))
    respond(made, 10, ramp(400_000))
    respond(made, 11, ramp(400_000))
    said(made)
    feed(made, priority(10, 2), credit(0, 65_536))
    feed(made, credit(0, 16_384))
    const ids = said(made).map((word) => Number(word.split(' ')[1]))
    expect(ids.slice(0, 5)).toEqual([10, 10, 10, 10, 11])
  })
})

it('what has come may be taken when the connection is over, and nothing is written for it', () => {
  const made = opened({ role: 'client' })
  const { inflow } = beginFrom(made, { output: true }).flow
  const consumer = new Consumer(inflow, false)
  feed(made, data(1, ramp(16_000)))
  made.link.close()
  const written = made.session.counters.framesSent
  expect(consumer.take()).toBe(16_000)
  expect([inflow?.isEnded, made.session.counters.framesSent]).toEqual([true, written])
})

describe('F17: a PRIORITY for a call without streams', () => {
  it.each([
    ['DATA', data(1, [1])],
    ['CREDIT', credit(1, 1)],
  ])('opens none: %s for it breaks a rule', (_, frame) => {
    const made = opened()
    feed(made, request(1), priority(1, 2), frame)
    expect(made.effects.violations).toMatchObject([{ rule: 'stream' }])
  })
})

describe('F16: what is waited for', () => {
  const limits = { pingAfterMs: 100, idleTimeoutMs: 1_000 }

  /** Time passes while the peer lives, and perhaps says more. */
  function live(made: Tapped, ms: number, frame = pong): void {
    for (let passed = 0; passed < ms; passed += 50) {
      feed(made, pong, frame)
      made.clock.advance(50)
    }
  }

  it('is no acknowledgement where nothing more is to be sent, though the window is full', () => {
    const made = opened({ limits })
    for (let id = 1; id <= 4; id++) beginAt(made, id, OUTPUT).flow.outflow?.put(new Item(16_384))
    expect(bulkIn(made.link.sent)).toBe(65_536)
    live(made, 5_000)
    expect([made.session.state, made.effects.limits]).toEqual(['open', []])
  })

  it.each([
    ['a byte', [7]],
    ['nothing', []],
  ])('has come where a message goes on by %s now and then', (_, body) => {
    const made = opened({ limits })
    feed(made, request(1, MORE))
    live(made, 5_000, frameBytes(kinds.REQUEST, MORE, 1, body))
    expect([made.effects.refusals, words(made.link.takeSent()).filter((word) => word.startsWith('ERROR'))]).toEqual([
      [],
      [],
    ])
  })
})
