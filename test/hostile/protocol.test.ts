/**
 * Bytes that break the protocol: one ERROR that names the rule, then the end in good order, whether the bytes came at
 * once or one by one; the honest client beside them notices nothing.
 */
import { describe, expect, it } from 'vitest'
import { defaultLimits, type LimitOptions } from '../../src/index.ts'
import { FrameDecoder, flags, kinds, type ProtocolRule, pack } from '../../src/wire/index.ts'
import { Lab } from '../rpc/lab.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { frame, header, hello, RawPeer, request } from '../support/raw-peer.ts'
import { victim } from './victim.ts'

interface Breach {
  readonly name: string
  readonly rule: ProtocolRule
  readonly bytes: () => Uint8Array
  /** Said at once, and so the bytes are not enough for a frame. */
  readonly limits?: LimitOptions
}

const { echo } = Lab.methods
const peerLimits = { maxFrameBytes: 65_536, maxMessageBytes: 1, maxCallsInFlight: 1, maxDepth: 1, maxNodes: 1 }
const said = { limits: peerLimits, features: [] as unknown, incarnation: new Uint8Array(16) as unknown }

/** A HELLO with this map, or with these bytes in its place. */
function helloOf(map: unknown): Uint8Array {
  const bytes = map instanceof Uint8Array ? map : pack(map)
  return frame(kinds.HELLO, 0, Buffer.concat([Buffer.from('NWIR\x01', 'latin1'), bytes]))
}

const text = (words: string) => Buffer.from(words, 'latin1')

/** What stands where a client's HELLO should. */
const openings: readonly Breach[] = [
  { name: 'HTTP', rule: 'not_nanowire', bytes: () => text('GET / HTTP/1.1\r\nHost: x\r\n\r\n') },
  { name: 'one letter', rule: 'not_nanowire', bytes: () => text('G') },
  { name: 'TLS', rule: 'not_nanowire', bytes: () => Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00) },
  { name: 'four zeros', rule: 'not_nanowire', bytes: () => new Uint8Array(4) },
  { name: 'noise', rule: 'not_nanowire', bytes: () => new Uint8Array(1_000).fill(0xa5) },
  { name: 'a request', rule: 'not_nanowire', bytes: () => request(1, echo, { text: 'x' }) },
  { name: 'a PING', rule: 'not_nanowire', bytes: () => frame(kinds.PING, 0, new Uint8Array(8)) },
  { name: 'an ignorable frame', rule: 'not_nanowire', bytes: () => frame(99, 0, new Uint8Array(8), flags.IGNORE) },
  { name: 'other magic', rule: 'not_nanowire', bytes: () => frame(kinds.HELLO, 0, text('NWIX\x01\x80')) },
  { name: 'another version', rule: 'version', bytes: () => hello({}, 2) },
  { name: 'version 0', rule: 'version', bytes: () => hello({}, 0) },
  { name: 'a HELLO that is too short', rule: 'frame_size', bytes: () => frame(kinds.HELLO, 0, text('NWIR\x01')) },
  {
    name: 'a HELLO that is announced too long',
    rule: 'frame_size',
    bytes: () => header(2_000, kinds.HELLO, 0, 0),
    limits: { maxHelloBytes: 1_999 },
  },
  { name: 'a HELLO with flags', rule: 'frame_flags', bytes: () => frame(kinds.HELLO, 0, new Uint8Array(6), 1) },
  { name: 'a HELLO with an id', rule: 'frame_id', bytes: () => frame(kinds.HELLO, 7, new Uint8Array(6)) },
  {
    name: 'an ERROR for a call',
    rule: 'frame_order',
    bytes: () => frame(kinds.ERROR, 7, pack({ code: 'x', message: '' })),
  },
  { name: 'a HELLO of no MessagePack', rule: 'hello', bytes: () => helloOf(Uint8Array.of(0xc1)) },
  { name: 'a HELLO with bytes behind', rule: 'hello', bytes: () => helloOf(Buffer.concat([pack(said), pack(1)])) },
  { name: 'a HELLO of an array', rule: 'hello', bytes: () => helloOf([said]) },
  { name: 'a HELLO without limits', rule: 'hello', bytes: () => helloOf({ ...said, limits: undefined }) },
  { name: 'a HELLO with few limits', rule: 'hello', bytes: () => helloOf({ ...said, limits: { maxDepth: 1 } }) },
  ...[0, -1, 1.5, '9', null, 2 ** 49].map((maxNodes) => ({
    name: `a HELLO with maxNodes ${JSON.stringify(maxNodes)}`,
    rule: 'hello' as const,
    bytes: () => helloOf({ ...said, limits: { ...peerLimits, maxNodes } }),
  })),
  {
    name: 'a HELLO with small frames',
    rule: 'hello',
    bytes: () => helloOf({ ...said, limits: { ...peerLimits, maxFrameBytes: 65_535 } }),
  },
  { name: 'a HELLO with one feature', rule: 'hello', bytes: () => helloOf({ ...said, features: 'all' }) },
  { name: 'a HELLO with numbered features', rule: 'hello', bytes: () => helloOf({ ...said, features: [1] }) },
  {
    name: 'a HELLO with many features',
    rule: 'hello',
    bytes: () => helloOf({ ...said, features: Array(65).fill('x') }),
  },
  { name: 'a HELLO of nobody', rule: 'hello', bytes: () => helloOf({ ...said, incarnation: new Uint8Array(15) }) },
  {
    name: 'a HELLO with long credentials',
    rule: 'hello',
    bytes: () => helloOf({ ...said, credentials: 'x'.repeat(8_190) }), // 8,193 bytes as MessagePack
  },
  { name: 'a HELLO that is deep', rule: 'hello', bytes: () => helloOf({ ...said, x: [[[[[[[[1]]]]]]]] }) },
  {
    name: 'a HELLO that says twice',
    rule: 'hello',
    bytes: () => helloOf(Buffer.concat([Uint8Array.of(0x82), pack('a'), pack(1), pack('a'), pack(1)])),
  },
]

