/** The examples and the tour run as a newcomer runs them, and end by themselves. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

function run(file: string): string {
  const env = { ...process.env, TSX_TSCONFIG_PATH: 'examples/tsconfig.run.json' }
  return execFileSync(process.execPath, ['--import', 'tsx', file], { encoding: 'utf8', env, timeout: 60_000 })
}

describe('examples', () => {
  it('01-hello answers alike in memory and over TCP', () => {
    const [inMemory, overTcp] = [0, 2].map((from) =>
      run('examples/01-hello/main.ts')
        .split('\n')
        .slice(from, from + 2),
    )
    expect(inMemory).toEqual(["{ text: 'Hello, Ada' }", 'banned until tomorrow'])
    expect(overTcp).toEqual(inMemory)
  })

  it('02-roundtrip finds nothing that does not come back', () => {
    expect(run('examples/02-roundtrip/main.ts')).toMatch(/checked: \d+/)
  })

  it('the tour shows each promise in both places', () => {
    const tour = run('examples/tour.ts')
    for (const place of ['In memory: connect(greeter)', 'Over TCP: connect(']) {
      const part = tour.slice(tour.indexOf(place)).split('\n\n')[0] ?? ''
      expect(part).toContain("a reply: { text: 'Hello, Ada' }")
      expect(part).toContain('a declared error: Banned {"until":"tomorrow"} (handler ran: yes)')
      expect(part).toContain('a cancelled call: cancelled')
      expect(part).toContain('a deadline: deadline_exceeded (handler ran: maybe)')
      expect(part).toContain('a bad request: invalid_argument (handler ran: no)')
      expect(part).toContain('/name')
    }
    expect(tour).toMatch(/in memory [\d.]+ µs, over TCP [\d.]+ µs/)
  })
})
