/** Entries that outlast a round of ids (src/wire/id-table.ts): two ids of one slot, each found, replaced and removed as itself. */
import { describe, expect, it } from 'vitest'
import { IdTable } from '../../src/wire/id-table.ts'

interface Entry {
  readonly id: number
  readonly mark: number
}

/** As many as the smallest ring has slots. */
const ROUND = 16
const marksOf = (table: IdTable<Entry>) =>
  table
    .entries()
    .map(({ id, mark }) => [id, mark])
    .sort()

describe('two entries whose ids are a round apart', () => {
  function filled() {
    const table = new IdTable<Entry>()
    for (const id of [1, 2, 1 + ROUND]) table.add({ id, mark: 0 })
    return table
  }

  it('are both there, and a third that was not added is not', () => {
    const table = filled()
    expect([table.size, marksOf(table)]).toEqual([
      3,
      [
        [1, 0],
        [1 + ROUND, 0],
        [2, 0],
      ],
    ])
    for (const id of [1, 2, 1 + ROUND]) expect(table.get(id)?.id).toBe(id)
    for (const id of [0, 3, 2 + ROUND, 1 + 2 * ROUND, 1 + 2 ** 31]) {
      expect(table.get(id)).toBeUndefined()
      expect(table.remove(id)).toBeUndefined()
    }
    expect(table.size).toBe(3)
  })

  it('are replaced each by itself', () => {
    const table = filled()
    for (const id of [1, 1 + ROUND]) table.replace({ id, mark: id })
    expect(marksOf(table)).toEqual([
      [1, 1],
      [1 + ROUND, 1 + ROUND],
      [2, 0],
    ])
    expect(table.size).toBe(3)
  })

  it('are removed each by itself, once', () => {
    for (const first of [1, 1 + ROUND]) {
      const table = filled()
      const other = first === 1 ? 1 + ROUND : 1
      expect([table.remove(first)?.id, table.size, table.get(first)]).toEqual([first, 2, undefined])
      expect([table.remove(first), table.size]).toEqual([undefined, 2])
      expect([table.get(other)?.id, table.remove(other)?.id, table.size]).toEqual([other, other, 1])
      expect(marksOf(table)).toEqual([[2, 0]])
    }
  })

  it('are forgotten together', () => {
    const table = filled()
    table.clear()
    expect([table.size, table.entries(), table.get(1), table.get(1 + ROUND)]).toEqual([0, [], undefined, undefined])
    table.replace({ id: 5, mark: 1 }) // of which there is none
    expect(table.get(5)).toBeUndefined()
    table.add({ id: 5, mark: 2 })
    expect(marksOf(table)).toEqual([[5, 2]])
  })
})