const bodyOf = (...parts: readonly Uint8Array[]) => Buffer.concat([new Uint8Array(8), ...parts])
const metadata = (bytes: Uint8Array, length = bytes.length) => {
  const { METADATA } = flags
  return frame(kinds.REQUEST, 1, bodyOf(Uint8Array.of(length >>> 8, length), bytes, pack({ text: 'x' })), METADATA)
}

/** What comes after a good HELLO. */
const breaches: readonly Breach[] = [
  { name: 'a second HELLO', rule: 'second_hello', bytes: () => hello() },
  { name: 'an unknown kind', rule: 'frame_kind', bytes: () => frame(99, 0) },
  { name: 'kind 0', rule: 'frame_kind', bytes: () => frame(0, 0) },
  {
    name: 'a length that is announced too large',
    rule: 'frame_size',
    bytes: () => header(65_537, kinds.REQUEST, 0, 1),
  },
  { name: 'the largest length there is', rule: 'frame_size', bytes: () => header(0xff_ffff, 99, flags.IGNORE, 1) },
  { name: 'a PING of 7 bytes', rule: 'frame_size', bytes: () => frame(kinds.PING, 0, new Uint8Array(7)) },
  { name: 'a CANCEL with a body', rule: 'frame_size', bytes: () => frame(kinds.CANCEL, 1, new Uint8Array(1)) },
  { name: 'an empty ERROR', rule: 'frame_size', bytes: () => frame(kinds.ERROR, 0) },
  { name: 'a PING with flags', rule: 'frame_flags', bytes: () => frame(kinds.PING, 0, new Uint8Array(8), 1) },
  {
    name: 'a notify with items',
    rule: 'frame_flags',
    bytes: () => frame(kinds.REQUEST, 1, new Uint8Array(9), flags.INPUT | flags.ONE_WAY),
  },
  {
    name: 'a REQUEST with items and further fragments',
    rule: 'frame_flags',
    bytes: () => frame(kinds.REQUEST, 1, new Uint8Array(9), flags.INPUT | flags.MORE),
  },
  { name: 'DATA with odd flags', rule: 'frame_flags', bytes: () => frame(kinds.DATA, 1, new Uint8Array(0), 0x08) },
  { name: 'DATA without an id', rule: 'frame_id', bytes: () => frame(kinds.DATA, 0) },
  { name: 'an END without an id', rule: 'frame_id', bytes: () => frame(kinds.END, 0) },
  { name: 'a PRIORITY without an id', rule: 'frame_id', bytes: () => frame(kinds.PRIORITY, 0, new Uint8Array(1)) },
  { name: 'a PRIORITY of two bytes', rule: 'frame_size', bytes: () => frame(kinds.PRIORITY, 1, new Uint8Array(2)) },
  { name: 'a PRIORITY of 3', rule: 'body', bytes: () => frame(kinds.PRIORITY, 1, Uint8Array.of(3)) },
  { name: 'CREDIT of three bytes', rule: 'frame_size', bytes: () => frame(kinds.CREDIT, 1, new Uint8Array(3)) },
  { name: 'a PING with an id', rule: 'frame_id', bytes: () => frame(kinds.PING, 5, new Uint8Array(8)) },
  { name: 'a REQUEST without an id', rule: 'frame_id', bytes: () => request(0, echo, { text: 'x' }) },
  { name: 'a CANCEL without an id', rule: 'frame_id', bytes: () => frame(kinds.CANCEL, 0) },
  { name: 'an id for the second time', rule: 'frame_id', bytes: () => twice(7, 7) },
  { name: 'an id that goes back', rule: 'frame_id', bytes: () => twice(7, 6) },
  { name: 'an id that goes back behind the wrap', rule: 'frame_id', bytes: () => twice(1, 0xffff_ffff) },
  { name: 'a RESPONSE', rule: 'frame_order', bytes: () => frame(kinds.RESPONSE, 1, pack(1)) },
  { name: 'a GOAWAY', rule: 'frame_order', bytes: () => frame(kinds.GOAWAY, 0, new Uint8Array(4)) },
  { name: 'an AUTH of no credentials', rule: 'body', bytes: () => frame(kinds.AUTH, 0, new Uint8Array(1)) },
  { name: 'CREDIT of nothing', rule: 'credit', bytes: () => frame(kinds.CREDIT, 0, new Uint8Array(4)) },
  { name: 'CREDIT of nothing for a call', rule: 'credit', bytes: () => frame(kinds.CREDIT, 1, new Uint8Array(4)) },
  {
    name: 'an acknowledgement of what was not sent',
    rule: 'credit',
    bytes: () => frame(kinds.CREDIT, 0, Uint8Array.of(0, 0, 0, 1)),
  },
  { name: 'a REQUEST without a head', rule: 'body', bytes: () => frame(kinds.REQUEST, 1, new Uint8Array(7)) },
  { name: 'a REQUEST of nothing', rule: 'body', bytes: () => frame(kinds.REQUEST, 1) },
  { name: 'half a hash', rule: 'body', bytes: () => frame(kinds.REQUEST, 1, new Uint8Array(23), flags.HASH) },
  {
    name: 'metadata without a length',
    rule: 'body',
    bytes: () => frame(kinds.REQUEST, 1, bodyOf(Uint8Array.of(0)), 2),
  },
  { name: 'metadata past the frame', rule: 'body', bytes: () => metadata(pack({}), 60_000) },
  { name: 'metadata that is a list', rule: 'body', bytes: () => metadata(pack(['a'])) },
  { name: 'metadata of numbers', rule: 'body', bytes: () => metadata(pack({ a: 1 })) },
  { name: 'metadata of no MessagePack', rule: 'body', bytes: () => metadata(Uint8Array.of(0xc1)) },
  {
    name: 'metadata that says twice',
    rule: 'body',
    bytes: () => metadata(Uint8Array.of(0x82, 0xa1, 0x61, 0xa1, 0x62, 0xa1, 0x61, 0xa1, 0x62)),
  },
  { name: 'too much metadata', rule: 'limit', bytes: () => metadata(pack({ a: 'x'.repeat(8_192) })) },
  {
    name: 'a further fragment with flags',
    rule: 'fragment',
    bytes: () => Buffer.concat([opened(1), frame(kinds.REQUEST, 1, pack(1), flags.METADATA)]),
  },
  {
    name: 'a further fragment that is a notify',
    rule: 'fragment',
    bytes: () => Buffer.concat([opened(1), frame(kinds.REQUEST, 1, pack(1), flags.ONE_WAY)]),
  },
  { name: 'an ERROR of no MessagePack', rule: 'body', bytes: () => frame(kinds.ERROR, 1, Uint8Array.of(0xc1)) },
]

