/** What a report says of faults: each is counted where it happens, and nowhere else. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract, serverStream, service, unary } from '../../src/index.ts'
import { type FaultKind, type SimulationReport, simulate } from '../../src/testing/index.ts'
import { Lane, type LaneOptions } from '../../src/testing/simulate/lane.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const Desk = contract('desk', {
  add: unary(Type.Object({}), Type.Integer()),
  list: serverStream(Type.Object({}), Type.Integer()),
})

/** What a lane counts, of chunks of so many bytes. */
function countOf(options: LaneOptions, sizes: readonly number[], isHealed = false): Record<string, number> {
  const counted = { split: 0, delay: 0, join: 0 }
  const clock = new VirtualClock(1, 0)
  const lane = new Lane(clock, { ...options, injected: (kind) => counted[kind]++ })
  if (isHealed) lane.heal()
  for (const size of sizes) lane.carry(new Uint8Array(size), () => {})
  clock.runAll()
  return counted
}

describe('what a network does to chunks', { timeout: PATIENCE_MS }, () => {
  it.each<[string, LaneOptions, readonly number[], Record<string, number>]>([
    ['is not split where it is one byte', { maxPieces: 5 }, [1, 1, 1], { split: 0, delay: 0, join: 0 }],
    ['is split once each, into however many pieces', { maxPieces: 5 }, [1, 900, 900], { split: 2, delay: 0, join: 0 }],
    ['is not delayed by the time that its connection takes', { latencyMs: 9 }, [4], { split: 0, delay: 0, join: 0 }],
    ['is joined where several come at once', { joinShare: 1 }, [4, 4, 4], { split: 0, delay: 0, join: 1 }],
  ])('%s', (_, options, sizes, counted) => {
    expect(countOf(options, sizes)).toEqual(counted)
  })

  it('is delayed where it is late, which half of it is not', () => {
    const { delay = 0 } = countOf({ maxDelayMs: 1 }, new Array(100).fill(9))
    expect(delay).toBeGreaterThan(30)
    expect(delay).toBeLessThan(70)
  })

  it('is neither split nor delayed once nothing goes wrong any more', async () => {
    expect(countOf({ maxPieces: 5, maxDelayMs: 50 }, [900, 900], true)).toEqual({ split: 0, delay: 0, join: 0 })
    const counted = (calls: number) =>
      simulate({
        services: () => service(Desk, { add: () => 1, list: () => [] }),
        seeds: 20,
        faults: ['split', 'delay'],
        async workload(sim) {
          await sim.connection.ready()
          await sim.sleep(5_000) // things go wrong for 3,000 ms at most
          for (let count = 0; count < calls; count++) await sim.client(Desk).add({})
        },
      })
    const [none, many] = [await counted(0), await counted(20)]
    expect(many.calls).toBe(400)
    expect(none.faults.split).toBeGreaterThan(0)
    expect(many.faults).toEqual(none.faults)
  })
})

describe('what a handler does', { timeout: PATIENCE_MS }, () => {
  const simulated = (faults: readonly FaultKind[], items: readonly number[]): Promise<SimulationReport> =>
    simulate({
      services: () => service(Desk, { add: () => 1, list: () => items }),
      seeds: 40,
      faults,
    })

  it('is counted once for each call that fails, and not where there is no item left to fail at', async () => {
    const { codes, faults } = await simulated(['failingHandler'], [])
    expect(faults.failingHandler).toBeGreaterThan(20)
    expect(faults.failingHandler).toBe(codes['internal'])
  })

  it('is counted where its reply is bad, and not where it fails before', async () => {
    const { codes, faults } = await simulated(['failingHandler', 'badReply'], [])
    expect(faults.badReply).toBeGreaterThan(20)
    expect(faults.badReply + faults.failingHandler).toBe(codes['internal'])
  })

  it('is deaf only where there was something to hear', async () => {
    const deaf = async (faults: readonly FaultKind[]) => (await simulated(faults, [1, 2, 3])).faults.deafHandler
    expect(await deaf(['slowHandler', 'deafHandler'])).toBe(0)
    expect(await deaf(['slowHandler', 'deafHandler', 'cancel'])).toBeGreaterThan(0)
  })
})
