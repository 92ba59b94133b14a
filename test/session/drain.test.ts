/** How a server's connections end in peace (spec/session.md, S18, S19, S22): nothing is lost between its two steps. */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { frameBytes, u32 } from '../support/slow-frames.ts'
import { opened, type Tapped, tapped } from '../support/tapped.ts'
import { feed, request } from './messages.ts'

const { MORE, FINAL, ONE_WAY } = flags
const DRAINING = new TextEncoder().encode('draining')
const pong = frameBytes(kinds.PONG, 0, 0, DRAINING)
const ran = ({ effects }: Tapped) => effects.requests.map(({ call }) => call.id)

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
        call.runner = { callerGone: () => void cancelled.push(call.id) }
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
