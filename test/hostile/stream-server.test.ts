/** Servers that break the rules of streams (spec/streams.md), or send items that are bad: their client ends the call typed. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/index.ts'
import { flags, kinds, type ProtocolRule, pack } from '../../src/wire/index.ts'
import { failureOf } from '../rpc/lab.ts'
import { HandClock, until } from '../support/hand-clock.ts'
import { fakeServer, frame, hello } from '../support/raw-peer.ts'
import { all, asked, type Client, close, endless, facing } from './facing.ts'
import { credit, data, end, itemOf, join, many, NOTHING, Streams } from './streams.ts'

const { MORE, GAP, WAIT, METADATA } = flags

interface Breach {
  readonly name: string
  readonly rule: ProtocolRule
  readonly of: 'stuck' | 'count' | 'sum' | 'chat' | 'placed'
  readonly sends: (id: number) => Uint8Array
  /** What comes before it is taken all the same. */
  readonly items?: number
}

const breaches: readonly Breach[] = [
  { name: 'items of a unary call', of: 'stuck', rule: 'stream', sends: (id) => data(id, itemOf(1)) },
  { name: 'an end of a unary call', of: 'stuck', rule: 'stream', sends: end },
  { name: 'credit for a unary call', of: 'stuck', rule: 'stream', sends: (id) => credit(id, 1) },
  { name: 'items of a call that is answered', of: 'sum', rule: 'stream', sends: (id) => data(id, pack(1)) },
  { name: 'an end of a call that is answered', of: 'sum', rule: 'stream', sends: end },
  {
    name: 'an answer to a stream',
    of: 'count',
    rule: 'stream',
    sends: (id) => join(data(id, itemOf(1)), frame(kinds.RESPONSE, id, itemOf(2))),
    items: 1,
  },
  {
    name: 'half an answer to a stream',
    of: 'chat',
    rule: 'stream',
    sends: (id) => frame(kinds.RESPONSE, id, itemOf(2), MORE),
  },
  { name: 'credit for a stream that it sends', of: 'count', rule: 'stream', sends: (id) => credit(id, 1) },
  { name: 'credit of nothing', of: 'sum', rule: 'credit', sends: (id) => credit(id, 0) },
  { name: 'all the credit there is', of: 'sum', rule: 'credit', sends: (id) => credit(id, 2 ** 32 - 1) },
  { name: 'credit that adds up to too much', of: 'chat', rule: 'credit', sends: (id) => many(3, credit(id, 2 ** 30)) },
  { name: 'an acknowledgement of what was not sent', of: 'chat', rule: 'credit', sends: () => credit(0, 2 ** 20) },
  { name: 'an acknowledgement of nothing', of: 'count', rule: 'credit', sends: () => credit(0, 0) },
  {
    name: 'one byte more than credit',
    of: 'count',
    rule: 'credit',
    sends: (id) => data(id, new Uint8Array(16_385)),
  },
  {
    name: 'more than credit of an event',
    of: 'placed',
    rule: 'credit',
    sends: (id) => data(id, new Uint8Array(60_000), MORE),
  },
  {
    name: 'an end within an item',
    of: 'count',
    rule: 'fragment',
    sends: (id) => join(data(id, itemOf(1)), data(id, itemOf(1).subarray(0, 3), MORE), end(id)),
    items: 1,
  },
  {
    name: 'a gap within an item',
    of: 'chat',
    rule: 'fragment',
    sends: (id) => join(data(id, itemOf(1).subarray(0, 3), MORE), data(id, NOTHING, GAP)),
  },
  { name: 'half a gap', of: 'placed', rule: 'body', sends: (id) => data(id, new Uint8Array(3), GAP) },
  { name: 'an end with a body', of: 'count', rule: 'body', sends: (id) => frame(kinds.END, id, pack({})) },
  {
    name: 'an end with metadata that is a list',
    of: 'count',
    rule: 'body',
    sends: (id) => frame(kinds.END, id, join(Uint8Array.of(0, 2), pack(['a'])), METADATA),
  },
  { name: 'frames without items, for ever', of: 'count', rule: 'limit', sends: (id) => many(5_000, data(id)) },
  { name: 'a wait for ever', of: 'placed', rule: 'limit', sends: (id) => many(5_000, data(id, NOTHING, WAIT)) },
  {
    name: 'gaps for ever',
    of: 'placed',
    rule: 'limit',
    sends: (id) => many(5_000, data(id, new Uint8Array(4).fill(255), GAP)),
  },
  {
    name: 'fragments of nothing, for ever',
    of: 'chat',
    rule: 'fragment',
    sends: (id) => many(5_000, data(id, NOTHING, MORE)),
  },
  {
    name: 'fragments of a byte, for ever',
    of: 'count',
    rule: 'fragment',
    sends: (id) => many(5_000, data(id, Uint8Array.of(0xdd), MORE)),
  },
  {
    name: 'an answer in fragments of nothing, for ever',
    of: 'stuck',
    rule: 'fragment',
    sends: (id) => many(5_000, frame(kinds.RESPONSE, id, NOTHING, MORE)),
  },
  { name: 'a PRIORITY', of: 'count', rule: 'frame_order', sends: (id) => frame(kinds.PRIORITY, id, Uint8Array.of(1)) },
  { name: 'a CANCEL', of: 'chat', rule: 'frame_order', sends: (id) => frame(kinds.CANCEL, id) },
]

