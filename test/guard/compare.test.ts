/** The guard's judgement: what it lets pass, what it does not, and what it says (`npm run check:guard`). */
import { describe, expect, it } from 'vitest'
import { type Cost, type Figures, FOREIGN_BYTES_MARGIN, judge, MARGINS, WAYS } from './compare.ts'
import stored from './figures.json' with { type: 'json' }

const cost: Cost = { bytes: 1_000_000, writes: 200, promises: 2_000 }
const figures = (costs: Figures['costs'], node = 20): Figures => ({ node, costs })
const before = figures({ way: cost })

const goodOf = (measured: Figures) => judge(measured, before).map(({ isGood }) => isGood)
const linesOf = (measured: Figures) => judge(measured, before).map(({ line }) => line)

describe('a cost', () => {
  it('that is the stored one is good, and so is a lower one', () => {
    expect(goodOf(before)).toEqual([true, true, true])
    expect(goodOf(figures({ way: { bytes: 0, writes: 0, promises: 0 } }))).toEqual([true, true, true])
  })

  it.each(['bytes', 'writes', 'promises'] as const)('of %s may rise by its margin, and by no more', (kind) => {
    const most = Math.floor(cost[kind] * (1 + MARGINS[kind]))
    const index = ['bytes', 'writes', 'promises'].indexOf(kind)
    const goodAt = (count: number) => goodOf(figures({ way: { ...cost, [kind]: count } }))
    expect(goodAt(most)).toEqual([true, true, true])
    expect(goodAt(most + 1)).toEqual([true, true, true].with(index, false))
    expect(goodAt(Number.NaN)).toEqual([true, true, true].with(index, false))
  })

  it('of nothing may not become one of something', () => {
    const none = figures({ way: { ...cost, writes: 0 } })
    const [, writes] = judge(figures({ way: { ...cost, writes: 1 } }), none)
    expect(writes?.isGood).toBe(false)
  })

  it('in bytes has more room with another version of Node, and the others have not', () => {
    const bytes = Math.floor(cost.bytes * (1 + FOREIGN_BYTES_MARGIN))
    expect(goodOf(figures({ way: { ...cost, bytes } }, 24))).toEqual([true, true, true])
    expect(goodOf(figures({ way: { ...cost, bytes: bytes + 1 } }, 24))).toEqual([false, true, true])
    expect(goodOf(figures({ way: { bytes, writes: 400, promises: 4_000 } }, 24))).toEqual([true, false, false])
  })

  it('that is not stored, or was not measured, is not good', () => {
    expect(goodOf(figures({ way: cost, another: cost }))).toEqual([true, true, true, false])
    expect(goodOf(figures({}))).toEqual([false])
  })
})

it('says which cost it is, how far it may go and how far it has gone', () => {
  expect(linesOf(figures({ way: { bytes: 1_500_000, writes: 200, promises: 1_000 } }))).toEqual([
    '✗ way: bytes 1,500,000 of at most 1,030,000: 150.0 % of the stored 1,000,000, too many',
    '✓ way: writes 200 of at most 220: as stored',
    '✓ way: promises 1,000 of at most 2,040: 50.0 % of the stored 2,000; store it, lest it rise again',
  ])
})

it('has figures for each way in which calls are made', () => {
  expect(Object.keys(stored.costs)).toEqual([...WAYS])
  for (const way of Object.values(stored.costs)) expect(way.bytes > 0 && way.promises > 0).toBe(true)
})
