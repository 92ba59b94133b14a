/** Messages that come in too many pieces, or stop half way; bulk that nobody acknowledges (spec/streams.md, F15, F16). */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { frameBytes, requestBody } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed, request, response, startedAt } from './messages.ts'
import { beginAt, beginFrom, Consumer, cancel, credit, data, Producer, priority, ramp, words } from './streams-kit.ts'

const { MORE, ONE_WAY, INPUT, OUTPUT } = flags
const limits = { pingAfterMs: 100, idleTimeoutMs: 1_000 }
/** The peer lives. */
const pong = frameBytes(kinds.PONG, 0, 0, new Uint8Array(8))

/** Time passes while the peer lives, and perhaps says more. */
function live(made: Tapped, ms: number, ...frames: Uint8Array[]): void {
  for (let passed = 0; passed < ms; passed += 50) {
    feed(made, pong, ...frames)
    made.clock.advance(Math.min(50, ms - passed))
  }
}

/** What went out but PINGs. */
const said = ({ link }: Tapped) => words(link.takeSent().filter(({ kind }) => kind !== kinds.PING))

describe('F15: fragments', () => {
  const further = (id: number, body: Uint8Array) => frameBytes(kinds.REQUEST, MORE, id, body)

  it('may be 1,024, and one more for each 1,024 bytes', () => {
    const made = opened()
    feed(made, request(1, MORE, ramp(1_024)), ...Array(1_024).fill(further(1, new Uint8Array(0))))
    expect(made.session.state).toBe('open')
    feed(made, further(1, ramp(1_024)), further(1, new Uint8Array(0)))
    expect(made.effects.violations).toMatchObject([
      { rule: 'fragment', message: '1027 fragments of 1 with 2048 bytes together' },
    ])
  })

  it('are counted of a reply, too', () => {
    const made = opened({ role: 'client' })
    startedAt(made)
    feed(made, ...Array(1_025).fill(response(1, MORE)))
    expect(made.session.state).toBe('open')
    feed(made, response(1, MORE))
    expect(made.effects.violations).toMatchObject([{ rule: 'fragment' }])
  })

  it('are counted of what is discarded, with its bytes', () => {
    const made = opened({ role: 'client', limits: { maxMessageBytes: 100_000, maxReassemblyBytes: 100_000 } })
    const call = startedAt(made)
    made.session.abandon(call)
    feed(made, ...Array(3_000).fill(response(1, MORE, ramp(2_000))))
    expect(made.session.state).toBe('open')
    feed(made, ...Array(6_000).fill(response(1, MORE, [])))
    expect(made.effects.violations).toMatchObject([{ rule: 'fragment' }])
  })

  it('are counted of requests that a server has no place for', () => {
    const made = opened({ limits: { maxCallsInFlight: 128 } })
    feed(made, ...Array.from({ length: 128 }, (_, at) => request(at + 1)))
    feed(made, request(200, MORE), ...Array(1_023).fill(further(200, new Uint8Array(0))))
    expect(made.session.state).toBe('open')
    feed(made, further(200, new Uint8Array(0)))
    expect(made.effects.violations).toMatchObject([{ rule: 'fragment' }])
  })

  it('that are as small as they may be carry a message of any length', () => {
    const made = opened()
    const small = Array.from({ length: 3_000 }, () => further(1, ramp(1_024)))
    feed(made, request(1, MORE), ...small, request(1))
    expect(made.effects.requests).toHaveLength(1)
  })
})

