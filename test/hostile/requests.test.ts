/** Requests that are bad in themselves: each is refused by itself, its handler does not run, and its connection stays. */
import { describe, expect, it } from 'vitest'
import type { LimitOptions } from '../../src/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { Gate, Lab, lab, never } from '../rpc/lab.ts'
import { until } from '../support/hand-clock.ts'
import { frame, moreFlag, notifyFlag, RawPeer, request } from '../support/raw-peer.ts'
import { type Victim, victim } from './victim.ts'

const { echo, store, note } = Lab.methods

/** `bytes` in the place of a request's text. */
const textOf = (...bytes: readonly number[]) => Uint8Array.of(0x81, 0xa4, 0x74, 0x65, 0x78, 0x74, ...bytes)
const nested = (depth: number) => Uint8Array.from({ length: depth }, () => 0x91)

interface BadBody {
  readonly name: string
  readonly bytes: Uint8Array
  /** What the message says: a rule of strict MessagePack, or a place in the request. */
  readonly says: string
  readonly limits?: LimitOptions
}

const badBodies: readonly BadBody[] = [
  { name: 'nothing', bytes: new Uint8Array(0), says: 'truncated' },
  { name: 'the byte that means nothing', bytes: Uint8Array.of(0xc1), says: 'reserved_byte' },
  { name: 'half a map', bytes: pack({ text: 'x' }).subarray(0, 4), says: 'count_too_large' },
  { name: 'half a text', bytes: textOf(0xa5, 0x78), says: 'count_too_large' },
  { name: 'two values', bytes: Buffer.concat([pack({ text: 'x' }), pack(1)]), says: 'trailing_bytes' },
  { name: 'a key twice', bytes: Buffer.from('82a474657874a178a474657874a179', 'hex'), says: 'duplicate_key' },
  {
    name: '__proto__',
    bytes: Buffer.concat([Uint8Array.of(0x81, 0xa9), Buffer.from('__proto__'), pack({})]),
    says: 'key_forbidden',
  },
  { name: 'a number for a key', bytes: Uint8Array.of(0x81, 0x01, 0x01), says: 'key_not_string' },
  { name: 'an extension', bytes: textOf(0xd4, 0x01, 0x00), says: 'extension_refused' },
  { name: 'a record of msgpackr', bytes: Uint8Array.of(0xd4, 0x72, 0x40, 0x91, 0xa4), says: 'extension_refused' },
  { name: 'bad UTF-8', bytes: textOf(0xa2, 0xc3, 0x28), says: 'bad_utf8' },
  { name: 'half a pair as UTF-8', bytes: textOf(0xa3, 0xed, 0xa0, 0x80), says: 'bad_utf8' },
  {
    name: 'a timestamp out of time',
    bytes: textOf(0xc7, 0x0c, 0xff, 0, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255),
    says: 'bad_timestamp',
  },
  { name: 'four billion items', bytes: Uint8Array.of(0xdd, 255, 255, 255, 255, 0), says: 'count_too_large' },
  {
    name: 'four billion entries',
    bytes: Uint8Array.of(0xdf, 255, 255, 255, 255, 0xa1, 0x61, 0),
    says: 'count_too_large',
  },
  { name: 'four billion letters', bytes: textOf(0xdb, 255, 255, 255, 255, 0x78), says: 'count_too_large' },
  { name: '65 arrays in each other', bytes: Buffer.concat([nested(64), Uint8Array.of(0x90)]), says: 'too_deep' },
  {
    name: '50,000 arrays in each other',
    bytes: Buffer.concat([nested(50_000), Uint8Array.of(0x90)]),
    says: 'too_deep',
  },
  { name: 'many values', bytes: pack(Array(100).fill(0)), says: 'too_many_nodes', limits: { maxNodes: 100 } },
  { name: 'nil', bytes: pack(null), says: 'the value must be an object' },
  { name: 'a list', bytes: pack(['x']), says: 'the value must be an object' },
  { name: 'no text', bytes: pack({}), says: '/text is required' },
  { name: 'a number for the text', bytes: pack({ text: 7 }), says: '/text must be string' },
  { name: 'bytes for the text', bytes: pack({ text: new Uint8Array(4) }), says: '/text must be string' },
]

