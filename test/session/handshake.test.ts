/** How a connection begins (spec/session.md, S1 and S2; spec/protocol.md, P8 to P16), with peers of every kind. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_CALLS_BEFORE_HELLO } from '../../src/session/index.ts'
import { flags, kinds, pack, readHello } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { runs } from '../support/runs.ts'
import { chopped, frameBytes, joined, requestBody } from '../support/slow-frames.ts'
import { errorIn, helloBytes, opened, type Tapped, tapped } from '../support/tapped.ts'

const notify = () => new RecordedCall({ oneWay: true })
const kindsOf = (frames: readonly { readonly kind: number }[]) => frames.map(({ kind }) => kind)

describe('P13: who begins', () => {
  it('is the client, at once', () => {
    const { link } = tapped({ role: 'client' })
    expect(kindsOf(link.takeSent())).toEqual([kinds.HELLO])
  })

  it('is not the server, which says nothing before it has heard a HELLO', () => {
    const { session, link, clock, effects } = tapped({ role: 'server' })
    clock.advance(4_999)
    expect(link.sent).toEqual([])
    link.feed(helloBytes())
    clock.runTurns()
    expect(kindsOf(link.takeSent())).toEqual([kinds.HELLO])
    expect(session.state).toBe('open')
    expect(effects.hellos).toHaveLength(1)
  })

  it('P16: tells its limits, and hears those of the other', () => {
    const limits = { maxFrameBytes: 70_000, maxMessageBytes: 5_000, maxCallsInFlight: 3, maxDepth: 9, maxNodes: 77 }
    for (const role of ['client', 'server'] as const) {
      const { link, effects, clock } = tapped({ role, limits })
      link.feed(helloBytes({ ...limits, maxDepth: 10 }))
      clock.runTurns()
      const [hello] = link.takeSent()
      expect(hello && readHello(hello.body, 0, hello.body.length).limits).toEqual(limits)
      expect(effects.hellos.map((peer) => peer.limits)).toEqual([{ ...limits, maxDepth: 10 }])
    }
  })

  it('P12, P15: ignores what it does not know in a HELLO', () => {
    const limits = {
      maxFrameBytes: 65_536,
      maxMessageBytes: 2 ** 48,
      maxCallsInFlight: 1,
      maxDepth: 1,
      maxNodes: 2 ** 40,
    }
    const map = {
      limits: { ...limits, maxMoons: 'full' },
      features: ['streams', 'x'],
      incarnation: new Uint8Array(16),
      more: [1],
    }
    const body = joined([new TextEncoder().encode('NWIR'), Uint8Array.of(1), pack(map)])
    const { session, link, effects } = tapped()
    link.feed(frameBytes(kinds.HELLO, 0, 0, body))
    expect(session.state).toBe('open')
    expect(effects.hellos[0]?.features).toEqual(['streams', 'x'])
  })
})

describe('S1: a peer that is silent or slow', () => {
  it.each(['client', 'server'] as const)('is given handshakeTimeoutMs by a %s, which then names the limit', (role) => {
    const { session, link, effects, clock } = tapped({ role, limits: { handshakeTimeoutMs: 700 } })
    link.takeSent()
    clock.advance(699)
    expect(session.state).toBe('opening')
    clock.advance(1)
    expect(session.state).toBe('closing')
    const [error, ...others] = link.takeSent()
    expect(others).toEqual([])
    expect(errorIn(error)).toMatchObject({ code: 'unavailable', rule: 'timeout' })
    expect(effects.limits).toEqual([
      {
        name: 'handshakeTimeoutMs',
        message: expect.stringMatching(/^the peer sent no HELLO in time: handshakeTimeoutMs is 700 .*tap:1/),
      },
    ])
    expect(effects.violations).toEqual([])
    clock.advance(500)
    expect(link.asked).toEqual(['end', 'destroy'])
    link.close()
    expect(effects.closings.map((cause) => cause?.code)).toEqual(['unavailable'])
  })

  it('may send its HELLO byte by byte within that time', () => {
    const { session, link, clock } = tapped({ limits: { handshakeTimeoutMs: 1_000 } })
    const bytes = helloBytes()
    for (const byte of bytes) {
      link.feed(Uint8Array.of(byte))
      clock.advance(999 / bytes.length)
    }
    expect(session.state).toBe('open')
    clock.advance(2_000)
    expect(session.state).toBe('open')
  })

  it('is cut off in the middle of its HELLO, however busy it looks', () => {
    const { session, link, clock } = tapped({ limits: { handshakeTimeoutMs: 1_000 } })
    for (const byte of helloBytes()) {
      link.feed(Uint8Array.of(byte))
      clock.advance(30)
    }
    expect(session.state).toBe('closing')
    expect(link.sent.map((frame) => errorIn(frame).rule)).toEqual(['timeout'])
  })

  it('is waited for though the link says that it takes more', () => {
    const { session, link } = tapped()
    link.drain()
    link.feed(helloBytes())
    expect(session.state).toBe('open')
  })

  it('that goes away leaves no timer', () => {
    const { link, clock, effects } = tapped()
    link.close(new Error('reset'))
    expect(clock.timers).toBe(0)
    expect(effects.closings[0]?.message).toBe('the connection to tap:1 was cut: reset')
  })
})

describe('P8: a peer that speaks something else', () => {
  it('is refused at its first byte, whatever that is', () => {
    const foreign = fc.tuple(fc.integer({ min: 2, max: 255 }), fc.uint8Array({ maxLength: 60 }))
    fc.assert(
      fc.property(foreign, fc.constantFrom('client', 'server'), ([first, rest], role) => {
        const { session, link, effects, clock } = tapped({ role })
        link.takeSent()
        link.feed(Uint8Array.of(first, ...rest))
        clock.runTurns()
        expect(effects.violations.map(({ rule }) => rule)).toEqual(['not_nanowire'])
        expect(link.takeSent().map((frame) => errorIn(frame).rule)).toEqual(['not_nanowire'])
        expect(session.state).toBe('closing')
      }),
      runs(100),
    )
  })

  it('is shown as text, cut after 40 bytes and without what a terminal would obey', () => {
    const { link, effects } = tapped({ role: 'client' })
    link.feed(new TextEncoder().encode(`HTTP/1.1 400\r\n\u001b[31m"quoted" ${'x'.repeat(100)}`))
    const shown = `HTTP/1.1 400...[31m\\"quoted\\" ${'x'.repeat(12)}`
    expect(effects.violations[0]?.message).toBe(`the peer does not speak Nanowire: it began with "${shown}"`)
  })

  it('and sends any bytes whatever breaks a declared rule, or goes on waiting', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat()), fc.boolean(), (junk, cuts, afterHello) => {
        const { session, link, effects, clock } = afterHello ? opened() : tapped()
        for (const chunk of chopped(junk, cuts)) link.feed(chunk)
        clock.runTurns()
        expect(effects.violations).toHaveLength(session.state === 'closing' ? 1 : 0)
        expect(link.asked.includes('end')).toBe(session.state === 'closing')
      }),
      runs(300),
    )
  })
})

describe('S2: requests before the HELLO of the server', () => {
  it('are 128 at most, and the others follow when it has come', () => {
    const { session, link, clock } = tapped({ role: 'client' })
    for (let index = 0; index < 200; index++) session.start(new RecordedCall())
    clock.runTurns()
    expect(kindsOf(link.takeSent()).slice(1)).toEqual(Array(MAX_CALLS_BEFORE_HELLO).fill(kinds.REQUEST))
    expect([session.inFlight, session.waiting]).toEqual([128, 72])
    link.feed(helloBytes({ maxCallsInFlight: 150 }))
    clock.runTurns()
    expect(link.takeSent()).toHaveLength(22)
    expect([session.inFlight, session.waiting]).toEqual([150, 50])
  })

  it('are 128 at most of notifies too', () => {
    const { session, link, clock } = tapped({ role: 'client' })
    const calls = Array.from({ length: 200 }, notify)
    for (const call of calls) session.start(call)
    clock.runTurns()
    expect(link.takeSent()).toHaveLength(1 + 128)
    expect(calls.map(({ leftCount }) => leftCount)).toEqual([...Array(128).fill(1), ...Array(72).fill(0)])
    link.feed(helloBytes())
    clock.runTurns()
    expect(calls.every(({ leftCount }) => leftCount === 1)).toBe(true)
  })

  it('use frames of 65,536 bytes at most, and those that follow the smaller number of both', () => {
    /** Whether a request of so many bytes leaves in one frame. */
    const isWhole = (made: Tapped, bytes: number) => {
      made.session.start(new RecordedCall({ body: new Uint8Array(bytes - 8) }))
      made.clock.runTurns()
      return (made.link.takeSent()[0]?.flags ?? 0) === 0
    }
    const made = tapped({ role: 'client', limits: { maxFrameBytes: 200_000 } })
    made.link.takeSent()
    expect([isWhole(made, 65_536), isWhole(made, 65_537)]).toEqual([true, false])
    made.link.feed(helloBytes({ maxFrameBytes: 100_000 }))
    expect([isWhole(made, 100_000), isWhole(made, 100_001)]).toEqual([true, false])
    const other = opened({ role: 'client', limits: { maxFrameBytes: 80_000 }, peerLimits: { maxFrameBytes: 100_000 } })
    expect([isWhole(other, 80_000), isWhole(other, 80_001)]).toEqual([true, false])
  })

  it('run at a server that has just opened, in their order', () => {
    const { link, effects } = tapped()
    const request = (id: number) => frameBytes(kinds.REQUEST, flags.IGNORE, id, requestBody(id))
    link.feed(joined([helloBytes(), request(5), request(6)]), request(7))
    expect(effects.requests.map(({ tag }) => tag)).toEqual([5, 6, 7])
  })
})

