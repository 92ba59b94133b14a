/** Streams that are cancelled, lost or held, before the HELLO, and in a drain (spec/streams.md, F7; spec/session.md, S2 to S25). */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { helloBytes, opened, type Tapped, tapped } from '../support/tapped.ts'
import { feed, request } from './messages.ts'
import {
  beginAt,
  beginFrom,
  both,
  Consumer,
  cancel,
  credit,
  data,
  end,
  handledBy,
  Item,
  ramp,
  said,
  streamRequest,
  words,
} from './streams-kit.ts'

const { MORE, INPUT, OUTPUT } = flags

const gone = (made: Tapped, call: { runner: unknown }) => {
  const told: string[] = []
  call.runner = { callerGone: () => void told.push('gone') }
  expect(made.session.inFlight).toBe(1)
  return told
}

describe('F7: a CANCEL', () => {
  it.each([
    ['before any item', []],
    ['behind items', [data(1, ramp(100))]],
    ['within an item', [data(1, ramp(100)), data(1, ramp(100), MORE)]],
    ['behind the END', [data(1, ramp(100)), end(1)]],
  ] as const)('%s tells the handler, which answers once', (_, before) => {
    const { made } = both('server')
    const handled = handledBy(made)
    const told = gone(made, handled)
    feed(made, ...before, cancel(1), cancel(1))
    expect([told, said(made), made.session.inFlight]).toEqual([['gone'], [], 1])
    made.session.refuse(handled, { code: 'cancelled', message: 'as told', processed: 'yes' })
    expect([said(made), made.session.inFlight]).toEqual([['ERROR 1 cancelled yes'], 0])
  })

  it.each([
    [
      'while items wait for credit',
      (_: Tapped, put: (bytes: number) => boolean) => put(4_000) && put(9_000) && put(9_000),
    ],
    ['within an item', (_: Tapped, put: (bytes: number) => boolean) => put(40_000)],
  ] as const)('drops what the server has not sent, %s', (_, fill) => {
    const { made, outflow } = both('server')
    const handled = handledBy(made)
    const told = gone(made, handled)
    fill(made, (bytes) => outflow.put(new Item(bytes)))
    said(made)
    feed(made, cancel(1), credit(1, 100_000), credit(0, 16_384))
    expect([told, outflow.put(new Item(1)), said(made)]).toEqual([['gone'], false, []])
    made.session.refuse(handled, { code: 'cancelled', message: 'as told', processed: 'yes' })
    expect([said(made), made.session.inFlight]).toEqual([['ERROR 1 cancelled yes'], 0])
  })

  it('within an item is answered by an ERROR, also where the handler comes to its end', () => {
    const { made, outflow } = both('server')
    const handled = handledBy(made)
    outflow.put(new Item(40_000))
    said(made)
    feed(made, cancel(1))
    made.session.endStream(handled, undefined)
    expect(said(made)).toEqual(['ERROR 1 cancelled yes'])
  })

  it('ends a call whose handler has ended, and whose answer waits', () => {
    const { made, outflow } = both('server')
    const handled = handledBy(made)
    while (outflow.put(new Item(4_000)));
    outflow.put(new Item(4_000))
    made.session.endStream(handled, undefined)
    said(made)
    feed(made, cancel(1), credit(1, 100_000))
    expect([said(made), made.session.inFlight]).toEqual([['ERROR 1 cancelled yes'], 0])
  })

  it.each([
    ['before any item', () => {}],
    ['within an item', (put: (bytes: number) => void) => put(40_000)],
    ['behind the END', (_: (bytes: number) => void, finish: () => void) => finish()],
  ] as const)('of a client that goes away %s: nothing more is sent, and what comes is thrown away', (_, act) => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made)
    const consumer = new Consumer(call.flow.inflow)
    act(
      (bytes) => void call.flow.outflow?.put(new Item(bytes)),
      () => call.flow.outflow?.end(),
    )
    said(made)
    made.session.abandon(call)
    expect(said(made)).toEqual(['CANCEL 1 0'])
    feed(made, credit(1, 50_000), data(1, ramp(100)), data(1, ramp(9_000), MORE), data(1, ramp(5_000)), end(1))
    expect([consumer.bytes.length, said(made), call.fate, made.session.inFlight]).toEqual([0, [], '', 0])
    expect(made.session.counters.lateReplies).toBe(1)
  })

  it('S10: is not sent by a client that gives up by its deadline, unless something is left to send or to come', () => {
    for (const [ends, output, frames] of [
      [true, false, []],
      [false, false, ['CANCEL 1 0']],
      [true, true, ['CANCEL 1 0']],
    ] as const) {
      const made = opened({ role: 'client' })
      const call = beginFrom(made, { input: true, output })
      if (ends) call.flow.outflow?.end()
      said(made)
      made.session.abandon(call, false)
      expect(said(made)).toEqual(frames)
    }
  })
})

