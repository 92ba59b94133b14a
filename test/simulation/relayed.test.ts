/** Several clients and servers that call each other, in a world where each of them may crash (spec/testing.md). */
import { expect, it } from 'vitest'
import { simulate } from '../../src/testing/index.ts'
import { slabsTaken } from '../../src/transport/slab.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { relayed } from './relayed.ts'

const CALLS = 12

it(
  'S3 to S28, F1 to F22 across three servers: what one asks of another ends once, in time, and with the call that asked',
  async () => {
    const { options } = relayed()
    const report = await simulate({ ...options, calls: CALLS, seed: 1, seeds: runs(400).numRuns })
    const { seeds, calls, codes, connections, faults, items } = report
    if (process.env['NANOWIRE_RUNS']) console.info(JSON.stringify(report))
    expect(calls).toBeGreaterThan(1.3 * CALLS * seeds) // those of the clients, and those of the front server
    expect(connections).toBeGreaterThan(3 * seeds)
    expect(items).toBeGreaterThan(seeds)
    for (const code of ['ok', 'left', 'killed', 'Gone', 'cancelled', 'deadline_exceeded', 'unavailable'])
      expect(codes[code] ?? 0, code).toBeGreaterThan(calls / 200)
    for (const kind of ['serverCrash', 'clientCrash', 'halfOpen', 'reorder', 'clockJump'] as const)
      expect(faults[kind], kind).toBeGreaterThan(seeds / 20)
    expect(slabsTaken()).toBe(0)
  },
  PATIENCE_MS,
)
