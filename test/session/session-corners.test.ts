/** Corners of a session that connections come to now and then: who is asked twice, what comes too late, whose timers stay. */
import { describe, expect, it, vi } from 'vitest'
import { flags, kinds, packError } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, u32 } from '../support/slow-frames.ts'
import { helloBytes, opened, tapped } from '../support/tapped.ts'
import { feed, request, response, startedAt } from './messages.ts'
import { beginAt, said } from './streams-kit.ts'

const { FINAL, MORE, OUTPUT } = flags
const pong = (text: string) => frameBytes(kinds.PONG, 0, 0, new TextEncoder().encode(text))
const ping = frameBytes(kinds.PING, 0, 0, new Uint8Array(8))
const breach = frameBytes(kinds.PING, MORE, 0, new Uint8Array(8))
const inPlace = () => Object.assign(new RecordedCall(), { encodeInto: (_: Uint8Array, at: number) => at + 1 })

describe('a call that would be written where it leaves', () => {
  it('is not before the HELLO, nor in a drain, nor at a server', () => {
    const made = tapped({ role: 'client' })
    expect(made.session.startInPlace(inPlace(), 0)).toBe(false)
    feed(made, helloBytes())
    expect(made.session.startInPlace(inPlace(), 0)).toBe(true)
    made.session.drain(1_000, '')
    expect(made.session.startInPlace(inPlace(), 0)).toBe(false)
    expect(opened().session.startInPlace(inPlace(), 0)).toBe(false)
  })
})

describe('an answer', () => {
  it('has ended well where nobody is there for it', () => {
    const made = opened()
    feed(made, request(1), request(2, flags.ONE_WAY))
    const [first, notify] = made.effects.requests.map(({ call }) => call)
    if (!first || !notify) throw new Error('they do not run')
    expect(made.session.respond(notify, undefined, Uint8Array.of(1))).toBe('ok')
    made.session.end()
    expect(made.session.respond(first, undefined, Uint8Array.of(1))).toBe('ok')
    expect(made.session.inFlight).toBe(0)
  })

  it('of a stream is not written once the connection is over', () => {
    const made = opened()
    const { call } = beginAt(made, 1, OUTPUT)
    made.session.end()
    const written = made.session.counters.framesSent
    made.session.endStream(call, undefined)
    expect([made.session.counters.framesSent, made.session.inFlight]).toEqual([written, 0])
  })
})

describe('a drain', () => {
  it('is begun once: a second one changes nothing', () => {
    const made = opened()
    feed(made, request(1))
    made.session.drain(5_000, '')
    made.session.drain(10, '')
    expect(said(made).map((word) => word.split(' ')[0])).toEqual(['GOAWAY', 'PING'])
    made.clock.advance(4_999)
    expect([made.session.state, made.effects.drainings]).toEqual(['draining', 1])
    made.clock.advance(1)
    expect(made.session.state).toBe('closing')
  })

  it('keeps the process alive for as long as it may take', () => {
    const made = opened()
    feed(made, request(1))
    expect(made.clock.keepers).toBe(0)
    made.session.drain(5_000, '')
    expect(made.clock.keepers).toBe(1)
  })

  it('of a client is told once, though its server has begun', () => {
    const made = opened({ role: 'client' })
    startedAt(made)
    feed(made, frameBytes(kinds.GOAWAY, 0, 0, u32(0)))
    made.session.drain(1_000, '')
    expect(made.effects.drainings).toBe(1)
  })

  it('of a client is settled by no PONG', () => {
    const made = opened({ role: 'client' })
    startedAt(made)
    made.session.drain(1_000, '')
    said(made)
    feed(made, pong('draining'))
    expect([said(made), made.session.state]).toEqual([[], 'draining'])
  })

  it('is settled by the PONG that was asked for, and says why', () => {
    const made = opened()
    feed(made, request(1))
    made.session.drain(1_000, '')
    said(made)
    feed(made, pong('drainend'))
    expect(made.link.takeSent()).toEqual([])
    feed(made, pong('draining'))
    const [final] = made.link.takeSent()
    expect(final?.flags).toBe(FINAL)
    expect(new TextDecoder().decode(final?.body.subarray(4))).toBe('no requests after this one run')
  })

  it('that ends by a breach leaves its time: the peer has lingerMs from then', () => {
    const made = opened()
    feed(made, request(1))
    made.session.drain(200, '')
    made.clock.advance(100)
    feed(made, breach)
    made.clock.advance(499)
    expect(made.link.asked).not.toContain('destroy')
    made.clock.advance(1)
    expect(made.link.asked).toContain('destroy')
    expect(made.clock.timers).toBe(0)
  })
})

