/** The half of a session that makes calls (spec/session.md S3 to S12, spec/protocol.md P20 to P34). */
import { describe, expect, it } from 'vitest'
import { flags, kinds, pack, readRequestHead } from '../../src/wire/index.ts'
import { opened } from '../support/tapped.ts'
import { failure, feed, response, shape, startedAt } from './messages.ts'

const { MORE, METADATA } = flags

describe('a client', () => {
  it('S3: numbers its calls from 1, and over the wrap past 0', () => {
    const ids = (firstId?: number) => {
      const made = opened({ role: 'client', ...(firstId === undefined ? {} : { firstId }) })
      for (const oneWay of [false, true, false, false]) startedAt(made, { oneWay })
      return made.link.takeSent().map(({ id }) => id)
    }
    expect(ids()).toEqual([1, 2, 3, 4])
    expect(ids(0xffff_fffe)).toEqual([0xffff_fffe, 0xffff_ffff, 1, 2])
  })

  it('S12: sends what is left until the deadline, rounded up and at least 1, and 0 for none', () => {
    const made = opened({ role: 'client' })
    const now = made.clock.now()
    for (const deadlineAt of [now + 250, now + 0.2, now - 5, Number.POSITIVE_INFINITY]) startedAt(made, { deadlineAt })
    const heads = made.link.takeSent().map(({ flags: bits, body }) => readRequestHead(bits, body, 0, body.length))
    expect(heads.map(({ timeoutMs }) => timeoutMs)).toEqual([250, 1, 1, 0])
  })

  it('S12: counts the time that a call has waited', () => {
    const made = opened({ role: 'client', peerLimits: { maxCallsInFlight: 1 } })
    startedAt(made)
    startedAt(made, { deadlineAt: made.clock.now() + 100 })
    made.link.takeSent()
    made.clock.advance(40)
    feed(made, response(1))
    const [frame] = made.link.takeSent()
    expect(frame && readRequestHead(frame.flags, frame.body, 0, frame.body.length).timeoutMs).toBe(60)
  })

  it('ends calls in the order of the replies, with their metadata', () => {
    const made = opened({ role: 'client' })
    const [first, second, third] = [startedAt(made), startedAt(made), startedAt(made)]
    const metadata = pack({ a: 'b' })
    feed(
      made,
      response(2, METADATA, [0, metadata.length, ...metadata, 0x2a]),
      failure(3, 'Banned'),
      response(1, 0, [1]),
    )
    expect(second.outcomes).toEqual([{ how: 'replied', metadata: { a: 'b' }, body: Uint8Array.of(0x2a) }])
    expect(third.outcomes).toMatchObject([{ how: 'refused', error: { code: 'Banned', message: 'because' } }])
    expect(first.outcomes).toEqual([{ how: 'replied', metadata: {}, body: Uint8Array.of(1) }])
    expect(made.session.inFlight).toBe(0)
  })

  it('P33: puts replies together whose fragments take turns', () => {
    const made = opened({ role: 'client' })
    const [first, second] = [startedAt(made), startedAt(made)]
    feed(made, response(1, MORE, [1]), response(2, MORE, [2]), response(1, MORE, []), response(2, 0, [3]))
    expect([first.fate, second.fate]).toEqual(['', 'replied'])
    feed(made, response(1, 0, [4, 5]))
    expect(first.outcomes).toEqual([{ how: 'replied', metadata: {}, body: Uint8Array.of(1, 4, 5) }])
    expect(second.outcomes).toEqual([{ how: 'replied', metadata: {}, body: Uint8Array.of(2, 3) }])
  })

  it('P31: lets an ERROR take the place of the fragments that are missing', () => {
    const made = opened({ role: 'client' })
    const call = startedAt(made)
    feed(made, response(1, MORE, [1]), failure(1), response(1, 0, [2]))
    expect(call.fate).toBe('refused internal undefined')
    expect(made.session.counters.unknownIds).toBe(1)
  })

  it('S11: ignores and counts what is for no call in flight', () => {
    const made = opened({ role: 'client' })
    const call = startedAt(made)
    feed(made, response(9), failure(9), response(9, MORE), response(9, MORE), response(1), response(1), failure(1))
    expect(call.fate).toBe('replied')
    expect(made.session.counters).toMatchObject({ unknownIds: 6, lateReplies: 0 })
    expect(made.session.state).toBe('open')
  })

  it('S5, S11: holds the id of a cancelled call until the server has ended it, and counts the late reply', () => {
    for (const ending of [response(1), failure(1)]) {
      const made = opened({ role: 'client', peerLimits: { maxCallsInFlight: 1 } })
      const call = startedAt(made)
      made.session.abandon(call)
      made.session.abandon(call)
      const next = startedAt(made)
      expect(shape(made.link.takeSent())).toEqual([
        [kinds.REQUEST, 1],
        [kinds.CANCEL, 1],
      ])
      expect([made.session.inFlight, made.session.waiting]).toEqual([1, 1])
      feed(made, ending)
      expect([call.fate, next.leftCount]).toEqual(['', 1])
      expect(made.session.counters).toMatchObject({ lateReplies: 1, unknownIds: 0 })
      expect(shape(made.link.takeSent())).toEqual([[kinds.REQUEST, 2]])
    }
  })

  it('S10: does not send a call that is cancelled while it waits', () => {
    const made = opened({ role: 'client', peerLimits: { maxCallsInFlight: 1 } })
    const [, second, third] = [startedAt(made), startedAt(made), startedAt(made)]
    made.session.abandon(second)
    feed(made, response(1), response(2))
    expect([second.leftCount, second.fate, third.fate]).toEqual([0, '', 'replied'])
    expect(shape(made.link.takeSent())).toEqual([
      [kinds.REQUEST, 1],
      [kinds.REQUEST, 2],
    ])
  })

  it('keeps nothing of a reply to an abandoned call, and lets no limit fire for it', () => {
    const made = opened({ role: 'client', limits: { maxReassemblyBytes: 70_000 } })
    const fragment = new Uint8Array(60_000)
    const call = startedAt(made)
    made.session.abandon(call)
    feed(made, response(1, MORE, fragment), response(1, MORE, fragment))
    expect(made.effects.limits).toEqual([])
    const other = startedAt(made)
    feed(made, response(2, MORE, fragment), response(2, 0, [1]), response(1, 0, fragment))
    expect([call.fate, other.fate, made.session.inFlight]).toEqual(['', 'replied', 0])
    expect(made.session.counters.lateReplies).toBe(1)
  })

  it.each(['maxReassemblyBytes', 'maxMessageBytes'])('P34: frees the place of a reply above %s', (limit) => {
    const body = new Uint8Array(60_000)
    const tooMuch = [
      [response(1, MORE, body), response(1, MORE, body), response(1, MORE, body), response(1, 0, body)],
      [response(1, MORE, body), response(1, MORE, body), response(1, 0, body)],
      [response(1, MORE, body), response(1, MORE, body), response(1, MORE, body), failure(1)],
    ]
    for (const frames of tooMuch) {
      const made = opened({ role: 'client', limits: { [limit]: 70_000 } })
      const call = startedAt(made)
      feed(made, ...frames)
      expect(call.fate).toBe('refused resource_exhausted yes')
      expect(made.session.inFlight).toBe(0)
      expect(made.session.counters.unknownIds).toBe(0)
      expect(made.session.state).toBe('open')
    }
  })

  it('keeps the process alive while it opens, and then only while somebody waits', () => {
    const made = opened({ role: 'client' })
    expect(made.link.keepsProcess).toBe(false)
    const call = startedAt(made)
    expect(made.link.keepsProcess).toBe(true)
    made.session.abandon(call)
    expect(made.link.keepsProcess).toBe(false)
    startedAt(made, { oneWay: true })
    expect(made.link.keepsProcess).toBe(false)
    startedAt(made)
    feed(made, response(3))
    expect(made.link.keepsProcess).toBe(false)
  })
})
