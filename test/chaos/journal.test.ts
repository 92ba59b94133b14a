/** What is read of the journal of a process, whatever became of it. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Entry, Journal, readJournal } from './journal.ts'

function path(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nanowire-journal-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'journal')
}

const entries: readonly Entry[] = [
  { what: 'call', id: 'client-0-1', kind: 'run' },
  { what: 'settled', id: 'client-0-1', code: 'ok', processed: 'yes' },
]

function written(): string {
  const file = path()
  const journal = new Journal(file)
  for (const entry of entries) journal.write(entry)
  return file
}

it('is what was written, and nothing of a process that wrote nothing', () => {
  expect(readJournal(written())).toEqual(entries)
  const nothing = path()
  writeFileSync(nothing, '')
  expect(readJournal(nothing)).toEqual([])
})

it('has every whole line of a process that was killed while it wrote, wherever the last one is cut', () => {
  const last = JSON.stringify({ what: 'begin', id: 'client-0-2' } satisfies Entry)
  for (let length = 1; length <= last.length; length++) {
    const file = written()
    appendFileSync(file, last.slice(0, length))
    expect(readJournal(file)).toEqual(entries)
  }
})

it('that is broken anywhere else is no journal', () => {
  const file = written()
  appendFileSync(file, '{"what":"beg\n{"what":"over"}\n')
  expect(() => readJournal(file)).toThrow(SyntaxError)
})
