/** The arithmetic of the benchmark. */
import { describe, expect, it } from 'vitest'
import { median, medianRatio, medians, percentile } from './statistics.ts'

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[10, 9], 9.5],
    [[7], 7],
    [[100, 20, 3], 20],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected))

  it('of nothing is no number', () => expect(median([])).toBeNaN())

  it('leaves its input in its order', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('percentile', () => {
  const thousand = Float64Array.from({ length: 1_000 }, (_, index) => index + 1)

  it.each([
    [0.5, 500],
    [0.99, 990],
    [0.999, 999],
    [1, 1_000],
    [0, 1],
  ])('%d of 1 to 1000 is %d', (share, expected) => expect(percentile(thousand, share)).toBe(expected))

  it('of one value is that value', () => expect(percentile(Float64Array.of(7), 0.999)).toBe(7))
  it('of nothing is no number', () => expect(percentile(new Float64Array(0), 0.5)).toBeNaN())
})

describe('ratios', () => {
  it('are taken within a round, so that a slow round slows both', () => {
    expect(medianRatio([200, 20, 400], [100, 10, 200])).toBe(2)
    expect(medianRatio([300, 10, 20], [100, 100, 10])).toBe(2)
  })

  it('need a figure of both', () => {
    expect(medianRatio([], [1, 2])).toBeNaN()
    expect(medianRatio([4, 9], [2])).toBe(2)
  })
})

it('medians take each figure on its own', () => {
  const rounds = [
    { rate: 1, p50: 30 },
    { rate: 3, p50: 10 },
    { rate: 2, p50: 20 },
  ]
  expect(medians(rounds)).toEqual({ rate: 2, p50: 20 })
})
