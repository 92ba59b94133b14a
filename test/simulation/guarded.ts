/** Runs in which a server asks who its clients are, where that fails, takes long and is asked again (spec/session.md, S29). */
import Type from 'typebox'
import { bidiStream, contract, NanowireError, type ServerCall, service, unary } from '../../src/index.ts'
import type { SimulateOptions, Simulation } from '../../src/testing/index.ts'
import { forgetStreams, forgotten } from './kept-flows.ts'

const Vault = contract('vault', {
  open: unary(Type.Object({ id: Type.Integer() }), Type.Object({ id: Type.Integer() })),
  carry: bidiStream(Type.Object({ id: Type.Integer() }), Type.Object({ id: Type.Integer() })),
})

export const CALLS = 25

/** What the handlers and callers of guarded runs have seen. */
export interface Seen {
  /** Calls of each principal. */
  readonly principals: Map<unknown, number>
  strangers: number
  renewals: number
  /** Items of streams. */
  carried: number
}

/** A server that knows its clients: credentials are late, refused, thrown and renewed while calls are in flight. */
export function guarded(): { readonly options: SimulateOptions; readonly seen: Seen } {
  const seen: Seen = { principals: new Map(), strangers: 0, renewals: 0, carried: 0 }
  let simulation: Simulation
  const chance = (share: number) => simulation.random() < share
  const wait = () => simulation.sleep(Math.floor(simulation.random() * (chance(0.1) ? 8_000 : 80)))
  const options: SimulateOptions = {
    services(one: Simulation) {
      simulation = one
      forgetStreams(one)
      return service(Vault, {
        async open({ id }, ctx) {
          const { principal } = ctx
          seen.principals.set(principal, (seen.principals.get(principal) ?? 0) + 1)
          if (typeof principal !== 'string' || !principal.startsWith('Ada')) seen.strangers++
          if (chance(0.3)) await wait()
          return { id }
        },
        async *carry(items, ctx) {
          if (typeof ctx.principal !== 'string' || !ctx.principal.startsWith('Ada')) seen.strangers++
          for await (const item of items) {
            if (chance(0.1)) await wait()
            yield item
          }
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
        if (typeof ctx.principal !== 'string') seen.strangers++
        if (chance(0.2)) await wait()
        return !chance(0.1)
      },
    },
    serve: {
      async authenticate({ credentials }: { readonly credentials: unknown }) {
        const { user } = credentials as { user: string } // what `connect.credentials` gives
        if (chance(0.3)) await wait()
        if (chance(0.03)) throw new NanowireError('resource_exhausted', 'ask again later')
        return user.startsWith('Ada') && user
      },
    },
    async workload(sim: Simulation) {
      const { open, carry } = sim.client(Vault)
      const carried = async (id: number) => {
        for await (const _ of carry([{ id }, { id: id + 1 }, { id: id + 2 }])) seen.carried++
      }
      const calls: Promise<unknown>[] = []
      for (let id = 0; id < CALLS; id++) {
        await sim.sleep(Math.floor(sim.random() * 120))
        if (sim.random() < 0.2) calls.push(carried(id).catch(() => {}))
        calls.push(open.try({ id }, { timeoutMs: sim.random() < 0.1 ? 20 : 4_000 }))
        if (sim.random() < 0.1) calls.push(sim.connection.ready().catch(() => {}))
        if (sim.random() < 0.15) {
          seen.renewals++
          const credentials = { user: sim.random() < 0.8 ? `Ada ${id}` : 'Mallory' }
          calls.push(sim.connection.renewCredentials(sim.random() < 0.5 ? credentials : undefined).catch(() => {}))
        }
      }
      await Promise.all(calls)
    },
    invariants: { ...forgotten, 'nobody unknown is served': () => seen.strangers === 0 },
  }
  return { options, seen }
}
