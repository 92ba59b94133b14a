/** What of a call is still to be sent when it ends otherwise: by its deadline, by the peer, or from within an encoding. */
import { describe, expect, it } from 'vitest'
import type { ItemToSend } from '../../src/session/index.ts'
import { flags, type InPlace, kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { opened } from '../support/tapped.ts'
import { failure, feed, request, startedAt } from './messages.ts'
import { beginAt, beginFrom, cancel, credit, Item, said } from './streams-kit.ts'

const { OUTPUT } = flags
const DEADLINE_MS = 1_000

/** A server whose handler has ended, of whose answer some waits for credit; the client's deadline is a second away. */
function answered() {
  const made = opened({ role: 'server' })
  const { call, flow } = beginAt(made, 1, OUTPUT)
  flow.endsBy = made.clock.now() + DEADLINE_MS
  flow.outflow?.put(new Item(40_000))
  made.session.endStream(call, undefined)
  expect(said(made).at(-1)).toMatch(/^DATA 1 MORE/)
  return made
}

describe('F18: an answer that waits for credit', () => {
  it('ends with the deadline, and frees its slot', () => {
    const made = answered()
    made.clock.advance(DEADLINE_MS - 1)
    expect(said(made)).toEqual([])
    expect(made.session.inFlight).toBe(1)
    made.clock.advance(1)
    expect(said(made)).toEqual(['ERROR 1 deadline_exceeded yes'])
    expect(made.session.inFlight).toBe(0)
    feed(made, credit(1, 90_000))
    made.clock.advance(10 * DEADLINE_MS)
    expect(said(made).filter((word) => word.includes(' 1 '))).toEqual([])
  })

  it('has no deadline any more once it has left, or was cancelled', () => {
    const whole = answered()
    feed(whole, credit(1, 90_000))
    expect(said(whole).at(-1)).toBe('END 1 0')
    whole.clock.advance(2 * DEADLINE_MS)
    expect(said(whole)).toEqual([])
    const cut = answered()
    feed(cut, cancel(1))
    expect(said(cut)).toEqual(['ERROR 1 cancelled yes'])
    cut.clock.advance(2 * DEADLINE_MS)
    expect(said(cut)).toEqual([])
  })

  it('is not told that it is late before it could be sent at all', () => {
    const made = opened({ role: 'server' })
    const { call, flow } = beginAt(made, 1, OUTPUT)
    flow.endsBy = made.clock.now() - 1
    flow.outflow?.put(new Item(40_000))
    made.session.endStream(call, undefined)
    expect(said(made).filter((word) => word.startsWith('ERROR'))).toEqual([])
    made.clock.advance(1)
    expect(said(made)).toEqual(['ERROR 1 deadline_exceeded yes'])
  })
})

describe('a request that is half there', () => {
  it('is cancelled where the server has answered it with an error, for that waits for the rest', () => {
    const made = opened({ role: 'client' })
    const call = startedAt(made, { body: new Uint8Array(400_000) })
    expect(said(made).at(-1)).toMatch(/^REQUEST 1 MORE/)
    feed(made, failure(1, 'Failed'))
    expect(call.outcomes).toMatchObject([{ how: 'refused', error: { code: 'Failed' } }])
    expect(said(made)).toEqual(['CANCEL 1 0'])
    expect(made.session.inFlight).toBe(0)
    made.clock.advance(1)
    expect(said(made)).toEqual([])
  })

  it('is given up by a server that has nothing else of that client, however alive it is', () => {
    const made = opened({ role: 'server', limits: { pingAfterMs: 100, idleTimeoutMs: 1_000 } })
    feed(made, request(1, flags.MORE))
    const answers: string[] = []
    for (let passed = 0; passed < 1_500; passed += 50) {
      feed(made, frameBytes(kinds.PONG, 0, 0, new Uint8Array(8)))
      made.clock.advance(50)
      answers.push(...said(made).filter((word) => word.startsWith('ERROR')))
    }
    expect(answers).toEqual(['ERROR 1 deadline_exceeded no'])
    expect(made.session.state).toBe('open')
  })

  it('is not, where all of it has left', () => {
    const made = opened({ role: 'client' })
    startedAt(made, { body: new Uint8Array(10) })
    said(made)
    feed(made, failure(1))
    expect(said(made)).toEqual([])
  })
})

/** Bytes of requests that are to be acknowledged: all but their first frames. */
function bulkOf(sent: readonly string[]): number {
  const requests = sent.filter((word) => word.startsWith('REQUEST')).map((word) => word.split(' '))
  const isFirst = ([, id]: readonly string[], at: number) => requests.findIndex((other) => other[1] === id) === at
  return requests.reduce((sum, words, at) => sum + (isFirst(words, at) ? 0 : Number(words.at(-1))), 0)
}

describe('large requests, of which two at a time take turns', () => {
  it('go on when one leaves that has not had a turn yet, as before', () => {
    const made = opened({ role: 'client', peerLimits: { maxMessageBytes: 300_000 } })
    const calls = [1, 2, 3].map(() => startedAt(made, { body: new Uint8Array(290_000) }))
    const sent = said(made)
    expect(sent.filter((word) => word.startsWith('REQUEST 3 '))).toHaveLength(1) // what it begins with
    const [, , third = new RecordedCall()] = calls
    made.session.abandon(third)
    expect(said(made)).toEqual(['CANCEL 3 0'])
    startedAt(made, { body: new Uint8Array(290_000) })
    sent.push(...said(made))
    for (let acknowledged = 0, bulk = bulkOf(sent); bulk > acknowledged; bulk = bulkOf(sent)) {
      feed(made, credit(0, bulk - acknowledged))
      acknowledged = bulk
      sent.push(...said(made))
    }
    const isLast = (word: string) => /^REQUEST [12] \d/.test(word)
    const isSecondOfFourth = (word: string, at: number) =>
      word.startsWith('REQUEST 4 ') && sent.slice(0, at).some((before) => before.startsWith('REQUEST 4 '))
    expect(sent.filter(isLast)).toHaveLength(2)
    expect(sent.findIndex(isSecondOfFourth)).toBeGreaterThan(sent.findIndex(isLast))
    expect(sent.at(-1)).toMatch(/^REQUEST 4 \d/)
  })
})

describe('items', () => {
  it('share a DATA up to a piece, and the next one begins another', () => {
    const made = opened({ role: 'client' })
    const { flow } = beginFrom(made, { input: true })
    feed(made, credit(1, 90_000))
    said(made)
    for (let count = 0; count < 4; count++) flow.outflow?.put(new Item(4_096))
    flow.outflow?.put(new Item(10))
    flow.outflow?.put(new Item(5))
    expect(said(made)).toEqual(['DATA 1 16384', 'DATA 1 15'])
  })

  it('are none any more where the call is over, nor is it said that there are none', () => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made, { input: true })
    said(made)
    made.session.abandon(call)
    expect(said(made)).toEqual(['CANCEL 1 0'])
    expect(call.flow.outflow?.put(new Item(1))).toBe(false)
    call.flow.outflow?.putNone()
    call.flow.outflow?.end()
    expect(said(made)).toEqual([])
  })

  it.each([
    ['written where it leaves', 'encodeInto'],
    ['encoded to bytes', 'toBody'],
  ] as const)('are not sent where the call was ended while one was %s', (_, step) => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made, { input: true })
    said(made)
    const leave = () => made.session.abandon(call)
    const item: ItemToSend = {
      encodeInto(buffer, at) {
        if (step === 'toBody') return -1
        leave()
        return new Item(3).encodeInto(buffer, at)
      },
      toBody() {
        leave()
        return Uint8Array.of(1)
      },
    }
    expect(call.flow.outflow?.put(item)).toBe(false)
    expect(said(made)).toEqual(['CANCEL 1 0'])
  })
})

describe('a request that is written where it leaves', () => {
  it('is lost where its encoding has ended the connection', () => {
    const made = opened({ role: 'client' })
    const call = new RecordedCall()
    const inPlace: InPlace = {
      encodeInto(buffer, at) {
        made.session.end()
        buffer[at] = 0xc0
        return at + 1
      },
    }
    const started = made.session.startInPlace(Object.assign(call, inPlace), 0)
    if (!started) made.session.start(call)
    expect(call.outcomes).toHaveLength(1)
    expect(call.outcomes).toMatchObject([{ how: 'lost', error: { code: 'unavailable' } }])
    expect(made.session.inFlight).toBe(0)
  })
})

it('a server has no calls of its own that wait', () => {
  expect(opened({ role: 'server' }).session.waiting).toBe(0)
})
