/** Every threat of spec/security.md names a test that exists, and every attack of test/hostile has its row there. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { attacks } from '../hostile/attacks/index.ts'
import { tableOf } from './tables.ts'

const threats = tableOf('security.md', 'Attack')
const attacked = tableOf('security.md', 'What it sends')

/** Where a title stands: in a call of the test runner, as a property, or first in a row of a table. */
const PLACES =
  /(?:\b(?:it|test|describe)(?:\.\w+)*\(|\)\(|\b(?:name|title):|\n\s*\[)\s*(?:'((?:\\.|[^'\\])*)'|"([^"]*)")/g

/** The titles of a file, as their source spells them. */
function titlesOf(file: string): Set<string> {
  const path = `test/${file}.test.ts`
  if (!existsSync(path)) return new Set()
  const found = readFileSync(path, 'utf8').matchAll(PLACES)
  return new Set(Array.from(found, ([, single, double]) => single?.replaceAll("\\'", "'") ?? double ?? ''))
}

describe('security.md', () => {
  it.each(threats)('$Attack: has a test', ({ Test = '' }) => {
    const [, file = '', title = ''] = /^([\w/-]+): (.+)$/.exec(Test) ?? []
    expect(title, Test).not.toBe('')
    expect(titlesOf(file), Test).toContain(title)
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
