/** Whether the peer is still there (spec/session.md, S14 to S16), in virtual time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { runs } from '../support/runs.ts'
import { frameBytes, requestBody } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'

const limits = { pingAfterMs: 100, idleTimeoutMs: 1_000 }
const roles = ['client', 'server'] as const
const pings = ({ link }: Tapped) => link.takeSent().filter(({ kind }) => kind === kinds.PING)

describe('S14: after pingAfterMs without a byte', () => {
  it.each(roles)('a %s sends one PING with bytes of chance', (role) => {
    const made = opened({ role, limits })
    made.clock.advance(99)
    expect(pings(made)).toEqual([])
    made.clock.advance(1)
    expect(pings(made)).toMatchObject([{ id: 0, flags: 0 }])
    made.clock.advance(899)
    expect(pings(made)).toEqual([])
    const other = opened({ role, limits })
    other.clock.random()
    other.clock.advance(100)
    expect(pings(other)[0]?.body).not.toEqual(made.link.sent.at(-1)?.body)
  })

  it.each(roles)('and again in each further silence a %s asks as soon', (role) => {
    const made = opened({ role, limits })
    for (let round = 0; round < 3; round++) {
      made.clock.advance(100)
      const [ping, ...others] = pings(made)
      expect(others).toEqual([])
      made.clock.advance(5)
      made.link.feed(frameBytes(kinds.PONG, 0, 0, ping?.body))
    }
  })

  it('it is asked to the millisecond, whenever the last byte came', () => {
    const made = opened({ limits })
    made.clock.advance(70)
    made.link.feed(frameBytes(kinds.CANCEL, 0, 5))
    made.clock.advance(99)
    expect(pings(made)).toEqual([])
    made.clock.advance(1)
    expect(pings(made)).toHaveLength(1)
  })

  it('nothing is asked of a peer that sends anything at all', () => {
    const made = opened({ limits })
    for (let round = 0; round < 50; round++) {
      made.clock.advance(99)
      made.link.feed(frameBytes(kinds.CANCEL, 0, 5))
    }
    expect(pings(made)).toEqual([])
    expect(made.session.state).toBe('open')
  })
})

describe('S15: after idleTimeoutMs without a byte', () => {
  it.each(roles)('a %s takes the connection as lost, destroys it and names the limit', (role) => {
    const made = opened({ role, limits })
    const call = new RecordedCall()
    if (role === 'client') made.session.start(call)
    made.clock.advance(999)
    expect(made.session.state).toBe('open')
    made.clock.advance(1)
    expect(made.link.asked).toContain('destroy')
    expect(made.effects.limits.map(({ name }) => name)).toEqual(['idleTimeoutMs'])
    const words = /nothing came for 1000 ms: idleTimeoutMs is 1000 \(peer tap:1; option limits\.idleTimeoutMs\)/
    expect(made.effects.limits[0]?.message).toMatch(words)
    if (role === 'client') expect(call.fate).toBe('lost unavailable maybe')
    made.link.close()
    expect(made.effects.closings[0]?.message).toMatch(words)
    expect(made.clock.timers).toBe(0)
  })

  it('any byte counts, also one that ends no frame', () => {
    const made = opened({ limits })
    for (const byte of frameBytes(kinds.REQUEST, 0, 1, requestBody(7))) {
      made.clock.advance(990)
      made.link.feed(Uint8Array.of(byte))
    }
    expect(made.effects.requests).toHaveLength(1)
    expect(made.session.state).toBe('open')
  })

  it('is exact, and each silence is asked about in time, whatever comes when', () => {
    const pause = fc.integer({ min: 1, max: 1_300 })
    const times = fc.record({ pingAfterMs: fc.integer({ min: 10, max: 500 }), more: fc.integer({ min: 1, max: 800 }) })
    fc.assert(
      fc.property(fc.array(pause, { maxLength: 20 }), times, (pauses, { pingAfterMs, more }) => {
        const idleTimeoutMs = pingAfterMs + more
        const made = opened({ limits: { pingAfterMs, idleTimeoutMs } })
        for (const silence of pauses) {
          if (made.session.state !== 'open') break
          made.clock.advance(silence)
          expect(pings(made)).toHaveLength(silence >= pingAfterMs ? 1 : 0)
          expect(made.session.state).toBe(silence >= idleTimeoutMs ? 'closing' : 'open')
          made.link.feed(frameBytes(kinds.CANCEL, 0, 5))
        }
      }),
      runs(200),
    )
  })
})

describe('S16: while a server does not read', () => {
  const congested = (): Tapped => {
    const made = opened({ limits })
    made.link.isCongested = true
    made.link.feed(frameBytes(kinds.CANCEL, 0, 5))
    expect(made.link.asked.at(-1)).toBe('pause')
    return made
  }

  it('because its replies back up, silence says nothing as long as some of them are taken', () => {
    const made = congested()
    for (let round = 0; round < 50; round++) {
      made.clock.advance(890)
      made.link.takenBytes++
    }
    expect([made.session.state, pings(made)]).toEqual(['open', []])
  })

  it('because its replies back up, and none of them is taken, the peer is gone', () => {
    const made = congested()
    made.clock.advance(999)
    expect(made.session.state).toBe('open')
    made.clock.advance(1 + limits.pingAfterMs)
    expect(made.session.state).toBe('closing')
    expect(made.effects.limits[0]?.message).toMatch(/nothing was taken for 1\d{3} ms: idleTimeoutMs is 1000 /)
  })

  it('and then reads again, time begins anew', () => {
    const made = congested()
    made.clock.advance(900)
    made.link.drain()
    made.clock.advance(999)
    expect([made.session.state, pings(made).length]).toEqual(['open', 1])
    made.clock.advance(1)
    expect(made.session.state).toBe('closing')
  })

  it('because notifies hold all places, it says that it is there, and does not ask for an answer', () => {
    const made = opened({ limits: { ...limits, maxCallsInFlight: 1 } })
    made.link.feed(frameBytes(kinds.REQUEST, flags.ONE_WAY, 1, requestBody(7)))
    for (let round = 0; round < 50; round++) {
      made.clock.advance(limits.pingAfterMs)
      expect(pings(made)).toHaveLength(1)
    }
    expect(made.session.state).toBe('open')
    const [notify] = made.effects.requests
    if (notify) made.session.respond(notify.call, undefined, new Uint8Array(0))
    made.clock.advance(999)
    expect(made.session.state).toBe('open')
    made.clock.advance(1)
    expect(made.session.state).toBe('closing')
  })
})

it('S14: nothing is asked before the HELLO, nor after the end', () => {
  const made = opened({ limits, role: 'client' })
  made.session.end()
  made.clock.advance(499)
  expect(pings(made)).toEqual([])
  made.link.close()
  made.clock.advance(60_000)
  expect([pings(made), made.clock.timers]).toEqual([[], 0])
})
