/** The table of ids against a Map: whatever is added, replaced and removed, in whatever order. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextId } from '../../src/session/ids.ts'
import { IdTable } from '../../src/wire/id-table.ts'

interface Entry {
  readonly id: number
  readonly mark: number
}

type Step = { readonly do: 'add' | 'remove' | 'replace' | 'miss'; readonly pick: number }

const steps = fc.array(
  fc.record<Step>({ do: fc.constantFrom('add', 'add', 'add', 'remove', 'remove', 'replace', 'miss'), pick: fc.nat() }),
  { maxLength: 400 },
)

/** What both say of every id that was ever used. */
function requireSame(table: IdTable<Entry>, model: ReadonlyMap<number, Entry>, used: ReadonlySet<number>): void {
  expect(table.size).toBe(model.size)
  for (const id of used) expect(table.get(id)).toBe(model.get(id))
  expect(new Set(table.entries())).toEqual(new Set(model.values()))
}

describe('a table of ids', () => {
  it('is a map, also where ids wrap and some outlast many others', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 7, 0xffff_fff0, 0xffff_ffff), steps, (firstId, todo) => {
        const table = new IdTable<Entry>()
        const model = new Map<number, Entry>()
        const used = new Set<number>()
        let lastId: number = firstId
        for (const [mark, { do: what, pick }] of todo.entries()) {
          const ids = [...model.keys()]
          const known = ids[pick % Math.max(1, ids.length)]
          if (what === 'add') {
            do lastId = nextId(lastId)
            while (model.has(lastId))
            const entry = { id: lastId, mark }
            table.add(entry)
            model.set(lastId, entry)
            used.add(lastId)
          } else if (what === 'miss') {
            expect(table.remove(nextId(lastId))).toBeUndefined()
          } else if (known !== undefined && what === 'remove') {
            expect(table.remove(known)).toBe(model.get(known))
            model.delete(known)
          } else if (known !== undefined) {
            const entry = { id: known, mark }
            table.replace(entry)
            model.set(known, entry)
          }
        }
        requireSame(table, model, used)
        table.clear()
        requireSame(table, new Map(), used)
      }),
    )
  })

  it('finds the one that outlasted ten thousand others', () => {
    const table = new IdTable<Entry>()
    const first = { id: 1, mark: 0 }
    table.add(first)
    for (let id = 2; id <= 10_000; id++) {
      table.add({ id, mark: id })
      expect(table.remove(id)?.mark).toBe(id)
    }
    expect([table.get(1), table.size]).toEqual([first, 1])
  })

  it('holds more than its ring has slots', () => {
    const table = new IdTable<Entry>()
    for (let id = 1; id <= 20_000; id++) table.add({ id, mark: id })
    expect(table.size).toBe(20_000)
    for (let id = 1; id <= 20_000; id++) expect(table.remove(id)?.mark).toBe(id)
    expect([table.size, table.entries()]).toEqual([0, []])
  })
})