describe('S25: the connection is lost', () => {
  it.each([
    ['at once', []],
    ['behind items', [data(1, ramp(100))]],
    ['within an item', [data(1, ramp(100)), data(1, ramp(100), MORE)]],
  ] as const)('%s: the call of a client is lost, and what has come may be taken', (_, before) => {
    for (const close of [(made: Tapped) => made.link.close(), (made: Tapped) => made.session.end()]) {
      const made = opened({ role: 'client' })
      const call = beginFrom(made)
      const consumer = new Consumer(call.flow.inflow, false)
      call.flow.outflow?.put(new Item(40_000))
      feed(made, ...before)
      close(made)
      expect([call.fate, consumer.take()]).toEqual(['lost unavailable maybe', before.length > 0 ? 100 : 0])
      expect(call.flow.outflow?.put(new Item(1))).toBe(false)
      made.link.close()
      expect([made.session.inFlight, made.clock.timers]).toEqual([0, 0])
    }
  })

  it('a handler is told, whatever it has yet to send or to be sent', () => {
    const { made, outflow } = both('server')
    const handled = handledBy(made)
    const told = gone(made, handled)
    outflow.put(new Item(40_000))
    feed(made, data(1, ramp(100), MORE))
    made.link.close()
    expect([told, outflow.put(new Item(1)), made.session.inFlight]).toEqual([['gone'], false, 1])
    made.session.endStream(handled, undefined)
    expect([made.session.inFlight, made.clock.timers]).toEqual([0, 0])
  })

  it('an answer that waits for credit goes with it', () => {
    const { made, outflow } = both('server')
    const handled = handledBy(made)
    outflow.put(new Item(40_000))
    made.session.endStream(handled, undefined)
    expect(made.session.inFlight).toBe(1)
    made.link.close()
    expect([made.session.inFlight, made.clock.timers]).toEqual([0, 0])
  })
})

describe('S18 to S20: a drain', () => {
  const draining = frameBytes(kinds.PONG, 0, 0, new TextEncoder().encode('draining'))

  it('of a server lets streams go on in both directions, and closes behind the last END', () => {
    const { made, outflow, consumer } = both('server')
    const handled = handledBy(made)
    made.session.drain(60_000, '')
    feed(made, draining)
    said(made)
    feed(made, data(1, ramp(50)), data(1, ramp(50), MORE), data(1, ramp(50)), end(1))
    outflow.put(new Item(20_000))
    expect([consumer.bytes.length, made.session.state]).toEqual([150, 'draining'])
    made.session.endStream(handled, undefined)
    expect(made.session.state).toBe('draining')
    feed(made, credit(1, 16_384))
    expect([said(made).at(-1), made.session.state]).toEqual(['END 1 0', 'closing'])
  })

  it('waits for a reply that has not left whole', () => {
    const made = opened()
    feed(made, request(1))
    made.session.drain(60_000, '')
    feed(made, draining)
    const handled = handledBy(made)
    made.session.respond(handled, undefined, ramp(200_000))
    expect(made.session.state).toBe('draining')
    for (let round = 0; round < 4; round++) feed(made, credit(0, 49_152))
    expect(said(made).at(-1)).toMatch(/^RESPONSE 1 \d+$/)
    expect(made.session.state).toBe('closing')
  })

  it('that a client hears of lets its streams go on; those after the last id did not run', () => {
    const made = opened({ role: 'client' })
    const [first, second] = [beginFrom(made), beginFrom(made)]
    const consumer = new Consumer(first.flow.inflow)
    const late = new Consumer(second.flow.inflow)
    feed(made, frameBytes(kinds.GOAWAY, 0, 0, new Uint8Array(4)))
    feed(made, frameBytes(kinds.GOAWAY, flags.FINAL, 0, [0, 0, 0, 1]))
    said(made)
    expect([second.fate, second.flow.outflow?.put(new Item(1)), late.told]).toEqual(['lost unavailable no', false, []])
    first.flow.outflow?.put(new Item(8))
    first.flow.outflow?.end()
    feed(made, data(1, [1]), end(1))
    expect([said(made), consumer.bytes.length, first.fate]).toEqual([['DATA 1 8', 'END 1 0'], 1, 'ended'])
    expect(made.session.state).toBe('closing')
  })
})

