/** Every threat of spec/security.md names a test that exists, and every attack of test/hostile has its row there. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { attacks } from '../hostile/attacks/index.ts'
import { tableOf } from './tables.ts'

const threats = tableOf('security.md', 'Attack')
const attacked = tableOf('security.md', 'What it sends')

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

  it('has a row for each attack with real sockets, and says what comes of it', () => {
    const rows = attacked.map((row) => `${row['Test']}: ${row['What it sends']}`)
    const titles = Object.entries(attacks).flatMap(([group, all]) =>
      all.map(({ title }) => `hostile/threats-${group}: ${title}`),
    )
    expect(rows).toEqual(titles)
    expect(attacked.filter((row) => !row['Defence'] || !row['Default'] || !row['What comes of it'])).toEqual([])
  })

  it.each(Object.keys(attacks))('the attacks of %s are run', (group) => {
    const text = readFileSync(`test/hostile/threats-${group}.test.ts`, 'utf8')
    expect(text).toContain(`testAttacks(${group}, `)
  })
})
