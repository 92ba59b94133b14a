/**
 * Clients that break the rules of streams (spec/streams.md): one ERROR that names the rule, then the end, and the handlers that ran
 * for them end too. What comes for a call that is over is no breach. Likewise servers, in stream-server.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { flags, kinds, type ProtocolRule, pack } from '../../src/wire/index.ts'
import { Lab } from '../rpc/lab.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { frame, hello, moreFlag, notifyFlag, RawPeer, request } from '../support/raw-peer.ts'
import {
  cancel,
  chat,
  count,
  credit,
  data,
  end,
  hold,
  itemOf,
  many,
  NOTHING,
  open,
  placed,
  streamVictim,
  stuck,
  sum,
} from './streams.ts'

const { GAP, WAIT, MORE, METADATA, INPUT, OUTPUT } = flags
const { echo } = Lab.methods

interface Breach {
  readonly name: string
  readonly rule: ProtocolRule
  /** What follows a HELLO. */
  readonly sends: () => readonly Uint8Array[]
  /** It is a breach only while the handler that was told to end has not: in pieces, it may have. */
  readonly isOneWrite?: true
}

const asked = { count: 1_000_000, bytes: 100 }

const breaches: readonly Breach[] = [
  { name: 'items for a call without', rule: 'stream', sends: () => [open(1, stuck, null), data(1, itemOf(1))] },
  { name: 'no items for a call without', rule: 'stream', sends: () => [open(1, stuck, null), data(1)] },
  { name: 'items for an answer', rule: 'stream', sends: () => [open(1, count, asked), data(1, itemOf(1))] },
  { name: 'an end for a call without', rule: 'stream', sends: () => [open(1, stuck, null), end(1)] },
  { name: 'an end for an answer', rule: 'stream', sends: () => [open(1, count, asked), end(1)] },
  { name: 'items for a request that is not whole', rule: 'stream', sends: () => [begun(1), data(1, itemOf(1))] },
  { name: 'items after the end', rule: 'stream', sends: () => [open(1, hold), end(1), data(1, itemOf(1))] },
  { name: 'no items after the end', rule: 'stream', sends: () => [open(1, hold), end(1), data(1)] },
  { name: 'a second end', rule: 'stream', sends: () => [open(1, hold), end(1), end(1)] },
  {
    name: 'items after a CANCEL',
    rule: 'stream',
    sends: () => [open(1, hold), cancel(1), data(1, itemOf(1))],
    isOneWrite: true,
  },
  {
    name: 'an end after a CANCEL',
    rule: 'stream',
    sends: () => [open(1, chat), cancel(1), end(1)],
    isOneWrite: true,
  },
  { name: 'credit for a call without', rule: 'stream', sends: () => [open(1, stuck, null), credit(1, 1)] },
  { name: 'credit for items of its own', rule: 'stream', sends: () => [open(1, hold), credit(1, 1)] },
  { name: 'one byte more than credit', rule: 'credit', sends: () => [open(1, hold), data(1, new Uint8Array(16_385))] },
  {
    name: 'more than credit, in two',
    rule: 'credit',
    sends: () => [open(1, hold), data(1, new Uint8Array(16_384)), data(1, itemOf(1))],
  },
  {
    name: 'more than credit, within an item',
    rule: 'credit',
    sends: () => [open(1, chat), data(1, new Uint8Array(60_000).fill(0xc6, 0, 1), MORE)],
  },
  { name: 'credit of nothing', rule: 'credit', sends: () => [open(1, count, asked), credit(1, 0)] },
  { name: 'all the credit there is', rule: 'credit', sends: () => [open(1, count, asked), credit(1, 2 ** 31)] },
  {
    name: 'credit that adds up to too much',
    rule: 'credit',
    sends: () => [open(1, chat), credit(1, 2 ** 31 - 1 - 16_384), credit(1, 1)],
  },
  { name: 'credit for ever', rule: 'credit', sends: () => [open(1, placed, {}), many(200, credit(1, 2 ** 24))] },
  {
    name: 'an acknowledgement of items that were not sent',
    rule: 'credit',
    sends: () => [open(1, count, asked), credit(0, 2 ** 24)],
  },
  {
    name: 'items in the place of a request',
    rule: 'body',
    sends: () => [request(1, hold, null, { flags: INPUT, bytes: itemOf(1) })],
  },
  { name: 'an end with a body', rule: 'body', sends: () => [open(1, hold), frame(kinds.END, 1, pack({}))] },
  {
    name: 'an end with metadata',
    rule: 'body',
    sends: () => [open(1, hold), frame(kinds.END, 1, Buffer.concat([Uint8Array.of(0, 1), pack({})]), METADATA)],
  },
  { name: 'half a gap', rule: 'body', sends: () => [open(1, hold), data(1, new Uint8Array(3), GAP)] },
  {
    name: 'half a gap, in fragments',
    rule: 'body',
    sends: () => [open(1, hold), data(1, new Uint8Array(2), GAP | MORE), data(1)],
  },
  { name: 'a PRIORITY above all', rule: 'body', sends: () => [open(1, count, asked), priority(1, 3)] },
  {
    name: 'a gap within an item',
    rule: 'fragment',
    sends: () => [open(1, hold), data(1, pack('x').subarray(0, 1), MORE), data(1, new Uint8Array(4), GAP)],
  },
  {
    name: 'an end within an item',
    rule: 'fragment',
    sends: () => [open(1, hold), data(1, itemOf(1).subarray(0, 3), MORE), end(1)],
  },
  {
    name: 'fragments of nothing, for ever',
    rule: 'fragment',
    sends: () => [open(1, sum), many(5_000, data(1, NOTHING, MORE))],
  },
  {
    name: 'a wait within an item, for ever',
    rule: 'fragment',
    sends: () => [open(1, sum), many(5_000, data(1, NOTHING, MORE | WAIT))],
  },
  {
    name: 'fragments of a byte, for ever',
    rule: 'fragment',
    sends: () => [open(1, chat), many(5_000, data(1, Uint8Array.of(0xdd), MORE))],
  },
  {
    name: 'fragments of a byte, for ever, that nobody wants',
    rule: 'fragment',
    sends: () => [open(1, hold), data(1, itemOf(1)), many(5_000, data(1, Uint8Array.of(0xc1), MORE))],
  },
  {
    name: 'a request in fragments of nothing, for ever',
    rule: 'fragment',
    sends: () => [begun(1), many(5_000, frame(kinds.REQUEST, 1, NOTHING, MORE))],
  },
  {
    name: 'a notify in fragments of a byte, for ever',
    rule: 'fragment',
    sends: () => [
      request(1, echo, null, { bytes: Uint8Array.of(0xdd), flags: moreFlag | notifyFlag }),
      many(5_000, frame(kinds.REQUEST, 1, Uint8Array.of(0), MORE)),
    ],
  },
  { name: 'frames without items, for ever', rule: 'limit', sends: () => [open(1, sum), many(5_000, data(1))] },
  { name: 'a wait for ever', rule: 'limit', sends: () => [open(1, sum), many(5_000, data(1, NOTHING, WAIT))] },
  {
    name: 'gaps for ever',
    rule: 'limit',
    sends: () => [open(1, sum), many(5_000, data(1, new Uint8Array(4).fill(255), GAP))],
  },
]

