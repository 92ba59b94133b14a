/** The same seed is the same run, bit by bit, whatever ran before it and wherever it runs. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { exerciseOptions } from './services.ts'

const digestOf = async (seed: number, seeds = 1) => (await simulate({ ...exerciseOptions, seed, seeds })).digest

describe('a seed', { timeout: PATIENCE_MS }, () => {
  it('gives the same run again, also after others have run in the process', async () => {
    const seeds = Array.from({ length: 25 }, (_, index) => 500 + index)
    const first: string[] = []
    for (const seed of seeds) first.push(await digestOf(seed))
    await digestOf(9_000, 20)
    const again: string[] = []
    for (const seed of seeds.toReversed()) again.unshift(await digestOf(seed))
    expect(again).toEqual(first)
    expect(new Set(first).size).toBe(seeds.length) // a digest that says nothing is always the same
  })

  it('gives the same run in another process', async () => {
    const args = ['--import', 'tsx', 'test/simulation/replay.ts', '700', '25']
    const elsewhere: unknown = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
    const { digest, calls, virtualMs } = await simulate({ ...exerciseOptions, seed: 700, seeds: 25 })
    expect(elsewhere).toEqual({ digest, calls, virtualMs })
  })

  it('gives the same run alone and in a row', async () => {
    const alone = await digestOf(77)
    const seen: string[] = []
    const workload = undefined
    for (const seed of [75, 76, 77]) seen.push((await simulate({ ...exerciseOptions, workload, seed })).digest)
    expect(seen[2]).toBe(alone)
    expect(await digestOf(75, 3)).not.toBe(await digestOf(76, 2))
  })
})
