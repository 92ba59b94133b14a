/** What a call with streams says and is told, from its first item to its end (spec/streams.md, F2 to F5). */
import { describe, expect, it } from 'vitest'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { opened } from '../support/tapped.ts'
import { failure, feed, response } from './messages.ts'
import {
  beginAt,
  beginFrom,
  both,
  Consumer,
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

const { MORE, GAP, WAIT, METADATA, OUTPUT } = flags
const roles = ['client', 'server'] as const

const failed = { code: 'Failed', message: 'as told', processed: 'yes' } as const

describe.each(roles)('F3: DATA, at a %s', (role) => {
  it('holds items that are put one after the other, and another frame stays in its place', () => {
    const { made, outflow } = both(role)
    for (const bytes of [10, 20, 30]) expect(outflow.put(new Item(bytes))).toBe(true)
    outflow.put(new Item(5))
    feed(made, frameBytes(kinds.PING, 0, 0, new Uint8Array(8)))
    outflow.put(new Item(7))
    expect(said(made)).toEqual(['DATA 1 65', 'PONG 0 8', 'DATA 1 7'])
  })

  it('carries an item that is longer than a frame in fragments of 16,384 bytes at most, with credit', () => {
    const { made, outflow } = both(role)
    const item = ramp(50_000)
    expect(outflow.put(new Item(item))).toBe(false)
    const frames = []
    for (let round = 0; round < 4; round++) {
      made.clock.runTurns()
      frames.push(...made.link.takeSent())
      feed(made, credit(1, 16_384))
    }
    expect(words(frames.filter(({ body }) => body.length > 0))).toEqual([
      'DATA 1 MORE 16384',
      'DATA 1 MORE 16384',
      'DATA 1 MORE 16384',
      'DATA 1 848',
    ])
    expect(Buffer.concat(frames.map(({ body }) => body)).equals(item)).toBe(true)
  })

  it('is put together of fragments, byte for byte, with other calls between', () => {
    const { made, consumer } = both(role)
    const item = ramp(40_000)
    feed(made, data(1, item.subarray(0, 8_000), MORE), frameBytes(kinds.PING, 0, 0, new Uint8Array(8)))
    expect(consumer.bytes).toHaveLength(0)
    feed(made, data(1, item.subarray(8_000, 16_000), MORE | WAIT), data(1, [], MORE | WAIT))
    for (let at = 16_000; at < 40_000; at += 8_000)
      feed(made, data(1, item.subarray(at, at + 8_000), at === 32_000 ? 0 : MORE))
    expect(Buffer.compare(consumer.bytes, item)).toBe(0)
    feed(made, data(1, [1, 2, 3]))
    expect(consumer.bytes.subarray(-3)).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('F20: with GAP tells how many items were left out, also one without items, and one in fragments', () => {
    const { made, consumer, outflow } = both(role)
    feed(
      made,
      data(1, [0, 0, 0, 3, 1], GAP),
      data(1, [0, 0, 0, 2], GAP),
      data(1, [0, 0, 1, 0, 2], GAP | MORE),
      data(1, [3]),
    )
    expect([consumer.gaps, [...consumer.bytes]]).toEqual([3 + 2 + 256, [1, 2, 3]])
    made.link.takeSent()
    outflow.put(new Item(4), 5)
    outflow.put(new Item(4), 0)
    outflow.put(new Item(4), 6)
    outflow.put(new Item(40_000), 7)
    const sent = words(made.link.takeSent())
    expect(sent.slice(0, 3)).toEqual(['DATA 1 GAP 8', 'DATA 1 4', 'DATA 1 GAP 8'])
    expect(sent[3]).toMatch(/^DATA 1 MORE GAP 16\d\d\d$/)
  })

  it('without items says that the stream stands', () => {
    const { made, flow, outflow } = both(role)
    expect(flow.inflow?.hasBegun).toBe(false)
    feed(made, data(1))
    expect(flow.inflow?.hasBegun).toBe(true)
    outflow.putNone()
    expect(said(made)).toEqual(['DATA 1 0'])
  })
})

describe('F4: an END', () => {
  it('of a client closes its direction, and the server still sends', () => {
    const { made, outflow } = both('client')
    outflow.put(new Item(3))
    outflow.end()
    expect(said(made)).toEqual(['DATA 1 3', 'END 1 0'])
    expect([outflow.put(new Item(3)), outflow.isOver]).toEqual([false, true])
    outflow.end()
    expect([said(made), made.session.inFlight]).toEqual([[], 1])
  })

  it('of a server ends the call, behind all its items, with metadata', () => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made, { output: true })
    const consumer = new Consumer(call.flow.inflow)
    feed(made, data(1, [1, 2]), end(1, METADATA, [0, 5, ...pack({ m: 'd' })]))
    expect([consumer.told, call.outcomes]).toEqual([['ended'], [{ how: 'ended', metadata: { m: 'd' } }]])
    expect([made.session.inFlight, [...consumer.bytes]]).toEqual([0, [1, 2]])
  })

  it('comes behind items that wait for credit, whoever puts it', () => {
    for (const role of roles) {
      const { made, outflow, flow } = both(role)
      while (outflow.put(new Item(1_000)));
      outflow.put(new Item(20_000))
      if (role === 'server') made.session.endStream(handledBy(made), pack({ m: 'd' }))
      else outflow.end()
      expect(said(made).join()).not.toContain('END')
      expect([flow.outflow?.isUnsent, made.session.inFlight]).toEqual([true, 1])
      feed(made, credit(1, 100_000))
      expect(said(made).at(-1)).toBe(role === 'server' ? 'END 1 METADATA 7' : 'END 1 0')
      expect(made.session.inFlight).toBe(role === 'server' ? 0 : 1)
    }
  })

  it('leaves what has come to be taken later', () => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made, { output: true })
    const consumer = new Consumer(call.flow.inflow, false)
    const item = ramp(9_000)
    made.link.takeSent()
    feed(made, data(1, [1, 2]), data(1, item.subarray(0, 4_000), MORE), data(1, item.subarray(4_000)), end(1))
    expect(call.fate).toBe('ended')
    consumer.take()
    expect(consumer.bytes).toEqual(Uint8Array.of(1, 2, ...item))
    expect(said(made)).toEqual([])
  })
})

