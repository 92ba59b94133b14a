/** The credit that a sender keeps to: of the connection and of each stream (spec/streams.md, F9 to F12). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { opened } from '../support/tapped.ts'
import { feed, request, startedAt } from './messages.ts'
import { beginAt, beginFrom, bulkIn, credit, Item, Producer, ramp, words } from './streams-kit.ts'

const { OUTPUT } = flags
const roles = ['client', 'server'] as const

/** A stream that a session sends, as call 1. */
function sending(role: (typeof roles)[number]) {
  const made = opened({ role })
  const { flow } = role === 'server' ? beginAt(made, 1, OUTPUT) : beginFrom(made, { input: true })
  made.link.takeSent()
  if (!flow.outflow) throw new Error('no stream')
  return { made, outflow: flow.outflow }
}

describe.each(roles)('F9: the window of a %s', (role) => {
  it('is 65,536 bytes at first, of all streams and messages together', () => {
    const made = opened({ role })
    const producers = Array.from({ length: 6 }, (_, at) => {
      const { flow } = role === 'server' ? beginAt(made, at + 1, OUTPUT) : beginFrom(made, { input: true })
      return new Producer(flow.outflow, 1_000)
    })
    for (const producer of producers) producer.run()
    made.clock.runTurns()
    const sent = bulkIn(made.link.sent)
    expect(sent).toBeLessThanOrEqual(65_536)
    expect(sent).toBeGreaterThan(65_536 - 1_024)
    feed(made, credit(0, 10_000))
    expect(bulkIn(made.link.sent)).toBeGreaterThan(65_536 + 10_000 - 2_048)
    expect(bulkIn(made.link.sent)).toBeLessThanOrEqual(65_536 + 10_000)
  })

  it('holds back nothing that is no bulk', () => {
    const made = opened({ role })
    if (role === 'server') {
      feed(made, request(1), request(2))
      const [large, small] = made.effects.requests
      if (large) made.session.respond(large.call, undefined, ramp(300_000))
      if (small) made.session.respond(small.call, undefined, ramp(60_000))
    } else {
      startedAt(made, { body: ramp(300_000) })
      startedAt(made, { body: ramp(60_000) })
    }
    feed(made, frameBytes(kinds.PING, 0, 0, ramp(8)))
    const sent = words(made.link.takeSent())
    const kind = role === 'server' ? 'RESPONSE' : 'REQUEST'
    expect(sent.slice(-2)).toEqual([expect.stringMatching(new RegExp(`^${kind} 2 600\\d\\d$`)), 'PONG 0 8'])
    expect(sent.filter((frame) => frame.startsWith(`${kind} 1 MORE`)).length).toBeGreaterThan(1)
  })
})

describe.each(roles)('F10: the credit of a stream that a %s sends', (role) => {
  it('is 16,384 bytes at first, and as many more as it is given', () => {
    const { made, outflow } = sending(role)
    const producer = new Producer(outflow, 1_000)
    producer.run()
    made.clock.runTurns()
    expect(bulkIn(made.link.sent)).toBe(16_000)
    feed(made, credit(1, 3_000))
    expect(bulkIn(made.link.sent)).toBe(19_000)
    feed(made, credit(1, 1_000_000), credit(0, 19_000))
    expect(bulkIn(made.link.sent)).toBe(19_000 + 65_000)
  })

  it('asks its producer for no more than one item ahead', () => {
    const { made, outflow } = sending(role)
    const producer = new Producer(outflow, 1_000)
    producer.run()
    expect(producer.count).toBe(17)
    made.clock.runTurns()
    feed(made, credit(1, 2_000))
    expect(producer.count).toBeLessThanOrEqual(19)
  })

  it('is never exceeded, whatever is put and given', () => {
    const step = fc.oneof(
      fc.record({ put: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 60_000 })) }),
      fc.record({ give: fc.integer({ min: 1, max: 30_000 }) }),
      fc.constant({ acknowledge: true }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { made, outflow } = sending(role)
        let given = 16_384
        let acknowledged = 0
        let put = 0
        let mayPut = true
        outflow.onReady = () => {
          mayPut = true
        }
        for (const one of steps) {
          if ('put' in one) {
            if (!mayPut) continue
            mayPut = outflow.put(new Item(ramp(one.put, put)))
            put += one.put
          } else if ('give' in one) {
            feed(made, credit(1, one.give))
            given += one.give
          } else {
            const more = bulkIn(made.link.sent) - acknowledged
            acknowledged += more
            if (more > 0) feed(made, credit(0, more))
          }
          made.clock.runTurns()
          const sent = bulkIn(made.link.sent)
          expect(sent).toBeLessThanOrEqual(given)
          expect(sent - acknowledged).toBeLessThanOrEqual(1_048_576)
        }
        feed(made, credit(1, 5_000_000))
        for (let round = 0; round < 200 && acknowledged < put; round++) {
          const more = bulkIn(made.link.sent) - acknowledged
          acknowledged += more
          if (more > 0) feed(made, credit(0, more))
        }
        const bodies = made.link.sent.filter(({ kind }) => kind === kinds.DATA).map(({ body }) => body)
        expect(Buffer.compare(Buffer.concat(bodies), ramp(put))).toBe(0)
      }),
      runs(60),
    )
  })

  it('keeps items in their order, also where the producer goes on after a no', () => {
    const { made, outflow } = sending(role)
    const sizes = [16_000, 5_000, 100, 30_000, 100]
    let from = 0
    for (const bytes of sizes) {
      outflow.put(new Item(ramp(bytes, from)))
      from += bytes
    }
    for (let round = 0; round < 20; round++) {
      feed(made, credit(1, 3_000))
      outflow.put(new Item(ramp(10, from)))
      from += 10
    }
    feed(made, credit(1, 50_000))
    const bodies = made.link.sent.filter(({ kind }) => kind === kinds.DATA).map(({ body }) => body)
    expect(Buffer.compare(Buffer.concat(bodies), ramp(from))).toBe(0)
  })

  it('F11: is let be where CREDIT comes after its end', () => {
    const { made, outflow } = sending(role)
    const [handled] = made.effects.requests
    if (handled) made.session.endStream(handled.call, undefined)
    else outflow.end()
    feed(made, credit(1, 1), credit(1, 2 ** 31 - 1), credit(1, 2 ** 31 - 1))
    expect(made.session.state).toBe('open')
  })

  it('F11: may be 2^31 - 1 bytes', () => {
    const { made, outflow } = sending(role)
    feed(made, credit(1, 2 ** 31 - 1 - 16_384))
    outflow.put(new Item(100))
    feed(made, credit(1, 100))
    expect(made.session.state).toBe('open')
  })

  it('F12: is asked for by a WAIT, once', () => {
    const { made, outflow } = sending(role)
    const producer = new Producer(outflow, 1_000)
    producer.run()
    made.clock.runTurns()
    const waits = () => words(made.link.takeSent()).filter((frame) => frame.includes('WAIT'))
    expect(waits()).toEqual(['DATA 1 WAIT 0'])
    feed(made, credit(0, 16_000), frameBytes(kinds.PING, 0, 0, ramp(8)))
    expect(waits()).toEqual([])
    feed(made, credit(1, 5_000))
    expect(waits()).toEqual(['DATA 1 WAIT 0'])
  })
})