describe('F16: a message that nothing more comes of', () => {
  it('is refused by its server, once, and the rest of it discarded', () => {
    const made = opened({ limits })
    feed(made, request(1, MORE))
    live(made, 999)
    expect(said(made)).toEqual([])
    live(made, 200)
    expect(said(made)).toEqual(['ERROR 1 deadline_exceeded no'])
    expect(made.effects.refusals).toMatchObject([{ tag: 0, error: { code: 'deadline_exceeded', processed: 'no' } }])
    expect(made.effects.limits.map(({ message }) => message)).toEqual([
      expect.stringMatching(/nothing more came of a message for 1\d{3} ms: idleTimeoutMs is 1000 \(peer tap:1; option/),
    ])
    live(made, 3_000)
    feed(made, request(1, MORE), request(1), request(2))
    expect(said(made)).toEqual([])
    expect(made.effects.requests.map(({ call }) => call.id)).toEqual([2])
  })

  it('is not answered where it is a notify', () => {
    const made = opened({ limits })
    feed(made, request(1, MORE | ONE_WAY))
    live(made, 1_200)
    expect(said(made)).toEqual([])
    expect(made.effects.refusals).toHaveLength(1)
    feed(made, request(1), request(2))
    expect(made.effects.requests.map(({ call }) => call.id)).toEqual([2])
  })

  it('is waited for by a client, whose server may have stopped reading before it had the credit for more', () => {
    const made = opened({ role: 'client', limits })
    const call = startedAt(made)
    const stream = beginFrom(made, { output: true })
    const consumer = new Consumer(stream.flow.inflow)
    feed(made, response(1, MORE), data(2, ramp(5_000), MORE))
    live(made, 5_000)
    expect([call.fate, stream.fate, consumer.told]).toEqual(['', '', []])
  })

  it('ends the items that a handler takes', () => {
    const made = opened({ limits })
    const consumer = new Consumer(beginAt(made, 1, INPUT).flow.inflow)
    feed(made, data(1, [1]), data(1, ramp(5_000), MORE))
    live(made, 999)
    expect(consumer.told).toEqual([])
    live(made, 200)
    expect([consumer.told, consumer.bytes]).toEqual([['stalled deadline_exceeded yes'], Uint8Array.of(1)])
    feed(made, data(1, ramp(5_000), MORE), data(1))
    expect([made.session.state, consumer.told.length]).toEqual(['open', 1])
  })

  it('is waited for where the handler gives it no credit', () => {
    const made = opened({ limits })
    const consumer = new Consumer(beginAt(made, 1, INPUT).flow.inflow, false)
    feed(made, data(1, ramp(12_000)), data(1, ramp(4_000), MORE))
    live(made, 5_000)
    expect(consumer.told).toEqual([])
    consumer.take()
    live(made, 1_200)
    expect(consumer.told).toHaveLength(1)
  })

  it('is waited for as long as other bulk comes, for its turn may be far', () => {
    const made = opened({ limits })
    const { flow } = beginAt(made, 1, INPUT)
    new Consumer(flow.inflow)
    feed(made, request(2, MORE))
    live(made, 5_000, data(1, [1]))
    expect(made.effects.refusals).toEqual([])
    live(made, 1_200)
    expect(made.effects.refusals).toHaveLength(1)
  })

  it('does not end a connection, and keeps no timer', () => {
    const made = opened({ limits })
    feed(made, request(1, MORE))
    expect(made.clock.timers).toBe(1)
    live(made, 5_000)
    expect([made.session.state, made.clock.timers]).toEqual(['open', 1])
  })

  it('is not given up while a server does not read', () => {
    const made = opened({ limits: { ...limits, maxCallsInFlight: 1 } })
    feed(made, request(1, MORE), request(2, ONE_WAY))
    expect(made.link.asked).toEqual(['pause'])
    made.clock.advance(5_000)
    const [notify] = made.effects.requests
    if (notify) made.session.respond(notify.call, undefined, new Uint8Array(0))
    live(made, 999)
    expect(made.effects.refusals).toEqual([])
    live(made, 200)
    expect(made.effects.refusals).toHaveLength(1)
  })
})

describe('F16: bulk that is not acknowledged', () => {
  /** Four streams fill the connection's window, and have credit for more. */
  function fill(made: Tapped): void {
    for (let id = 1; id <= 5; id++) new Producer(beginAt(made, id, OUTPUT).flow.outflow, 1_000, 40).run()
  }

  it('makes a server take the connection as lost, where nothing more may be sent', () => {
    const made = opened({ limits })
    fill(made)
    live(made, 999)
    expect(made.session.state).toBe('open')
    live(made, 300)
    expect(made.session.state).toBe('closing')
    expect(made.link.asked.at(-1)).toBe('destroy')
    expect(made.effects.limits[0]?.message).toMatch(/nothing was acknowledged for 1\d{3} ms: idleTimeoutMs is 1000 /)
  })

  it('is waited for as long as some of it is', () => {
    const made = opened({ limits })
    fill(made)
    for (let round = 0; round < 10; round++) {
      live(made, 800)
      feed(made, credit(0, 1_000))
    }
    expect(made.session.state).toBe('open')
  })

  it('is waited for where all has left, or its stream has no credit', () => {
    const made = opened({ limits })
    const { flow } = beginAt(made, 1, OUTPUT)
    new Producer(flow.outflow, 1_000).run()
    live(made, 5_000)
    expect(made.session.state).toBe('open')
  })

  it('is waited for by a client for ever, for its server may have stopped reading', () => {
    const made = opened({ role: 'client', limits })
    for (let id = 1; id <= 5; id++) new Producer(beginFrom(made, { input: true }).flow.outflow, 1_000, 40).run()
    live(made, 5_000)
    expect(made.session.state).toBe('open')
  })
})

it('F17: a PRIORITY opens nothing that would stay', () => {
  const made = opened({ limits })
  feed(made, request(1, MORE), priority(1, 2), cancel(1))
  live(made, 5_000)
  expect([made.session.inFlight, made.effects.limits]).toEqual([0, []])
})

it('F17: a PRIORITY holds that comes before all of its request has', () => {
  const made = opened({ limits })
  const first = frameBytes(kinds.REQUEST, MORE | OUTPUT, 1, requestBody(7, 0, [0xc0]).subarray(0, 8))
  feed(made, first, priority(1, 2), frameBytes(kinds.REQUEST, 0, 1, [0xc0]))
  const flow = made.effects.requests.at(-1)?.call.flow
  expect([flow?.priority, flow?.outflow?.priority]).toEqual([2, 2])
})
