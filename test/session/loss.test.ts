/** What calls are told when their connection ends (spec/session.md, S23 to S28): `no` only where it is sure. */
import { describe, expect, it } from 'vitest'
import { flags, kinds, packError } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, requestBody, u32 } from '../support/slow-frames.ts'
import { errorIn, helloBytes, opened, type Tapped, tapped } from '../support/tapped.ts'

const oneWay = () => new RecordedCall({ oneWay: true })

function client(options: Parameters<typeof opened>[0] = {}): Tapped {
  return opened({ ...options, role: 'client' })
}

/** Starts a call; `flushed` hands it to the system. */
function started({ session, link }: Tapped, flushed = true): RecordedCall {
  const call = new RecordedCall()
  session.start(call)
  if (flushed) link.flush()
  return call
}

const requestsIn = ({ link }: Tapped) => link.sent.filter(({ kind }) => kind === kinds.REQUEST).length

describe('S25: a call that is lost', () => {
  it('by a cut may have run if a byte of it was handed to the system, and has not otherwise', () => {
    const made = client({ peerLimits: { maxCallsInFlight: 2 } })
    const [sent, written, waits] = [started(made), started(made, false), started(made, false)]
    made.link.close(new Error('reset'))
    expect([sent.fate, written.fate, waits.fate]).toEqual([
      'lost unavailable maybe',
      'lost unavailable no',
      'lost unavailable no',
    ])
    made.clock.advance(60_000)
    expect(requestsIn(made)).toBe(1)
    expect(sent.message).toBe('the connection to tap:1 was cut: reset')
  })

  it('by this side says no only of what is not sent afterwards either', () => {
    for (const end of endings) {
      const made = client()
      const calls = [started(made), started(made, false), started(made, false)]
      end(made)
      made.clock.advance(1)
      const surelyNot = calls.filter(({ fate }) => fate.endsWith(' no')).length
      expect(calls.map(({ outcomes }) => outcomes.length)).toEqual([1, 1, 1])
      expect(surelyNot).toBe(calls.length - requestsIn(made))
    }
  })

  it('with all others is lost once, whatever ends the connection after that', () => {
    const made = client()
    const call = started(made)
    for (const end of [...endings, ...endings]) end(made)
    made.link.close()
    made.link.close()
    made.clock.advance(60_000)
    expect(call.outcomes).toHaveLength(1)
    expect(made.effects.closings).toHaveLength(1)
    expect(made.clock.timers).toBe(0)
    expect([made.session.inFlight, made.session.waiting]).toEqual([0, 0])
  })

  it('by a HELLO that comes too late may have run: the way back may be the slow one', () => {
    const made = tapped({ role: 'client' })
    const call = started(made)
    made.clock.advance(5_000)
    expect(call.fate).toBe('lost unavailable maybe')
  })

  it('by a cut before the HELLO may have run', () => {
    const made = tapped({ role: 'client' })
    const call = started(made)
    made.link.close()
    expect(call.fate).toBe('lost unavailable maybe')
  })

  it('with what waited for the HELLO of a peer that is something else has not run', () => {
    const made = tapped({ role: 'client' })
    const calls = Array.from({ length: 130 }, () => started(made))
    made.link.feed(new TextEncoder().encode('220 mail.example ESMTP\r\n'))
    expect(new Set(calls.map(({ fate }) => fate))).toEqual(new Set(['lost unavailable no']))
    expect(calls[0]?.message).toContain('it began with "220 mail.example ESMTP..')
  })

  it('is not a notify, which was over when it left', () => {
    const made = client()
    const call = oneWay()
    made.session.start(call)
    made.link.close()
    expect([call.leftCount, call.fate]).toEqual([1, ''])
  })

  it('is told to nobody who has gone away before', () => {
    const made = client()
    const call = started(made)
    made.session.abandon(call)
    made.link.close()
    expect(call.fate).toBe('')
  })

  it('may start another at once, which is refused and not lost twice', () => {
    const made = client()
    const second = new RecordedCall()
    class Again extends RecordedCall {
      protected override ended(outcome: Parameters<RecordedCall['ended']>[0]): void {
        super.ended(outcome)
        made.session.start(second)
      }
    }
    const first = new Again()
    made.session.start(first)
    made.link.close()
    expect([first.fate, second.fate]).toEqual(['lost unavailable maybe', 'lost unavailable no'])
  })
})

