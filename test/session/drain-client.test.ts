/** How a client's connection ends in peace (spec/session.md, S20 to S22), by its server's will or its own. */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import type { RecordedCall } from '../support/calls.ts'
import { frameBytes, u32 } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed, startedAt } from './messages.ts'

const { FINAL } = flags
const DRAINING = new TextEncoder().encode('draining')
const goaway = (lastId: number, flagBits = 0) => frameBytes(kinds.GOAWAY, flagBits, 0, u32(lastId))
const started = (made: Tapped): RecordedCall => startedAt(made)

function drain({ session, clock }: Tapped, drainMs = 5_000): void {
  session.drain(drainMs, '')
  clock.runTurns()
}

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
