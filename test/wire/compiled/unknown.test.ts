/** What nobody declares is skipped exactly where the strict walk passes it (spec/codecs.md): every first byte, cut everywhere, and every key. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_UNKNOWN_DEPTH, skipUnknown, UnknownNames } from '../../../src/wire/compiled/unknown.ts'
import { StrictError, walkFirst } from '../../../src/wire/strict.ts'
import { runs } from '../../support/runs.ts'
import { strictMessage } from '../arbitrary-msgpack.ts'

const limits = { maxDepth: MAX_UNKNOWN_DEPTH, maxNodes: Number.POSITIVE_INFINITY }

/** Where the value ends, by the strict walk; -1 where it finds none. */
function walked(bytes: Uint8Array, at: number, end: number): number {
  try {
    return walkFirst(bytes, at, end, limits)
  } catch (error) {
    if (error instanceof StrictError) return -1
    throw error
  }
}

/** Of any bytes both say the same, whatever is around them. */
function expectSame(bytes: Uint8Array, at: number, end: number): void {
  const [skipped, expected] = [skipUnknown(bytes, at, end), walked(bytes, at, end)]
  if (skipped !== expected) expect(skipped, `${Buffer.from(bytes).toString('hex')} from ${at} to ${end}`).toBe(expected)
}

describe('a value that nobody declares', () => {
  const tails = [
    [],
    new Array<number>(20).fill(0),
    new Array<number>(20).fill(1),
    new Array<number>(20).fill(0xff),
    [0x0c, 0xff, ...new Array<number>(18).fill(0)],
    [0xff, ...new Array<number>(19).fill(0)],
    [0xa1, 0x61, 0xa1, 0x62, 0xa1, 0x63, 0xa1, 0x64],
    [0x00, 0x02, 0xa1, 0x61, 0x01, 0xa1, 0x62, 0x02],
    [...new Array<number>(31).fill(0x61), 0x80],
    [...new Array<number>(30).fill(0x61), 0xc3, 0xa9],
  ]

  it('of any first byte is as long as the strict walk says, cut wherever', () => {
    for (let token = 0; token < 256; token++) {
      for (const tail of tails) {
        const bytes = Uint8Array.from([0xc1, token, ...tail])
        for (let end = 1; end <= bytes.length; end++) expectSame(bytes, 1, end)
      }
    }
  })

  it('is as long as the strict walk says, of any strict message and of any bytes', () => {
    fc.assert(
      fc.property(fc.oneof(strictMessage, fc.uint8Array({ maxLength: 40 })), fc.nat(3), (message, cut) => {
        const bytes = Uint8Array.from([0xc1, ...message, 0xa1])
        expectSame(bytes, 1, bytes.length - 1)
        expectSame(bytes, 1, Math.max(1, bytes.length - 1 - cut))
      }),
      runs(500),
    )
  })

  it('is left where it is deeper than eight, and leaves nothing open behind it', () => {
    const nested = (depth: number) => Uint8Array.from([...new Array<number>(depth).fill(0x91), 0xc0])
    expect([skipUnknown(nested(8), 0, 9), skipUnknown(nested(9), 0, 10)]).toEqual([9, -1])
    const twice = Uint8Array.of(0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 1)
    for (let times = 0; times < 3; times++) expect(skipUnknown(twice, 0, 7)).toBe(-1)
    expect(skipUnknown(Uint8Array.of(0x81, 0xa1, 0x61, 1), 0, 4)).toBe(4)
    expect(() => skipUnknown(undefined as never, 0, 4)).toThrow(TypeError) // a fault of whoever asks, not of the peer
  })
})

describe('the names that nobody declares in one map', () => {
  const keyOf = (name: string): number[] => {
    const text = [...new TextEncoder().encode(name)]
    return text.length < 32 ? [0xa0 | text.length, ...text] : [0xd9, text.length, ...text]
  }
  /** Each name in turn: whether it is new, and ends where it does. */
  function areNew(names: readonly string[]): boolean[] {
    const keys = names.map(keyOf)
    const bytes = Uint8Array.from([0xc1, ...keys.flat(), 0xc1])
    const seen = new UnknownNames()
    let at = 1
    return keys.map((key) => {
      const to = seen.skipKey(bytes, at, bytes.length - 1)
      expect([-1, at + key.length]).toContain(to)
      at += key.length
      return to >= 0
    })
  }

  it('are each there once, be they few or many', () => {
    const many = Array.from({ length: 40 }, (_, index) => `${'name '.repeat(index % 9)}${index}`)
    for (const count of [1, 2, 15, 16, 17, 18, 40]) {
      const names = many.slice(0, count)
      expect(areNew(names)).toEqual(names.map(() => true))
      for (const again of new Set([0, 1, 14, 15, 16, 17, count - 1].filter((at) => at < count))) {
        const name = names[again] as string // it is within
        expect(areNew([...names, name, 'another'])).toEqual([...names.map(() => true), false, true])
      }
    }
  })

  it('are told apart by all their bytes', () => {
    expect(areNew(['', 'a', 'b', 'ab', 'aa', 'ba', 'a\0', 'é', 'e\u0301'])).toEqual(new Array(9).fill(true))
    expect(areNew(['abc', 'abd', 'xbc', 'abc'])).toEqual([true, true, true, false])
  })

  it('are any but __proto__, in their shortest form, and text', () => {
    const skip = (...bytes: number[]) =>
      new UnknownNames().skipKey(Uint8Array.from([0xc1, ...bytes, 1]), 1, bytes.length + 1)
    const letters = (count: number) => new Array<number>(count).fill(0x61)
    expect([skip(0xa0), skip(0xbf, ...letters(31)), skip(0xd9, 32, ...letters(32))]).toEqual([2, 33, 35])
    expect([skip(0xd9, 255, ...letters(255)), skip(0xd9, 31, ...letters(31)), skip(0xd9, 0)]).toEqual([258, -1, -1])
    expect([skip(0xda, 0, 32, ...letters(32)), skip(0xdb, 0, 0, 0, 32, ...letters(32))]).toEqual([-1, -1])
    expect([
      skip(1),
      skip(0xc0),
      skip(0x91, 1),
      skip(0xc4, 32, ...letters(32)),
      skip(0xd8, 32, ...letters(32)),
    ]).toEqual([-1, -1, -1, -1, -1])
    expect([skip(...keyOf('__proto__')), skip(...keyOf('__proto_')), skip(0xa1, 0xff)]).toEqual([-1, 10, -1])
  })

  it('end within the message', () => {
    const bytes = Uint8Array.of(0xa3, 0x61, 0x62, 0x63)
    expect([3, 4].map((end) => new UnknownNames().skipKey(bytes, 0, end))).toEqual([-1, 4])
  })
})
