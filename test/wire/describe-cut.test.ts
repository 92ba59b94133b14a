/** Frames as people are shown them (spec/protocol.md), where the input ends too early or is none of ours: what is there, and in which words. */
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../src/limits.ts'
import { problemOf } from '../../src/wire/describe-body.ts'
import { describeHeader } from '../../src/wire/describe-header.ts'
import { describeFrames, flags, type Kind, kinds, pack } from '../../src/wire/index.ts'
import { frameBytes, headedBytes, joined } from '../support/slow-frames.ts'

const ping = frameBytes(kinds.PING, 0, 0, new Uint8Array(8).fill(7))

describe('a header', () => {
  it('has the fields that are there whole', () => {
    const bytes = joined([Uint8Array.of(0xee, 0xee), headedBytes(0x01_02_03, kinds.REQUEST, flags.MORE, 0xfedc_ba98)])
    const fields = [
      { name: 'length', offset: 2, length: 3, value: 0x01_02_03 },
      { name: 'kind', offset: 5, length: 1, value: 'REQUEST' },
      { name: 'flags', offset: 6, length: 1, value: ['MORE'] },
      { name: 'id', offset: 7, length: 4, value: 0xfedc_ba98 },
    ]
    const counts = [0, 0, 0, 1, 2, 3, 3, 3, 3, 4]
    for (const [there, count] of counts.entries())
      expect(describeHeader(bytes.subarray(0, 2 + there), 2), `${there} bytes`).toEqual(fields.slice(0, count))
  })

  it.each([
    ['REQUEST', kinds.REQUEST, 0xff, ['MORE', 'METADATA', 'ONE_WAY', 'HASH', 'JUDGED', 'INPUT', 'OUTPUT', 'IGNORE']],
    ['RESPONSE', kinds.RESPONSE, 0x07, ['MORE', 'METADATA', '0x04']],
    ['DATA', kinds.DATA, 0x87, ['MORE', 'GAP', 'WAIT', 'IGNORE']],
    ['GOAWAY', kinds.GOAWAY, 0x03, ['FINAL', '0x02']],
    ['END', kinds.END, 0x03, ['METADATA', '0x01']],
    ['PING', kinds.PING, 0x7f, ['0x7f']],
    ['a kind that nobody knows', 77, 0x81, ['IGNORE', '0x01']],
    ['PONG', kinds.PONG, 0, []],
  ])('of %s names its own flags, and the others by their number', (_, kind, bits, names) => {
    expect(describeHeader(headedBytes(0, kind, bits, 0), 0)[2]?.value).toEqual(names)
  })
})

describe('an input that ends', () => {
  it('within a header says how much of it is there', () => {
    for (let there = 1; there < 9; there++) {
      const [, cut] = describeFrames(joined([ping, ping.subarray(0, there)])).frames
      expect(cut).toMatchObject({ kind: there > 3 ? 'PING' : 'unknown', offset: 17, length: there })
      expect(cut?.problem).toEqual({
        rule: 'truncated',
        offset: 17 + there,
        message: `the input ends after ${there} of the 9 bytes of a header`,
      })
    }
  })

  it('within a body says how much of it is there, and shows that', () => {
    for (let there = 0; there < 8; there++) {
      const [, cut] = describeFrames(joined([ping, ping.subarray(0, 9 + there)])).frames
      expect(cut?.problem).toEqual({
        rule: 'truncated',
        offset: 26 + there,
        message: `the input ends after ${there} of the 8 bytes of the body`,
      })
      const body = { name: 'cut body', offset: 26, length: there, value: new Uint8Array(there).fill(7) }
      expect(cut?.fields.slice(4)).toEqual(there === 0 ? [] : [body])
    }
  })
})

describe('an input that is no Nanowire', () => {
  it('is told by its first byte, which no length has, and shown up to 40 bytes', () => {
    const text = (words: string) => Uint8Array.from(words, (character) => character.charCodeAt(0))
    const [frame, ...others] = describeFrames(text(`GET "/~\x7f\x1f\x20${'x'.repeat(30)}yz`)).frames
    expect(others).toEqual([])
    expect(frame).toEqual({
      kind: 'unknown',
      offset: 0,
      length: 0,
      fields: [],
      problem: {
        rule: 'not_nanowire',
        offset: 0,
        message: `this is no Nanowire: it begins with ${JSON.stringify(`GET "/~.. ${'x'.repeat(30)}`)}`,
      },
    })
  })

  it('is told so only where no frame may be so long', () => {
    const ruleOf = (first: number, maxFrameBytes: number) => {
      const { frames } = describeFrames(Uint8Array.of(first, 0, 0, kinds.REQUEST, 0, 0, 0, 0, 1), {
        ...defaultLimits,
        maxFrameBytes,
      })
      return frames[0]?.problem?.rule
    }
    expect([ruleOf(1, 65_536), ruleOf(2, 65_536)]).toEqual(['truncated', 'not_nanowire'])
    expect([ruleOf(2, 131_072), ruleOf(3, 131_072)]).toEqual(['truncated', 'not_nanowire'])
    expect([ruleOf(1, 1_024), ruleOf(2, 1_024)]).toEqual(['frame_size', 'not_nanowire'])
  })

  it('is not told so of what stands behind a frame', () => {
    const { frames, unread } = describeFrames(joined([ping, new TextEncoder().encode('GET / HTTP/1.1')]))
    expect(frames.map(({ problem }) => problem?.rule)).toEqual([undefined, 'frame_size'])
    expect(unread).toBe(5)
  })
})

