import { describe, expect, test } from 'vitest'
import { firstDifference } from '../../src/testing/difference.ts'

const at = (ms: number) => new Date(ms)
const bytes = (...values: number[]) => Uint8Array.from(values)

describe('firstDifference', () => {
  test.each<[unknown, unknown]>([
    [0, 0],
    [-0, -0],
    [Number.NaN, Number.NaN],
    ['é', 'é'],
    [5n, 5n],
    [null, null],
    [at(5), at(5)],
    [bytes(1, 2), bytes(1, 2)],
    [bytes(1), Buffer.from([1])],
    [
      [1, [2]],
      [1, [2]],
    ],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [{ a: 1, b: undefined }, { a: 1 }],
    [{ a: 1 }, { a: 1, b: undefined }],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('%o and %o are the same', (before, after) => {
    expect(firstDifference(before, after)).toBeUndefined()
  })

  test.each<[unknown, unknown, string]>([
    [0, -0, 'the value: 0 became -0'],
    [5n, 5, 'the value: 5n became 5'],
    [null, undefined, 'the value: null became undefined'],
    ['a', 'b', 'the value: "a" became "b"'],
    [at(1), at(2), 'the value: Date 1 became Date 2'],
    [at(0), {}, 'the value: Date 0 became {}'],
    [{}, at(0), 'the value: {} became Date 0'],
    [bytes(1, 2), bytes(1, 3), 'the value: 2 bytes [1 2] became 2 bytes [1 3]'],
    [bytes(1), bytes(1, 0), 'the value: 1 bytes [1] became 2 bytes [1 0]'],
    [bytes(1), [1], 'the value: 1 bytes [1] became [1]'],
    [{ 0: 1 }, bytes(1), 'the value: {"0":1} became 1 bytes [1]'],
    [[1], [1, 2], 'the value: [1] became [1,2]'],
    [[], {}, 'the value: [] became {}'],
    [{ length: 0 }, [], 'the value: {"length":0} became []'],
    [[undefined], [null], '/0: undefined became null'],
    [{ a: { 'b/c~': [1, 2] } }, { a: { 'b/c~': [1, 3] } }, '/a/b~1c~0/1: 2 became 3'],
    [{ toString: 1 }, {}, '/toString: 1 became undefined'],
    [{}, { extra: 1 }, '/extra: undefined became 1'],
  ])('%o is not %o', (before, after, difference) => {
    expect(firstDifference(before, after)).toBe(difference)
  })
})
