/** Frames named field by field: each kind, each breach at its place, and any bytes without a fall. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame } from '../../src/codec.ts'
import { defaultLimits } from '../../src/limits.ts'
import {
  BufferWriter,
  type DescribedFrame,
  describeFrames,
  FrameDecoder,
  flags,
  type Kind,
  kinds,
  pack,
  packError,
  packHello,
  writeCredit,
  writeFrame,
  writeGoaway,
  writeRequest,
  writeResponse,
} from '../../src/wire/index.ts'
import { joined } from '../support/slow-frames.ts'

const NOTHING = new Uint8Array(0)

function written(write: (writer: BufferWriter) => void): Uint8Array {
  const writer = new BufferWriter()
  write(writer)
  return writer.bytes()
}

const frameOf = (kind: Kind, id: number, body: Uint8Array, bits = 0) =>
  written((writer) => writeFrame(writer, kind, bits, id, body))

/** The one frame of these bytes: `{ name: value }`, and where each field lies. */
function only(bytes: Uint8Array): { frame: DescribedFrame; values: Record<string, unknown>; places: unknown[] } {
  const { frames, unread } = describeFrames(bytes)
  const [frame] = frames
  expect([frames.length, unread, frame?.length]).toEqual([1, 0, bytes.length])
  if (!frame) throw new Error('there is no frame')
  const values = Object.fromEntries(frame.fields.map(({ name, value }) => [name, value]))
  return { frame, values, places: frame.fields.map(({ name, offset, length }) => [name, offset, length]) }
}

const hello = packHello({ major: 1, limits: defaultLimits, features: ['streams'], incarnation: new Uint8Array(16) })

