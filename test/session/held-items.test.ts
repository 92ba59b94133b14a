/** What waits at a receiver (spec/streams.md, F13), against a plain list of bytes and gaps. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeldItems, type Taken } from '../../src/session/held-items.ts'
import { runs } from '../support/runs.ts'

/** Bytes in the order in which they came, each with how many items were left out before it. */
type Told = readonly (readonly [gap: number, byte: number])[]

const step = fc.oneof(
  fc.record({
    adds: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 300 }) }, fc.integer({ min: 1, max: 20_000 })),
    gap: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 2 ** 32 - 1 })),
    /** How much of it is taken where it lies. */
    atOnce: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.double({ min: 0, max: 1, noNaN: true })),
    isWhole: fc.boolean(),
  }),
  fc.record({ takes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 40_000 })) }),
)

/** Takes so many bytes at most, as one who looks at what is in memory at that moment. */
function take(held: HeldItems, most: number, told: [number, number][], released: Taken[]): void {
  let left = most
  for (let chunk = held.chunk; chunk && left > 0; chunk = held.chunk) {
    const gap = held.takeGap()
    const bytes = Math.min(left, chunk.end - chunk.start)
    expect(bytes).toBeGreaterThan(0)
    chunk.buffer
      .subarray(chunk.start, chunk.start + bytes)
      .forEach((byte, at) => void told.push([at > 0 ? 0 : gap, byte]))
    const taken = held.taken(bytes)
    if (taken) released.push(taken)
    left -= bytes
  }
}

describe('items that wait', () => {
  it('are told as they came, byte by byte and gap by gap, however they were cut', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const held = new HeldItems()
        const frame = new Uint8Array(20_010)
        const expected: [number, number][] = []
        const told: [number, number][] = []
        const lent: Taken[] = []
        const released: Taken[] = []
        let next = 0
        for (const one of steps) {
          if ('takes' in one) {
            take(held, one.takes, told, released)
            continue
          }
          const { adds, gap, atOnce, isWhole } = one
          for (let at = 0; at < adds; at++) {
            frame[5 + at] = next++
            expected.push([at > 0 ? 0 : gap, (next - 1) & 0xff])
          }
          const memory = isWhole ? frame.slice() : frame
          const whole = isWhole ? { whole: { flags: 0, isLendable: false, body: memory }, roomBytes: 0 } : undefined
          if (whole) lent.push(whole)
          const added = held.add(memory, 5, 5 + adds, gap, whole)
          take(held, Math.floor(atOnce * (expected.length - told.length)), told, released)
          const kept = held.keep(added)
          if (kept) released.push(kept)
          for (const taken of released) taken.whole.body.fill(0xee) // others use it
          frame.fill(0xee)
        }
        take(held, Number.POSITIVE_INFINITY, told, released)
        expectSame(told, expected)
        expect([held.bytes, held.chunk, held.takeGap()]).toEqual([0, undefined, 0])
        expect(new Set(released)).toEqual(new Set(lent))
        expect(released.length).toBe(lent.length)
      }),
      runs(200),
    )
  })

  it('give back what they hold when nobody takes them any more, and each but once', () => {
    const held = new HeldItems()
    const wholes = Array.from({ length: 3 }, () => ({
      whole: { flags: 0, isLendable: false, body: new Uint8Array(9_000) },
      roomBytes: 1,
    }))
    for (const whole of wholes) held.keep(held.add(whole.whole.body, 0, 9_000, 0, whole))
    expect([held.taken(9_000), held.bytes]).toEqual([wholes[0], 18_000])
    expect(held.clear()).toEqual(wholes.slice(1))
    expect([held.clear(), held.bytes, held.chunk]).toEqual([[], 0, undefined])
  })

  it('count what it takes to know of gaps for as long as they are not told', () => {
    const held = new HeldItems()
    for (let n = 0; n < 10; n++) held.keep(held.add(Uint8Array.of(n), 0, 1, 7, undefined))
    expect(held.bytes).toBe(50)
    expect([held.takeGap(), held.bytes]).toEqual([7, 46])
    held.taken(1)
    expect([held.chunk && held.chunk.end - held.chunk.start, held.bytes]).toEqual([1, 45])
  })
})