describe('a frame whose header is none', () => {
  it('has nothing behind its header, and HELLO a bound of its own', () => {
    const hello = headedBytes(2_000, kinds.HELLO, 0, 0, new Uint8Array(2_000))
    const { frames, unread } = describeFrames(hello, { ...defaultLimits, maxHelloBytes: 1_024 })
    expect(frames).toMatchObject([
      {
        kind: 'HELLO',
        length: 9,
        problem: { rule: 'frame_size', offset: 0, message: expect.stringContaining('2000') },
      },
    ])
    expect([frames[0]?.fields.length, unread]).toEqual([4, 2_000])
  })
})

it('a further fragment with flags of its own is told', () => {
  const first = frameBytes(kinds.RESPONSE, flags.MORE, 1, [0x91])
  const again = frameBytes(kinds.RESPONSE, flags.METADATA, 1, [0xc0])
  expect(describeFrames(joined([first, again])).frames[1]?.problem?.message).toBe('a further fragment with flags')
})

describe('a body behind another frame', () => {
  /** The fields behind the header, and what is wrong, of the second frame: its body begins at 26. */
  function second(kind: Kind, body: readonly number[], bits = 0, id = 1) {
    const frame = describeFrames(joined([ping, frameBytes(kind, bits, id, body)])).frames[1]
    return { fields: frame?.fields.slice(4).map((field) => Object.values(field)), problem: frame?.problem }
  }

  it('has its fields where they lie, as long as they are', () => {
    expect(second(kinds.GOAWAY, [0, 0, 0, 9, 0x62, 0x79, 0x65], 0, 0)).toEqual({
      fields: [
        ['last id', 26, 4, 9],
        ['reason', 30, 3, 'bye'],
      ],
    })
    expect(second(kinds.AUTH, [0xa2, 0x61, 0x62], 0, 0)).toEqual({ fields: [['credentials', 26, 3, 'ab']] })
    expect(second(kinds.CREDIT, [0, 0, 0, 7])).toEqual({ fields: [['increment', 26, 4, 7]] })
    expect(second(kinds.CANCEL, [])).toEqual({ fields: [] })
    expect(second(kinds.END, [0, 1, 0x80], flags.METADATA).fields).toEqual([
      ['metadata length', 26, 2, 1],
      ['metadata', 28, 1, {}],
    ])
  })

  it('shows what should not be there', () => {
    expect(second(kinds.END, [0xc0, 5])).toMatchObject({
      fields: [['body', 26, 2, Uint8Array.of(0xc0, 5)]],
      problem: { rule: 'body', offset: 26 },
    })
    const head = [0, 0, 0, 1, 0, 0, 0, 0]
    expect(second(kinds.REQUEST, [...head, 9], flags.INPUT)).toMatchObject({
      fields: [expect.anything(), expect.anything(), ['body', 34, 1, Uint8Array.of(9)]],
      problem: { rule: 'body', offset: 26 },
    })
    expect(second(kinds.REQUEST, head, flags.INPUT).fields).toHaveLength(2)
  })

  it('that is no strict MessagePack is told at its place where that lies in the input', () => {
    expect(second(kinds.RESPONSE, [0x91, 0xc1]).problem).toMatchObject({ rule: 'reserved_byte', offset: 27 })
    expect(second(kinds.ERROR, [0x81, 0xc1]).problem).toMatchObject({ rule: 'body', offset: 26 })
    const [first, last] = [
      frameBytes(kinds.RESPONSE, flags.MORE, 1, [0x92]),
      frameBytes(kinds.RESPONSE, 0, 1, [5, 0xc1]),
    ]
    expect(describeFrames(joined([ping, first, last])).frames[2]?.problem).toMatchObject({
      rule: 'reserved_byte',
      offset: 36, // of the last fragment, for its place is in several
    })
  })

  it('in fragments has each of its items as long as it is', () => {
    const fragments = [
      frameBytes(kinds.DATA, flags.MORE, 1, [7, 0xa2, 0x61]),
      frameBytes(kinds.DATA, 0, 1, [0x62, 0xa1, 0x63]),
    ]
    const { fields } = describeFrames(joined([ping, ...fragments])).frames[2] ?? {}
    expect(fields?.slice(5)).toEqual([
      { name: 'item', offset: 38, length: 1, value: 7 },
      { name: 'item', offset: 38, length: 3, value: 'ab' },
      { name: 'item', offset: 38, length: 2, value: 'c' },
    ])
  })

  it('that goes on may wait where it is items, and not where it is a request', () => {
    const head = [0, 0, 0, 1, 0, 0, 0, 0]
    const rules = (kind: Kind, first: readonly number[], bits: number) =>
      describeFrames(joined([frameBytes(kind, flags.MORE, 1, first), frameBytes(kind, bits, 1, pack(5))])).frames.map(
        ({ problem }) => problem?.rule,
      )
    expect(rules(kinds.DATA, [5], flags.WAIT)).toEqual([undefined, undefined])
    expect(rules(kinds.REQUEST, head, flags.ONE_WAY)).toEqual([undefined, 'fragment']) // the same bit
  })
})

it('a fault that is no breach of a rule is no problem of the bytes', () => {
  expect(() => problemOf(new TypeError('a fault'), () => 0)).toThrow(new TypeError('a fault'))
})
