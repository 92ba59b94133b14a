/** Every threat of spec/security.md names a test that exists. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tableOf } from './tables.ts'

const threats = tableOf('security.md', 'Attack')

/** The text of a title as its source spells it. */
function hasTitle(file: string, title: string): boolean {
  const path = `test/${file}.test.ts`
  if (!existsSync(path)) return false
  const text = readFileSync(path, 'utf8').replaceAll("\\'", "'")
  return text.includes(title)
}

describe('security.md', () => {
  it.each(threats)('$Attack: has a test', ({ Test = '' }) => {
    const [, file = '', title = ''] = /^([\w/-]+): (.+)$/.exec(Test) ?? []
    expect(title, Test).not.toBe('')
    expect(hasTitle(file, title), Test).toBe(true)
  })

  it('says what stands against each, and by default', () => {
    expect(threats.filter((row) => !row['Defence'] || !row['Default'])).toEqual([])
    expect(threats.length).toBeGreaterThan(20)
  })
})