/** The peer can still call, on the same connection. */
async function expectServed(peer: RawPeer, id: number): Promise<void> {
  peer.send(request(id, echo, { text: 'fine' }))
  expect(await peer.replyTo(id)).toEqual({ text: 'fine' })
}

async function expectLeft({ expectUnharmed }: Victim, peer: RawPeer): Promise<void> {
  peer.socket.end()
  expect(await peer.closed).toBe('ended')
  await expectUnharmed()
}

describe('a body', () => {
  it.each(badBodies)('of $name is refused: $says', async ({ bytes, says, limits }) => {
    const attacked = await victim(limits)
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(request(1, echo, null, { bytes }))
    const error = await peer.errorOf(1)
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(error.message).toContain(says)
    expect(error.message).toContain('the request of lab/echo')
    expect(attacked.runs()).toBe(0)
    await expectServed(peer, 2)
    await expectLeft(attacked, peer)
  })

  it('with undeclared properties is served without them', async () => {
    const seen: unknown[] = []
    const attacked = await victim(
      {},
      lab({
        store(asked) {
          seen.push(asked)
          return []
        },
      }),
    )
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(
      request(1, store, { users: [{ name: 'Ada', constructor: { prototype: 1 }, isAdmin: true }], toString: 1 }),
    )
    expect(await peer.replyTo(1)).toEqual([])
    expect(seen).toStrictEqual([{ users: [{ name: 'Ada' }] }])
    expect(Object.prototype).not.toHaveProperty('isAdmin')
    await expectLeft(attacked, peer)
  })

  it('with properties that go on for ever costs one answer', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, n]))
    peer.send(request(1, echo, { text: 'x', ...many }))
    expect(await peer.replyTo(1)).toEqual({ text: 'x' })
    await expectLeft(attacked, peer)
  })
})

