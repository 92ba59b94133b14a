/** Limits of the user's over those that a seed draws: whatever is valid by itself is valid in every seed (spec/testing.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract, type LimitOptions, NanowireError, service, unary } from '../../src/index.ts'
import { type SimulationFailure, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const One = contract('one', { go: unary(Type.Object({}), Type.Integer()) })
const services = () => service(One, { go: () => 1 })

const SEEDS = 100

describe('limits of a side', { timeout: PATIENCE_MS }, () => {
  const sides = ['client', 'server'] as const
  const given: readonly LimitOptions[] = [
    { pingAfterMs: 2_000 },
    { idleTimeoutMs: 21_000 },
    { pingAfterMs: 2_000, idleTimeoutMs: 2_001 },
    { pingAfterMs: undefined },
    { idleTimeoutMs: undefined },
  ]
  it.each(sides.flatMap((side) => given.map((limits) => [side, limits] as const)))(
    'go with whatever is drawn beside them: %s %j',
    async (side, limits) => {
      const options = { services, seeds: SEEDS, calls: 1, faults: ['smallLimits'], limits: { [side]: limits } } as const
      await expect(simulate(options)).resolves.toMatchObject({ seeds: SEEDS })
    },
  )

  it('are not told of as drawn', async () => {
    const told = async (limits: LimitOptions): Promise<string> => {
      const lines: string[] = []
      for (let seed = 1; seed <= SEEDS; seed++) {
        const error: unknown = await simulate({
          services,
          seed,
          calls: 0,
          faults: ['smallLimits'],
          limits: { client: limits, server: limits },
          shrink: false,
          invariants: { never: () => false },
        }).catch((reason: unknown) => reason)
        if (!(error instanceof NanowireError)) throw new Error(`simulate ended with ${String(error)}`)
        const { events } = error.data as SimulationFailure // as simulate says
        lines.push(...events.filter((line) => line.includes('limits of the ')))
      }
      return lines.join('\n')
    }
    expect(await told({})).toMatch(/lingerMs.*\n.*idleTimeoutMs/s)
    expect(await told({ idleTimeoutMs: 21_000, lingerMs: 5 })).not.toMatch(/pingAfterMs|idleTimeoutMs|lingerMs/)
  })
})