describe('a connection that a server has no room for', () => {
  it('P13: is told so before any HELLO, by an ERROR that says that nothing ran', () => {
    const { session, link, effects, clock } = tapped()
    session.turnAway('maxConnections', 'too many connections: maxConnections is 1')
    clock.runTurns()
    const [error, ...others] = link.takeSent()
    expect(others).toEqual([])
    const says = {
      code: 'resource_exhausted',
      rule: 'limit',
      lastId: 0,
      message: 'too many connections: maxConnections is 1',
    }
    expect(errorIn(error)).toMatchObject(says)
    expect(effects.limits.map(({ name }) => name)).toEqual(['maxConnections'])
    link.feed(helloBytes(), frameBytes(kinds.REQUEST, 0, 1, requestBody(7)))
    expect(effects.requests).toEqual([])
    clock.advance(500)
    expect(link.asked).toContain('destroy')
  })

  it('P9: is read by a client as an ERROR that comes first', () => {
    const { session, link, effects } = tapped({ role: 'client' })
    const call = new RecordedCall()
    session.start(call)
    link.flush()
    const body = pack({ code: 'resource_exhausted', message: 'full', rule: 'limit', lastId: 0 })
    link.feed(frameBytes(kinds.ERROR, 0, 0, body))
    expect(call.fate).toBe('lost resource_exhausted no')
    link.close()
    expect(effects.closings[0]?.message).toBe('tap:1 ended the connection by the rule limit: full')
  })
})
