/** Numbers, text and copies out of bytes (spec/msgpack.md, M8), at the edges where one way of making them ends and another begins. */
import { describe, expect, it } from 'vitest'
import { copyBytes, decodeText, decodeWellFormed, newBuffer, uintAt } from '../../src/wire/octets.ts'

/** The bytes among others, which are no part of them. */
function among(
  bytes: Uint8Array,
  make: (length: number) => Uint8Array = (length) => new Uint8Array(length),
): Uint8Array {
  const buffer = make(bytes.length + 5).fill(0xff)
  buffer.set(bytes, 3)
  return buffer
}

const units = ['a', '\x7f', '\0', '\x80', 'é', '€', '😀', '\ufeff', '\ufffd']

describe('a text', () => {
  it('of any length and width is read, out of any kind of bytes', () => {
    for (const unit of units) {
      for (const length of [0, 1, 2, 3, 4, 5, 7, 8, 23, 24, 25, 26, 31, 100]) {
        for (const text of [unit.repeat(length), `${'x'.repeat(length)}${unit}`, `${unit}${'x'.repeat(length)}`]) {
          const bytes = new TextEncoder().encode(text)
          expect(decodeText(bytes, 0, bytes.length)).toBe(text)
          for (const buffer of [among(bytes), among(bytes, (size) => Buffer.alloc(size))]) {
            expect(decodeText(buffer, 3, 3 + bytes.length)).toBe(text)
            expect(decodeWellFormed(buffer, 3, 3 + bytes.length)).toBe(text)
          }
        }
      }
    }
  })

  it('that is none is not made of bytes that are none, wherever those stand', () => {
    for (const bad of [
      [0xff],
      [0xc0, 0x80],
      [0xe0, 0x9f, 0xbf],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x8f, 0xbf, 0xbf],
      [0xf5, 0x80],
    ]) {
      for (const before of ['', 'x', 'x'.repeat(40), '\ufffd']) {
        const bytes = Uint8Array.of(...new TextEncoder().encode(before), ...bad)
        expect(decodeWellFormed(bytes, 0, bytes.length)).toBeUndefined()
      }
    }
    expect(decodeWellFormed(new TextEncoder().encode('\ufffd'), 0, 3)).toBe('\ufffd') // it says so itself
  })
})

describe('a copy', () => {
  it('has memory of its own, and as much as it is long', () => {
    for (const length of [0, 1, 1_023, 1_024, 1_025, 5_000]) {
      const bytes = new Uint8Array(length).map((_, index) => index * 7)
      for (const buffer of [among(bytes), among(bytes, (size) => Buffer.alloc(size))]) {
        const copy = copyBytes(buffer, 3, 3 + length)
        buffer.fill(0xee)
        expect(copy).toEqual(bytes)
        expect(Object.getPrototypeOf(copy) === Uint8Array.prototype).toBe(true)
        expect(copy.buffer.byteLength).toBe(length)
      }
    }
  })

  it('of nobody’s memory is a buffer of the platform, of that length alone', () => {
    const made = newBuffer(100)
    expect([made.length, made.buffer.byteLength, made instanceof Buffer]).toEqual([100, 100, true])
  })
})

it('a number of one, two or four bytes is read from its first byte on', () => {
  const bytes = Uint8Array.of(9, 0xfe, 0xdc, 0xba, 0x98)
  expect([uintAt(bytes, 1, 1), uintAt(bytes, 1, 2), uintAt(bytes, 1, 4)]).toEqual([0xfe, 0xfedc, 0xfedc_ba98])
})
