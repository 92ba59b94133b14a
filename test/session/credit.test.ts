/** The credit that a receiver gives, and what it holds (spec/streams.md, F8 to F13). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { frameBytes, u32 } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed, request, response, startedAt } from './messages.ts'
import { beginAt, beginFrom, Consumer, cancel, data, end, ramp } from './streams-kit.ts'

const { MORE, WAIT, INPUT } = flags
const roles = ['client', 'server'] as const

/** A stream that a session receives, as call 1. */
function receiving(role: (typeof roles)[number], isEager = true, limits = {}) {
  const made = opened({ role, limits })
  const { flow } = role === 'server' ? beginAt(made, 1, INPUT) : beginFrom(made, { output: true })
  made.link.takeSent()
  return { made, consumer: new Consumer(flow.inflow, isEager) }
}

/** CREDIT that went out by the end of this turn: for the connection, and for the stream 1. */
function creditIn({ clock, link }: Tapped): {
  readonly ofConnection: number
  readonly ofStream: number
  readonly frames: number
} {
  clock.runTurns()
  const sum = { ofConnection: 0, ofStream: 0, frames: 0 }
  for (const { kind, id, body } of link.takeSent()) {
    if (kind !== kinds.CREDIT) continue
    const bytes = new DataView(body.buffer, body.byteOffset).getUint32(0)
    sum.frames++
    if (id === 0) sum.ofConnection += bytes
    else sum.ofStream += bytes
  }
  return sum
}

describe('F9: acknowledging', () => {
  it.each(roles)(
    'a %s does it when 32,768 bytes have come, of all calls together, and of 14,336 in the next turn',
    (role) => {
      const { made } = receiving(role)
      if (role === 'server') beginAt(made, 2, INPUT)
      else beginFrom(made, { output: true })
      made.clock.runTurns()
      made.link.takeSent()
      feed(made, data(1, ramp(14_335)))
      expect(creditIn(made).ofConnection).toBe(0)
      feed(made, data(2, [1]))
      expect(creditIn(made).ofConnection).toBe(14_336)
      feed(made, data(1, ramp(14_336)), data(2, ramp(14_336)), data(1, ramp(4_096)), data(2, [1]))
      expect(creditIn(made)).toMatchObject({ ofConnection: 32_768 })
    },
  )

  it('whatever becomes of the bytes: calls that nobody knows, that are cancelled or over, and items that nobody takes', () => {
    const { made } = receiving('server', false)
    feed(made, ...Array.from({ length: 7 }, () => data(99, ramp(10_000))))
    expect(creditIn(made)).toEqual({ ofConnection: 70_000, ofStream: 0, frames: 2 })
    feed(made, data(1, ramp(15_000)), cancel(1), end(99))
    expect(creditIn(made).ofConnection).toBe(15_000)
  })

  it('F8: counts the further fragments of requests and replies, refused ones too, and no other frame', () => {
    const made = opened({ limits: { maxMessageBytes: 30_000, maxReassemblyBytes: 1_024 } })
    feed(made, request(1, MORE, ramp(20_000)), ...Array.from({ length: 4 }, () => request(1, MORE, ramp(10_000))))
    expect(creditIn(made).ofConnection).toBe(40_000)
    feed(made, request(2, 0, ramp(60_000)), request(3, MORE, ramp(60_000)), frameBytes(kinds.PING, 0, 0, ramp(8)))
    expect(creditIn(made).ofConnection).toBe(0)
    const client = opened({ role: 'client' })
    const call = startedAt(client)
    client.session.abandon(call)
    feed(client, response(1, MORE, ramp(20_000)), response(1, MORE, ramp(40_000)), response(1, 0, ramp(60_000)))
    expect(creditIn(client).ofConnection).toBe(100_000)
  })

  it('never lets 65,536 bytes go unacknowledged, and never acknowledges twice', () => {
    const piece = fc.record({ id: fc.constantFrom(1, 77), bytes: fc.integer({ min: 0, max: 8_000 }) })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const { made } = receiving('client')
        let sum = 0
        for (const { id, bytes } of pieces) {
          feed(made, data(id, ramp(bytes)))
          sum += bytes
          sum -= creditIn(made).ofConnection
          expect(sum).toBeGreaterThanOrEqual(0)
          expect(sum).toBeLessThan(32_768)
        }
      }),
      runs(50),
    )
  })
})

