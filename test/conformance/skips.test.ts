/** What is skipped is what stands here, so that nobody skips a case in passing; `skips.ts` prints it with the reasons. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { conformance } from '../../src/testing/index.ts'
import { places } from './places.ts'
import { skipTable } from './skips.ts'

/** For each place its skipped topics, and how many cases of each. */
const expected: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  memory: { draining: 6, bytes: 11, credentials: 10, verdicts: 3 },
  encoded: { draining: 6, 'server counters': 4, credentials: 10 },
  tcp: {},
  tls: {},
  unix: {},
}

describe('the skips of', () => {
  it('all places are those that are known', () => {
    expect(places.map(({ name }) => name)).toEqual(Object.keys(expected))
  })

  it.each(places)('$name are whole topics, and no others than are known', (place) => {
    const cases = conformance(place)
    const skipped: Record<string, number> = {}
    for (const { topic, skip } of cases) {
      if (skip !== undefined) skipped[topic] = (skipped[topic] ?? 0) + 1
    }
    expect(skipped).toEqual(expected[place.name])
    for (const [topic, count] of Object.entries(skipped)) {
      expect(cases.filter((one) => one.topic === topic)).toHaveLength(count)
    }
  })

  it('all places stand in spec/testing.md', () => {
    const spec = readFileSync('spec/testing.md', 'utf8')
    const [, table = ''] = spec.split('The places of this library skip:')
    const [rows = ''] = table.split('\n## ')
    const written: Record<string, string[]> = {}
    for (const [, names = '', topics = ''] of rows.matchAll(/^\| ([a-z, ]+) \| (`.+?|none) \|/gm)) {
      const listed = [...topics.matchAll(/`(.+?)`/g)].map(([, topic = '']) => topic)
      for (const name of names.split(', ')) written[name] = [...(written[name] ?? []), ...listed].sort()
    }
    const known = Object.entries(expected).map(([name, topics]) => [name, Object.keys(topics).sort()])
    expect(written).toEqual(Object.fromEntries(known))
  })

  it('each place stand in the table, with their reasons', () => {
    const table = skipTable(places)
    for (const place of places) {
      for (const { name, skip } of conformance(place)) {
        if (skip === undefined) continue
        const line = table.split('\n').find((row) => row.startsWith(`| ${place.name} |`) && row.includes(name))
        expect(line).toMatch(new RegExp(` \\| ${skip.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')} \\|$`))
      }
    }
  })
})
