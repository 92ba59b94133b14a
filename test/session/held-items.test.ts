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

/** Long lists are compared by hand: to show how they differ takes longer than all else. */
function expectSame(told: Told, expected: Told): void {
  expect(told.length).toBe(expected.length)
  const other = told.findIndex(([gap, byte], at) => gap !== expected[at]?.[0] || byte !== expected[at]?.[1])
  if (other >= 0) expect([other, told[other]]).toEqual([other, expected[other]])
}