describe.each(roles)('F10: the credit that a %s gives', (role) => {
  it('follows what its application takes', () => {
    const { made, consumer } = receiving(role, false)
    feed(made, data(1, ramp(16_384)))
    expect(creditIn(made).ofStream).toBe(0)
    consumer.take(8_191)
    expect(creditIn(made).ofStream).toBe(0)
    consumer.take(1)
    expect(creditIn(made).ofStream).toBe(8_192)
    consumer.take()
    expect(creditIn(made).ofStream).toBe(8_192)
  })

  it('covers an item of any length, as long as no other one waits', () => {
    const { made, consumer } = receiving(role, false)
    let left = 16_384
    let sent = 0
    for (let stuck = 0; sent < 1_000_000 && stuck < 2; ) {
      const bytes = Math.min(left, 16_384, 1_000_000 - sent)
      if (bytes > 0) feed(made, data(1, ramp(bytes, sent), sent + bytes < 1_000_000 ? MORE : 0))
      sent += bytes
      const { ofStream } = creditIn(made)
      left += ofStream - bytes
      stuck = bytes === 0 ? stuck + 1 : 0
    }
    consumer.take()
    expect(Buffer.compare(consumer.bytes, ramp(1_000_000))).toBe(0)
  })

  it('does not cover one that another waits before', () => {
    const { made, consumer } = receiving(role, false)
    feed(made, data(1, [1]), data(1, ramp(16_383), MORE))
    expect(creditIn(made).ofStream).toBe(0)
    consumer.take()
    expect(creditIn(made).ofStream).toBeGreaterThan(0)
  })

  it('ends with its stream', () => {
    const { made, consumer } = receiving(role, false)
    feed(made, data(1, ramp(16_000)), role === 'server' ? end(1) : frameBytes(kinds.END, 0, 1))
    consumer.take()
    expect(creditIn(made).ofStream).toBe(0)
  })

  it('is not given where nobody takes items any more', () => {
    const { made, consumer } = receiving(role)
    consumer.inflow.stop()
    feed(made, data(1, ramp(16_000)))
    expect([creditIn(made).ofStream, consumer.bytes.length]).toEqual([0, 0])
  })

  it('gives back each buffer once, also where items are thrown away', () => {
    for (let round = 0; round < 3; round++) {
      const { made, consumer } = receiving(role, false)
      const long = ramp(8_000)
      for (let at = 0; at < 3; at++) {
        feed(made, data(1, long.subarray(0, 4_000), MORE), data(1, long.subarray(4_000)))
        if (at === 0) consumer.take()
      }
      consumer.inflow.stop()
    }
    const { made: one, consumer: first } = receiving(role, false)
    const { made: other, consumer: second } = receiving(role, false)
    for (const [at, made] of [one, other].entries()) feed(made, data(1, new Uint8Array(8_000).fill(at + 1), MORE))
    for (const [at, made] of [one, other].entries()) feed(made, data(1, new Uint8Array(8_000).fill(at + 1)))
    first.take()
    second.take()
    expect([new Set(first.bytes), new Set(second.bytes)]).toEqual([new Set([1]), new Set([2])])
  })

  it('F12: doubles while the sender asks and the application keeps up, and not where it does not', () => {
    const { made } = receiving(role)
    const lazy = receiving(role, false)
    let left = 16_384
    let most = 0
    const piece = ramp(16_384)
    for (let round = 0; round < 12; round++) {
      const frames = Array.from({ length: Math.floor(left / piece.length) }, () => data(1, piece))
      feed(made, ...frames, data(1, piece.subarray(0, left % piece.length), WAIT))
      left = creditIn(made).ofStream
      most = Math.max(most, left)
    }
    expect(most).toBeGreaterThan(1_000_000)
    expect(most).toBeLessThanOrEqual(16_384 + 16_777_216)
    feed(lazy.made, data(1, ramp(16_384), WAIT), data(1, [], WAIT))
    lazy.consumer.take(8_000)
    expect(creditIn(lazy.made).ofStream).toBe(0)
  })
})

