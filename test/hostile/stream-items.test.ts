/** Items that are bad in themselves: the call ends with a typed error behind the items before it, and its connection goes on. */
import { describe, expect, it } from 'vitest'
import { defaultLimits, type LimitOptions } from '../../src/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { until } from '../support/hand-clock.ts'
import { RawPeer } from '../support/raw-peer.ts'
import {
  cancel,
  chat,
  data,
  end,
  hold,
  itemOf,
  open,
  type StreamVictim,
  sendAll,
  streamVictim,
  sum,
} from './streams.ts'

const { MORE, GAP, WAIT } = flags

interface BadItem {
  readonly name: string
  /** Comes behind one good item. */
  readonly bytes: Uint8Array
  /** What the message says: a rule of strict MessagePack, or a place in the item. */
  readonly says: string
  readonly limits?: LimitOptions
}

/** `bytes` in the place of an item's text. */
const textOf = (...bytes: readonly number[]) =>
  Uint8Array.of(0x82, 0xa1, 0x6e, 0x01, 0xa4, 0x74, 0x65, 0x78, 0x74, ...bytes)
const nested = (depth: number) => new Uint8Array(depth).fill(0x91)

const badItems: readonly BadItem[] = [
  { name: 'the byte that means nothing', bytes: Uint8Array.of(0xc1), says: 'reserved_byte' },
  { name: 'another type', bytes: pack(7), says: 'the value must be an object' },
  { name: 'nil', bytes: pack(null), says: 'the value must be an object' },
  { name: 'no number', bytes: pack({ text: 'x' }), says: '/n is required' },
  { name: 'a fraction', bytes: pack({ n: 1.5, text: 'x' }), says: '/n must be integer' },
  { name: 'bytes for the text', bytes: pack({ n: 1, text: new Uint8Array(3) }), says: '/text must be string' },
  { name: 'an item that the frame cuts', bytes: itemOf(1, 'xxxx').subarray(0, -1), says: 'count_too_large' },
  { name: 'an item that is cut in its head', bytes: itemOf(1).subarray(0, 2), says: 'count_too_large' },
  { name: 'a key twice', bytes: Buffer.from('82a16e01a16e02', 'hex'), says: 'duplicate_key' },
  { name: '__proto__', bytes: Buffer.from('81a95f5f70726f746f5f5f80', 'hex'), says: 'key_forbidden' },
  { name: 'a number for a key', bytes: Uint8Array.of(0x81, 0x01, 0x01), says: 'key_not_string' },
  { name: 'an extension', bytes: textOf(0xd4, 0x01, 0x00), says: 'extension_refused' },
  { name: 'bad UTF-8', bytes: textOf(0xa2, 0xc3, 0x28), says: 'bad_utf8' },
  { name: 'four billion items', bytes: Uint8Array.of(0xdd, 255, 255, 255, 255), says: 'count_too_large' },
  { name: 'four billion letters', bytes: textOf(0xdb, 255, 255, 255, 255, 0x78), says: 'count_too_large' },
  { name: '65 arrays in each other', bytes: Buffer.concat([nested(64), Uint8Array.of(0x90)]), says: 'too_deep' },
  {
    name: '15,000 arrays in each other',
    bytes: Buffer.concat([nested(15_000), Uint8Array.of(0x90)]),
    says: 'too_deep',
  },
  { name: 'many values', bytes: pack(Array(200).fill(0)), says: 'too_many_nodes', limits: { maxNodes: 100 } },
]

/** The peer can still call, on the same connection, and leaves. */
async function expectServed({ expectUnharmed, log }: StreamVictim, peer: RawPeer, id: number): Promise<void> {
  peer.send(open(id, sum), data(id, Buffer.concat([itemOf(20), itemOf(22)])), end(id))
  expect(await peer.replyTo(id)).toBe(42)
  peer.socket.end()
  expect(await peer.closed).toBe('ended')
  await expectUnharmed()
  expect(log.at('error')).toEqual([])
}

