/** What the wire's refusals say, word for word: whoever reads them has nothing else to go by (spec/protocol.md, spec/msgpack.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { metadataEnd, readError, readMetadata, readRequestHead } from '../../src/wire/body.ts'
import { judgeHeader } from '../../src/wire/frame.ts'
import {
  codec,
  FrameDecoder,
  flags,
  itemsStart,
  kinds,
  pack,
  readEnd,
  readIncrement,
  readPriority,
  weightOf,
} from '../../src/wire/index.ts'
import { StrictError, walkStrict } from '../../src/wire/strict.ts'
import { headedBytes } from '../support/slow-frames.ts'

const limits = { maxDepth: 64, maxNodes: 1_000 }
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** What `act` throws: its rule, its limit where there is one, and its message. */
function said(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    const { rule, limit, message } = error as StrictError // or a ProtocolError, which has the same; or none of them
    return limit === undefined ? [rule, message] : [rule, message, limit]
  }
}

describe('bytes that are no strict MessagePack', () => {
  it.each([
    ['c0 c0 c0', 1, 'trailing_bytes', '2 bytes after the value'],
    ['', 0, 'truncated', 'the bytes end where a value should begin'],
    ['c1', 0, 'reserved_byte', 'the byte c1 means nothing'],
    ['cd 00', 0, 'truncated', 'a value of 3 bytes or more where 2 remain'],
    ['93 01', 0, 'count_too_large', '3 announced where 1 bytes remain'],
    ['92 c0 93 01', 2, 'count_too_large', '3 announced where 1 bytes remain'],
    ['a3 61', 0, 'count_too_large', '3 bytes announced where 1 remain'],
    ['c4 03 61', 0, 'count_too_large', '3 bytes announced where 1 remain'],
    ['92 c0 a3 61', 2, 'count_too_large', '3 bytes announced where 1 remain'],
    ['92 c0 c4 03 61', 2, 'count_too_large', '3 bytes announced where 1 remain'],
    ['92 c0 cd 00', 2, 'truncated', 'a value of 3 bytes or more where 2 remain'],
    ['a1 ff', 1, 'bad_utf8', 'what stands here is no UTF-8'],
    ['c7 04', 0, 'truncated', 'the bytes end before the type of the extension'],
    ['d4 7f 00', 0, 'extension_refused', 'extension type 127'],
    ['d4 fe 00', 0, 'extension_refused', 'extension type -2'],
    ['d4 ff 00', 0, 'bad_timestamp', 'a timestamp of 1 bytes'],
    ['d6 ff 00', 0, 'truncated', 'the bytes end within a timestamp'],
    ['d7 ff ee6b2800 00000000', 0, 'bad_timestamp', '1000000000 nanoseconds'],
    ['c7 0c ff 00000000 7fffffffffffffff', 0, 'bad_timestamp', 'the instant is out of range'],
    ['82 a2 61 62 01', 5, 'truncated', 'the bytes end where a key should begin'],
    ['81 01 01', 1, 'key_not_string', 'the key of a map is no string'],
    ['81 a9 5f5f70726f746f5f5f 01', 1, 'key_forbidden', 'the key __proto__'],
    ['82 a1 61 01 a1 61 01', 4, 'duplicate_key', 'a key for the second time in one map'],
  ])('%s: what is wrong at byte %i', (hex, offset, rule, detail) => {
    const bytes = fromHex(`c1 c1 c1 ${hex}`) // what is before it does not count
    expect(said(() => walkStrict(bytes, 3, bytes.length, limits))).toEqual([
      rule,
      `MessagePack, byte ${offset}: ${detail} (${rule})`,
    ])
  })

  it('name the limit that they break', () => {
    const nested = fromHex('c0 91 91 c0')
    expect(said(() => walkStrict(nested, 1, 4, { maxDepth: 1, maxNodes: 9 }))).toEqual([
      'too_deep',
      'MessagePack, byte 1: maps and arrays are nested deeper than maxDepth, which is 1 (too_deep)',
      'maxDepth',
    ])
    expect(said(() => walkStrict(nested, 1, 4, { maxDepth: 9, maxNodes: 2 }))).toEqual([
      'too_many_nodes',
      'MessagePack, byte 1: 3 values or more are above maxNodes, which is 2 (too_many_nodes)',
      'maxNodes',
    ])
    expect(new StrictError('truncated', 0, '').name).toBe('StrictError')
  })

  it('are not blamed where who asks looks beside the buffer', () => {
    const act = () => walkStrict(fromHex('c0 c0'), 2, 1, limits)
    expect(act).toThrow(new RangeError('bytes 2 to 1 are not in a buffer of 2'))
    expect(act).toThrow(RangeError)
  })
})

