/** Corners of both halves of a session that calls come to now and then: who waits, who is told what, and what is counted. */
import { describe, expect, it } from 'vitest'
import { flags, type InPlace, kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { errorIn, opened, type Tapped } from '../support/tapped.ts'
import { feed, request, response, startedAt } from './messages.ts'
import { beginFrom, cancel, credit, end, ramp, said } from './streams-kit.ts'

const { METADATA, MORE, ONE_WAY } = flags
const PLACES = 128

const client = (limits: Parameters<typeof opened>[0] = {}) => opened({ role: 'client', ...limits })
const server = (limits: NonNullable<Parameters<typeof opened>[0]>['limits'] = {}) => opened({ role: 'server', limits })

class AnsweredCall extends RecordedCall {
  whenReplied: () => void = () => {}

  override replied(...args: Parameters<RecordedCall['replied']>): void {
    super.replied(...args)
    this.whenReplied()
  }
}

/** A client whose peer runs as many calls as it may, the first of them watched, and one more that waits. */
function crowded() {
  const made = client({ peerLimits: { maxCallsInFlight: PLACES } })
  const first = new AnsweredCall()
  made.session.start(first)
  for (let count = 1; count < PLACES; count++) startedAt(made)
  const waiting = startedAt(made)
  expect([made.session.inFlight, made.session.waiting]).toEqual([PLACES, 1])
  said(made)
  return { made, first, waiting }
}

/** A call that writes itself. */
const inPlace = (settings: ConstructorParameters<typeof RecordedCall>[0] = {}): RecordedCall & InPlace =>
  Object.assign(new RecordedCall(settings), {
    encodeInto(buffer: Uint8Array, at: number) {
      buffer[at] = 0xc0
      return at + 1
    },
  })

describe('a call that is made while others wait', () => {
  it('comes behind them, also where a place was free for a moment', () => {
    const { made, first, waiting } = crowded()
    const later = new RecordedCall()
    const never = inPlace()
    first.whenReplied = () => {
      expect(made.session.startInPlace(never, 0)).toBe(false)
      made.session.start(later)
    }
    feed(made, response(1))
    expect([waiting.leftCount, later.leftCount]).toEqual([1, 0])
    expect(said(made)).toHaveLength(1)
    feed(made, response(2))
    expect(later.leftCount).toBe(1)
  })

  it('is not written where it leaves if there is no place, and nothing of it is', () => {
    const { made } = crowded()
    const call = inPlace()
    expect(made.session.startInPlace(call, 0)).toBe(false)
    expect(said(made)).toEqual([])
    expect([call.id, made.session.inFlight]).toEqual([0, PLACES])
  })
})

describe('a call that is written where it leaves', () => {
  it('is in flight until it is answered, and a notify never is', () => {
    const made = client()
    const call = inPlace()
    expect(made.session.startInPlace(call, 5)).toBe(true)
    expect(said(made)).toEqual(['REQUEST 1 9'])
    expect(made.session.inFlight).toBe(1)
    expect(made.session.startInPlace(inPlace({ oneWay: true }), 5)).toBe(true)
    expect(said(made)).toEqual(['REQUEST 2 ONE_WAY 9'])
    expect(made.session.inFlight).toBe(1)
    feed(made, response(1))
    expect(call.fate).toBe('replied')
    expect(made.session.inFlight).toBe(0)
  })
})

describe('a call that does not say where it leaves', () => {
  it('is to be sent otherwise, and has used no id', () => {
    const made = client()
    const call = Object.assign(new RecordedCall(), { encodeInto: () => -1 })
    expect(made.session.startInPlace(call, 0)).toBe(false)
    expect([said(made), call.id, made.session.inFlight]).toEqual([[], 0, 0])
    made.session.start(call)
    expect(said(made)).toEqual(['REQUEST 1 9'])
  })
})

describe('a call of which too many wait', () => {
  it('is refused in words', () => {
    const made = client({ limits: { maxCallsQueued: 1 }, peerLimits: { maxCallsInFlight: 1 } })
    for (const _ of [1, 2]) startedAt(made)
    const call = startedAt(made)
    expect(call.fate).toBe('refused resource_exhausted no')
    expect(call.message).toMatch(/^too many calls wait for a place: maxCallsQueued is 1 /)
  })

  it('does not keep the peer from hearing that one in flight is not wanted', () => {
    const made = client({ peerLimits: { maxCallsInFlight: 1 } })
    const [first, second] = [startedAt(made), startedAt(made)]
    said(made)
    made.session.abandon(first)
    expect([said(made), second.leftCount]).toEqual([['CANCEL 1 0'], 0])
  })
})

describe('a reply that nobody waits for', () => {
  const small = { limits: { maxMessageBytes: 65_536 } }

  it('is counted once, in one frame or several', () => {
    const made = client()
    for (const _ of [1, 2]) made.session.abandon(startedAt(made))
    feed(made, response(1))
    feed(made, response(2, MORE), response(2))
    expect(made.session.counters).toMatchObject({ lateReplies: 2, unknownIds: 0 })
    expect(made.session.inFlight).toBe(0)
    feed(made, response(2))
    expect(made.session.counters).toMatchObject({ lateReplies: 2, unknownIds: 1 })
  })

  it('is not late where this side would not have it: its caller was told so', () => {
    const made = client(small)
    const call = startedAt(made)
    const parts = Array.from({ length: 4 }, () => response(1, MORE, ramp(60_000)))
    feed(made, ...parts)
    expect(call.fate).toBe('refused resource_exhausted yes')
    expect(call.message).toContain('the reply is too large')
    feed(made, response(1))
    expect(made.session.counters).toMatchObject({ lateReplies: 0, unknownIds: 0 })
    expect(made.session.inFlight).toBe(0)
  })

  it('is let be where it is too large besides', () => {
    const made = client(small)
    made.session.abandon(startedAt(made))
    feed(made, ...Array.from({ length: 4 }, () => response(1, MORE, ramp(60_000))), response(1))
    expect(made.session.state).toBe('open')
    expect(made.session.counters.lateReplies).toBe(1)
  })

  it('is the end of a stream, too', () => {
    const made = client()
    made.session.abandon(beginFrom(made, { output: true }))
    feed(made, end(1))
    expect(made.session.counters).toMatchObject({ lateReplies: 1, unknownIds: 0 })
    feed(made, end(1))
    expect(made.session.counters).toMatchObject({ lateReplies: 1, unknownIds: 1 })
  })

  it('is unknown to a client that has never had a stream', () => {
    const made = client()
    startedAt(made)
    feed(made, response(1), end(1))
    expect(made.session.counters).toMatchObject({ lateReplies: 0, unknownIds: 1 })
  })
})

describe('a reply of the greatest length', () => {
  /** Metadata of four bytes with their length, and so many bytes of body, in two fragments. */
  function fed(bodyBytes: number) {
    const made = client({ limits: { maxMessageBytes: 65_536 } })
    const call = startedAt(made)
    const metadata = [0, 4, 0x81, 0xa1, 0x61, 0xa0]
    const body = ramp(bodyBytes)
    feed(
      made,
      response(1, METADATA | MORE, [...metadata, ...body.subarray(0, 40_000)]),
      response(1, 0, body.subarray(40_000)),
    )
    return { call, made }
  }

  it('is as long as is said, whatever its metadata', () => {
    expect(fed(65_536).call.outcomes).toMatchObject([{ how: 'replied', metadata: { a: '' } }])
    const { call, made } = fed(65_537)
    expect(call.fate).toBe('refused resource_exhausted yes')
    expect(made.effects.limits).toMatchObject([{ name: 'maxMessageBytes' }])
    expect(call.message).toContain('maxMessageBytes is 65536')
  })
})

describe('a notify', () => {
  it('tells of no priority, has no streams, and is forgotten when it has left', () => {
    const made = client()
    const call = startedAt(made, { oneWay: true, priority: 2 })
    expect(said(made).map((word) => word.split(' ')[0])).toEqual(['REQUEST'])
    expect(call.flow).toBeUndefined()
    feed(made, credit(1, 10))
    expect(made.session.counters.unknownIds).toBe(1)
  })

  it('keeps a client that drains until all of it has left', () => {
    const made = client()
    startedAt(made, { oneWay: true, body: new Uint8Array(400_000) })
    made.session.drain(60_000, '')
    const sent = said(made)
    expect(made.session.state).toBe('draining')
    const bulk = () => sent.filter((word) => word.startsWith('REQUEST')).slice(1)
    for (let acknowledged = 0; ; ) {
      const bytes = bulk().reduce((sum, word) => sum + Number(word.split(' ').at(-1)), 0)
      if (bytes === acknowledged) break
      feed(made, credit(0, bytes - acknowledged))
      acknowledged = bytes
      sent.push(...said(made))
    }
    expect(sent.some((word) => /^REQUEST 1 \d/.test(word))).toBe(true)
    expect(['closing', 'closed']).toContain(made.session.state)
  })
})

describe('a call with a priority', () => {
  it('has no streams for that', () => {
    const made = client()
    const call = startedAt(made, { priority: 2 })
    expect(said(made)).toContain('PRIORITY 1 IGNORE 1')
    expect(call.flow).toBeUndefined()
  })
})

describe('what a server does not run', () => {
  const errors = (made: Tapped) => made.link.takeSent().filter(({ kind }) => kind === kinds.ERROR)

  it('is told why, but for a notify', () => {
    const made = server({ maxMessageBytes: 65_536 })
    feed(made, request(1, MORE), ...Array.from({ length: 4 }, () => request(1, MORE, ramp(60_000))))
    const [error] = errors(made)
    expect(errorIn(error)).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(errorIn(error).message).toContain('the request is too large')
    feed(made, request(2, MORE | ONE_WAY), ...Array.from({ length: 4 }, () => request(2, MORE, ramp(60_000))))
    expect(errors(made)).toEqual([])
    expect(made.effects.refusals).toHaveLength(2)
  })

  it('is told that it was cancelled, where a handler had not begun', () => {
    const made = server()
    feed(made, request(1, MORE), cancel(1))
    expect(errorIn(errors(made)[0])).toMatchObject({
      code: 'cancelled',
      message: 'cancelled before a handler began',
      processed: 'no',
    })
  })

  it('is no more than an ERROR where it comes whole, however often', () => {
    const made = server({ maxCallsInFlight: PLACES })
    for (let id = 1; id <= PLACES; id++) feed(made, request(id))
    expect(made.effects.requests).toHaveLength(PLACES)
    for (let id = PLACES + 1; id <= 4 * PLACES; id++) feed(made, request(id))
    expect(made.session.state).toBe('open')
    const told = errors(made)
    expect(told).toHaveLength(3 * PLACES)
    expect(errorIn(told[0]).message).toContain('too many calls in flight')
  })

  it('breaks a rule where ever more of it is begun and not ended', () => {
    const made = server({ maxCallsInFlight: PLACES })
    for (let id = 1; id <= PLACES; id++) feed(made, request(id))
    for (let id = PLACES + 1; id <= 2 * PLACES; id++) feed(made, request(id, MORE))
    expect(made.session.state).toBe('open')
    feed(made, request(2 * PLACES + 1, MORE))
    expect(made.effects.violations).toMatchObject([{ rule: 'limit' }])
    expect(made.effects.violations[0]?.message).toContain('too many unfinished requests: maxCallsInFlight is 128')
    const [limit, ...others] = made.effects.limits.filter(({ message }) => message.includes('unfinished'))
    expect([limit?.name, others]).toEqual(['maxCallsInFlight', []])
  })
})

it('a PONG that nobody has asked for keeps a connection, and tells nothing', () => {
  const made = client()
  feed(made, frameBytes(kinds.PONG, 0, 0, new Uint8Array(8)))
  expect(made.session.state).toBe('open')
  expect(said(made)).toEqual([])
})