/** A request of which more is to come. */
function opened(id: number): Uint8Array {
  return request(id, echo, { text: 'x' }, { flags: flags.MORE })
}

function twice(first: number, second: number): Uint8Array {
  return Buffer.concat([request(first, echo, { text: 'x' }), request(second, echo, { text: 'x' })])
}

const codes: Readonly<Record<string, string>> = {
  not_nanowire: 'unavailable',
  version: 'failed_precondition',
  limit: 'resource_exhausted',
}

async function expectRefusal(breach: Breach, prefix: Uint8Array, oneByOne: boolean): Promise<void> {
  const { url, log, server, expectUnharmed } = await victim(breach.limits)
  const peer = await RawPeer.connect(url)
  const bytes = Buffer.concat([prefix, breach.bytes()])
  if (oneByOne) for (let at = 0; at < bytes.length && peer.socket.writable; at++) peer.send(bytes.subarray(at, at + 1))
  else peer.send(bytes)
  const words = await peer.lastWords()
  expect(words).toMatchObject({ rule: breach.rule, code: codes[breach.rule] ?? 'internal' })
  expect(words.message).not.toBe('')
  const warnings = log.at('warn').filter(({ fields }) => 'rule' in fields)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]?.fields).toMatchObject({ rule: breach.rule, peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) })
  await expectUnharmed()
  expect(server.stats().connections).toBe(1)
}

const NOTHING = new Uint8Array(0)

describe('instead of a HELLO', () => {
  it.each(openings)('$name is refused by the rule $rule', (breach) => expectRefusal(breach, NOTHING, false))
  it.each(openings)('$name, byte by byte, is refused by the rule $rule', (breach) =>
    expectRefusal(breach, NOTHING, true),
  )
})

