/** A message in fragments, at the edges of what is set aside for it (spec/protocol.md, P31 to P34; spec/streams.md, F15). */
import { beforeEach, describe, expect, it } from 'vitest'
import { announcedBytes, Reassembler } from '../../src/wire/index.ts'
import { takeOut, takeSpare } from '../../src/wire/spare.ts'

const limits = { maxMessageBytes: 1_000_000, maxReassemblyBytes: 4_000_000 }
const some = new Uint8Array(200_000).fill(7)

/** Adds so many bytes to the message 1, out of the midst of a buffer. */
function add(reassembler: Reassembler, bytes: number, more: boolean, announced = 0, ahead?: number) {
  return reassembler.add(1, 0, some, 3, 3 + bytes, more, false, announced, ahead)
}

/** What is counted for a message whose first fragments have so many bytes. */
function held(sizes: readonly number[], announced = 0, ahead?: number): number {
  const reassembler = new Reassembler(limits)
  for (const bytes of sizes) add(reassembler, bytes, true, announced, ahead)
  return reassembler.heldBytes
}

/** Whatever other tests have left. */
beforeEach(() => {
  for (let bytes = 1; bytes <= 2 ** 23; bytes *= 2) while (takeSpare(bytes));
})

describe('F15: the fragments of a message', () => {
  const feed = (count: number, bytes: number) => () => {
    const reassembler = new Reassembler(limits)
    for (let times = 0; times < count; times++) add(reassembler, bytes, true)
    return reassembler.fragments
  }

  it('are 1,024 at most, and one more for each KiB of them', () => {
    expect(feed(1_024, 0)()).toBe(1_024)
    expect(feed(1_025, 0)).toThrow(
      expect.objectContaining({ rule: 'fragment', message: '1025 fragments of 1 with 0 bytes together' }),
    )
    expect(feed(1_025, 1)()).toBe(1_025)
    expect(feed(1_026, 1)).toThrow(
      expect.objectContaining({ rule: 'fragment', message: '1026 fragments of 1 with 1026 bytes together' }),
    )
    expect(feed(1_026, 2)()).toBe(1_026)
    expect(feed(1_027, 2)).toThrow('1027 fragments of 1 with 2054 bytes together')
  })

  it('are counted of what is thrown away as well, and of each message by itself', () => {
    const reassembler = new Reassembler(limits)
    const empty = (id: number) => reassembler.add(id, 0, some, 0, 0, true, id === 2)
    for (let times = 0; times < 1_024; times++) for (const id of [1, 2]) empty(id)
    for (const id of [1, 2]) expect(() => empty(id)).toThrow(`1025 fragments of ${id} with 0 bytes together`)
  })
})

describe('what is counted for a message', () => {
  it('is what has come, and twice what it had where that was not enough', () => {
    expect([held([100]), held([100, 1]), held([100, 100]), held([100, 101]), held([100, 100, 1])]).toEqual([
      100, 200, 200, 201, 400,
    ])
  })

  it('is what it announces once a sixteenth of that has come, as far as its word goes', () => {
    expect([held([99], 1_600), held([100], 1_600), held([100, 5], 1_600)]).toEqual([99, 1_600, 1_600])
    expect([held([100], 1_600, 1_600), held([100], 1_600, 1_599)]).toEqual([1_600, 100])
    expect([held([1_600], 1_600), held([1_601], 1_600)]).toEqual([1_600, 1_601])
    expect([held([50, 40], 1_600), held([50, 50, 1], 1_600)]).toEqual([100, 1_600])
  })

  it('is no more than what is left of all that may be held', () => {
    const small = { maxMessageBytes: 1_000, maxReassemblyBytes: 1_600 }
    const of = (sizes: readonly number[], announced = 0) => {
      const reassembler = new Reassembler(small)
      const results = sizes.map((bytes) => add(reassembler, bytes, true, announced))
      return [reassembler.heldBytes, ...results]
    }
    expect(of([900, 100])).toEqual([1_600, undefined, undefined])
    expect(of([900, 700, 1])).toEqual([0, undefined, undefined, 'maxReassemblyBytes'])
    expect(of([100], 1_600)).toEqual([1_600, undefined])
    expect(of([100], 1_601)).toEqual([100, undefined])
    const room = new Reassembler({ maxMessageBytes: 1_000, maxReassemblyBytes: 200_000 })
    const most = 1_000 + 26 + 65_535
    expect(add(room, most, true)).toBeUndefined()
    expect(add(room, 1, true)).toBe('maxMessageBytes')
    expect([room.heldBytes, room.isDiscarded(1), room.isDiscarded(2), room.flagsOf(2)]).toEqual([0, true, false, 0])
  })

  it('is nothing where nothing has begun', () => {
    const fresh = new Reassembler(limits)
    fresh.remove(1)
    fresh.discard(1)
    expect([fresh.wanted, fresh.size, fresh.heldBytes, fresh.has(1)]).toEqual([[], 0, 0, false])
  })
})