/** Makes the call, and what came of it. */
async function outcomeOf(client: Client, of: Breach['of'], counted: { count: number; ended: number }) {
  if (of === 'count') return all(client.count(asked))
  if (of === 'placed') return all(client.placed())
  if (of === 'chat') return all(client.chat(endless(counted)))
  const failure = await failureOf(of === 'sum' ? client.sum(endless(counted)) : client.stuck(null))
  return { items: [], error: failure }
}

describe('a server that sends', () => {
  it.each(breaches)('$name is told the rule $rule, and the call ends by it', async ({ of, rule, sends, items = 0 }) => {
    const { client, wire, peer } = await facing(sends)
    const counted = { count: 0, ended: 0 }
    const outcome = await outcomeOf(client, of, counted)
    const code = rule === 'limit' ? 'resource_exhausted' : 'internal'
    expect(outcome.error).toMatchObject({ name: 'NanowireError', code, processed: 'maybe' })
    expect(outcome.error?.message).toContain(`rule ${rule}`)
    expect(outcome.items).toHaveLength(items)
    expect(await peer.lastWords()).toMatchObject({ rule, code })
    await until(() => counted.ended === (of === 'sum' || of === 'chat' ? 1 : 0))
    expect(wire.stats()).toMatchObject({ inFlight: 0, waiting: 0 })
  })

  it('items before its HELLO has run nothing', async () => {
    const url = await fakeServer((peer) => peer.send(data(1, itemOf(1)), hello()))
    const clock = new HandClock()
    const wire = connect(url, { clock })
    onTestFinished(() => close(wire, clock))
    const { error } = await all(wire.client(Streams).count(asked))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
  })
})

describe('what comes of a stream that is over is let be', () => {
  it.each([
    ['items', (id: number) => data(id, itemOf(1))],
    ['items that are none', (id: number) => data(id, Uint8Array.of(0xc1))],
    ['half an item', (id: number) => data(id, itemOf(1).subarray(0, 3), MORE)],
    ['a second end', end],
    ['an answer', (id: number) => frame(kinds.RESPONSE, id, pack(1))],
    ['credit', (id: number) => credit(id, 2 ** 32 - 1)],
  ])('%s', async (_, late) => {
    const { client, wire } = await facing((id) => join(data(id, itemOf(id)), end(id), late(id), late(id)))
    for (const n of [1, 2]) expect(await all(client.count(asked))).toEqual({ items: [{ n, text: 'x' }] })
    expect(wire.stats()).toMatchObject({ connections: 1, inFlight: 0 })
  })

  it('also where the consumer has left: a server that goes on may use up its credit, and no more', async () => {
    const { client, peer } = await facing((id) => (id === 1 ? data(1, itemOf(1)) : join(data(id, itemOf(id)), end(id))))
    for await (const _ of client.count(asked)) break
    await peer.next(kinds.CANCEL, 1)
    peer.send(data(1, new Uint8Array(16_384 - itemOf(1).length).fill(0xc1)))
    expect(await all(client.count(asked))).toEqual({ items: [{ n: 2, text: 'x' }] })
    peer.send(data(1, Uint8Array.of(0xc1)))
    expect(await peer.lastWords()).toMatchObject({ rule: 'credit' })
  })
})

