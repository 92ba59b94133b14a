/** What a process of a simulation starts and stops: a crash stops nothing, and the next life starts all of it. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { connect, contract, service, unary } from '../../src/index.ts'
import { type SimulateOptions, type Simulation, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const Users = contract('users', { name: unary(Type.Object({}), Type.Integer(), { timeoutMs: 500 }) })
const Orders = contract('orders', { place: unary(Type.Object({}), Type.Integer(), { timeoutMs: 500 }) })

const asking = async (sim: Simulation): Promise<void> => {
  for (let times = 0; times < 10; times++) {
    await sim.client(Users).name.try({})
    await sim.sleep(200)
  }
}

const SEEDS = 30

describe('a server that crashes', { timeout: PATIENCE_MS }, () => {
  it.each(['kept', 'lost'] as const)('starts its services again, and never stopped them: state %s', async (state) => {
    const times = { starts: 0, stops: 0 }
    const { faults } = await simulate({
      services: () =>
        service(Users, { name: () => 1 }, { start: () => void times.starts++, stop: () => void times.stops++ }),
      state,
      seeds: SEEDS,
      faults: ['serverCrash'],
      workload: asking,
    })
    const crashes = faults.serverCrash ?? 0
    expect(crashes).toBeGreaterThan(0)
    expect(times).toEqual({ starts: SEEDS + crashes, stops: SEEDS })
  })

  it('lets start finish what a life before left half done', async () => {
    let disk = { from: 100, to: 0, journal: [] as number[] }
    await simulate({
      services(sim) {
        disk = { from: 100, to: 0, journal: [] }
        const place = async () => {
          disk.journal.push(5)
          disk.from -= 5
          await sim.sleep(50)
          disk.to += disk.journal.pop() ?? 0
          return disk.to
        }
        const start = () => {
          for (const amount of disk.journal.splice(0)) disk.to += amount
        }
        return service(Orders, { place }, { start })
      },
      seeds: 60,
      faults: ['serverCrash'],
      async workload(sim) {
        for (let times = 0; times < 5; times++) {
          await sim.client(Orders).place.try({})
          await sim.sleep(600)
        }
      },
      invariants: { 'money stays': () => disk.from + disk.to === 100 },
    })
  })

  it('gives start clients of its own life', async () => {
    const { codes } = await simulate({
      services() {
        let ask: (() => Promise<{ readonly ok: boolean }>) | undefined
        const users = service(Users, { name: () => 1 })
        const orders = service(
          Orders,
          { place: async () => ((await ask?.())?.ok ? 1 : 0) },
          {
            uses: { users: Users },
            start({ uses }) {
              ask = () => uses.users.name.try({})
            },
          },
        )
        return [users, orders]
      },
      servers: { front: ['orders'], back: ['users'] },
      seeds: SEEDS,
      faults: ['serverCrash'],
      async workload(sim) {
        for (let times = 0; times < 10; times++) {
          await sim.client(Orders).place.try({})
          await sim.sleep(200)
        }
      },
    })
    expect(codes['ok']).toBeGreaterThan(0)
  })

  it.each(['start', 'stop'] as const)('holds up nobody with a %s that it did not live through', async (which) => {
    const options: SimulateOptions = {
      services: (sim) => service(Users, { name: () => 1 }, { [which]: () => sim.sleep(150) }),
      seeds: 200,
      faults: ['serverClose', 'serverCrash'],
      workload: asking,
    }
    await simulate(options)
  })

  it('fails the seed where its services cannot be made anew, and says what was thrown', async () => {
    const cause = new Error('no disk')
    const error: unknown = await simulate({
      services(sim) {
        if (sim.restarts > 0) throw cause
        return service(Users, { name: () => 1 })
      },
      state: 'lost',
      seeds: SEEDS,
      faults: ['serverCrash'],
      workload: asking,
    }).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'failed_precondition', cause })
    expect(String(error)).toContain('making the services anew failed: Error: no disk')
  })

  it('leaves a service that outlives the simulation as it was', async () => {
    const times = { starts: 0, stops: 0 }
    const users = service(
      Users,
      { name: () => 1 },
      { start: () => void times.starts++, stop: () => void times.stops++ },
    )
    await simulate({ services: users, seeds: SEEDS, faults: ['serverCrash'], workload: asking })
    const { starts, stops } = times
    const wire = connect(users)
    await wire.client(Users).name({})
    await wire.close()
    expect(times).toEqual({ starts: starts + 1, stops: stops + 1 })
  })
})