describe('each kind', () => {
  it('HELLO: magic, major and the entries of its map', () => {
    const { frame, values, places } = only(frameOf(kinds.HELLO, 0, hello))
    expect(frame).toMatchObject({ kind: 'HELLO', problem: undefined })
    expect(values).toMatchObject({ magic: 'NWIR', major: 1, features: ['streams'], incarnation: new Uint8Array(16) })
    expect(values['limits']).toMatchObject({ maxFrameBytes: 65_536 })
    expect(places.slice(0, 6)).toEqual([
      ['length', 0, 3],
      ['kind', 3, 1],
      ['flags', 4, 1],
      ['id', 5, 4],
      ['magic', 9, 4],
      ['major', 13, 1],
    ])
    expect(places.at(-1)).toEqual(['incarnation', 9 + hello.length - 18, 18])
  })

  it('AUTH: the credentials', () => {
    const credentials = { user: 'ada' }
    expect(only(frameOf(kinds.AUTH, 0, pack(credentials))).values).toMatchObject({ credentials })
    expect(only(frameOf(kinds.AUTH, 0, pack(5))).frame.problem).toMatchObject({ rule: 'body' })
  })

  it('REQUEST: tag, time, metadata and body', () => {
    const metadata = pack({ tenant: 'a' })
    const head = { tag: 0xdeadbeef, timeoutMs: 500, oneWay: true, metadata }
    const { values, places } = only(written((writer) => writeRequest(writer, 7, head, pack({ n: 5n }), 65_536)))
    expect(values).toEqual({
      length: 8 + 2 + metadata.length + 12,
      kind: 'REQUEST',
      flags: ['METADATA', 'ONE_WAY'],
      id: 7,
      tag: 0xdeadbeef,
      timeoutMs: 500,
      'metadata length': metadata.length,
      metadata: { tenant: 'a' },
      body: { n: 5n },
    })
    expect(places.slice(4)).toEqual([
      ['tag', 9, 4],
      ['timeoutMs', 13, 4],
      ['metadata length', 17, 2],
      ['metadata', 19, metadata.length],
      ['body', 19 + metadata.length, 12],
    ])
  })

  it('REQUEST with the hash of its contract', () => {
    const hash = Uint8Array.from({ length: 16 }, (_, index) => index)
    const body = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, ...hash, 0xc0)
    const { values, places } = only(frameOf(kinds.REQUEST, 1, body, flags.HASH | flags.JUDGED))
    expect(values).toMatchObject({ flags: ['HASH', 'JUDGED'], hash, body: null })
    expect(places.slice(-2)).toEqual([
      ['hash', 17, 16],
      ['body', 33, 1],
    ])
  })

  it('RESPONSE: body, with metadata before it', () => {
    const response = written((writer) => writeResponse(writer, 1, pack({ took: '3' }), pack([1]), 65_536))
    expect(only(response).values).toMatchObject({ flags: ['METADATA'], metadata: { took: '3' }, body: [1] })
  })

  it('DATA: each item, with the gap before them', () => {
    const items = Uint8Array.of(0, 0, 0, 7, 1, 0xa1, 0x78, 0x91, 0xc3)
    const { frame, values, places } = only(frameOf(kinds.DATA, 1, items, flags.GAP | flags.WAIT))
    expect(frame).toMatchObject({ kind: 'DATA', problem: undefined })
    expect(values).toMatchObject({ flags: ['GAP', 'WAIT'], 'left out': 7 })
    expect(frame.fields.slice(5).map(({ value }) => value)).toEqual([1, 'x', [true]])
    expect(places.slice(4)).toEqual([
      ['left out', 9, 4],
      ['item', 13, 1],
      ['item', 14, 2],
      ['item', 16, 2],
    ])
    expect(only(frameOf(kinds.DATA, 1, NOTHING)).places).toHaveLength(4)
  })

  it('DATA: an item that is none, behind those that are', () => {
    const { frame } = only(frameOf(kinds.DATA, 1, Uint8Array.of(1, 2, 0x91, 0xc1, 3)))
    expect(frame.fields.slice(4).map(({ value }) => value)).toEqual([1, 2])
    expect(frame.problem).toMatchObject({ rule: 'reserved_byte', offset: 12 })
  })

  it('REQUEST of a stream: no body where its items follow', () => {
    const head = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0)
    const { frame, values } = only(frameOf(kinds.REQUEST, 1, head, flags.INPUT | flags.OUTPUT))
    expect(frame.problem).toBeUndefined()
    expect(values).toMatchObject({ flags: ['INPUT', 'OUTPUT'], tag: 1, timeoutMs: 0 })
    expect(values).not.toHaveProperty('body')
    const request = only(frameOf(kinds.REQUEST, 1, Uint8Array.of(...head, 5), flags.OUTPUT))
    expect(request.values).toMatchObject({ flags: ['OUTPUT'], body: 5 })
  })

  it('PRIORITY: its number', () => {
    const { frame, values } = only(frameOf(kinds.PRIORITY, 1, Uint8Array.of(2), flags.IGNORE))
    expect(frame).toMatchObject({ kind: 'PRIORITY', problem: undefined })
    expect(values).toMatchObject({ flags: ['IGNORE'], priority: 2 })
  })

  it('END: metadata or nothing', () => {
    expect(only(frameOf(kinds.END, 1, NOTHING)).frame).toMatchObject({ kind: 'END', problem: undefined })
    const metadata = pack({ total: '9' })
    const body = Uint8Array.of(0, metadata.length, ...metadata)
    expect(only(frameOf(kinds.END, 1, body, flags.METADATA)).values).toMatchObject({ metadata: { total: '9' } })
  })

  it('ERROR: each entry that it has', () => {
    const error = { code: 'Banned', message: 'no', processed: 'yes' as const, data: { until: new Date(0) } }
    const { values } = only(frameOf(kinds.ERROR, 1, packError(error)))
    expect(values).toMatchObject(error)
    const ofConnection = { code: 'internal', message: 'no', rule: 'frame_kind', lastId: 4 }
    expect(only(frameOf(kinds.ERROR, 0, packError(ofConnection))).values).toMatchObject(ofConnection)
  })

  it.each([
    ...['05', 'ff', 'c0', 'c2', 'c3', 'a178', '80', '81a16bc0', '90', '9205c0'],
    ...['c40101', 'c5000101', 'c60000000101', 'ca3f800000', 'cb3ff0000000000000'],
    ...['cc01', 'cd0001', 'ce00000001', 'cf0000000000000001', 'd001', 'd10001', 'd200000001', 'd30000000000000001'],
    ...['d6ff00000001', 'd7ff0000000000000001', 'c70cff000000000000000000000001', 'c80004ff00000001'],
    ...['c900000004ff00000001', 'd90178', 'da000178', 'db0000000178', 'dc000105', 'dd0000000105'],
    ...['de0001a16bc0', 'df00000001d9016bc0'],
  ])('ERROR with an entry in the form %s, and what follows it', (form) => {
    const value = Buffer.from(form, 'hex')
    const entries = Buffer.concat([
      packError({ code: 'a', message: 'b' }).subarray(1),
      Buffer.from('a178', 'hex'),
      value,
    ])
    const body = Buffer.concat([Uint8Array.of(0xde, 0, 4), entries, Buffer.from('d9017907', 'hex')])
    const { places, values } = only(frameOf(kinds.ERROR, 1, body))
    expect(places.slice(-2)).toEqual([
      ['x', 9 + body.length - 4 - value.length, value.length],
      ['y', 9 + body.length - 1, 1],
    ])
    expect(values['y']).toBe(7)
  })

  it('CANCEL, CREDIT, PING, PONG', () => {
    const payload = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    expect(only(frameOf(kinds.CANCEL, 3, NOTHING)).values).toMatchObject({ kind: 'CANCEL', id: 3 })
    expect(only(written((writer) => writeCredit(writer, 3, 65_536))).values).toMatchObject({ increment: 65_536 })
    expect(only(frameOf(kinds.PING, 0, payload)).values).toMatchObject({ kind: 'PING', payload })
    expect(only(frameOf(kinds.PONG, 0, payload)).values).toMatchObject({ kind: 'PONG', payload })
  })

  it('GOAWAY: last id and reason', () => {
    const { values } = only(written((writer) => writeGoaway(writer, true, 9, 'bye')))
    expect(values).toMatchObject({ flags: ['FINAL'], 'last id': 9, reason: 'bye' })
  })

  it('an unknown kind that may be skipped', () => {
    const { frame, values } = only(Uint8Array.of(0, 0, 1, 77, 0x80, 0, 0, 0, 0, 0xaa))
    expect(frame).toMatchObject({ kind: 'unknown', problem: undefined })
    expect(values).toMatchObject({ kind: 77, flags: ['IGNORE'], body: Uint8Array.of(0xaa) })
    const bare = only(Uint8Array.of(0, 0, 0, 77, 0x80, 0, 0, 0, 0))
    expect(bare.frame).toMatchObject({ kind: 'unknown', problem: undefined })
    expect(Object.keys(bare.values)).not.toContain('body')
  })
})

