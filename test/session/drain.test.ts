/** How connections end in peace (spec/session.md, S18 to S22): what is in flight ends, and nothing is lost between. */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, requestBody, u32 } from '../support/slow-frames.ts'
import { opened, type Tapped, tapped } from '../support/tapped.ts'

const { MORE, FINAL, ONE_WAY } = flags
const DRAINING = new TextEncoder().encode('draining')
const request = (id: number, flagBits = 0) => frameBytes(kinds.REQUEST, flagBits, id, requestBody(7))
const goaway = (lastId: number, flagBits = 0) => frameBytes(kinds.GOAWAY, flagBits, 0, u32(lastId))
const pong = frameBytes(kinds.PONG, 0, 0, DRAINING)
const ran = ({ effects }: Tapped) => effects.requests.map(({ call }) => call.id)

function feed({ link, clock }: Tapped, ...frames: Uint8Array[]): void {
  link.feed(...frames)
  clock.runTurns()
}

function drain({ session, clock }: Tapped, drainMs = 5_000): void {
  session.drain(drainMs, 'the server is closing')
  clock.runTurns()
}

/** Ends the handler of an id. */
function end({ session, effects, clock }: Tapped, id: number): void {
  const found = effects.requests.find(({ call }) => call.id === id)
  if (!found) throw new Error(`${id} did not run`)
  session.respond(found.call, undefined, Uint8Array.of(0xc0))
  clock.runTurns()
}

function started({ session, clock }: Tapped): RecordedCall {
  const call = new RecordedCall()
  session.start(call)
  clock.runTurns()
  return call
}

