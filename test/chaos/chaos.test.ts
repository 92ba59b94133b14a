/** A short campaign with real processes, and bugs that it must see; `npm run chaos` is the long one. */
import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PATIENCE_MS } from '../support/runs.ts'
import { buildPrograms, type Planted } from './children.ts'
import { runRound } from './round.ts'

/** In which a bug must show: what comes of a seed depends on the processes' own timing too. */
const MAX_ROUNDS = 8

describe('processes that are killed, stopped and cut off', () => {
  it('lose and double nothing beyond what callers were told', { timeout: PATIENCE_MS }, async () => {
    const programs = await buildPrograms()
    const report = await runRound(programs, { seed: 1, faults: 100, kills: 4, stops: 3 })
    expect(report.findings).toEqual([])
    expect(report.kills).toBeGreaterThanOrEqual(4)
    expect(report.stops).toBeGreaterThanOrEqual(3)
    expect(Object.values(report.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(100)
    expect(Object.keys(report.faults).length).toBeGreaterThan(5)
    expect(report.faults['slowClose']).toBeGreaterThan(0)
    expect(report.outcomes['run ok yes']).toBeGreaterThan(0)
    expect(report.outcomes['run unavailable maybe']).toBeGreaterThan(0)
  })

  it.each<[string, Planted, RegExp]>([
    [
      'says of a call that left, and was given up, that it did not leave',
      { file: 'src/rpc/remote.ts', right: "this.#hasLeft ? 'maybe' : 'no'", wrong: "'no'" },
      /was told that its handler did not run, but it did: \w+ (cancelled|deadline_exceeded) no/,
    ],
    [
      'says so of what is lost with its connection',
      { file: 'src/session/caller.ts', right: "left ? cause.processed : 'no'", wrong: "'no'" },
      /was told that its handler did not run, but it did: \w+ unavailable no/,
    ],
    [
      'runs a handler twice',
      {
        file: 'src/rpc/serving.ts',
        right: '    runForCall(this, call, route, body, ctx, told)\n',
        wrong: '    for (let n = oneWay ? 0 : 1; n < 2; n++) runForCall(this, call, route, body, ctx, told)\n',
      },
      /the handler of client-0-\d+ \(note\) ran 2 times/,
    ],
    [
      'loses a reply now and then',
      {
        file: 'src/session/callee.ts',
        right: '    if (this.#begin(frame, head, false)) this.#deliver(id, head, buffer, end)\n',
        wrong: '    if (this.#begin(frame, head, false) && id % 16 !== 0) this.#deliver(id, head, buffer, end)\n',
      },
      /met no fault, and was lost: \w+ deadline_exceeded maybe/,
    ],
  ])('betray a library that %s', { timeout: PATIENCE_MS }, async (_, planted, finding) => {
    const programs = await buildPrograms(planted)
    let found = ''
    for (let seed = 1; seed <= MAX_ROUNDS && !finding.test(found); seed++) {
      const options = { seed, faults: 50, kills: 0, stops: 1, servers: 1, clients: 1 }
      const { findings, journals } = await runRound(programs, options)
      found += findings.map((line) => `${line}\n`).join('')
      if (journals) rmSync(journals, { recursive: true })
    }
    expect(found).toMatch(finding)
  })
})