describe('an item', () => {
  it.each(badItems)('of $name is met by its handler: $says', async ({ bytes, says, limits }) => {
    const attacked = await streamVictim(limits)
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, chat), data(1, Buffer.concat([itemOf(7), bytes])))
    const error = await peer.errorOf(1)
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'yes' })
    expect(error.message).toContain(says)
    expect(error.message).toContain('streams/chat')
    expect(attacked.seen).toMatchObject({ taken: [7], ended: 1, met: [{ code: 'invalid_argument' }] })
    expect(peer.frames.map(({ kind, body }) => [kind, [...body]])).toContainEqual([kinds.DATA, [...itemOf(7)]])
    await expectServed(attacked, peer, 2)
  })

  it('that is bad is not looked at where nobody takes it', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, hold), data(1, new Uint8Array(16_384).fill(0xc1)), end(1), cancel(1))
    expect(await peer.replyTo(1)).toBe(null)
    await expectServed(attacked, peer, 2)
  })

  it.each([
    ['whole fragments', 8_000],
    ['fragments of a few bytes', 1_100],
  ])('that is longer than it may be is refused as it comes, in %s, and the rest is let be', async (_, size) => {
    const attacked = await streamVictim({ maxMessageBytes: 200_000 })
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, chat), data(1, itemOf(7)))
    let credit = 16_384 - itemOf(7).length
    let sent = 0
    peer.onFrame = ({ kind, id, body }) => {
      if (kind === kinds.CREDIT && id === 1) credit += Buffer.from(body).readUInt32BE()
      while (credit >= size && sent < 1_000_000) {
        peer.send(data(1, new Uint8Array(size).fill(sent === 0 ? 0xc6 : 0, 0, 1).fill(0x7f, 1, 5), MORE))
        credit -= size
        sent += size
      }
    }
    const error = await peer.errorOf(1)
    expect(error).toMatchObject({ code: 'resource_exhausted', processed: 'yes' })
    expect(error.message).toMatch(/maxMessageBytes is 200000 \(peer .+; option limits\.maxMessageBytes\)/)
    expect(sent).toBeLessThan(400_000)
    expect(attacked.seen).toMatchObject({ taken: [7], ended: 1 })
    peer.onFrame = () => {}
    await expectServed(attacked, peer, 2)
  })

  it('in fragments of a byte each, within what is allowed, is put together', async () => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, sum))
    for (let n = 1; n <= 3; n++) {
      const bytes = itemOf(n, 'bit by bit')
      for (const byte of bytes.subarray(0, -1)) peer.send(data(1, Uint8Array.of(byte), MORE | WAIT))
      peer.send(data(1, bytes.subarray(-1), WAIT), data(1))
    }
    peer.send(end(1))
    expect(await peer.replyTo(1)).toBe(6)
    await expectServed(attacked, peer, 2)
  })

  it.each([1, 2 ** 31, 2 ** 32 - 1])('that says that %d were left out before it is taken all the same', async (gap) => {
    const attacked = await streamVictim()
    const peer = await RawPeer.greeted(attacked.url)
    const left = Buffer.alloc(4)
    left.writeUInt32BE(gap)
    peer.send(open(1, sum))
    for (let n = 0; n < 100; n++) peer.send(data(1, Buffer.concat([left, itemOf(n)]), GAP))
    peer.send(end(1))
    expect(await peer.replyTo(1)).toBe(4_950)
    await expectServed(attacked, peer, 2)
  })

  it('that is half there, and then nothing, is given up in time, and its handler is told', async () => {
    const attacked = await streamVictim()
    const { seen } = attacked
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(open(1, chat), data(1, itemOf(7)), data(1, itemOf(8).subarray(0, 4), MORE))
    await until(() => seen.taken.length === 1)
    for (let ms = 0; ms <= 2 * defaultLimits.idleTimeoutMs && seen.met.length === 0; ms += 1_000) {
      await attacked.passSecond()
      await sendAll(peer, 1, () => new Uint8Array(0)) // it is there, and says nothing more of the item
    }
    expect(await peer.errorOf(1)).toMatchObject({ code: 'deadline_exceeded' })
    expect(seen).toMatchObject({ taken: [7], ended: 1, met: [{ code: 'deadline_exceeded' }] })
    await expectServed(attacked, peer, 2)
  })
})
