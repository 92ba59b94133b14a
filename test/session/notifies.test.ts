/** Notifies, of which a client cannot know that they hold the slots of its server (spec/session.md, S8 and S9). */
import { describe, expect, it } from 'vitest'
import { flags } from '../../src/wire/index.ts'
import { joined, requestBody } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed, request } from './messages.ts'
import { Rig } from './rig.ts'
import { beginAt, Consumer, cancel, credit, data, Item, said } from './streams-kit.ts'

const { MORE, ONE_WAY } = flags
const notifies = (from: number, count: number) => Array.from({ length: count }, (_, at) => request(from + at, ONE_WAY))
const requests = (from: number, count: number) => Array.from({ length: count }, (_, at) => request(from + at))
const ran = ({ effects }: Tapped) => effects.requests.map(({ call }) => call.id)

function end({ session, effects, clock }: Tapped, id: number): void {
  const found = effects.requests.find(({ call }) => call.id === id)
  if (!found) throw new Error(`the call ${id} has not begun`)
  session.respond(found.call, undefined, Uint8Array.of(0xc0))
  clock.runTurns()
}

describe('S9: notifies that hold all slots', () => {
  it('make a server stop reading, and go on when one of them ends', () => {
    const made = opened({ limits: { maxCallsInFlight: 3 } })
    feed(made, joined(notifies(1, 10)))
    expect([made.effects.requests.length, made.session.inFlight, made.link.asked]).toEqual([3, 3, ['pause']])
    for (let ended = 0; ended < 10; ended++) {
      const handled = made.effects.requests[ended]
      if (handled) made.session.respond(handled.call, undefined, new Uint8Array(0))
      made.clock.runTurns()
      expect(made.effects.requests).toHaveLength(Math.min(10, 4 + ended))
    }
    expect(made.effects.requests.map(({ call }) => call.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect([made.effects.limits, made.session.inFlight]).toEqual([[], 0])
    expect(made.link.asked.at(-1)).toBe('resume')
  })

  it('S16: do not make the client think that the server is gone', () => {
    const limits = { pingAfterMs: 500, idleTimeoutMs: 1_000 }
    const rig = new Rig({ seed: 1, limits: { client: limits, server: { ...limits, maxCallsInFlight: 2 } } })
    for (let count = 0; count < 4; count++) rig.start({ oneWay: true })
    rig.clock.advance(10_000)
    expect([rig.client.state, rig.handlers.length]).toEqual(['open', 2])
    for (let round = 0; round < 2; round++) {
      for (const number of rig.handlers) rig.endHandler(number, 4)
      rig.settle()
    }
    expect([...rig.ledger.calls.values()].map(({ ran }) => ran)).toEqual([1, 1, 1, 1])
    expect(rig.ledger.running).toEqual([])
  })
})

describe('S9: notifies beside calls', () => {
  it('let the calls be heard, though no slot is free: CREDIT, DATA and CANCEL', () => {
    const made = opened({ limits: { maxCallsInFlight: 2 } })
    const { flow, call } = beginAt(made, 1)
    const consumer = new Consumer(flow.inflow)
    flow.outflow?.put(new Item(16_384)) // all that its credit lets pass
    flow.outflow?.put(new Item(10))
    feed(made, ...notifies(2, 5), data(1, [1, 2, 3]))
    expect([ran(made), made.link.asked, consumer.bytes.length]).toEqual([[1, 2], [], 3])
    said(made)
    feed(made, credit(0, 16_384), credit(1, 16_384))
    expect(said(made)).toEqual(['DATA 1 10'])
    let wasCancelled = false
    call.runner = { callerGone: () => (wasCancelled = true) }
    feed(made, cancel(1))
    expect(wasCancelled).toBe(true)
  })

  it('wait in order for a slot, and run when there is one', () => {
    const made = opened({ limits: { maxCallsInFlight: 3 } })
    feed(made, joined([request(1), request(2), request(3, ONE_WAY), request(4), ...notifies(5, 2)]))
    expect([ran(made), made.link.asked]).toEqual([[1, 2, 3], []])
    for (const id of [1, 2]) end(made, id)
    expect(ran(made)).toEqual([1, 2, 3, 4, 5])
    end(made, 4)
    expect([ran(made), made.link.asked]).toEqual([[1, 2, 3, 4, 5, 6], ['pause']]) // now nothing else runs
    for (const id of [3, 5, 6]) end(made, id)
    expect([made.link.asked, made.effects.limits, made.session.inFlight]).toEqual([['pause', 'resume'], [], 0])
  })

  it('make the server stop reading once 128 of them wait, and none of them is lost', () => {
    const made = opened({ limits: { maxCallsInFlight: 2 } })
    feed(made, request(1), ...notifies(2, 140))
    expect([ran(made), made.link.asked]).toEqual([[1, 2], ['pause']])
    for (let id = 2; id <= 141; id++) end(made, id)
    expect(ran(made)).toHaveLength(141)
    expect([made.effects.limits, made.link.asked.at(-1)]).toEqual([[], 'resume'])
  })

  it('make it stop reading where there is no room for a body of any length, and none of them is lost', () => {
    const limits = { maxCallsInFlight: 2, maxMessageBytes: 10_000, maxReassemblyBytes: 40_000 }
    const made = opened({ limits })
    const long = (id: number) => request(id, ONE_WAY, requestBody(7, 0, new Array<number>(10_000).fill(0xc0)))
    feed(made, request(1), ...[2, 3, 4, 5, 6, 7, 8].map(long))
    expect([ran(made), made.link.asked]).toEqual([[1, 2], ['pause']])
    for (let id = 2; id <= 8; id++) end(made, id)
    expect([ran(made).length, made.effects.limits]).toEqual([8, []])
  })

  it('let it read as long as one more body of any length has room', () => {
    const made = opened({ limits: { maxCallsInFlight: 2, maxMessageBytes: 10_000, maxReassemblyBytes: 20_000 } })
    const filled = (bytes: number) => requestBody(7, 0, new Array<number>(bytes).fill(0xc0))
    feed(made, request(1), request(2, ONE_WAY), request(3, ONE_WAY, filled(10_000)))
    expect(made.link.asked).toEqual([])
    feed(made, request(4, ONE_WAY, filled(1)))
    expect([made.link.asked, made.effects.limits]).toEqual([['pause'], []])
  })

  it('are refused where requests that are half there have all places', () => {
    const made = opened({ limits: { maxCallsInFlight: 128 } })
    feed(made, ...Array.from({ length: 127 }, (_, at) => request(at + 1, MORE)), request(128, ONE_WAY))
    expect([ran(made), made.effects.refusals]).toEqual([[128], []])
    feed(made, request(129, MORE), request(130, ONE_WAY))
    expect([ran(made), made.effects.refusals.length]).toEqual([[128], 1])
  })

  it('are refused, and told to nobody, where none of them runs and 128 wait', () => {
    const made = opened({ limits: { maxCallsInFlight: 1 } })
    feed(made, request(1), ...notifies(2, 129))
    expect([made.link.asked, made.effects.refusals.length]).toEqual([[], 1]) // what ends the call must be heard
    expect(made.effects.refusals[0]?.error).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(said(made)).toEqual([])
  })

  it('take no place of a call that the client may make', () => {
    const made = opened({ limits: { maxCallsInFlight: 200 } })
    feed(made, request(1, ONE_WAY), ...requests(2, 199), request(201))
    expect([ran(made).length, made.effects.refusals]).toEqual([200, []])
    feed(made, request(202)) // one more than it was allowed
    expect(made.effects.refusals).toHaveLength(1)
    end(made, 1)
    expect(ran(made).at(-1)).toBe(201)
  })

  it('take no place of a call either while they come in fragments', () => {
    const made = opened({ limits: { maxCallsInFlight: 200 } })
    feed(made, request(1, ONE_WAY | MORE), ...requests(2, 200))
    expect([ran(made).length, made.effects.refusals]).toEqual([200, []])
    feed(made, request(1, 0, new Uint8Array(0)))
    expect([made.link.asked, made.effects.refusals]).toEqual([[], []])
    end(made, 2)
    expect(ran(made).at(-1)).toBe(1)
  })
})