describe('F5: the end of a call', () => {
  it.each([
    ['a RESPONSE', response(1), 'replied'],
    ['an ERROR', failure(1, 'aborted'), 'refused aborted undefined'],
  ] as const)('at a client, %s before its own END: it sends nothing more', (_, answer, fate) => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made, { input: true })
    const { outflow } = call.flow
    while (outflow?.put(new Item(1_000)));
    outflow?.put(new Item(50_000))
    made.clock.runTurns()
    made.link.takeSent()
    feed(made, answer, credit(1, 100_000), credit(0, 16_000))
    expect([call.fate, outflow?.isOver, outflow?.put(new Item(1))]).toEqual([fate, true, false])
    outflow?.end()
    expect([said(made), made.session.inFlight, made.session.state]).toEqual([[], 0, 'open'])
  })

  it('at a client, an ERROR behind items: what has come may be taken', () => {
    const made = opened({ role: 'client' })
    const call = beginFrom(made, { output: true })
    const consumer = new Consumer(call.flow.inflow, false)
    feed(made, data(1, ramp(100)), data(1, ramp(50), MORE), failure(1))
    expect([call.fate, consumer.take(), consumer.told]).toEqual(['refused internal undefined', 100, []])
  })

  it('at a server, its answer before the END of the client: what still comes is ignored, and acknowledged', () => {
    const { made, consumer } = both('server')
    const handled = handledBy(made)
    feed(made, data(1, ramp(10_000)))
    made.session.endStream(handled, undefined)
    expect(said(made).at(-1)).toBe('END 1 0')
    feed(made, ...Array.from({ length: 4 }, () => data(1, ramp(6_000))), end(1))
    expect([consumer.bytes.length, said(made), made.session.inFlight]).toEqual([10_000, ['CREDIT 0 +34000'], 0])
  })

  it('at a server, an ERROR behind the items that were put before it', () => {
    const { made, outflow } = both('server')
    const handled = handledBy(made)
    while (outflow.put(new Item(4_000)));
    outflow.put(new Item(4_000))
    made.session.refuse(handled, failed)
    said(made)
    feed(made, credit(1, 16_384))
    const sent = said(made)
    expect([sent.slice(0, -1).join(), sent.at(-1)]).toEqual([
      expect.stringMatching(/^(DATA 1 \d+,?)+$/),
      'ERROR 1 Failed yes',
    ])
  })

  it('frees the slot when the answer has left, and not before', () => {
    const made = opened({ limits: { maxCallsInFlight: 1 } })
    const { call, flow } = beginAt(made, 1, OUTPUT)
    for (let count = 0; count < 5; count++) flow.outflow?.put(new Item(4_000))
    made.session.endStream(call, undefined)
    feed(made, streamRequest(2, OUTPUT))
    expect(made.effects.requests).toHaveLength(1)
    feed(made, credit(1, 16_384))
    expect(made.effects.requests.map(({ call }) => call.id)).toEqual([1, 2])
  })
})