/** Every way in which this side, or what it reads, ends a connection. */
const endings: readonly ((made: Tapped) => void)[] = [
  ({ session }) => session.end(),
  ({ link }) => link.feed(frameBytes(kinds.PING, flags.MORE, 0, new Uint8Array(8))),
  ({ link }) => link.feed(helloBytes()),
  ({ link }) => link.feed(frameBytes(kinds.ERROR, 0, 0, packError({ code: 'internal', message: '' }))),
  ({ session, clock }) => {
    session.drain(0, '')
    clock.advance(0)
  },
  ({ clock }) => clock.advance(30_000),
]

describe('S26: the last id of an ERROR for the connection', () => {
  const refusal = (lastId: unknown) =>
    frameBytes(kinds.ERROR, 0, 0, packError({ code: 'internal', message: '', lastId: lastId as number })) // any MessagePack

  it.each([
    [1, ['maybe', 'no', 'no']],
    [2, ['maybe', 'maybe', 'no']],
    [3, ['maybe', 'maybe', 'maybe']],
    [0, ['no', 'no', 'no']],
    [undefined, ['maybe', 'maybe', 'maybe']],
    [2n, ['maybe', 'maybe', 'no']],
    ['2', ['maybe', 'maybe', 'maybe']],
  ])('%s says of calls 1, 2 and 3 whether they ran: %j', (lastId, processed) => {
    const made = client()
    const calls = [started(made), started(made), started(made)]
    made.link.feed(refusal(lastId))
    expect(calls.map(({ fate }) => fate)).toEqual(processed.map((one) => `lost internal ${one}`))
  })

  it('is compared as RFC 1982 says, over the wrap', () => {
    const made = client({ firstId: 0xffff_ffff })
    const calls = [started(made), started(made), started(made)]
    made.link.feed(refusal(0xffff_ffff))
    expect(calls.map(({ fate }) => fate)).toEqual(['lost internal maybe', 'lost internal no', 'lost internal no'])
  })

  it('is told by a server: the last that it has seen, 0 for none', () => {
    for (const [ids, lastId] of [
      [[], 0],
      [[0xffff_ffff, 1], 1],
    ] as const) {
      const { link, clock } = opened()
      for (const id of ids) link.feed(frameBytes(kinds.REQUEST, 0, id, requestBody(7)))
      link.feed(frameBytes(kinds.PONG, 0, 0, u32(0)))
      clock.runTurns()
      expect(errorIn(link.sent.at(-1)).lastId).toBe(lastId)
    }
  })
})

describe('S28: a session that is over', () => {
  it('takes no call, and leaves nothing to do', () => {
    const made = client()
    made.link.close()
    const call = started(made)
    expect(call.fate).toBe('lost unavailable no')
    made.session.drain(10, '')
    made.session.end()
    made.session.abandon(call)
    made.session.linkClosed(new Error('a link that says so twice'))
    made.clock.advance(60_000)
    expect(made.clock.timers).toBe(0)
    expect(made.effects.closings).toHaveLength(1)
  })

  it('cancels its handlers once, and holds their slots until they end', () => {
    const made = opened()
    const cancelled: number[] = []
    made.effects.onRequest = ({ call }) => {
      call.runner = { callerGone: () => void cancelled.push(call.id) }
    }
    for (const id of [1, 2]) made.link.feed(frameBytes(kinds.REQUEST, 0, id, requestBody(7)))
    made.session.end()
    made.link.close()
    expect(cancelled).toEqual([1, 2])
    expect(made.session.inFlight).toBe(2)
    const [first, second] = made.effects.requests
    if (first) made.session.respond(first.call, undefined, Uint8Array.of(0xc0))
    if (second) made.session.refuse(second.call, { code: 'internal', message: '' })
    made.clock.runTurns()
    expect(made.session.inFlight).toBe(0)
    expect(made.link.sent.filter(({ id }) => id > 0)).toEqual([])
  })
})