describe('fragments', () => {
  const body = pack('x'.repeat(100))
  const head = { tag: 5, timeoutMs: 0, oneWay: false }

  it('are shown as they come, and the body at the last', () => {
    const { frames } = describeFrames(written((writer) => writeRequest(writer, 1, head, body, 64)))
    const names = frames.map((frame) => frame.fields.slice(4).map(({ name }) => name))
    expect(names).toEqual([
      ['tag', 'timeoutMs', 'fragment'],
      ['fragment', 'body'],
    ])
    expect(frames[0]?.fields[2]?.value).toEqual(['MORE'])
    expect(frames[1]?.fields.at(-1)).toMatchObject({ value: 'x'.repeat(100), length: body.length })
  })

  it('of several messages take turns', () => {
    const of = (id: number) => written((writer) => writeResponse(writer, id, undefined, pack('y'.repeat(60) + id), 40))
    const [one, two] = [of(1), of(2)]
    const woven = Buffer.concat([one.subarray(0, 49), two.subarray(0, 49), one.subarray(49), two.subarray(49)])
    const ends = describeFrames(woven).frames.map((frame) => frame.fields.find(({ name }) => name === 'body')?.value)
    expect(ends).toEqual([undefined, undefined, `${'y'.repeat(60)}1`, `${'y'.repeat(60)}2`])
  })

  it('of items are shown as they come, and the items at the last', () => {
    const fragments = [
      frameOf(kinds.DATA, 1, Uint8Array.of(0, 0, 0, 2, 0xa3, 0x61), flags.MORE | flags.GAP),
      frameOf(kinds.DATA, 1, Uint8Array.of(0x62), flags.MORE | flags.WAIT),
      frameOf(kinds.DATA, 1, Uint8Array.of(0x63, 7), flags.WAIT),
      frameOf(kinds.DATA, 1, Uint8Array.of(4, 5)),
    ]
    const { frames } = describeFrames(joined(fragments))
    expect(frames.map(({ problem }) => problem)).toEqual(fragments.map(() => undefined))
    expect(frames.map(({ fields }) => fields.slice(4).map(({ name, value }) => [name, value]))).toEqual([
      [
        ['left out', 2],
        ['fragment', Uint8Array.of(0xa3, 0x61)],
      ],
      [['fragment', Uint8Array.of(0x62)]],
      [
        ['fragment', Uint8Array.of(0x63, 7)],
        ['item', 'abc'],
        ['item', 7],
      ],
      [
        ['item', 4],
        ['item', 5],
      ],
    ])
    const bad = frameOf(kinds.DATA, 1, Uint8Array.of(0, 0, 0, 1, 0x62), flags.GAP)
    const broken = describeFrames(Buffer.concat([frameOf(kinds.DATA, 1, Uint8Array.of(0xa3), flags.MORE), bad]))
    expect(broken.frames[1]?.problem).toMatchObject({ rule: 'fragment' })
  })

  it('with flags of their own break a rule', () => {
    const first = frameOf(kinds.RESPONSE, 1, Uint8Array.of(0x91), flags.MORE)
    const second = frameOf(kinds.RESPONSE, 1, Uint8Array.of(0xc0), flags.METADATA)
    const { frames } = describeFrames(Buffer.concat([first, second]))
    expect(frames[1]?.problem).toMatchObject({ rule: 'fragment', offset: first.length + 9 })
  })
})

