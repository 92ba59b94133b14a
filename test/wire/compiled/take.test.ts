/** What generated decoders call, one by one (spec/codecs.md): each takes what the reference reads, ends where that ends, and leaves the rest. */
import { describe, expect, it } from 'vitest'
import {
  cursor,
  findTag,
  takeBigInt,
  takeBytes,
  takeListHeader,
  takeMapHeader,
  takeName,
  takeNumber,
  takeText,
  takeTimestamp,
  UNDECIDED,
} from '../../../src/wire/compiled/take.ts'
import { skipUnknown } from '../../../src/wire/compiled/unknown.ts'
import { StrictError, unpack } from '../../../src/wire/index.ts'

const limits = { maxDepth: 64, maxNodes: 1_000 }
const hexOf = (bytes: readonly number[]) => Buffer.from(bytes).toString('hex')

/** What the reference reads of these bytes alone; UNDECIDED where they are no strict MessagePack. */
function read(bytes: readonly number[]): unknown {
  try {
    return unpack(Uint8Array.from(bytes), 0, bytes.length, limits)
  } catch (error) {
    if (error instanceof StrictError) return UNDECIDED
    throw error
  }
}

/** What is taken of these bytes among others, which must end where they do. */
function taken(take: (buffer: Uint8Array, at: number, end: number) => unknown, bytes: readonly number[]): unknown {
  cursor.at = -1
  const value = take(Uint8Array.from([0xc1, 0xc1, ...bytes, 0xc1]), 2, 2 + bytes.length)
  if (value !== UNDECIDED) expect(cursor.at, hexOf(bytes)).toBe(2 + bytes.length)
  return value
}

const widths: readonly (readonly [token: number, width: number])[] = [
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]
const payloads = [
  '0000000000000000',
  '0000000000000001',
  '0102030405060708',
  '7fffffffffffffff',
  '7f80000000000000',
  '7fc0000000000000',
  '7ff0000000000000',
  '7ff8000000000000',
  '8000000000000000',
  '80000000ffffffff',
  'fff0000000000000',
  'ff80000000000000',
  'ffffffffffffffff',
  '001fffffffffffff',
  '0020000000000000',
  'ffe0000000000000',
  'ffdfffffffffffff',
].map((hex) => [...Buffer.from(hex, 'hex')])
const numbers = [
  ...Array.from({ length: 256 }, (_, token) => [token]).filter(([token = 0]) => token < 0x80 || token >= 0xe0),
  ...widths.flatMap(([token, width]) => payloads.map((payload) => [token, ...payload.slice(0, width)])),
]

describe('a number', () => {
  it('of any form is taken where it is finite, and a double says it exactly', () => {
    for (const bytes of numbers) {
      const value = read(bytes)
      const isExact = typeof value === 'bigint' ? value >= -(2n ** 53n) && value < 2n ** 53n : Number.isFinite(value)
      expect(taken(takeNumber, bytes), hexOf(bytes)).toBe(isExact ? Number(value) : UNDECIDED)
    }
  })

  it('is a bigint where one is wanted and it is whole by its form', () => {
    for (const bytes of numbers) {
      const value = read(bytes)
      const isFloat = bytes[0] === 0xca || bytes[0] === 0xcb
      expect(taken(takeBigInt, bytes), hexOf(bytes)).toBe(isFloat ? UNDECIDED : BigInt(value as number)) // or a bigint
    }
  })

  it('is nothing else', () => {
    for (let token = 0x80; token < 0xe0; token++) {
      if (token >= 0xca && token <= 0xd3) continue
      const bytes = [token, 0, 0, 0, 0, 0, 0, 0, 0]
      expect([taken(takeNumber, bytes), taken(takeBigInt, bytes)], hexOf(bytes)).toEqual([UNDECIDED, UNDECIDED])
    }
  })
})

describe('an instant', () => {
  const seconds = (value: bigint) => [...Buffer.from(BigInt.asUintN(64, value).toString(16).padStart(16, '0'), 'hex')]
  const u32 = (value: number) => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
  const long = (nanoseconds: number, at: bigint) => [0xc7, 12, 0xff, ...u32(nanoseconds), ...seconds(at)]
  const most = 8_640_000_000_000n

  it.each([
    [0xd6, 0xff, 0, 0, 0, 0],
    [0xd6, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0xd7, 0xff, 0xee, 0x6b, 0x27, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0xd7, 0xff, 0xee, 0x6b, 0x28, 0x00, 0, 0, 0, 0],
    [0xd7, 0xff, 0x00, 0x00, 0x00, 0x02, 0, 0, 0, 1],
    long(0, 0n),
    long(1, -1n),
    long(999_999_999, 1n),
    long(1_000_000_000, 1n),
    long(0, most),
    long(999_999, most),
    long(1_000_000, most),
    long(0, most + 1n),
    long(0, -most),
    long(0, -most - 1n),
    long(999_999_999, -most - 1n),
    long(0, 2n ** 63n),
  ])('of these bytes is what the reference reads: %#', (...bytes) => {
    expect(taken(takeTimestamp, bytes)).toEqual(read(bytes))
  })

  it('of another type, length or form is left', () => {
    const left = [
      [0xd6, 0xfe, 0, 0, 0, 0],
      [0xd7, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0],
      [0xc7, 12, 0xfe, ...u32(0), ...seconds(0n)],
      [0xc7, 4, 0xff, 0, 0, 0, 0],
      [0xc7, 8, 0xff, 0, 0, 0, 0, 0, 0, 0, 0],
      [0xc8, 0, 12, 0xff, ...u32(0), ...seconds(0n)],
      [0xd5, 0xff, 0, 0],
      [0xd8, 0xff, ...new Array<number>(16).fill(0)],
      [0xc0],
    ]
    for (const bytes of left) expect(taken(takeTimestamp, bytes), hexOf(bytes)).toBe(UNDECIDED)
  })
})

