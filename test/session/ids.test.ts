/** Call ids and their order (spec/session.md, S3 and S4; RFC 1982). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAfter, nextId } from '../../src/session/index.ts'
import { runs } from '../support/runs.ts'

const HALF = 2 ** 31
const id = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  fc.constantFrom(1, 2, HALF - 1, HALF, HALF + 1, 2 ** 32 - 2, 2 ** 32 - 1),
)

/** The definition of RFC 1982, as it stands there. */
function isAfterByDefinition(one: number, other: number): boolean {
  return (one < other && other - one > HALF) || (one > other && one - other < HALF)
}

describe('S3: the next id', () => {
  it('is one more, and 1 after the last', () => {
    expect(nextId(1)).toBe(2)
    expect(nextId(0)).toBe(1)
    expect(nextId(2 ** 32 - 2)).toBe(2 ** 32 - 1)
    expect(nextId(2 ** 32 - 1)).toBe(1)
  })

  it('is after the one before it, and never 0', () => {
    fc.assert(
      fc.property(id, (one) => {
        expect(isAfter(nextId(one), one)).toBe(true)
        expect(isAfter(one, nextId(one))).toBe(false)
        expect(nextId(one)).not.toBe(0)
      }),
      runs(200),
    )
  })
})

describe('S4: after', () => {
  it('means what RFC 1982 says, where it says something', () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        if (Math.abs(one - other) === HALF) return
        expect(isAfter(one, other)).toBe(isAfterByDefinition(one, other))
      }),
      runs(1_000),
    )
  })

  it('is never true of an id and itself, nor both ways', () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        expect(isAfter(one, one)).toBe(false)
        if (one !== other) expect(isAfter(one, other) && isAfter(other, one)).toBe(false)
      }),
      runs(500),
    )
  })

  it('holds for any number of ids in a row that is below half the circle', () => {
    fc.assert(
      fc.property(id, fc.integer({ min: 1, max: HALF - 1 }), (one, distance) => {
        expect(isAfter((one + distance) % 2 ** 32, one)).toBe(true)
        expect(isAfter((one + HALF + (distance % (HALF - 1))) % 2 ** 32, one)).toBe(false)
      }),
      runs(500),
    )
  })
})