describe('the end of a connection', () => {
  it('by a breach does not wait for a peer that takes nothing', () => {
    const made = opened()
    made.link.takesAtOnce = false
    feed(made, breach)
    made.clock.advance(500)
    expect(made.link.asked).toEqual(['end', 'destroy'])
  })

  it('by the peer has a cause, though nothing was in flight', () => {
    const made = opened()
    made.link.close()
    expect(made.effects.closings).toMatchObject([{ message: 'the connection to tap:1 was cut by the peer' }])
  })

  it('by an ERROR before any HELLO means that nothing ran, also where it does not say so', () => {
    const refusal = frameBytes(kinds.ERROR, 0, 0, packError({ code: 'internal', message: '' }))
    const fateOf = (first: Uint8Array[]) => {
      const made = tapped({ role: 'client' })
      const call = startedAt(made)
      feed(made, ...first, refusal)
      return call.fate
    }
    expect([fateOf([]), fateOf([helloBytes()])]).toEqual(['lost internal no', 'lost internal maybe'])
  })

  it('is told with no limit where a rule without one was broken', () => {
    const made = opened()
    feed(made, breach)
    expect(made.effects.limits).toEqual([])
  })

  it('is the last that is written: a PONG that is owed is not', () => {
    const made = opened()
    made.link.isCongested = true
    made.link.feed(ping)
    made.session.end()
    const written = made.session.counters.framesSent
    made.link.drain()
    expect(made.session.counters.framesSent).toBe(written)
  })
})

it('what is thrown by whoever is told is no breach of the peer, and goes on to who feeds the link', () => {
  const made = opened()
  made.effects.onRequest = () => {
    throw new Error('a broken application')
  }
  expect(() => made.link.feed(request(1))).toThrow('a broken application')
  expect([made.effects.violations, made.session.state]).toEqual([[], 'open'])
})

it('each side lets be in a HELLO what only the other one says', () => {
  for (const role of ['client', 'server'] as const) {
    const made = tapped({ role })
    const wrong = role === 'client' ? { credentials: 5 } : { contracts: new Map([['a', new Uint8Array(3)]]) }
    feed(made, helloBytes({}, wrong as object)) // which no sender would pack so
    expect([made.session.state, made.effects.violations]).toEqual(['open', []])
  }
})

describe('whether the process stays alive', () => {
  it('is not asked of a server’s connection', () => {
    const made = opened()
    feed(made, request(1))
    startedAt(made) // which a server has no way to make
    expect(made.link.keepsProcess).toBeUndefined()
  })

  it('is not changed while a client’s connection opens', () => {
    const made = tapped({ role: 'client' })
    const call = startedAt(made)
    made.session.abandon(call)
    expect(made.link.keepsProcess).toBeUndefined()
    feed(made, helloBytes())
    expect(made.link.keepsProcess).toBe(false)
  })

  it('is told when it changes, and no more once the connection is over', () => {
    const made = opened({ role: 'client' })
    const keepProcess = vi.spyOn(made.link, 'keepProcess')
    startedAt(made)
    startedAt(made)
    feed(made, response(1))
    expect(keepProcess.mock.calls).toEqual([[true]])
    feed(made, response(2))
    expect(keepProcess.mock.calls).toEqual([[true], [false]])
    startedAt(made)
    made.session.end()
    made.link.close()
    startedAt(made)
    expect(keepProcess.mock.calls).toEqual([[true], [false], [true]])
  })
})