/** Keeps an item of so many bytes, out of a frame that others use afterwards. */
function keep(held: HeldItems, bytes: number, gap = 0): void {
  const frame = new Uint8Array(bytes + 10).fill(bytes % 251)
  held.keep(held.add(frame, 5, 5 + bytes, gap, undefined))
  frame.fill(0xee)
}

/** Of the chunks that wait: how many bytes each has, and in how much memory. */
function chunks(held: HeldItems): [bytes: number, memory: number][] {
  const found: [number, number][] = []
  for (let chunk = held.chunk; chunk; chunk = held.chunk) {
    const bytes = chunk.end - chunk.start
    found.push([bytes, chunk.buffer.length])
    held.takeGap()
    held.taken(bytes)
  }
  return found
}

describe('the memory of what waits', () => {
  it('is one buffer for short items, as long as they need or twice that, and up to 16,384 bytes', () => {
    const few = new HeldItems()
    keep(few, 100)
    expect(few.chunk?.buffer).toEqual(new Uint8Array(100).fill(100))
    keep(few, 50)
    keep(few, 150)
    expect(few.bytes).toBe(300)
    expect(chunks(few)).toEqual([[300, 300]])
    const many = new HeldItems()
    for (let count = 0; count < 5; count++) keep(many, 4_096)
    expect(chunks(many)).toEqual([
      [16_384, 16_384],
      [4_096, 4_096],
    ])
  })

  it('is a buffer of its own for an item above 4,096 bytes, behind which short ones find room', () => {
    const held = new HeldItems()
    for (const bytes of [4_096, 4_097, 4_096, 1]) keep(held, bytes)
    expect(chunks(held)).toEqual([
      [4_096, 4_096],
      [4_097 + 4_096 + 1, 16_384],
    ])
  })

  it.each([
    [8_191, 8_191],
    [8_192, 16_384],
    [16_384, 16_384],
    [16_385, 16_385],
  ])('for %d bytes is %d, of which those of 16,384 are used again', (bytes, memory) => {
    const held = new HeldItems()
    keep(held, bytes)
    expect(chunks(held)).toEqual([[bytes, memory]])
  })

  it('that has 16,384 bytes is used again when all of it was taken or thrown away, and not before', () => {
    const [held, other] = [new HeldItems(), new HeldItems()]
    const isIn = (buffer: Uint8Array | undefined, { chunk }: HeldItems) => chunk?.buffer === buffer
    keep(held, 16_384)
    const first = held.chunk?.buffer
    held.taken(16_384)
    keep(held, 16_384)
    keep(held, 16_384)
    expect(isIn(first, held)).toBe(true)
    held.taken(16_383)
    keep(other, 16_384)
    expect(isIn(first, other)).toBe(false)
    held.taken(1)
    const second = held.chunk?.buffer
    expect(isIn(first, held)).toBe(false)
    held.clear()
    other.taken(16_384)
    keep(held, 16_384)
    keep(held, 16_384)
    held.taken(16_384)
    expect(isIn(second, held)).toBe(true)
  })

  it('is that of the message for one that came whole and long, and its own for a short one', () => {
    const held = new HeldItems()
    const lent = (bytes: number): Taken => ({
      whole: { flags: 0, isLendable: false, body: new Uint8Array(bytes) },
      roomBytes: 0,
    })
    const [short, long] = [lent(4_096), lent(4_097)]
    expect(held.keep(held.add(short.whole.body, 0, 4_096, 0, short))).toBe(short)
    expect(held.chunk?.buffer === short.whole.body).toBe(false)
    expect(held.taken(4_096)).toBeUndefined()
    expect(held.keep(held.add(long.whole.body, 0, 4_097, 0, long))).toBeUndefined()
    expect(held.chunk?.buffer === long.whole.body).toBe(true)
    keep(held, 10) // not into memory that is not its own
    expect(held.taken(4_097)).toBe(long)
    expect(chunks(held)).toEqual([[10, 10]])
    expect(held.taken(1)).toBeUndefined()
  })

  it('is not kept twice: one that was taken at once leaves nothing, and the one before it stays as it is', () => {
    const held = new HeldItems()
    keep(held, 100)
    const frame = new Uint8Array(20).fill(7)
    const added = held.add(frame, 0, 20, 0, undefined)
    held.taken(100)
    held.taken(20)
    expect([held.keep(added), held.chunk, held.bytes]).toEqual([undefined, undefined, 0])
    keep(held, 30)
    expect(held.keep(added)).toBeUndefined()
    expect(chunks(held)).toEqual([[30, 30]])
  })

  it('is its own for what is left of a long message, where that is short', () => {
    const held = new HeldItems()
    const long: Taken = { whole: { flags: 0, isLendable: false, body: new Uint8Array(5_000) }, roomBytes: 0 }
    const added = held.add(long.whole.body, 0, 5_000, 0, long)
    held.taken(2_000)
    expect(held.keep(added)).toBe(long)
    expect(chunks(held)).toEqual([[3_000, 3_000]])
  })

  it('is not that of items which have gone: one that comes behind them waits by itself', () => {
    const held = new HeldItems()
    keep(held, 100)
    const frame = new Uint8Array(20).fill(7)
    const added = held.add(frame, 0, 20, 0, undefined)
    held.taken(100)
    held.keep(added)
    expect(held.bytes).toBe(20)
    expect(chunks(held)).toEqual([[20, 20]])
  })

  it('goes on behind the last that were left out, once these were told', () => {
    const held = new HeldItems()
    keep(held, 100)
    keep(held, 50, 3)
    held.taken(100)
    expect(held.takeGap()).toBe(3)
    keep(held, 30)
    expect(held.chunk && held.chunk.end - held.chunk.start).toBe(80)
    held.taken(80)
    expect([held.chunk, held.bytes]).toEqual([undefined, 0])
  })

  it('of items with some left out between is one buffer, too, of which each part is told by itself', () => {
    const held = new HeldItems()
    for (const [bytes, gap] of [
      [100, 0],
      [50, 0],
      [30, 3],
      [20, 0],
      [10, 4],
    ] as const)
      keep(held, bytes, gap)
    const told: unknown[] = []
    const memory = new Set<Uint8Array>()
    for (let chunk = held.chunk; chunk; chunk = held.chunk) {
      memory.add(chunk.buffer)
      told.push([held.takeGap(), chunk.end - chunk.start])
      held.taken(chunk.end - chunk.start)
    }
    expect(told).toEqual([
      [0, 150],
      [3, 50],
      [4, 10],
    ])
    expect(memory.size).toBe(1)
  })

  it('is that of the items which wait, however many have gone before them', () => {
    const held = new HeldItems()
    for (let count = 0; count < 200; count++) {
      keep(held, 5_000 + count)
      if (count > 0) held.taken(4_999 + count)
      expect([held.bytes, held.chunk?.buffer[0]]).toEqual([5_000 + count, (5_000 + count) % 251])
    }
    expect(held.clear()).toEqual([])
  })
})

/** Long lists are compared by hand: to show how they differ takes longer than all else. */
function expectSame(told: Told, expected: Told): void {
  expect(told.length).toBe(expected.length)
  const other = told.findIndex(([gap, byte], at) => gap !== expected[at]?.[0] || byte !== expected[at]?.[1])
  if (other >= 0) expect([other, told[other]]).toEqual([other, expected[other]])
}