describe('F13: what is held', () => {
  it('is never more than 16,384 bytes for each stream and maxStreamBytes for all, whatever the peer asks for', () => {
    const maxStreamBytes = 300_000
    const step = fc.record({
      id: fc.integer({ min: 1, max: 6 }),
      bytes: fc.integer({ min: 0, max: 16_384 }),
      bits: fc.constantFrom(0, WAIT, MORE, MORE | WAIT),
      takes: fc.nat({ max: 30_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const made = opened({ limits: { maxStreamBytes, maxMessageBytes: 100_000 } })
        const consumers = Array.from(
          { length: 6 },
          (_, at) => new Consumer(beginAt(made, at + 1, INPUT).flow.inflow, false),
        )
        made.link.takeSent()
        const left = Array<number>(7).fill(16_384)
        const unfinished = Array<number>(7).fill(0)
        let held = 0
        for (const { id, bytes: wanted, bits, takes } of steps) {
          const before = unfinished[id] ?? 0
          const bytes = Math.min(wanted, left[id] ?? 0, 100_000 - before)
          const isMore = (bits & MORE) !== 0 && before + bytes < 100_000
          feed(made, data(id, ramp(bytes), isMore ? bits : bits & ~MORE))
          unfinished[id] = isMore ? before + bytes : 0
          held += bytes - (consumers[id - 1]?.take(takes) ?? 0)
          for (const { kind, id: of, body } of made.link.takeSent()) {
            if (kind === kinds.CREDIT)
              left[of] = (left[of] ?? 0) + new DataView(body.buffer, body.byteOffset).getUint32(0)
          }
          left[id] = (left[id] ?? 0) - bytes
          const granted = left.slice(1).reduce((sum, one) => sum + one, 0)
          // A window that is open beside an item for which there is room counts twice: 16,384 for each.
          expect(held + granted).toBeLessThanOrEqual(6 * 2 * 16_384 + maxStreamBytes)
        }
        expect(made.session.state).toBe('open')
      }),
      runs(60),
    )
  })

  it('is given back when it was taken, and when its call ends: then others have it', () => {
    const made = opened({ limits: { maxStreamBytes: 100_000, maxMessageBytes: 100_000 } })
    const consumers = [1, 2].map((id) => new Consumer(beginAt(made, id, INPUT).flow.inflow, false))
    made.link.takeSent()
    const given = () => {
      const sum = { 1: 0, 2: 0 }
      made.clock.runTurns()
      for (const { kind, id, body } of made.link.takeSent())
        if (kind === kinds.CREDIT && (id === 1 || id === 2))
          sum[id] += new DataView(body.buffer, body.byteOffset).getUint32(0)
      return sum
    }
    feed(made, data(1, ramp(10_000), MORE), data(2, ramp(10_000), MORE))
    expect(given()).toEqual({ 1: 10_000, 2: 0 })
    feed(made, data(1, ramp(10_000)))
    consumers[0]?.take()
    expect(given()[2]).toBe(10_000)
    feed(made, data(1, ramp(10_000), MORE))
    expect(given()[1]).toBe(0)
    feed(made, cancel(2))
    expect(given()[1]).toBe(10_000)
  })
})

it('F8: a call whose messages fit into one frame each needs no credit, and leaves nothing of streams behind', () => {
  const made = opened({ role: 'client' })
  const calls = Array.from({ length: 100 }, () => startedAt(made, { body: ramp(1_000) }))
  feed(made, ...calls.map((_, at) => response(at + 1, 0, ramp(60_000))))
  expect([calls.every(({ fate }) => fate === 'replied'), creditIn(made).frames]).toEqual([true, 0])
  expect(() => feed(made, frameBytes(kinds.CREDIT, 0, 0, u32(1)))).not.toThrow()
  expect(made.effects.violations).toMatchObject([{ rule: 'credit' }])
})
