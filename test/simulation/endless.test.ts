/** A run that never comes to rest is told as one, and holds neither the process nor the clock of a test (spec/testing.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract, NanowireError, service, unary } from '../../src/index.ts'
import { type FaultKind, type SimulateOptions, type Simulation, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const One = contract('one', { go: unary(Type.Object({}), Type.Integer()) })
const services = () => service(One, { go: () => 1 })

/** More than may follow each other. */
const MANY = 12_000

async function failureOf(options: Partial<SimulateOptions>): Promise<string> {
  const error: unknown = await simulate({ services, ...options }).catch((reason: unknown) => reason)
  if (error instanceof NanowireError) return error.message
  throw new Error(`simulate ended with ${String(error)}`)
}

/** A call that fails before it leaves. */
const unfit = (sim: Simulation) => sim.client(One).go.try(5 as never) // as a program without types calls it

describe('a loop of calls that fail at once', { timeout: PATIENCE_MS }, () => {
  it.each<[FaultKind, number]>([
    ['clientClose', 13],
    ['serverClose', 2],
  ])('is told to go on and on, and not run again: %s', async (kind, seed) => {
    let runs = 0
    const workload = async (sim: Simulation) => {
      runs++
      const { go } = sim.client(One)
      for (let times = 0; times < 20; times++) {
        while (!(await go.try({})).ok);
        await sim.sleep(50)
      }
    }
    const message = await failureOf({ faults: [kind], seed, workload })
    expect(message).toMatch(
      /^seed \d+: it goes on and on: does a loop wait for no time, is a stream read that never ends\?: call \d+ \(one\/go\)\n/,
    )
    expect(runs).toBe(1)
  })

  it.each<[FaultKind, number]>([
    ['clientClose', 13],
    ['serverClose', 2],
  ])('is found where it only asks whether calls can be made: %s', async (kind, seed) => {
    const untilReady = async ({ connection }: Simulation): Promise<void> => {
      for (;;) {
        try {
          return await connection.ready()
        } catch {} // it asks again
      }
    }
    const workload = async (sim: Simulation) => {
      for (let times = 0; times < 60; times++) {
        await untilReady(sim)
        await sim.sleep(50)
      }
    }
    expect(await failureOf({ faults: [kind], seed, workload })).toMatch(
      /^seed \d+: it goes on and on: does a loop wait/,
    )
  })

  it('is found in an invariant, which is named', async () => {
    const holds = async (sim: Simulation) => {
      while (!(await unfit(sim)).ok);
    }
    const message = await failureOf({ faults: [], seed: 1, calls: 1, invariants: { 'it ends': holds } })
    expect(message).toMatch(/^seed 1: it goes on and on in the invariant "it ends": does a loop wait for no time/)
  })

  it('is none where they are made all at once, however many', async () => {
    const workload = async (sim: Simulation) => {
      await Promise.all(Array.from({ length: MANY }, () => unfit(sim)))
    }
    const { codes } = await simulate({ services, faults: [], seed: 1, workload })
    expect(codes).toEqual({ invalid_argument: MANY })
  })
})
