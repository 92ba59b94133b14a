/** A server that asks who its clients are, in a world where that fails, takes long and is asked again (spec/session.md, S29). */
import Type from 'typebox'
import { expect, it } from 'vitest'
import { contract, NanowireError, type ServerCall, service, unary } from '../../src/index.ts'
import { type SimulateOptions, type Simulation, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'

const Vault = contract('vault', {
  open: unary(Type.Object({ id: Type.Integer() }), Type.Object({ id: Type.Integer() })),
})

const CALLS = 25

/** Everything of one kind of run, with what its handlers have seen. */
function guarded(): SimulateOptions & { readonly seen: Map<unknown, number>; strangers: number; renewals: number } {
  let simulation: Simulation
  const chance = (share: number) => simulation.random() < share
  const wait = () => simulation.sleep(Math.floor(simulation.random() * (chance(0.1) ? 8_000 : 80)))
  const options = {
    seen: new Map<unknown, number>(),
    strangers: 0,
    renewals: 0,
    services(one: Simulation) {
      simulation = one
      return service(Vault, {
        async open({ id }, ctx) {
          const { principal } = ctx
          options.seen.set(principal, (options.seen.get(principal) ?? 0) + 1)
          if (typeof principal !== 'string' || !principal.startsWith('Ada')) options.strangers++
          if (chance(0.3)) await wait()
          return { id }
        },
      })
    },
    connect: {
      async credentials() {
        if (chance(0.3)) await wait()
        if (chance(0.05)) throw new Error('no credentials just now')
        return { user: chance(0.9) ? 'Ada' : 'Mallory' }
      },
    },
    router: {
      async authorize({ ctx }: ServerCall) {
        if (typeof ctx.principal !== 'string') options.strangers++
        if (chance(0.2)) await wait()
        return !chance(0.1)
      },
    },
    serve: {
      async authenticate({ credentials }: { readonly credentials: unknown }) {
        const { user } = credentials as { user: string } // as above
        if (chance(0.3)) await wait()
        if (chance(0.03)) throw new NanowireError('resource_exhausted', 'ask again later')
        return user.startsWith('Ada') && user
      },
    },
    async workload(sim: Simulation) {
      const { open } = sim.client(Vault)
      const calls: Promise<unknown>[] = []
      for (let id = 0; id < CALLS; id++) {
        await sim.sleep(Math.floor(sim.random() * 120))
        calls.push(open.try({ id }, { timeoutMs: sim.random() < 0.1 ? 20 : 4_000 }))
        if (sim.random() < 0.1) calls.push(sim.connection.ready().catch(() => {}))
        if (sim.random() < 0.15) {
          options.renewals++
          const credentials = { user: sim.random() < 0.8 ? `Ada ${id}` : 'Mallory' }
          calls.push(sim.connection.renewCredentials(sim.random() < 0.5 ? credentials : undefined).catch(() => {}))
        }
      }
      await Promise.all(calls)
    },
    invariants: { 'nobody unknown is served': () => options.strangers === 0 },
  }
  return options
}

it(
  'S23 to S28 with credentials: who is not let in runs nothing, and every call ends once',
  async () => {
    const options = guarded()
    const { seeds, calls, codes, processed } = await simulate({ ...options, seed: 1, seeds: runs(300).numRuns })
    expect(calls).toBe(seeds * CALLS)
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
    expect(options.renewals).toBeGreaterThan(seeds)
    expect([...options.seen.keys()].filter((name) => name !== 'Ada').length).toBeGreaterThan(5) // renewed ones
  },
  PATIENCE_MS,
)
