/** The tables of spec/debugging.md and spec/wireshark/README.md are those of the code. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DiagnosticMessages } from '../../src/rpc/diagnostics.ts'
import { tableOf } from './tables.ts'

/** The type says that none is left out, and none too many. */
type Fields = { readonly [Name in keyof DiagnosticMessages]: Readonly<Record<keyof DiagnosticMessages[Name], boolean>> }

const call = { method: true, side: true, peer: true }
const connection = { side: true, peer: true, url: true }

/** Which fields are told on each channel; `false` for one that its type has for another channel. */
const fields: Fields = {
  'nanowire:call:start': { ...call, code: false, processed: false, durationMs: false },
  'nanowire:call:end': { ...call, code: true, processed: true, durationMs: true },
  'nanowire:connection:open': { ...connection, wasOpen: false, code: false, message: false },
  'nanowire:connection:close': { ...connection, wasOpen: true, code: true, message: true },
  'nanowire:limit': { side: true, limit: true, peer: true, message: true },
  'nanowire:violation': { side: true, rule: true, peer: true, message: true },
}

const told = (of: Readonly<Record<string, boolean>>): string[] => Object.keys(of).filter((name) => of[name])

describe('debugging.md', () => {
  it('has every channel with its fields', () => {
    const table = tableOf('debugging.md', 'Channel').map((row) => [row['Channel'], row['Fields']?.split(', ')])
    expect(table).toEqual(Object.entries(fields).map(([name, of]) => [name, told(of)]))
  })

  it('explains every field', () => {
    const explained = tableOf('debugging.md', 'Field').map((row) => row['Field'])
    expect(new Set(explained)).toEqual(new Set(Object.values(fields).flatMap(told)))
  })
})

it('the dissector has the preferences and fields that its README names', () => {
  const source = readFileSync('spec/wireshark/nanowire.lua', 'utf8')
  const preferences = [...source.matchAll(/^nanowire\.prefs\.(\w+) =/gm)].map(([, name]) => `nanowire.${name}`)
  const named = tableOf('wireshark/README.md', 'Preference').map((row) => row['Preference'])
  expect(new Set(named)).toEqual(new Set(preferences))
  const filters = tableOf('wireshark/README.md', 'Filter').map(
    (row) => /nanowire\.[\w.]+/.exec(row['Filter'] ?? '')?.[0],
  )
  const shown = [...source.matchAll(/(?:ProtoField\.\w+|ProtoExpert\.new)\("(nanowire\.[\w.]+)"/g)].map(
    ([, name]) => name,
  )
  expect(filters.length).toBeGreaterThan(0)
  expect(filters.filter((name) => !shown.includes(name))).toEqual([])
})