/** A request of which more is to come. */
function begun(id: number): Uint8Array {
  return request(id, echo, null, { bytes: Uint8Array.of(0x81), flags: moreFlag })
}

function priority(id: number, value: number): Uint8Array {
  return frame(kinds.PRIORITY, id, Uint8Array.of(value), flags.IGNORE)
}

async function expectRefusal({ rule, sends }: Breach, oneByOne: boolean): Promise<void> {
  const attacked = await streamVictim()
  const peer = await RawPeer.greeted(attacked.url)
  const bytes = Buffer.concat(sends())
  for (let at = 0; oneByOne && at < bytes.length && peer.socket.writable; at++) {
    peer.send(bytes.subarray(at, at + 1))
    if (at % 256 === 0) await nextTurn()
  }
  if (!oneByOne) peer.send(bytes)
  const words = await peer.lastWords()
  expect(words).toMatchObject({ rule, code: rule === 'limit' ? 'resource_exhausted' : 'internal' })
  expect(words.message).not.toBe('')
  expect(attacked.log.at('warn').filter(({ fields }) => fields['rule'] === rule)).toHaveLength(1)
  expect(attacked.log.at('error')).toEqual([])
  await attacked.expectUnharmed()
}

describe('a client that sends', () => {
  it.each(breaches)('$name is told the rule $rule', (breach) => expectRefusal(breach, false))
  it.each(breaches.filter(({ sends, isOneWrite }) => !isOneWrite && Buffer.concat(sends()).length < 500))(
    '$name, byte by byte, is told the rule $rule',
    (breach) => expectRefusal(breach, true),
  )

  it.each([
    ['DATA', () => data(1, itemOf(1))],
    ['an END', () => end(1)],
    ['CREDIT', () => credit(0, 1)],
    ['a PRIORITY', () => priority(1, 2)],
  ])('%s before its HELLO is told the rule not_nanowire', async (_, bytes) => {
    const attacked = await streamVictim()
    const peer = await RawPeer.connect(attacked.url)
    peer.send(bytes(), hello())
    expect(await peer.lastWords()).toMatchObject({ rule: 'not_nanowire' })
    await attacked.expectUnharmed()
  })
})

