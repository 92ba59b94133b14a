/** The half of a session that takes calls (spec/session.md S4 to S11, spec/protocol.md P3 to P35). */
import { describe, expect, it } from 'vitest'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { frameBytes, requestBody } from '../support/slow-frames.ts'
import { errorIn, opened } from '../support/tapped.ts'
import { failure, feed, request, shape } from './messages.ts'

const { MORE, METADATA, ONE_WAY } = flags

describe('a server', () => {
  it('P17: hands on the head, the metadata and the body of a request', () => {
    const made = opened()
    const metadata = pack({ tenant: 'x' })
    const body = Uint8Array.of(...requestBody(0xdead_beef, 1_500, []), 0, metadata.length, ...metadata, 1, 2)
    feed(made, request(4, METADATA | ONE_WAY, body))
    expect(made.effects.requests).toMatchObject([
      { tag: 0xdead_beef, timeoutMs: 1_500, oneWay: true, metadata: { tenant: 'x' }, body: Uint8Array.of(1, 2) },
    ])
  })

  it('P18: skips a hash', () => {
    const made = opened()
    const body = Uint8Array.of(...requestBody(7, 0, []), ...new Uint8Array(16), 0x2a)
    feed(made, request(4, flags.HASH | flags.JUDGED, body))
    expect(made.effects.requests).toMatchObject([{ tag: 7, body: Uint8Array.of(0x2a) }])
  })

  it('P22: answers each call once, and a notify never', () => {
    const made = opened()
    made.effects.onRequest = ({ call, tag }) => {
      if (tag === 1) made.session.refuse(call, { code: 'Banned', message: 'you', processed: 'yes', data: { n: 1 } })
      else made.session.respond(call, pack({ m: 'd' }), Uint8Array.of(0x2a))
    }
    feed(made, request(1, 0, requestBody(1)), request(2), request(3, ONE_WAY, requestBody(1)), request(4, ONE_WAY))
    const sent = made.link.takeSent()
    expect(shape(sent)).toEqual([
      [kinds.ERROR, 1],
      [kinds.RESPONSE, 2],
    ])
    expect(errorIn(sent[0])).toMatchObject({ code: 'Banned', message: 'you', processed: 'yes', data: { n: 1 } })
    expect(sent[1]).toMatchObject({ flags: METADATA, body: Uint8Array.of(0, 5, ...pack({ m: 'd' }), 0x2a) })
    expect(made.session.inFlight).toBe(0)
  })

  describe('where ids have come round', () => {
    const round = [0x4000_0005, 0x8000_0005, 0xc000_0005]

    it('S5: ends the connection for an id whose call is in flight, and all its handlers hear of it', () => {
      const made = opened()
      feed(made, request(5), ...round.map((id) => request(id)), request(5))
      expect(errorIn(made.link.takeSent()[0])).toMatchObject({
        rule: 'frame_id',
        message: expect.stringMatching('the id 5 is in use'),
      })
      expect(made.effects.requests).toHaveLength(4)
      expect(made.session.state).toBe('closing')
    })

    it('S5: takes an id again whose call was answered', () => {
      const made = opened()
      made.effects.onRequest = ({ call }) => made.session.respond(call, undefined, Uint8Array.of(0xc0))
      feed(made, request(5), ...round.map((id) => request(id)), request(5))
      expect(made.link.takeSent().map(({ id }) => id)).toEqual([5, ...round, 5])
    })

    it('S5: refuses a call with the id of a notify that still runs, and goes on', () => {
      const made = opened()
      feed(made, request(5, ONE_WAY), ...round.map((id) => request(id, ONE_WAY)), request(5), request(6))
      expect(errorIn(made.link.takeSent()[0])).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
      expect(made.effects.requests.map(({ call }) => call.id)).toEqual([5, ...round, 6])
      expect(made.session.state).toBe('open')
    })
  })

  it('P33: puts requests together whose fragments take turns', () => {
    const made = opened()
    feed(made, request(1, MORE), request(2, MORE | ONE_WAY), request(1, MORE, Uint8Array.of()), request(3))
    feed(made, request(2, 0, Uint8Array.of(1)), request(1, 0, Uint8Array.of(2)))
    expect(made.effects.requests.map(({ call, body, oneWay }) => [call.id, [...body], oneWay])).toEqual([
      [3, [0xc0], false],
      [2, [0xc0, 1], true],
      [1, [0xc0, 2], false],
    ])
  })

  it('P26: tells a handler once that its caller is gone, and sends its answer all the same', () => {
    const made = opened()
    let cancels = 0
    made.effects.onRequest = ({ call }) => {
      call.runner = { callerGone: () => void cancels++ }
    }
    const cancel = frameBytes(kinds.CANCEL, 0, 1)
    feed(made, request(1), cancel, cancel)
    expect([cancels, made.session.inFlight]).toEqual([1, 1])
    const [first] = made.effects.requests
    if (first) made.session.respond(first.call, undefined, Uint8Array.of(1))
    feed(made, cancel, frameBytes(kinds.CANCEL, 0, 99))
    expect(shape(made.link.takeSent())).toEqual([[kinds.RESPONSE, 1]])
    expect(cancels).toBe(1)
    expect(made.session.counters.unknownIds).toBe(2)
  })

  it('P26: answers a request that is cancelled before it is whole, and runs it never', () => {
    const made = opened()
    feed(made, request(1, MORE), frameBytes(kinds.CANCEL, 0, 1), request(2))
    const sent = made.link.takeSent()
    expect(shape(sent)).toEqual([[kinds.ERROR, 1]])
    expect(errorIn(sent[0])).toMatchObject({ code: 'cancelled', processed: 'no' })
    expect(made.effects.requests.map(({ call }) => call.id)).toEqual([2])
  })

  it('P22, P26: answers a notify never, also when it is cancelled before it is whole', () => {
    const made = opened()
    feed(made, request(1, MORE | ONE_WAY), frameBytes(kinds.CANCEL, 0, 1))
    expect(made.link.takeSent()).toEqual([])
    expect(made.session.state).toBe('open')
  })

  it('P22: answers a refused request once, also when its rest is cancelled', () => {
    const made = opened({ limits: { maxMessageBytes: 1_024, maxReassemblyBytes: 30_000 } })
    feed(made, request(1, MORE, new Uint8Array(20_000)), request(1, MORE, new Uint8Array(20_000)))
    feed(made, frameBytes(kinds.CANCEL, 0, 1))
    const sent = made.link.takeSent()
    expect(shape(sent)).toEqual([
      [kinds.ERROR, 1],
      [kinds.CREDIT, 0],
    ])
    expect(errorIn(sent[0])).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
  })

  it('P34: discards the rest of what it refused, fragment by fragment, and goes on', () => {
    const made = opened({ limits: { maxCallsInFlight: 128 } })
    feed(made, ...Array.from({ length: 128 }, (_, at) => request(at + 1)))
    const notifies = Array.from({ length: 128 }, (_, at) => request(at + 129, ONE_WAY)) // so many may wait
    feed(made, ...notifies, request(300, MORE), request(300, MORE), request(300))
    feed(made, request(301, ONE_WAY | MORE), request(301))
    expect(made.effects.requests).toHaveLength(128)
    expect(shape(made.link.takeSent())).toEqual([[kinds.ERROR, 300]])
    expect(made.effects.refusals).toMatchObject([
      { tag: 7, error: { code: 'resource_exhausted', processed: 'no' } },
      { tag: 7, error: { code: 'resource_exhausted', processed: 'no' } },
    ])
    const [first] = made.effects.requests
    if (first) made.session.respond(first.call, undefined, Uint8Array.of(1))
    feed(made, request(302))
    expect(made.effects.requests.at(-1)?.call.id).toBe(129)
    expect([made.effects.refusals.length, made.session.state]).toEqual([2, 'open'])
  })

  it('S4: takes ids that leave some out, and any first one', () => {
    const made = opened()
    feed(made, request(0xffff_fff0), request(0xffff_ffff), request(1), request(1_000_000), request(0x7fff_ffff))
    expect(made.effects.requests).toHaveLength(5)
    expect(made.session.state).toBe('open')
  })

  it('P27: answers each PING with its eight bytes, in order', () => {
    for (const role of ['client', 'server'] as const) {
      const made = opened({ role })
      const ping = (byte: number) => frameBytes(kinds.PING, 0, 0, new Uint8Array(8).fill(byte))
      feed(made, ping(1), ping(2), frameBytes(kinds.PONG, 0, 0, new Uint8Array(8)))
      const sent = made.link.takeSent()
      expect(sent.map(({ kind, id, body }) => [kind, id, [...body]])).toEqual([
        [kinds.PONG, 0, Array(8).fill(1)],
        [kinds.PONG, 0, Array(8).fill(2)],
      ])
    }
  })

  it('S11: counts an END for a call that it has not, also where it has never had a stream', () => {
    const made = opened()
    feed(made, frameBytes(kinds.END, 0, 5))
    expect([made.session.state, made.session.counters.unknownIds]).toEqual(['open', 1])
  })

  it('P3: skips frames of a kind that it does not know, if they allow it', () => {
    const made = opened()
    feed(made, frameBytes(200, 0xff, 77, new Uint8Array(500)), request(1), frameBytes(0, 0x80), request(2))
    expect(made.effects.requests).toHaveLength(2)
    expect(made.session.counters.framesReceived).toBe(3)
  })

  it('P7, S11: counts an ERROR for a call, which a client has no reason to send', () => {
    const made = opened()
    feed(made, failure(1))
    expect([made.session.state, made.session.counters.unknownIds]).toEqual(['open', 1])
  })
})

