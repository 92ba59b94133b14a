/** What a session writes (spec/protocol.md, P23, P25; spec/streams.md, F3): items that share a frame, errors that fit, and a count. */
import { describe, expect, it, vi } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import { FrameSender } from '../../src/session/sender.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { flags, kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { TapLink } from '../support/tap-link.ts'
import { errorIn, opened } from '../support/tapped.ts'
import { feed, request, response, startedAt } from './messages.ts'
import { beginAt, beginFrom, both, credit, handledBy, Item, ramp, said } from './streams-kit.ts'

const { OUTPUT } = flags
const ping = frameBytes(kinds.PING, 0, 0, new Uint8Array(8))

/** An item that does not say where it leaves. */
class StubbornItem extends Item {
  override encodeInto(): number {
    return -1
  }
}

describe('F3: items of one turn', () => {
  it('share a DATA as far as it goes: an item is never cut for that', () => {
    const { made, outflow } = both('client')
    feed(made, credit(1, 50_000))
    for (const bytes of [5_000, 5_000, 5_000, 1_385, 1]) outflow.put(new Item(bytes))
    expect(said(made)).toEqual(['DATA 1 15000', 'DATA 1 1385', 'DATA 1 1'])
  })

  it('share a DATA wherever it stands among what leaves with it', () => {
    const { made, outflow } = both('client')
    for (let count = 0; count < 50; count++) made.session.start(new RecordedCall({ body: ramp(200) }))
    outflow.put(new Item(1))
    outflow.put(new Item(2))
    const sent = said(made)
    expect([sent.length, sent.at(-1)]).toEqual([51, 'DATA 1 3'])
  })

  it('share none over what was written between, be it of the same call or of another', () => {
    const made = opened({ role: 'client' })
    const [one, other] = [beginFrom(made, { input: true }), beginFrom(made, { input: true })]
    said(made)
    one.flow.outflow?.put(new Item(1))
    other.flow.outflow?.put(new Item(2))
    one.flow.outflow?.put(new Item(3))
    made.link.feed(ping)
    one.flow.outflow?.put(new Item(4))
    one.flow.outflow?.put(new Item(5))
    one.flow.outflow?.putNone()
    one.flow.outflow?.put(new Item(6))
    expect(said(made)).toEqual(['DATA 1 1', 'DATA 2 2', 'DATA 1 3', 'PONG 0 8', 'DATA 1 9', 'DATA 1 0', 'DATA 1 6'])
    const bodies = made.link.sent.flatMap(({ kind, body }) => (kind === kinds.DATA ? [body] : []))
    expect(bodies.map((body) => [...body])).toEqual([
      [...ramp(1)],
      [...ramp(2)],
      [...ramp(3)],
      [...ramp(4), ...ramp(5)],
      [],
      [...ramp(6)],
    ])
  })

  it('share none over the end of the turn', () => {
    const { made, outflow } = both('client')
    outflow.put(new Item(1))
    expect(said(made)).toEqual(['DATA 1 1'])
    outflow.put(new Item(2))
    expect(said(made)).toEqual(['DATA 1 2'])
  })

  it('come in their order, also where one of them does not say where it leaves', () => {
    const { made, outflow } = both('client')
    outflow.put(new Item(1))
    outflow.put(new StubbornItem(2))
    outflow.put(new Item(3))
    expect(said(made)).toEqual(['DATA 1 1', 'DATA 1 2', 'DATA 1 3'])
  })

  it('leave together: the link is told that more may follow', () => {
    const { made, outflow } = both('client')
    const written = vi.spyOn(made.link, 'written')
    outflow.put(new Item(1))
    outflow.put(new Item(2))
    expect(written.mock.calls).toEqual([[Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY]])
  })
})

describe('frames', () => {
  it('are counted, each once, whatever they are', () => {
    const made = opened()
    const isCounted = () => expect(made.session.counters.framesSent).toBe(made.link.sent.length)
    const { flow, call } = beginAt(made, 1, OUTPUT)
    flow.outflow?.put(new Item(10))
    flow.outflow?.put(new Item(20))
    made.clock.runTurns()
    isCounted()
    flow.outflow?.put(new Item(40_000))
    feed(made, credit(1, 90_000), ping)
    isCounted()
    made.session.endStream(call, undefined)
    feed(made, request(2))
    const second = made.effects.requests.at(-1)?.call
    if (second) made.session.respond(second, undefined, ramp(100_000))
    feed(made, credit(0, 40_030))
    isCounted()
    made.session.drain(1_000, 'over')
    made.clock.runTurns()
    isCounted()
    const client = opened({ role: 'client' })
    startedAt(client, { body: ramp(100_000), priority: 2 })
    client.clock.runTurns()
    expect(client.session.counters.framesSent).toBe(client.link.sent.length)
  })
})

describe('P23: an ERROR', () => {
  /** What a client is told by a server that refuses its call. */
  function told(error: { readonly message: string; readonly data?: unknown }, maxErrorBytes = 2_048) {
    const made = opened({ limits: { maxErrorBytes } })
    feed(made, request(1))
    made.session.refuse(handledBy(made), { code: 'Failed', processed: 'maybe', ...error })
    made.clock.runTurns()
    return { error: errorIn(made.link.takeSent()[0]), limits: made.effects.limits }
  }

  it('has a text of 1,024 characters at most, none of them half', () => {
    expect(told({ message: 'x'.repeat(1_024) }).error.message).toHaveLength(1_024)
    expect(told({ message: 'x'.repeat(1_025) }).error.message).toBe('x'.repeat(1_024))
    expect(told({ message: `${'x'.repeat(1_023)}😀` }).error.message).toBe(`${'x'.repeat(1_023)}\ufffd`)
  })

  it('that is too long says so instead, and that is counted', () => {
    const { error, limits } = told({ message: 'as told', data: 'x'.repeat(1_995) })
    expect(limits).toEqual([])
    expect(error.code).toBe('Failed')
    const large = told({ message: 'as told', data: 'x'.repeat(1_996) })
    const message = 'the error Failed has 2049 bytes: maxErrorBytes is 2048 (peer tap:1; option limits.maxErrorBytes)'
    expect(large.error).toMatchObject({ code: 'resource_exhausted', message, processed: 'maybe' })
    expect(large.limits).toEqual([{ name: 'maxErrorBytes', message }])
  })
})

describe('what a peer takes', () => {
  const senderOf = (maxCallsInFlight: number) => {
    const limits = resolveLimits()
    const sender = new FrameSender(new TapLink(new VirtualClock(), limits), limits, { limitFired() {} })
    sender.helloReceived({ ...resolveLimits({ maxCallsInFlight }) })
    return sender.peerLimits
  }

  it('is held once by connections whose peers say the same, and never taken for another’s', () => {
    const [one, same, other] = [senderOf(7), senderOf(7), senderOf(8)]
    expect(one).toBe(same)
    expect([one.maxCallsInFlight, other.maxCallsInFlight, senderOf(7).maxCallsInFlight]).toEqual([7, 8, 7])
  })
})

describe('S8: the link is told how many calls are under way', () => {
  it('beside one that has waited: those in flight, and those that wait behind it', () => {
    const made = opened({ role: 'client', peerLimits: { maxCallsInFlight: 2 } })
    for (let count = 0; count < 4; count++) made.session.start(new RecordedCall())
    made.clock.runTurns()
    const written = vi.spyOn(made.link, 'written')
    feed(made, response(1))
    expect(written.mock.calls).toEqual([[2]])
  })
})