describe('S2: before the HELLO', () => {
  it('a client sends its items as far as the first credit goes', () => {
    const made = tapped({ role: 'client' })
    const call = beginFrom(made)
    call.flow.outflow?.put(new Item(10))
    call.flow.outflow?.put(new Item(30_000))
    made.clock.runTurns()
    expect(words(made.link.takeSent()).slice(1)).toEqual([
      'REQUEST 1 INPUT OUTPUT 8',
      'DATA 1 10',
      'DATA 1 MORE 16374',
      'DATA 1 MORE WAIT 0',
    ])
    feed(made, helloBytes(), credit(1, 16_384))
    expect(said(made)).toEqual(['DATA 1 13626'])
  })

  it('a server reads what comes behind the HELLO at once', () => {
    const made = tapped()
    const got: Consumer[] = []
    made.effects.onRequest = ({ call }) => got.push(new Consumer(call.flow?.inflow))
    feed(made, helloBytes(), streamRequest(1, INPUT), data(1, ramp(10)), end(1))
    expect([got[0]?.bytes.length, got[0]?.told]).toEqual([10, ['ended']])
  })
})

describe('S8: a request that waits for a slot', () => {
  const limits = { maxCallsInFlight: 1 }

  it('has what came for it meanwhile when it begins, in order, and its end', () => {
    const made = opened({ limits })
    const { call } = beginAt(made, 1)
    feed(made, streamRequest(2, INPUT | OUTPUT), data(2, ramp(4_000)), data(2, ramp(5_000, 4_000), MORE))
    feed(made, credit(2, 500), data(2, ramp(2_000, 9_000)), end(2))
    let consumer: Consumer | undefined
    made.effects.onRequest = ({ call }) => {
      consumer = new Consumer(call.flow?.inflow)
      consumer.take()
    }
    made.session.endStream(call, undefined)
    expect(consumer?.bytes).toEqual(ramp(11_000))
    expect(consumer?.told).toEqual(['ended'])
  })

  it.each([
    ['was too long', Array(6).fill(data(2, ramp(15_000), MORE)), 'too long'],
    ['was not gone on with', [data(2, [1], MORE)], 'stalled deadline_exceeded yes'],
  ] as const)('is told when it begins that an item for it %s', (_, frames, told) => {
    const made = opened({
      limits: { maxCallsInFlight: 1, maxMessageBytes: 12_000, pingAfterMs: 100, idleTimeoutMs: 1_000 },
    })
    const { call } = beginAt(made, 1)
    feed(made, streamRequest(2, INPUT), ...frames)
    for (let passed = 0; passed < 1_300; passed += 50) {
      feed(made, frameBytes(kinds.PONG, 0, 0, new Uint8Array(8)))
      made.clock.advance(50)
    }
    let consumer: Consumer | undefined
    made.effects.onRequest = ({ call }) => {
      consumer = new Consumer(call.flow?.inflow)
    }
    made.session.endStream(call, undefined)
    expect([made.effects.violations, consumer?.told]).toEqual([[], [told]])
  })

  it('is not sent more than its first credit', () => {
    const made = opened({ limits })
    beginAt(made, 1)
    feed(made, streamRequest(2, INPUT), data(2, ramp(16_384)))
    expect(said(made)).toEqual(['CREDIT 0 +16384'])
    feed(made, data(2, [1]))
    expect(made.effects.violations).toMatchObject([{ rule: 'credit' }])
  })

  it('P26: that is cancelled leaves nothing, and what still comes for it is ignored', () => {
    const made = opened({ limits })
    beginAt(made, 1, OUTPUT)
    feed(made, streamRequest(2, INPUT), data(2, ramp(4_000)), data(2, ramp(4_000), MORE), cancel(2))
    expect(said(made)).toEqual(['ERROR 2 cancelled no'])
    feed(made, data(2, ramp(4_000)), end(2))
    expect([made.session.state, made.session.counters.unknownIds]).toEqual(['open', 2])
  })

  it('S12: that is too late is refused, with all that came for it', () => {
    const made = opened({ limits })
    const { call } = beginAt(made, 1, OUTPUT)
    feed(made, streamRequest(2, INPUT, 100), data(2, ramp(4_000)))
    made.clock.advance(200)
    made.session.endStream(call, undefined)
    expect(said(made)).toEqual(['END 1 0', 'ERROR 2 deadline_exceeded no'])
    feed(made, data(2, ramp(4_000)))
    expect([made.session.state, made.session.inFlight]).toEqual(['open', 0])
  })
})