describe('a request', () => {
  it('for a number that no method has is unimplemented, a thousand times', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    const count = 3_000
    for (let id = 1; id <= count; id++) peer.send(request(id, (id * 2_654_435_761) >>> 0, null))
    const last = await peer.errorOf(count)
    expect(last).toMatchObject({ code: 'unimplemented', processed: 'no' })
    const { calls } = attacked.server.stats()
    expect(calls).toEqual({ 'unknown method': { unimplemented: count } })
    expect(attacked.log.at('warn')).toEqual([])
    await expectServed(peer, count + 1)
    await expectLeft(attacked, peer)
  })

  it('of the wrong kind is refused: aloud where somebody waits, in the log where nobody does', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(request(1, note, { line: 'x' }))
    expect(await peer.errorOf(1)).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    peer.send(request(2, echo, { text: 'x' }, { flags: notifyFlag }))
    await expectServed(peer, 3)
    expect(peer.frames).toEqual([])
    expect(attacked.runs()).toBe(1)
    expect(attacked.log.at('warn')).toHaveLength(1)
    expect(attacked.log.text).toContain('lab/echo is unary, and was called as notify')
    await expectLeft(attacked, peer)
  })

  it('that is a notify with a bad body is answered by nothing', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    for (let id = 1; id <= 10; id++) peer.send(request(id, note, { line: id }, { flags: notifyFlag }))
    await expectServed(peer, 11)
    expect(peer.frames).toEqual([])
    expect(attacked.server.stats().calls['lab/note']).toEqual({ invalid_argument: 10 })
    await expectLeft(attacked, peer)
  })

  it.each([
    ['whole', 1_000_000],
    ['in small fragments', 1_000],
  ])('that is too large is refused before it is there, %s, and the rest is let be', async (_, size) => {
    const attacked = await victim({ maxMessageBytes: 200_000 })
    const peer = await RawPeer.greeted(attacked.url)
    const part = new Uint8Array(Math.min(size, 60_000))
    const count = Math.ceil(300_000 / part.length)
    peer.send(request(1, echo, null, { bytes: part, flags: moreFlag }))
    for (let n = 1; n < count; n++) peer.send(frame(kinds.REQUEST, 1, part, moreFlag))
    const error = await peer.errorOf(1)
    expect(error).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(error.message).toMatch(/maxMessageBytes is 200000 \(peer .+; option limits\.maxMessageBytes\)/)
    peer.send(frame(kinds.REQUEST, 1, part, moreFlag), frame(kinds.REQUEST, 1, part))
    await expectServed(peer, 2)
    expect(peer.frames.filter(({ kind, id }) => kind !== kinds.CREDIT || id !== 0)).toEqual([]) // all was acknowledged
    expect(attacked.server.stats().refused).toEqual({ maxMessageBytes: 1 })
    await expectLeft(attacked, peer)
  })

  it('that is the last of too many unfinished ones is refused, and one that ends makes room', async () => {
    const attacked = await victim({ maxReassemblyBytes: 250_000 })
    const peer = await RawPeer.greeted(attacked.url)
    const part = pack('x'.repeat(60_000))
    for (let id = 1; id <= 5; id++) peer.send(request(id, echo, null, { bytes: part, flags: moreFlag }))
    expect(await peer.errorOf(5)).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    peer.send(frame(kinds.CANCEL, 1))
    expect(await peer.errorOf(1)).toMatchObject({ code: 'cancelled', processed: 'no' })
    peer.send(request(6, echo, null, { bytes: part, flags: moreFlag }), frame(kinds.REQUEST, 6))
    expect(await peer.errorOf(6)).toMatchObject({ code: 'invalid_argument' })
    expect(attacked.server.stats().refused).toEqual({ maxReassemblyBytes: 1 })
    await expectLeft(attacked, peer)
  })

  it('in fragments of nothing is put together', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    const body = pack({ text: 'bit by bit' })
    peer.send(request(1, echo, null, { bytes: new Uint8Array(0), flags: moreFlag }))
    for (const byte of body)
      peer.send(
        frame(kinds.REQUEST, 1, Uint8Array.of(byte), moreFlag),
        frame(kinds.REQUEST, 1, new Uint8Array(0), moreFlag),
      )
    peer.send(frame(kinds.REQUEST, 1))
    expect(await peer.replyTo(1)).toEqual({ text: 'bit by bit' })
    await expectLeft(attacked, peer)
  })

  it('with a hash and a judgement is served, whatever the hash is', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    const bytes = Buffer.concat([new Uint8Array(16), pack({ text: 'x' })])
    peer.send(request(1, echo, null, { bytes, flags: flags.HASH | flags.JUDGED }))
    expect(await peer.replyTo(1)).toEqual({ text: 'x' })
    await expectLeft(attacked, peer)
  })

  it('with the longest deadline there is ends when it is answered', async () => {
    const attacked = await victim()
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(request(1, echo, { text: 'x' }, { timeoutMs: 0xffff_ffff }))
    expect(await peer.replyTo(1)).toEqual({ text: 'x' })
    await expectLeft(attacked, peer)
  })

  it('leaves no caller behind when the connection is cut: its handler is told, and its answer goes nowhere', async () => {
    const reason = new Gate<unknown>()
    const attacked = await victim(
      {},
      lab({
        echo(_, ctx) {
          ctx.signal.addEventListener('abort', () => reason.open(ctx.signal.reason))
          return never()
        },
        quick: () => undefined,
      }),
    )
    const peer = await RawPeer.greeted(attacked.url)
    peer.send(request(1, echo, { text: 'x' }))
    await until(() => attacked.server.stats().inFlight === 1)
    peer.socket.resetAndDestroy()
    expect(await reason.promise).toMatchObject({ name: 'NanowireError', code: 'cancelled' })
  })
})