describe('a server whose client could not know how few calls it runs', () => {
  const limits = { maxCallsInFlight: 2 }
  const ran = ({ effects }: ReturnType<typeof opened>) => effects.requests.map(({ call }) => call.id)
  const end = ({ session, effects, clock }: ReturnType<typeof opened>, id: number) => {
    const found = effects.requests.find(({ call }) => call.id === id)
    if (found) session.respond(found.call, undefined, Uint8Array.of(id))
    clock.runTurns()
  }

  it('S2, S8: holds the first burst, and runs it in its order as places get free', () => {
    const made = opened({ limits })
    feed(made, request(1), request(2, ONE_WAY), request(3), request(4, MORE), request(5, ONE_WAY), request(4))
    expect([ran(made), made.session.inFlight]).toEqual([[1, 2], 2])
    for (const [id, running] of [
      [2, [1, 2, 3]],
      [1, [1, 2, 3, 5]],
      [3, [1, 2, 3, 5, 4]],
    ] as const) {
      end(made, id)
      expect([ran(made), made.session.inFlight]).toEqual([running, 2])
    }
    for (const id of [5, 4]) end(made, id)
    expect(shape(made.link.takeSent())).toEqual([1, 3, 4].map((id) => [kinds.RESPONSE, id]))
    expect([made.session.inFlight, made.effects.limits]).toEqual([0, []])
  })

  it('never runs more at a time, also where handlers end at once', () => {
    const made = opened({ limits })
    feed(made, ...Array.from({ length: 128 }, (_, at) => request(at + 1)))
    made.effects.onRequest = ({ call }) => {
      expect(made.session.inFlight).toBeLessThanOrEqual(2)
      made.session.respond(call, undefined, Uint8Array.of(0xc0))
    }
    end(made, 1)
    end(made, 2)
    expect(ran(made)).toEqual(Array.from({ length: 128 }, (_, at) => at + 1))
    expect(shape(made.link.takeSent()).map(([, id]) => id)).toEqual([1, ...ran(made).slice(2), 2])
  })

  it('P26: answers a held request that is cancelled, and does not run it', () => {
    const made = opened({ limits })
    feed(made, request(1), request(2), request(3), request(4, ONE_WAY))
    feed(made, frameBytes(kinds.CANCEL, 0, 3), frameBytes(kinds.CANCEL, 0, 4))
    const sent = made.link.takeSent()
    expect(shape(sent)).toEqual([[kinds.ERROR, 3]])
    expect(errorIn(sent[0])).toMatchObject({ code: 'cancelled', processed: 'no' })
    for (const id of [1, 2]) end(made, id)
    expect(ran(made)).not.toContain(3)
    expect(made.session.inFlight).toBe(0)
  })

  it('knows a held request: what belongs to no stream of it breaks a rule', () => {
    const made = opened({ limits })
    feed(made, request(1), request(2), request(3), frameBytes(kinds.DATA, 0, 3, [1]))
    expect(made.effects.violations).toMatchObject([{ rule: 'stream' }])
  })

  it('S12: takes the time that a request was held off its time', () => {
    const made = opened({ limits })
    const timed = (id: number, ms: number) => frameBytes(kinds.REQUEST, 0, id, requestBody(7, ms))
    feed(made, request(1), request(2), timed(3, 500), timed(4, 0))
    made.clock.advance(200)
    for (const id of [1, 2]) end(made, id)
    expect(made.effects.requests.slice(2).map(({ timeoutMs }) => timeoutMs)).toEqual([300, 0])
  })

  it('S12: does not run what is out of time when a slot is free, says so, and counts it', () => {
    const made = opened({ limits })
    const timed = (id: number, flags: number) => frameBytes(kinds.REQUEST, flags, id, requestBody(7, 100))
    feed(made, request(1), request(2), timed(3, 0), timed(4, ONE_WAY))
    made.clock.advance(200)
    end(made, 1)
    const error = { code: 'deadline_exceeded', processed: 'no', message: 'no slot before the deadline' }
    expect(ran(made)).toEqual([1, 2])
    expect(made.effects.refusals).toMatchObject([
      { tag: 7, error },
      { tag: 7, error },
    ])
    const [, sent, ...more] = made.link.takeSent()
    expect([errorIn(sent), more]).toMatchObject([error, []])
  })

  it('S25: runs nothing of it once the connection is over', () => {
    for (const close of [() => {}, (made: ReturnType<typeof opened>) => made.link.close()]) {
      const made = opened({ limits })
      feed(made, request(1), request(2), request(3))
      made.session.end()
      close(made)
      for (const id of [1, 2]) end(made, id)
      expect([ran(made), made.session.inFlight]).toEqual([[1, 2], 0])
    }
  })

  it('S19: drains when all of it has run', () => {
    const made = opened({ limits })
    feed(made, request(1), request(2), request(3))
    made.session.drain(5_000, '')
    feed(made, frameBytes(kinds.PONG, 0, 0, new TextEncoder().encode('draining')))
    for (const id of [1, 2]) end(made, id)
    expect([ran(made), made.session.state]).toEqual([[1, 2, 3], 'draining'])
    end(made, 3)
    expect(made.session.state).toBe('closing')
  })

  it('maxReassemblyBytes: holds no more bytes than unfinished requests may have', () => {
    const made = opened({ limits: { ...limits, maxReassemblyBytes: 100_000 } })
    const large = new Uint8Array(40_000)
    feed(made, ...Array.from({ length: 12 }, (_, at) => request(at + 1, 0, large)))
    const refused = made.link.takeSent().map(errorIn)
    expect(ran(made)).toEqual([1, 2])
    expect(refused.length).toBeGreaterThanOrEqual(8)
    const message =
      'the request is too large: maxReassemblyBytes is 100000 (peer tap:1; option limits.maxReassemblyBytes)'
    for (const error of refused) expect(error).toMatchObject({ code: 'resource_exhausted', processed: 'no', message })
    expect(made.effects.limits).toEqual(refused.map(() => ({ name: 'maxReassemblyBytes', message })))
  })
})