describe('items of a server', () => {
  it.each([
    ['another type', pack(7), 'internal', 'must be an object'],
    ['no MessagePack', Uint8Array.of(0xc1), 'internal', 'reserved_byte'],
    ['an item that the frame cuts', itemOf(1, 'xxxx').subarray(0, -1), 'internal', 'count_too_large'],
    ['a key twice', Buffer.from('82a16e01a16e02', 'hex'), 'internal', 'duplicate_key'],
    ['5,000 arrays in each other', join(new Uint8Array(5_000).fill(0x91), Uint8Array.of(0x90)), 'internal', 'too_deep'],
  ])('that are %s end the call behind those before, and the server is told', async (_, bytes, code, says) => {
    const { client, wire, peer } = await facing((id) => data(id, join(itemOf(7), bytes)))
    const { items, error } = await all(client.count(asked))
    expect(items).toEqual([{ n: 7, text: 'x' }])
    expect(error).toMatchObject({ code })
    expect(error?.message).toContain(says)
    await peer.next(kinds.CANCEL, 1)
    expect(wire.stats()).toMatchObject({ connections: 1 })
  })

  it('that are longer than they may be end the call as they come', async () => {
    const { client, peer } = await facing((id) => join(data(id, itemOf(7)), jumbo(id, MORE)), {
      limits: { maxMessageBytes: 100_000 },
    })
    peer.onFrame = ({ kind, id }) => {
      if (kind === kinds.REQUEST) peer.send(data(id, itemOf(7)), jumbo(id, MORE))
      if (kind === kinds.CREDIT && id > 0) peer.send(jumbo(id, MORE))
    }
    const { items, error } = await all(client.count(asked))
    expect(items).toHaveLength(1)
    expect(error).toMatchObject({ code: 'resource_exhausted' })
    expect(error?.message).toContain('maxMessageBytes is 100000')
    await peer.next(kinds.CANCEL, 1)
  })

  it('that are half there, and then nothing, end with the deadline that their caller has named, and no other', async () => {
    const { client, peer, clock } = await facing((id) =>
      join(data(id, itemOf(7)), data(id, itemOf(7).subarray(0, 4), MORE)),
    )
    const patient = client.count(asked)
    await patient.next()
    const hasty = all(client.count(asked, { timeoutMs: 90_000 }))
    for (let seconds = 0; seconds < 100; seconds++) {
      peer.send(frame(kinds.PING, 0, new Uint8Array(8)))
      await peer.next(kinds.PONG) // it is there, and says nothing more of the item
      clock.advance(1_000)
    }
    const { items, error } = await hasty
    expect(items).toHaveLength(1)
    expect(error).toMatchObject({ code: 'deadline_exceeded', processed: 'maybe' })
    await patient.return()
    await peer.next(kinds.CANCEL, 1)
  })

  it('that say that four billion were left out before each are counted', async () => {
    const gap = new Uint8Array(4).fill(255)
    const { client } = await facing((id) => join(many(100, data(id, join(gap, itemOf(1)), GAP)), end(id)))
    const stream = client.count(asked)
    expect((await all(stream)).items).toHaveLength(100)
    expect(stream.dropped).toBe(100 * (2 ** 32 - 1))
  })
})

/** A piece of an item that announces nearly 4 GiB. */
function jumbo(id: number, flagBits: number): Uint8Array {
  return data(id, new Uint8Array(8_192).fill(0xc6, 0, 1).fill(0x7f, 1, 5), flagBits)
}
