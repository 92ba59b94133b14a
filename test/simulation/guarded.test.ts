/** A server that asks who its clients are, in a world where that fails, takes long and is asked again (spec/session.md, S29). */
import { expect, it } from 'vitest'
import { simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { CALLS, guarded } from './guarded.ts'

it(
  'S23 to S28 with credentials: who is not let in runs nothing, and every call ends once',
  async () => {
    const { options, seen } = guarded()
    const { seeds, calls, codes, processed } = await simulate({ ...options, seed: 1, seeds: runs(300).numRuns })
    expect(calls).toBeGreaterThan(seeds * CALLS) // and streams
    for (const code of [
      'ok',
      'unauthenticated',
      'unavailable',
      'deadline_exceeded',
      'resource_exhausted',
      'permission_denied',
    ])
      expect(codes[code] ?? 0, code).toBeGreaterThan(calls / 200)
    for (const how of ['no', 'maybe', 'yes']) expect(processed[how] ?? 0, how).toBeGreaterThan(calls / 100)
    expect(seen.renewals).toBeGreaterThan(seeds)
    expect(seen.carried).toBeGreaterThan(seeds)
    expect([...seen.principals.keys()].filter((name) => name !== 'Ada').length).toBeGreaterThan(5) // renewed ones
  },
  PATIENCE_MS,
)