describe('a header', () => {
  const judge = (kind: number, length: number, bits: number, id: number) => () =>
    judgeHeader(kind, length, bits, id, 70)

  it('that breaks a rule is told with what it said', () => {
    expect(said(judge(kinds.REQUEST, 71, 0, 1))).toEqual([
      'frame_size',
      'a frame of 71 bytes: maxFrameBytes is 70 (option limits.maxFrameBytes)',
      'maxFrameBytes',
    ])
    expect(said(judge(99, 0, 0x7f, 0))).toEqual([
      'frame_kind',
      'frame kind 99 is not known and not marked as ignorable',
    ])
    expect(said(judge(kinds.PING, 7, 0, 0))).toEqual(['frame_size', 'a PING of 7 bytes; it has 8 to 8'])
    expect(said(judge(kinds.PING, 8, 0x0f, 0))).toEqual(['frame_flags', 'a PING with flags 0xf'])
    expect(said(judge(kinds.PING, 8, 0, 5))).toEqual(['frame_id', 'a PING with id 5'])
  })

  it('has its kind told by its name', () => {
    for (const [name, kind] of Object.entries(kinds)) {
      expect(said(judge(kind, 70, 0x08 | 0x80, 0))).toEqual([expect.any(String), expect.stringContaining(` ${name} `)])
    }
  })

  it('weighs as much as a frame, or as sixteen where it begins or ends a stream', () => {
    const { INPUT, OUTPUT, METADATA } = flags
    const weight = (kind: (typeof kinds)[keyof typeof kinds], bits: number) => weightOf({ kind, flags: bits })
    expect([weight(kinds.REQUEST, INPUT), weight(kinds.REQUEST, OUTPUT), weight(kinds.CANCEL, 0)]).toEqual([16, 16, 16])
    expect([weight(kinds.REQUEST, METADATA), weight(kinds.RESPONSE, INPUT | OUTPUT), weight(kinds.PING, 0)]).toEqual([
      1, 1, 1,
    ])
  })
})

describe('a first frame', () => {
  const first = () => new FrameDecoder({ maxFrameBytes: 65_536, maxHelloBytes: 1_024 }, { expectsHello: true })
  const feed = (...chunks: readonly Uint8Array[]) => {
    const decoder = first()
    return () => {
      for (const chunk of chunks) {
        decoder.push(chunk)
        while (decoder.read());
      }
    }
  }
  const text = (words: string) => Uint8Array.from(words, (character) => character.charCodeAt(0))
  const foreign = (shown: string) => [
    'not_nanowire',
    `the peer does not speak Nanowire: it began with ${JSON.stringify(shown)}`,
  ]

  it('that is too long names its limit', () => {
    expect(said(feed(headedBytes(1_025, kinds.HELLO, 0, 0).subarray(0, 4)))).toEqual([
      'frame_size',
      'a first frame of 1025 bytes: maxHelloBytes is 1024 (option limits.maxHelloBytes)',
      'maxHelloBytes',
    ])
  })

  it('of another protocol is shown as far as it can be read, up to 40 bytes', () => {
    expect(said(feed(text('GET / HTTP/1.1\r\n"~\x7f \x80')))).toEqual(foreign('GET / HTTP/1.1.."~. .'))
    expect(said(feed(text(`${'x'.repeat(39)}yz`)))).toEqual(foreign(`${'x'.repeat(39)}y`))
    expect(said(feed(text('\0'), text('\0A'), text('A')))).toEqual(foreign('..AA')) // what has come, and nothing else
    expect(said(feed(text('\0\0\0\x03')))).toEqual(foreign('....'))
  })
})