describe('what breaks a rule', () => {
  const ping = frameOf(kinds.PING, 0, new Uint8Array(8))

  it.each([
    ['a length', Uint8Array.of(0, 0, 7, 10, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7), 'frame_size', 0],
    ['an unknown kind', Uint8Array.of(0, 0, 0, 77, 0, 0, 0, 0, 0), 'frame_kind', 3],
    ['a flag', Uint8Array.of(0, 0, 0, 8, 2, 0, 0, 0, 1), 'frame_flags', 4],
    ['an id', Uint8Array.of(0, 0, 0, 8, 0, 0, 0, 0, 0), 'frame_id', 5],
  ])('%s in the header: at its place, and no frame can be found after it', (_, broken, rule, at) => {
    const { frames, unread } = describeFrames(Buffer.concat([ping, broken, ping]))
    expect(frames.map(({ problem }) => problem?.rule)).toEqual([undefined, rule])
    expect(frames[1]?.problem?.offset).toBe(ping.length + at)
    expect(unread).toBe(broken.length - 9 + ping.length)
  })

  it('within a body: the frames after it are read', () => {
    const bad = frameOf(kinds.RESPONSE, 1, Uint8Array.of(0x92, 0xc0, 0xc1))
    const { frames, unread } = describeFrames(Buffer.concat([bad, ping]))
    expect(frames.map(({ problem }) => problem?.rule)).toEqual(['reserved_byte', undefined])
    expect(frames[0]?.problem?.offset).toBe(9 + 2)
    expect(unread).toBe(0)
  })

  it.each([
    ['a HELLO of another protocol', frameOf(kinds.HELLO, 0, new Uint8Array(6)), 'not_nanowire'],
    ['a HELLO of version 2', frameOf(kinds.HELLO, 0, hello.with(4, 2)), 'version'],
    ['a HELLO without limits', frameOf(kinds.HELLO, 0, Uint8Array.of(...hello.subarray(0, 5), 0x80)), 'hello'],
    ['a REQUEST without a head', frameOf(kinds.REQUEST, 1, new Uint8Array(7)), 'body'],
    ['metadata longer than its frame', frameOf(kinds.RESPONSE, 1, Uint8Array.of(0, 9, 0x80), flags.METADATA), 'body'],
    ['an ERROR that is no map', frameOf(kinds.ERROR, 1, Uint8Array.of(0xc0)), 'body'],
    ['a REQUEST with INPUT and a body', frameOf(kinds.REQUEST, 1, new Uint8Array(9), flags.INPUT), 'body'],
    ['a DATA that ends within its gap', frameOf(kinds.DATA, 1, new Uint8Array(3), flags.GAP), 'body'],
    ['an END with a body', frameOf(kinds.END, 1, Uint8Array.of(0xc0)), 'body'],
    ['a CREDIT of 0', frameOf(kinds.CREDIT, 1, new Uint8Array(4)), 'credit'],
    ['a PRIORITY of 3', frameOf(kinds.PRIORITY, 1, Uint8Array.of(3), flags.IGNORE), 'body'],
  ])('%s', (_, bytes, rule) => expect(only(bytes).frame.problem).toMatchObject({ rule, offset: 9 }))

  it('something else than Nanowire, from its first byte', () => {
    const { frames, unread } = describeFrames(Buffer.from('HTTP/1.1 400 Bad\u001b'))
    expect(frames[0]?.problem).toEqual({
      rule: 'not_nanowire',
      offset: 0,
      message: 'this is no Nanowire: it begins with "HTTP/1.1 400 Bad."',
    })
    expect(unread).toBe(17)
  })

  it('a HELLO raises how long a frame may be', () => {
    const limits = { ...defaultLimits, maxFrameBytes: 100_000 }
    const raised = frameOf(
      kinds.HELLO,
      0,
      packHello({ major: 1, limits, features: [], incarnation: new Uint8Array(16) }),
    )
    const long = frameOf(kinds.RESPONSE, 1, pack('x'.repeat(70_000)))
    expect(describeFrames(Buffer.concat([ping, long])).frames[1]?.problem?.rule).toBe('frame_size')
    expect(describeFrames(Buffer.concat([raised, long])).frames[1]?.problem).toBeUndefined()
  })

  it('an input that ends too early, wherever it does', () => {
    const request = written((writer) =>
      writeRequest(writer, 1, { tag: 1, timeoutMs: 0, oneWay: false }, pack('abc'), 65_536),
    )
    for (let cut = 1; cut < request.length; cut++) {
      const { frames, unread } = describeFrames(request.subarray(0, cut))
      expect([frames.length, unread, frames[0]?.problem?.rule, frames[0]?.problem?.offset]).toEqual([
        1,
        0,
        'truncated',
        cut,
      ])
    }
  })
})