describe('what comes for a stream that is over is let be', () => {
  it.each([
    ['items', () => data(1, itemOf(1))],
    ['items that are none', () => data(1, Uint8Array.of(0xc1))],
    ['half an item', () => data(1, itemOf(1).subarray(0, 3), MORE)],
    ['an end', () => end(1)],
    ['credit', () => credit(1, 1)],
    ['more credit than there is', () => credit(1, 2 ** 32 - 1)],
    ['a CANCEL', () => cancel(1)],
    ['a PRIORITY', () => priority(1, 2)],
  ])('%s', async (_, bytes) => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, chat), data(1, itemOf(7)), end(1))
    await peer.next(kinds.END, 1)
    peer.send(bytes(), bytes(), open(2, sum), data(2, itemOf(5)), end(2))
    expect(await peer.replyTo(2)).toBe(5)
    expect(attacked.server.stats().unknownIds).toBe(2)
    peer.socket.end()
    expect(await peer.closed).toBe('ended')
    await attacked.expectUnharmed()
  })

  it('and all of it is acknowledged, so that who sends it can go on', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    const bytes = new Uint8Array(10_000)
    for (let n = 0; n < 100; n++) peer.send(data(77, bytes))
    peer.send(open(1, sum), end(1))
    expect(await peer.replyTo(1)).toBe(0)
    const acknowledged = peer.frames.reduce((all, { kind, body }) => all + (kind === kinds.CREDIT ? u32(body) : 0), 0)
    expect(acknowledged).toBeGreaterThan(1_000_000 - 65_536)
    expect(acknowledged).toBeLessThanOrEqual(1_000_000)
    peer.socket.destroy()
    await attacked.expectUnharmed()
  })
})

function u32(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset).getUint32(0)
}

describe('calls of the wrong kind', () => {
  it.each([
    ['a unary one with items', echo, INPUT],
    ['a unary one for a stream', echo, OUTPUT],
    ['a stream as a unary one', count, 0],
    ['a stream with items', count, INPUT | OUTPUT],
    ['items without asking for the stream', chat, INPUT],
    ['items as a notify', sum, notifyFlag],
    ['an event as a notify', placed, notifyFlag],
  ])('%s, are refused, whatever follows, and no handler runs', async (_, method, flagBits) => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    const bytes = (flagBits & INPUT) === 0 ? pack({ text: 'x', ...asked }) : NOTHING
    peer.send(request(1, method, null, { flags: flagBits, bytes }))
    if ((flagBits & INPUT) !== 0) peer.send(data(1, itemOf(1)), end(1))
    if (flagBits !== notifyFlag) {
      expect(await peer.errorOf(1)).toMatchObject({ code: 'invalid_argument', processed: 'no' })
      peer.send(data(1, itemOf(1)), credit(1, 1))
    }
    peer.send(open(2, sum), data(2, itemOf(5)), end(2))
    expect(await peer.replyTo(2)).toBe(5)
    expect([attacked.seen.yielded, attacked.seen.taken]).toEqual([0, [5]])
    peer.socket.end()
    await peer.closed
    await attacked.expectUnharmed()
  })
})

it('a client that vanishes in the middle of each kind leaves no handler behind', async () => {
  const attacked = await streamVictim()
  for (const sends of [
    () => [open(1, count, asked)],
    () => [open(1, count, asked), credit(1, 10_000_000)],
    () => [open(1, sum), data(1, itemOf(1))],
    () => [open(1, chat), data(1, itemOf(1).subarray(0, 3), MORE)],
    () => [open(1, hold), data(1, new Uint8Array(16_384)), end(1)],
    () => [open(1, placed, {})],
  ]) {
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(...sends())
    await until(() => attacked.server.stats().inFlight === 2) // and the honest one
    peer.socket.resetAndDestroy()
    await until(() => attacked.server.stats().inFlight === 1)
  }
  await attacked.expectUnharmed()
  expect(attacked.seen.ended).toBe(5)
  expect(attacked.log.at('error')).toEqual([])
})