describe('the memory of a message', () => {
  const wholeOf = (sizes: readonly number[], announced = 0) => {
    const reassembler = new Reassembler(limits)
    for (const bytes of sizes.slice(0, -1)) add(reassembler, bytes, true, announced)
    const whole = add(reassembler, sizes.at(-1) ?? 0, false, announced)
    if (typeof whole !== 'object') throw new Error('it is not whole')
    expect([whole.body.length, new Set(whole.body), reassembler.heldBytes]).toEqual([
      sizes.reduce((sum, bytes) => sum + bytes, 0),
      new Set([7]),
      0,
    ])
    return { whole, release: () => reassembler.release(whole) }
  }

  it('is used again when nobody reads it any more', () => {
    const { whole, release } = wholeOf([70_000, 10_000])
    expect(whole.isLendable).toBe(false)
    release()
    expect(takeSpare(1e5)?.buffer).toBe(whole.body.buffer)
  })

  it('is used again where a value might have been handed out of it and was not', () => {
    const [kept, handed] = [wholeOf([70_000, 10_000], 80_000), wholeOf([70_000, 10_000], 80_000)]
    expect([kept.whole.isLendable, handed.whole.isLendable]).toEqual([true, true])
    expect(takeOut(handed.whole.body, 0, 80_000).buffer).toBe(handed.whole.body.buffer)
    handed.release()
    expect(takeSpare(1)).toBeUndefined()
    kept.release()
    expect(takeSpare(70_000)?.buffer).toBe(kept.whole.body.buffer)
  })

  it('is a spare buffer where a long one is wanted, and there is one', () => {
    const first = wholeOf([70_000, 10_000])
    first.release()
    expect(wholeOf([2_000, 2_096]).whole.body.buffer).not.toBe(first.whole.body.buffer)
    expect(wholeOf([50_000, 50_000]).whole.body.buffer).toBe(first.whole.body.buffer)
  })
})

describe('how long a message says it is', () => {
  const announced = (bytes: readonly number[], start: number, valueAt: number, end = bytes.length) =>
    announcedBytes(Uint8Array.from(bytes), start, valueAt, end)

  it('is its head, and the length of its bytes', () => {
    expect(announced([9, 9, 9, 0xc4, 5], 1, 3)).toBe(4 + 5)
    expect(announced([9, 9, 9, 0xc5, 1, 2, 7], 1, 3)).toBe(5 + 0x0102)
    expect(announced([9, 9, 9, 0xc6, 1, 2, 3, 4, 7], 1, 3)).toBe(7 + 0x0102_0304)
  })

  it('is not known of anything else, or where the length is not whole', () => {
    const ones = new Array<number>(40).fill(1) // as many as any width could take
    for (const token of [0xc0, 0xc3, 0xc7, 0xc8, 0xd9, 0xdc, 0x05]) expect(announced([token, ...ones], 0, 0)).toBe(0)
    expect([announced([0xc4], 0, 0), announced([0xc5, 1], 0, 0), announced([0xc6, 1, 2, 3], 0, 0)]).toEqual([0, 0, 0])
    expect([announced([0xc4, 5], 0, 0), announced([0xc4, 5], 0, 0, 1), announced([1], 0, 5)]).toEqual([7, 0, 0])
  })
})