/** Frames that a header can say, with bodies that mostly are none. */
const anyFrame = fc.record({
  kind: fc.constantFrom(...Object.values(kinds)),
  flags: fc.constantFrom(0, 1, 2, 4, 7, 8, 0x20, 0x40, 0x60, 0x80, 0x83),
  id: fc.nat(3),
  body: fc.uint8Array({ maxLength: 40 }),
})

describe('any bytes', () => {
  it('are described without a fall, each byte once', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(anyFrame, { maxLength: 5 }).map((frames) => Buffer.concat(frames.map(encodeFrame))),
    )
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const { frames, unread } = describeFrames(bytes)
        let at = 0
        for (const frame of frames) {
          expect(frame.offset).toBe(at)
          at += frame.length
          let last = frame.offset
          for (const field of frame.fields) {
            expect(field.offset).toBeGreaterThanOrEqual(last)
            last = field.offset
            expect(last).toBeLessThanOrEqual(at)
          }
        }
        expect(at + unread).toBe(bytes.length)
      }),
      { numRuns: 500 },
    )
  })

  it('are the frames that the decoder finds', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 5 }), (frames) => {
        const bytes = Buffer.concat(frames.map(encodeFrame))
        const found: unknown[] = []
        let rule: unknown
        try {
          for (const { kind, id, body } of new FrameDecoder().frames(bytes)) found.push([kind, id, body.length])
        } catch (error) {
          rule = (error as { rule?: unknown }).rule // a ProtocolError has one
        }
        const described = describeFrames(bytes).frames
        const header = (frame: DescribedFrame, name: string) => frame.fields.find((field) => field.name === name)?.value
        const whole = described.slice(0, found.length).map((frame) => [
          kinds[frame.kind as keyof typeof kinds], // all of these kinds are known
          header(frame, 'id'),
          header(frame, 'length'),
        ])
        expect(whole).toEqual(found)
        expect(described[found.length]?.problem?.rule).toBe(rule)
        expect(described.length).toBe(rule === undefined ? found.length : found.length + 1)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the vectors of the spec', () => {
  interface Vector {
    readonly name: string
    readonly hex: string
    readonly error?: string
  }
  const vectors = JSON.parse(readFileSync('spec/vectors/bodies.json', 'utf8')) as Vector[]

  it.each(vectors.map((vector) => [vector.name, vector] as const))('%s', (_, { hex, error }) => {
    const bytes = Buffer.from(hex.replace(/ /g, ''), 'hex')
    expect(describeFrames(bytes).frames[0]?.problem?.rule).toBe(error)
  })
})
