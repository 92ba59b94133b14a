/** Who waits when the other side is slow (spec/session.md, S7 and S17; spec/protocol.md, P27). */
import { describe, expect, it } from 'vitest'
import { kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, joined } from '../support/slow-frames.ts'
import { opened } from '../support/tapped.ts'
import { feed, request, response } from './messages.ts'

const ping = (byte: number) => frameBytes(kinds.PING, 0, 0, new Uint8Array(8).fill(byte))

describe('S17: a server whose replies back up', () => {
  it('stops reading at that very frame, and goes on when they were taken', () => {
    const made = opened()
    made.effects.onRequest = ({ call }) => {
      made.link.isCongested = call.id >= 2
      made.session.respond(call, undefined, Uint8Array.of(0xc0))
    }
    feed(made, joined([request(1), request(2), request(3), request(4)]))
    expect(made.effects.requests.map(({ call }) => call.id)).toEqual([1, 2])
    expect(made.link.asked).toEqual(['pause'])
    feed(made, request(5))
    expect(made.effects.requests).toHaveLength(2)
    made.effects.onRequest = () => {}
    made.link.drain()
    made.clock.runTurns()
    expect(made.link.asked).toEqual(['pause', 'resume'])
    expect(made.effects.requests.map(({ call }) => call.id)).toEqual([1, 2, 3, 4, 5])
  })

  it('stops when a handler that ends later backs it up, too', () => {
    const made = opened()
    feed(made, request(1))
    made.link.isCongested = true
    const [first] = made.effects.requests
    if (first) made.session.respond(first.call, undefined, Uint8Array.of(0xc0))
    feed(made, request(2))
    expect([made.link.asked, made.effects.requests.length]).toEqual([['pause'], 1])
  })

  it('reads again, to discard, once it closes', () => {
    const made = opened()
    made.link.isCongested = true
    feed(made, request(1), request(2))
    made.session.end()
    made.clock.runTurns()
    expect(made.link.asked).toEqual(['pause', 'end', 'resume'])
    expect(made.effects.requests).toHaveLength(1)
  })

  it('does not let a peer that only asks make it grow', () => {
    const made = opened()
    made.link.isCongested = true
    feed(made, joined(Array.from({ length: 1_000 }, (_, at) => ping(at))))
    expect(made.link.takeSent().length).toBeLessThanOrEqual(8)
  })
})

describe('S7, S17: a client whose requests back up', () => {
  it('goes on reading, lets its calls wait, and sends them in order when they were taken', () => {
    const made = opened({ role: 'client' })
    const first = new RecordedCall()
    made.session.start(first)
    made.link.isCongested = true
    const others = [new RecordedCall({ oneWay: true }), new RecordedCall(), new RecordedCall()]
    for (const call of others) made.session.start(call)
    feed(made, response(1))
    expect(first.fate).toBe('replied')
    expect(made.link.asked).toEqual([])
    expect([made.session.waiting, others.map(({ leftCount }) => leftCount)]).toEqual([3, [0, 0, 0]])
    made.link.drain()
    made.clock.runTurns()
    expect(made.link.takeSent().map(({ id }) => id)).toEqual([1, 2, 3, 4])
    expect(made.session.waiting).toBe(0)
  })

  it('P27: owes a server that asks and does not read the last eight answers at most', () => {
    const made = opened({ role: 'client' })
    made.link.isCongested = true
    for (let byte = 0; byte < 100; byte++) feed(made, ping(byte))
    expect(made.link.takeSent()).toEqual([])
    made.link.drain()
    made.clock.runTurns()
    expect(made.link.takeSent().map(({ kind, body }) => [kind, body[0]])).toEqual(
      Array.from({ length: 8 }, (_, at) => [kinds.PONG, 92 + at]),
    )
  })
})
