/** What a header may say, kind by kind, just inside and just outside (spec/protocol.md, P1 to P6). */
import { describe, expect, it } from 'vitest'
import {
  FrameDecoder,
  flags,
  HEADER_BYTES,
  type KindName,
  kindRules,
  kinds,
  ProtocolError,
} from '../../src/wire/index.ts'
import { frameBytes, headedBytes } from '../support/slow-frames.ts'

interface Row {
  readonly number: number
  readonly flags: readonly (keyof typeof flags)[]
  readonly id: 'call' | 'zero' | 'either'
  /** `limit` where `maxFrameBytes` is the only bound. */
  readonly bytes: readonly [number, number | 'limit']
}

/** The table of P1, typed off from spec/protocol.md. */
const table: Readonly<Record<KindName, Row>> = {
  HELLO: { number: 1, flags: [], id: 'zero', bytes: [6, 65_536] },
  AUTH: { number: 2, flags: [], id: 'zero', bytes: [1, 8_192] },
  REQUEST: {
    number: 3,
    flags: ['MORE', 'METADATA', 'ONE_WAY', 'HASH', 'JUDGED', 'INPUT', 'OUTPUT'],
    id: 'call',
    bytes: [0, 'limit'],
  },
  RESPONSE: { number: 4, flags: ['MORE', 'METADATA'], id: 'call', bytes: [0, 'limit'] },
  DATA: { number: 5, flags: ['MORE', 'GAP', 'WAIT'], id: 'call', bytes: [0, 'limit'] },
  END: { number: 6, flags: ['METADATA'], id: 'call', bytes: [0, 'limit'] },
  ERROR: { number: 7, flags: [], id: 'either', bytes: [1, 65_536] },
  CANCEL: { number: 8, flags: [], id: 'call', bytes: [0, 0] },
  CREDIT: { number: 9, flags: [], id: 'either', bytes: [4, 4] },
  PING: { number: 10, flags: [], id: 'zero', bytes: [8, 8] },
  PONG: { number: 11, flags: [], id: 'zero', bytes: [8, 8] },
  GOAWAY: { number: 12, flags: ['FINAL'], id: 'zero', bytes: [4, 1_028] },
  PRIORITY: { number: 13, flags: [], id: 'call', bytes: [1, 1] },
}

const limits = { maxFrameBytes: 70_000, maxHelloBytes: 65_536 }

/** The rule that a header breaks by itself, before its body is there. */
function judge(length: number, kind: number, flagBits: number, id: number): string {
  const decoder = new FrameDecoder(limits)
  decoder.push(headedBytes(length, kind, flagBits, id))
  try {
    decoder.read()
    return 'fine'
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return error.rule
  }
}

const rows = Object.entries(table) as [KindName, Row][] // the keys are the kinds' names
const idOf = ({ id }: Row) => (id === 'call' ? 7 : 0)

describe('P1: the numbers on the wire', () => {
  it('of the kinds are those of the table, and there are no others', () => {
    expect(Object.fromEntries(rows.map(([name, { number }]) => [name, number]))).toEqual(kinds)
    expect(Object.keys(kindRules)).toHaveLength(rows.length)
  })

  it('of the flags are one bit each', () => {
    const request = { MORE: 1, METADATA: 2, ONE_WAY: 4, HASH: 8, JUDGED: 16, INPUT: 32, OUTPUT: 64 }
    expect(flags).toEqual({ ...request, FINAL: 1, GAP: 2, WAIT: 4, IGNORE: 128 })
  })

  it('stand in nine bytes: length, kind, flags and id, each big-endian', () => {
    const decoder = new FrameDecoder(limits)
    decoder.push(Uint8Array.from([0, 1, 2, 3, 0x86, 0xfe, 0xdc, 0xba, 0x98, ...new Uint8Array(0x102)]))
    expect(decoder.read()).toBe(true)
    const { kind, flags: bits, id, start, end } = decoder
    expect([kind, bits, id, start, end - start]).toEqual([kinds.REQUEST, 0x86, 0xfedc_ba98, HEADER_BYTES, 0x102])
  })
})

/** F1: a notify has no streams, and a request with items does not go on itself. */
function mayNotBe(bits: number): boolean {
  const [input, output] = [(bits & flags.INPUT) > 0, (bits & flags.OUTPUT) > 0]
  return (bits & flags.ONE_WAY) > 0 ? input || output : input && (bits & flags.MORE) > 0
}

describe.each(rows)('%s', (_, row) => {
  const { number, bytes, id } = row
  const [min, max] = [bytes[0], bytes[1] === 'limit' ? limits.maxFrameBytes : bytes[1]]
  const allowed = row.flags.reduce((sum, name) => sum | flags[name], 0)

  it(`P2, P4: has ${min} to ${max} bytes of body`, () => {
    expect([judge(min, number, 0, idOf(row)), judge(max, number, 0, idOf(row))]).toEqual(['fine', 'fine'])
    expect(judge(max + 1, number, 0, idOf(row))).toBe('frame_size')
    if (min > 0) expect(judge(min - 1, number, 0, idOf(row))).toBe('frame_size')
  })

  it('P5, F1: has its flags and IGNORE, no other, and none that exclude each other', () => {
    for (let bits = 0; bits < 256; bits++) {
      const isAllowed = (bits & ~(allowed | flags.IGNORE)) === 0 && !(number === kinds.REQUEST && mayNotBe(bits))
      expect(judge(max, number, bits, idOf(row)), `flags ${bits}`).toBe(isAllowed ? 'fine' : 'frame_flags')
    }
  })

  it(`P6: has the id of ${id}`, () => {
    for (const one of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const isAllowed = id === 'either' || (one === 0) === (id === 'zero')
      expect(judge(min, number, 0, one), `id ${one}`).toBe(isAllowed ? 'fine' : 'frame_id')
    }
  })
})

describe('P3: every other kind', () => {
  const others = [0, ...Array.from({ length: 242 }, (_, index) => 14 + index)]

  it('is a breach, unless it may be skipped', () => {
    for (const kind of others) {
      expect(judge(5, kind, 0x7f, 9), `kind ${kind}`).toBe('frame_kind')
      expect(judge(5, kind, 0x80, 9), `kind ${kind}`).toBe('fine')
    }
  })

  it('P2: is no longer than other frames, skipped or not', () => {
    expect(judge(70_001, 200, 0x80, 0)).toBe('frame_size')
    expect(judge(70_000, 200, 0x80, 0)).toBe('fine')
  })

  it('is skipped whole, and the next frame found', () => {
    const decoder = new FrameDecoder(limits)
    const ping = frameBytes(kinds.PING, 0, 0, new Uint8Array(8))
    const skipped = frameBytes(77, 0xff, 0xffff_ffff, new Uint8Array(300).fill(kinds.PING))
    expect([...decoder.frames(Uint8Array.from([...skipped, ...skipped, ...ping]))].map(({ kind }) => kind)).toEqual([
      10,
    ])
    expect(decoder.skipped).toBe(2)
  })
})

it('P1: headers are judged in the order of the rules', () => {
  const tooLong = limits.maxFrameBytes + 1
  expect(judge(tooLong, 99, 0xff, 1)).toBe('frame_size')
  expect(judge(7, kinds.PING, 0xff, 1)).toBe('frame_size')
  expect(judge(8, kinds.PING, 0xff, 1)).toBe('frame_flags')
  expect(judge(8, kinds.PING, 0, 1)).toBe('frame_id')
})