describe('a server that drains', () => {
  it('S18: says GOAWAY and asks by a PING, and takes requests until that is answered', () => {
    const made = opened()
    drain(made)
    const [first, ping, ...others] = made.link.takeSent()
    expect(first).toMatchObject({ kind: kinds.GOAWAY, flags: 0, id: 0 })
    expect(first && [...first.body.subarray(0, 4)]).toEqual([0, 0, 0, 0])
    expect(new TextDecoder().decode(first?.body.subarray(4))).toBe('the server is closing')
    expect(ping).toMatchObject({ kind: kinds.PING, body: DRAINING })
    expect(others).toEqual([])
    feed(made, request(1), request(2))
    expect(ran(made)).toEqual([1, 2])
    expect(made.session.state).toBe('draining')
    expect(made.effects.drainings).toBe(1)
  })

  it('S19: settles the last id when the PONG is there, and runs none after it', () => {
    const made = opened()
    drain(made)
    made.link.takeSent()
    feed(made, request(7), frameBytes(kinds.PONG, 0, 0, new Uint8Array(8)))
    expect(made.link.takeSent()).toEqual([])
    feed(made, pong)
    const [final, ...others] = made.link.takeSent()
    expect(final).toMatchObject({ kind: kinds.GOAWAY, flags: FINAL })
    expect(final && [...final.body.subarray(0, 4)]).toEqual(u32(7))
    expect(others).toEqual([])
    feed(made, request(8), request(9, MORE), request(9), request(10, ONE_WAY), pong)
    expect(ran(made)).toEqual([7])
    expect(made.session.state).toBe('draining')
    end(made, 7)
    expect(made.link.takeSent().map(({ kind, id }) => [kind, id])).toEqual([[kinds.RESPONSE, 7]])
    expect(made.link.asked).toContain('end')
    made.link.close()
    expect(made.effects.closings).toEqual([undefined])
    expect(made.clock.timers).toBe(0)
  })

  it('S19: tells 0 where there was none, after which nothing runs', () => {
    const made = opened()
    drain(made)
    feed(made, pong, request(0xffff_ffff))
    expect(made.link.sent.at(-1)).toMatchObject({ kind: kinds.GOAWAY, flags: FINAL })
    expect([...(made.link.sent.at(-1)?.body.subarray(0, 4) ?? [])]).toEqual([0, 0, 0, 0])
    expect(ran(made)).toEqual([])
  })

  it('S19: runs what began before the last id was settled, and waits for it', () => {
    const made = opened()
    feed(made, request(1, MORE))
    drain(made)
    feed(made, pong)
    expect(made.session.state).toBe('draining')
    feed(made, request(1))
    end(made, 1)
    expect(made.link.asked).toContain('end')
  })

  it.each([
    ['cancelled', [frameBytes(kinds.CANCEL, 0, 1)]],
    ['too large', [frameBytes(kinds.REQUEST, MORE, 1, new Uint8Array(60_000)), request(1)]],
    ['too large in its last fragment', [frameBytes(kinds.REQUEST, 0, 1, new Uint8Array(60_000))]],
  ])('S19: closes when an unfinished request turns out to be %s', (_, rest) => {
    const made = opened({ limits: { maxReassemblyBytes: 2_000 } })
    feed(made, request(1, MORE))
    drain(made)
    feed(made, pong, ...rest)
    expect(made.link.asked).toContain('end')
  })

  it('S19: closes when the discarded rest of a request after the last id has come', () => {
    const made = opened()
    feed(made, request(1))
    drain(made)
    feed(made, pong, request(2, MORE))
    end(made, 1)
    feed(made, request(2))
    expect(made.link.asked).toContain('end')
  })

  it('S19: waits for notifies too', () => {
    const made = opened()
    feed(made, request(1, ONE_WAY))
    drain(made)
    feed(made, pong)
    expect(made.session.state).toBe('draining')
    end(made, 1)
    expect(made.session.state).toBe('closing')
  })

  it('S22: is cut off after drainMs, with its handlers cancelled', () => {
    for (const knows of [true, false]) {
      const made = opened()
      const cancelled: number[] = []
      made.effects.onRequest = ({ call }) => {
        call.onCancel = () => cancelled.push(call.id)
      }
      feed(made, request(1))
      drain(made, 200)
      if (knows) feed(made, pong)
      made.clock.advance(199)
      expect(made.session.state).toBe('draining')
      made.clock.advance(1)
      expect([made.session.state, cancelled]).toEqual(['closing', [1]])
      made.clock.advance(500)
      expect(made.link.asked).toEqual(expect.arrayContaining(['end', 'destroy']))
    }
  })

  it('S22: lets the system take its last bytes, and lingers only then', () => {
    const made = opened()
    made.link.takesAtOnce = false
    drain(made, 20_000)
    feed(made, pong)
    expect(made.link.asked).toEqual(['end'])
    made.clock.advance(10_000)
    expect(made.link.asked).toEqual(['end'])
    made.link.flushed()
    made.clock.advance(499)
    expect(made.link.asked).toEqual(['end'])
    made.clock.advance(1)
    expect(made.link.asked).toEqual(['end', 'destroy'])
  })

  it('S22: does not wait for its last bytes beyond its time', () => {
    const made = opened()
    made.link.takesAtOnce = false
    drain(made, 200)
    feed(made, pong)
    made.clock.advance(199)
    expect(made.link.asked).toEqual(['end'])
    made.clock.advance(1)
    expect(made.link.asked).toEqual(['end', 'destroy'])
  })

  it('has no cause when the client leaves first, and nothing was in flight', () => {
    for (const isBusy of [false, true]) {
      const made = opened()
      if (isBusy) feed(made, request(1))
      drain(made)
      made.link.close()
      expect(made.effects.closings.map((cause) => cause?.code)).toEqual([isBusy ? 'unavailable' : undefined])
    }
  })

  it('leaves no timer when the link closes first', () => {
    const made = opened()
    made.link.takesAtOnce = false
    drain(made)
    feed(made, pong)
    made.link.close()
    made.link.flushed()
    expect(made.clock.timers).toBe(0)
  })

  it('before any HELLO just closes', () => {
    const made = tapped()
    drain(made)
    expect(made.session.state).toBe('closing')
    expect(made.link.sent.filter(({ kind }) => kind !== kinds.ERROR)).toEqual([])
    made.link.close()
    expect(made.clock.timers).toBe(0)
  })

  it('P28: cuts a long reason, and not within a character', () => {
    const made = opened()
    made.session.drain(1_000, `${'x'.repeat(1_023)}é`)
    made.clock.runTurns()
    const body = made.link.takeSent()[0]?.body.subarray(4)
    expect(new TextDecoder('utf-8', { fatal: true }).decode(body)).toBe('x'.repeat(1_023))
  })
})