describe('texts and bytes', () => {
  const letters = (count: number) => new Array<number>(count).fill(0x61)
  const texts = [
    [0xa0],
    [0xbf, ...letters(31)],
    [0xd9, 0],
    [0xd9, 255, ...letters(255)],
    [0xda, 1, 0, ...letters(256)],
    [0xdb, 0, 0, 1, 0, ...letters(256)],
    [0xa2, 0xc3, 0xa9],
    [0xa3, 0xef, 0xbf, 0xbd],
    [0xa1, 0xff],
    [0xd9, 3, 0xed, 0xa0, 0x80],
  ]
  const blobs = [
    [0xc4, 0],
    [0xc4, 255, ...letters(255)],
    [0xc5, 1, 0, ...letters(256)],
    [0xc6, 0, 0, 1, 0, ...letters(256)],
  ]

  it('are what the reference reads, and nothing where they go on behind the end', () => {
    for (const [take, all] of [
      [takeText, texts],
      [takeBytes, blobs],
    ] as const) {
      for (const bytes of all) {
        expect(taken(take, bytes)).toEqual(read(bytes))
        const whole = Uint8Array.from(bytes)
        for (const cut of [1, 2]) {
          if (bytes.length > cut) expect(take(whole, 0, bytes.length - cut), hexOf(bytes)).toBe(UNDECIDED)
        }
      }
    }
  })

  it('are not each other, nor anything else', () => {
    for (let token = 0; token < 256; token++) {
      const bytes = [token, 0, 0, 0, 0]
      const isText = (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb)
      if (!isText) expect(taken(takeText, bytes), hexOf(bytes)).toBe(UNDECIDED)
      if (token < 0xc4 || token > 0xc6) expect(taken(takeBytes, bytes), hexOf(bytes)).toBe(UNDECIDED)
    }
  })

  it('that name something are no name of what objects inherit', () => {
    const named = (text: string) => taken(takeName, [0xa0 | text.length, ...new TextEncoder().encode(text)])
    expect([named('a'), named(''), named('__proto__'), named('toString'), named('a\nb')]).toEqual([
      'a',
      '',
      UNDECIDED,
      UNDECIDED,
      UNDECIDED,
    ])
    expect(taken(takeName, [0x01])).toBe(UNDECIDED)
  })
})

describe('how many there are in a map or list', () => {
  it.each([
    ['a map', takeMapHeader, 0x80, 0xde, 2],
    ['a list', takeListHeader, 0x90, 0xdc, 1],
  ] as const)('%s says, and no more than its bytes can hold', (_, take, short, long, least) => {
    for (let count = 0; count < 16; count++) {
      expect([take(Uint8Array.of(0xc1, short | count), 1, 2), cursor.at]).toEqual([count, 2])
    }
    const bytes = (header: readonly number[], rest: number) => Uint8Array.from([...header, ...new Uint8Array(rest)])
    for (const header of [
      [long, 0x01, 0x02],
      [long + 1, 0, 0, 0x01, 0x02],
    ]) {
      const rest = 0x0102 * least
      const end = header.length + rest
      expect([take(bytes(header, rest), 0, end), cursor.at]).toEqual([0x0102, header.length])
      expect(take(bytes(header, rest), 0, end - 1)).toBe(-1)
    }
    expect(take(Uint8Array.of(long + 1, 0xff, 0xff, 0xff, 0xff, 0), 0, 6)).toBe(-1)
    for (let token = 0; token < 256; token++) {
      const isIts = (token & 0xf0) === short || token === long || token === long + 1
      if (!isIts) expect(take(Uint8Array.of(token, 0, 0, 0, 0), 0, 5), `${token}`).toBe(-1)
    }
  })
})

describe('what tells objects apart', () => {
  const key = Uint8Array.of(0xa1, 0x6b)
  const find = (...bytes: number[]) => findTag(Uint8Array.from([0xc1, ...bytes]), 1, 1 + bytes.length, key, skipUnknown)

  it('is found under its key, wherever in the map that stands, and behind the map no more', () => {
    expect(find(0x81, ...key, 5)).toBe(4)
    expect(find(0x82, 0xa1, 0x61, 0x91, 7, ...key, 5)).toBe(8)
    expect(find(0xde, 0, 2, 0xa1, 0x61, 0xa2, 0x6b, 0x6b, ...key, 5)).toBe(11)
    expect(find(0x80, ...key, 5)).toBe(-1)
    expect(find(0x81, 0xa1, 0x61, 7, ...key, 5)).toBe(-1)
    expect(find(0x82, 0xa1, 0x61, 7, 0xa1, 0x62, 7, ...key, 5)).toBe(-1)
    expect(find(0x81, 0xa1, 0x61, ...key)).toBe(-1) // it is a value
  })

  it('is not there where the map is none, or what stands before it is none', () => {
    expect(find(0x91, ...key, 5)).toBe(-1)
    expect(find(0x82, 0xa1, 0x61, 0xc1, ...key, 5)).toBe(-1)
    expect(find(0x82, 0xc1, ...key, 5)).toBe(-1)
    expect(find(0x82, 0xa1, 0x61)).toBe(-1)
    expect(find(0x82, 0xa1)).toBe(-1)
  })
})