describe('after a HELLO', () => {
  it.each(breaches)('$name is refused by the rule $rule', (breach) => expectRefusal(breach, hello(), false))
  it.each(breaches.filter((breach) => breach.bytes().length < 1_000))(
    '$name, byte by byte, is refused by the rule $rule',
    (breach) => expectRefusal(breach, hello(), true),
  )

  it('an ERROR for the connection ends it, without an answer', async () => {
    const { url, expectUnharmed } = await victim()
    const peer = await RawPeer.greeted(url)
    peer.send(frame(kinds.ERROR, 0, pack({ code: 'internal', message: 'I give up' })))
    expect(await peer.closed).toBe('ended')
    expect(peer.frames).toEqual([])
    await expectUnharmed()
  })

  it.each([
    ['an ignorable frame of an unknown kind', () => frame(99, 12_345, new Uint8Array(60_000), 0xff)],
    ['a CANCEL for nobody', () => frame(kinds.CANCEL, 77)],
    ['DATA for nobody', () => frame(kinds.DATA, 77, new Uint8Array(60_000))],
    ['an END for nobody', () => frame(kinds.END, 77)],
    ['CREDIT for nobody', () => frame(kinds.CREDIT, 77, new Uint8Array(4).fill(255))],
    ['a PRIORITY for nobody', () => frame(kinds.PRIORITY, 77, Uint8Array.of(2))],
    ['an ERROR for a call', () => frame(kinds.ERROR, 77, pack({ code: 'aborted', message: '' }))],
    ['a PONG that nobody asked for', () => frame(kinds.PONG, 0, new Uint8Array(8))],
    ['a known frame that is marked as ignorable', () => frame(kinds.PING, 0, new Uint8Array(8), flags.IGNORE)],
  ])('%s is no breach', async (_, bytes) => {
    const { url, expectUnharmed } = await victim()
    const peer = await RawPeer.greeted(url)
    peer.send(bytes(), request(9, echo, { text: 'still here' }))
    expect(await peer.replyTo(9)).toEqual({ text: 'still here' })
    peer.socket.end()
    await peer.closed
    await expectUnharmed()
  })
})

describe('silence', () => {
  it.each([
    ['from the beginning', NOTHING],
    ['after one byte', Uint8Array.of(0)],
    ['after half a HELLO', hello().subarray(0, 30)],
    ['before the last byte of a HELLO', hello().subarray(0, -1)],
  ])('%s ends with the time for the handshake', async (_, bytes) => {
    const { url, clock, server, log, expectUnharmed } = await victim({ handshakeTimeoutMs: 700 })
    const peer = await RawPeer.connect(url)
    if (bytes.length > 0) peer.send(bytes)
    const before = server.stats().bytesReceived
    await until(() => server.stats().connections === 2 && server.stats().bytesReceived === before + bytes.length)
    clock.advance(699)
    await nextTurn()
    expect(server.stats().connections).toBe(2)
    clock.advance(2)
    const words = await peer.lastWords()
    expect(words).toMatchObject({ rule: 'timeout', code: 'unavailable' })
    expect(words.message).toMatch(/handshakeTimeoutMs is 700 \(peer .+; option limits\.handshakeTimeoutMs\)/)
    expect(server.stats().refused).toEqual({ handshakeTimeoutMs: 1 })
    expect(log.text).toContain('handshakeTimeoutMs is 700')
    await expectUnharmed()
  })

  it('in the middle of a frame is asked after, and then over', async () => {
    const { url, clock, server, wire, expectUnharmed } = await victim()
    const peer = await RawPeer.greeted(url)
    const received = server.stats().bytesReceived
    peer.send(request(1, echo, { text: 'x' }).subarray(0, 12))
    await until(() => server.stats().bytesReceived >= received + 12)
    const before = { server: server.stats().bytesReceived, wire: wire.stats().bytesReceived }
    clock.advance(defaultLimits.pingAfterMs)
    await peer.next(kinds.PING)
    await until(() => server.stats().bytesReceived > before.server) // the honest client says that it is there
    await until(() => wire.stats().bytesReceived > before.wire) // and hears the same of the server
    clock.advance(defaultLimits.idleTimeoutMs - defaultLimits.pingAfterMs)
    await peer.closed
    await until(() => server.stats().refused['idleTimeoutMs'] === 1)
    await expectUnharmed()
  })
})

it('what is read is a copy, also of a Buffer of Node', () => {
  const chunk = Buffer.from(frame(kinds.PING, 0, new Uint8Array(8).fill(7)))
  const [ping] = [...new FrameDecoder().frames(chunk)]
  chunk.fill(0)
  expect(ping?.body).toEqual(new Uint8Array(8).fill(7))
})