describe('a body', () => {
  const bytes = new Uint8Array(40)

  it('of a REQUEST is told where it is too short or too long', () => {
    const read = (bits: number, length: number) => () => readRequestHead(bits, bytes, 1, 1 + length)
    expect(said(read(0, 7))).toEqual(['body', 'a REQUEST without tag and time'])
    expect(said(read(flags.HASH, 23))).toEqual(['body', 'a REQUEST that ends within the hash of its contract'])
    expect(said(read(flags.INPUT, 9))).toEqual(['body', 'a REQUEST with INPUT and a body'])
    expect(said(() => metadataEnd(Uint8Array.of(0, 2, 0x80), 0, 3))).toEqual(['body', 'metadata longer than its frame'])
  })

  it('has metadata of texts, within its limit', () => {
    const framed = (value: unknown) => {
      const packed = pack(value)
      return Uint8Array.of(9, 9, 9, 0, packed.length, ...packed)
    }
    const read = (value: unknown, most: number) => () => readMetadata(framed(value), 3, framed(value).length, most)
    expect(said(read({ 'a"b': 1 }, 100))).toEqual(['body', 'the metadata "a\\"b" is no text'])
    expect(said(read(['a'], 100))).toEqual(['body', 'a map was expected'])
    expect(said(read({ a: 'b' }, 4))).toEqual([
      'limit',
      'metadata of 5 bytes: maxMetadataBytes is 4 (option limits.maxMetadataBytes)',
      'maxMetadataBytes',
    ])
  })

  it('of an ERROR says what and whether', () => {
    const read = (value: unknown) => () => readError(pack(value), 0, pack(value).length, limits)
    expect(said(read({ code: 'a' }))).toEqual(['body', 'an ERROR without code and message'])
    expect(said(read({ code: 'a', message: 'b', processed: 'so' }))).toEqual([
      'body',
      "an ERROR whose processed is not 'no', 'maybe' or 'yes'",
    ])
    expect(said(() => readError(Uint8Array.of(0xc1), 0, 1, limits))).toEqual([
      'body',
      'no strict MessagePack: MessagePack, byte 0: the byte c1 means nothing (reserved_byte)',
    ])
  })

  it('of a stream’s frames likewise', () => {
    expect(said(() => itemsStart(flags.GAP, 5, 8))).toEqual([
      'body',
      'a DATA with GAP that ends within the number of its gap',
    ])
    expect(said(() => readEnd(0, bytes, 5, 8, 100))).toEqual(['body', 'an END with 3 bytes behind its metadata'])
    expect(said(() => readPriority(Uint8Array.of(9, 3), 1))).toEqual(['body', 'a PRIORITY of 3: it is 0, 1 or 2'])
    expect(said(() => readIncrement(bytes, 3))).toEqual(['credit', 'a CREDIT of 0 bytes'])
  })
})

describe('a codec', () => {
  it('says what it takes, and what was wrong with what it was given', () => {
    const { decode, encodeInto } = codec(Type.Integer(), { maxMessageBytes: 1_024 })
    expect(() => decode('05' as never)).toThrow(/^decode takes a Uint8Array$/) // in plain JavaScript
    expect(() => decode(new Uint8Array(1_025))).toThrow(
      /^1025 bytes to decode: maxMessageBytes is 1024 \(option maxMessageBytes\)$/,
    )
    for (const [buffer, at] of [
      ['no buffer', 0],
      [new Uint8Array(9), -1],
      [new Uint8Array(9), '0'],
    ] as const)
      expect(() => encodeInto(5, buffer as never, at as never)).toThrow(
        /^encodeInto takes a Uint8Array and a place in it$/,
      )
    const broken = said(() => decode(Uint8Array.of(0xc1)))
    expect(broken).toEqual([undefined, 'cannot decode: MessagePack, byte 0: the byte c1 means nothing (reserved_byte)'])
    expect(() => decode(Uint8Array.of(0xc1))).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ rule: 'reserved_byte' }) }),
    )
    expect(() => encodeInto('5' as never, new Uint8Array(9))).toThrow(/^cannot encode: /)
  })
})
