/** What of a body was not written yet (spec/architecture.md): it is copied where it must be and not where it need not, and gives its memory back. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, BodyRest, type FrameWriter } from '../../src/wire/index.ts'
import { takeSpare } from '../../src/wire/spare.ts'
import { writeBytes } from '../../src/wire/writer.ts'

const LARGE = 8_192
const SLACK = 65_536

/** A writer that keeps what it was given as it was given. */
class Taker implements FrameWriter {
  readonly buffer = new Uint8Array(20_000)
  position = 0
  readonly given: Uint8Array[] = []
  ensured = 0

  ensure(bytes: number): void {
    this.ensured += bytes
  }

  lend(): void {}

  takeBack(): boolean {
    return true
  }

  large(bytes: Uint8Array): void {
    this.given.push(bytes)
  }
}

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte)
/** A part of larger memory. */
const within = (memory: number, length: number) => new Uint8Array(memory).subarray(0, length).fill(7)

/** What is written of a body that has to wait from the start. */
function ownedOf(body: Body): Uint8Array {
  const taker = new Taker()
  new BodyRest(body).own().write(taker, body.length)
  expect(taker.given.map(({ length }) => length)).toEqual([body.length])
  return taker.given[0] as Uint8Array // there is one, as was seen
}

beforeEach(() => {
  for (let bytes = 1; bytes <= 2 ** 23; bytes *= 2) while (takeSpare(bytes));
})

describe('a body that has to wait', () => {
  it('stays where it is, where that is its own and not much more', () => {
    const whole = filled(LARGE, 7)
    expect(ownedOf(whole)).toBe(whole)
    const tight = within(2 * LARGE + SLACK, LARGE)
    expect(ownedOf(tight).buffer).toBe(tight.buffer)
    const wide = within(2 * LARGE + SLACK + 1, LARGE)
    const copy = ownedOf(wide)
    expect(copy.buffer).not.toBe(wide.buffer)
    expect([...new Set(copy)]).toEqual([7])
  })

  it('in pieces is copied, for some of them are others’', () => {
    const pieces = [filled(3, 1), filled(LARGE, 2), filled(5, 3)]
    const rest = new BodyRest({ pieces, length: LARGE + 8 }).own()
    for (const piece of pieces) piece.fill(0xee)
    const taker = new Taker()
    rest.write(taker, LARGE + 8)
    const [copy] = taker.given
    expect([...(copy?.subarray(0, 4) ?? []), ...(copy?.subarray(LARGE + 2) ?? [])]).toEqual([
      1, 1, 1, 2, 2, 3, 3, 3, 3, 3,
    ])
    expect(rest.left).toBe(0)
  })

  it('when some of it was written copies what is left, from its place in its piece on', () => {
    const pieces = [filled(3, 1), filled(100, 2), filled(5, 3)]
    const rest = new BodyRest({ pieces, length: 108 })
    const taker = new Taker()
    rest.write(taker, 50)
    expect(rest.left).toBe(58)
    expect(rest.own()).toBe(rest)
    for (const piece of pieces) piece.fill(0xee)
    rest.write(taker, 8)
    rest.own()
    rest.write(taker, 50)
    const expected = [...filled(3, 1), ...filled(100, 2), ...filled(5, 3)]
    expect([...taker.buffer.subarray(0, taker.position)]).toEqual(expected)
    expect(taker.ensured).toBe(108)
  })

  it('and of which nothing is left has nothing to copy', () => {
    const rest = new BodyRest(filled(10, 1))
    rest.write(new Taker(), 10)
    expect(rest.own().left).toBe(0)
    const none = new BodyRest({ pieces: [], length: 0 })
    expect(none.own()).toBe(none)
  })

  it('gives its memory back once, when it is written or dropped', () => {
    const body = () => ({ pieces: [filled(40_000, 1), filled(1, 2)], length: 40_001 })
    for (const end of [
      (rest: BodyRest) => rest.write(new Taker(), 40_001),
      (rest: BodyRest) => rest.drop(),
      (rest: BodyRest) => {
        rest.write(new Taker(), 40_000)
        rest.drop()
        rest.drop()
      },
    ]) {
      const rest = new BodyRest(body()).own()
      expect(takeSpare(1)).toBeUndefined() // it is in use
      end(rest)
      expect(takeSpare(1)).toHaveLength(65_536)
      expect(takeSpare(1)).toBeUndefined()
    }
  })
})

describe('bytes', () => {
  it('are handed over as they are from 8 KiB on, and copied where they are fewer', () => {
    const taker = new Taker()
    const [short, long] = [filled(LARGE - 1, 1), filled(LARGE, 2)]
    writeBytes(taker, short)
    expect([taker.given, taker.position, taker.ensured]).toEqual([[], LARGE - 1, LARGE - 1])
    writeBytes(taker, long)
    expect(taker.given[0]).toBe(long)
    expect([taker.position, taker.ensured]).toEqual([LARGE - 1, LARGE - 1])
  })

  it('of a piece that is written whole are the piece itself, and otherwise the part that is wanted', () => {
    const pieces = [filled(LARGE, 1), filled(3 * LARGE, 2)]
    const rest = new BodyRest({ pieces, length: 4 * LARGE })
    const taker = new Taker()
    rest.write(taker, 2 * LARGE)
    rest.write(taker, 2 * LARGE)
    expect(taker.given[0]).toBe(pieces[0])
    expect(taker.given.slice(1).map(({ byteOffset, length }) => [byteOffset, length])).toEqual([
      [0, LARGE],
      [LARGE, 2 * LARGE],
    ])
    expect(taker.given.slice(1).every(({ buffer }) => buffer === pieces[1]?.buffer)).toBe(true)
  })
})