describe('a client whose server drains', () => {
  it('S20: makes no new calls, answers the PING after them, and waits for those in flight', () => {
    const made = opened({ role: 'client', peerLimits: { maxCallsInFlight: 1 } })
    const [sent, waits] = [started(made), started(made)]
    made.link.takeSent()
    feed(made, goaway(0), frameBytes(kinds.PING, 0, 0, DRAINING))
    const late = started(made)
    expect([sent.fate, waits.fate, late.fate]).toEqual(['', 'lost unavailable no', 'lost unavailable no'])
    expect(late.message).toBe('tap:1 is going away and did not take this call')
    expect(made.link.takeSent()).toMatchObject([{ kind: kinds.PONG, body: DRAINING }])
    expect([made.session.state, made.session.takesCalls, made.effects.drainings]).toEqual(['draining', false, 1])
    feed(made, frameBytes(kinds.RESPONSE, 0, 1, [0xc0]))
    expect(sent.fate).toBe('replied')
    expect(made.session.state).toBe('closing')
    expect(made.link.asked).toContain('end')
    made.link.close()
    expect(made.effects.closings).toEqual([undefined])
    expect(made.clock.timers).toBe(0)
  })

  it.each([
    [1, ['', 'lost unavailable no', 'lost unavailable no']],
    [0xffff_ffff, ['lost unavailable no', 'lost unavailable no', 'lost unavailable no']],
    [3, ['', '', '']],
    [0, ['lost unavailable no', 'lost unavailable no', 'lost unavailable no']],
  ])('S20: ends calls after the last id %d as not run: %j', (lastId, fates) => {
    const made = opened({ role: 'client' })
    const calls = [started(made), started(made), started(made)]
    feed(made, goaway(0), goaway(lastId, FINAL))
    expect(calls.map(({ fate }) => fate)).toEqual(fates)
    expect(made.session.inFlight).toBe(fates.filter((fate) => fate === '').length)
    expect(made.session.state).toBe(fates.includes('') ? 'draining' : 'closing')
  })

  it('S20: takes a final GOAWAY that was not announced, and another after it', () => {
    const made = opened({ role: 'client' })
    const calls = [started(made), started(made), started(made)]
    feed(made, goaway(2, FINAL), goaway(1, FINAL), goaway(0))
    expect(calls.map(({ fate }) => fate)).toEqual(['', 'lost unavailable no', 'lost unavailable no'])
    expect(made.effects.drainings).toBe(1)
  })

  it('S20: closes at once when nobody waits, also for a call that was cancelled', () => {
    const made = opened({ role: 'client' })
    made.session.abandon(started(made))
    feed(made, goaway(0))
    expect(made.session.state).toBe('closing')
  })

  it('S22: is cut off by a drain of its own, though the peer drains already', () => {
    const made = opened({ role: 'client' })
    const call = started(made)
    feed(made, goaway(0))
    drain(made, 100)
    made.clock.advance(100)
    expect([made.session.state, call.fate]).toEqual(['closing', 'lost unavailable maybe'])
    made.link.close()
    expect(made.clock.timers).toBe(0)
  })
})

describe('a client that drains', () => {
  it('S21: says nothing, waits for its calls and closes', () => {
    const made = opened({ role: 'client', peerLimits: { maxCallsInFlight: 1 } })
    const [sent, waits] = [started(made), started(made)]
    made.link.takeSent()
    drain(made)
    expect(started(made).fate).toBe('lost unavailable no')
    expect([sent.fate, waits.fate]).toEqual(['', 'lost unavailable no'])
    expect(made.link.takeSent()).toEqual([])
    feed(made, frameBytes(kinds.RESPONSE, 0, 1, [0xc0]))
    expect([sent.fate, made.session.state]).toEqual(['replied', 'closing'])
  })

  it('S20, S21: obeys a GOAWAY meanwhile', () => {
    const made = opened({ role: 'client' })
    const calls = [started(made), started(made)]
    drain(made)
    feed(made, goaway(0), goaway(1, FINAL))
    expect(calls.map(({ fate }) => fate)).toEqual(['', 'lost unavailable no'])
  })

  it('S21: closes at once when nothing is in flight', () => {
    const made = opened({ role: 'client' })
    drain(made)
    expect(made.session.state).toBe('closing')
    made.link.close()
    expect(made.effects.closings).toEqual([undefined])
    expect(made.clock.timers).toBe(0)
  })

  it('S22: is cut off after drainMs', () => {
    const made = opened({ role: 'client' })
    const call = started(made)
    drain(made, 300)
    made.clock.advance(299)
    expect(call.fate).toBe('')
    made.clock.advance(1)
    expect([call.fate, made.session.state]).toEqual(['lost unavailable maybe', 'closing'])
  })
})
