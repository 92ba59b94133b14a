/** Processes of a simulation: several clients and servers, what a crash leaves of each, and clocks that go their own ways. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract, type Service, service, unary } from '../../src/index.ts'
import { type SimulateOptions, type Simulation, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const Counter = contract('counter', { add: unary(Type.Object({}), Type.Integer()) })
const Front = contract('front', { add: unary(Type.Object({}), Type.Integer()) })

const counter = (): Service => {
  let sum = 0
  return service(Counter, { add: () => ++sum })
}
const front = (): Service =>
  service(Front, { add: (_, ctx) => ctx.uses.counter.add({}) }, { uses: { counter: Counter } })

/** Calls until it has been answered so many times. */
async function addUntil(sim: Simulation, times: number): Promise<readonly number[]> {
  const seen: number[] = []
  while (seen.length < times) {
    const result = await sim.client(Counter).add.try({}, { timeoutMs: 500 })
    if (result.ok) seen.push(result.value)
    await sim.sleep(100)
  }
  return seen
}

describe('several servers', { timeout: PATIENCE_MS }, () => {
  const servers = { front: ['front'], back: ['counter'] }

  it('call each other over the network, and are asked where each contract is', async () => {
    const { calls, connections, codes } = await simulate({
      services: () => [front(), counter()],
      servers,
      seeds: 10,
      faults: [],
      async workload(sim) {
        expect(await sim.client(Front).add({})).toBe(1)
        expect(await sim.client(Counter).add({})).toBe(2)
      },
    })
    expect([calls, connections, codes]).toEqual([30, 30, { ok: 30 }])
  })

  it('fail alone: who calls one of them hears nothing of the other', async () => {
    const { faults } = await simulate({
      services: () => [front(), counter()],
      servers,
      seeds: 100,
      faults: ['serverCrash'],
      async workload(sim) {
        for (let count = 0; count < 20; count++) {
          const result = await sim.client(Front).add.try({}, { timeoutMs: 300 })
          if (!result.ok) expect(['unavailable', 'deadline_exceeded']).toContain(result.error.code)
          await sim.sleep(100)
        }
      },
    })
    expect(faults.serverCrash).toBeGreaterThan(20)
  })

  it('say which service has no server', async () => {
    const options: SimulateOptions = { services: () => [front(), counter()], servers: { front: ['front'] } }
    await expect(simulate(options)).rejects.toThrow('servers does not say where the service counter is')
  })
})

describe('a server that crashes', { timeout: PATIENCE_MS }, () => {
  const seen = async (state: 'kept' | 'lost'): Promise<boolean> => {
    let hasForgotten = false
    await simulate({
      services: () => counter(),
      state,
      seeds: 60,
      faults: ['serverCrash'],
      async workload(sim) {
        const sums = await addUntil(sim, 20)
        if (sums.some((sum, index) => sum < (sums[index - 1] ?? 0))) hasForgotten = true
      },
    })
    return hasForgotten
  }

  it('has its services as they were, or made anew, as is asked for', async () => {
    expect(await seen('kept')).toBe(false)
    expect(await seen('lost')).toBe(true)
  })

  it('goes no further in what it was at', async () => {
    let begun = 0
    let done = 0
    const { codes } = await simulate({
      services: (sim: Simulation) =>
        service(Counter, {
          async add() {
            begun++
            await sim.sleep(400)
            return ++done
          },
        }),
      seeds: 60,
      faults: ['serverCrash'],
      workload: async (sim) => void (await addUntil(sim, 5)),
    })
    expect(done).toBeLessThan(begun)
    expect(done).toBeGreaterThanOrEqual(codes['ok'] ?? 0)
    expect(codes['unavailable']).toBeGreaterThan(5) // it was told, or found out
  })
})

describe('several clients', { timeout: PATIENCE_MS }, () => {
  it('run the workload each, at once', async () => {
    const names = new Set<string>()
    const { calls } = await simulate({
      services: () => counter(),
      clients: 3,
      seeds: 10,
      faults: ['delay', 'reorder'],
      async workload(sim) {
        names.add(`${sim.process} ${sim.index} ${sim.restarts}`)
        await addUntil(sim, 4)
      },
    })
    expect([...names].sort()).toEqual(['client1 0 0', 'client2 1 0', 'client3 2 0'])
    expect(calls).toBe(10 * 3 * 4)
  })

  it('are overtaken by each other where connections are not equally fast', async () => {
    const orders = new Set<string>()
    await simulate({
      services: () => {
        const order: number[] = []
        const Numbered = contract('counter', { add: unary(Type.Object({}), Type.Integer()) })
        return service(Numbered, {
          add(_, ctx) {
            order.push(Number(ctx.metadata.get('index')))
            if (order.length === 3) orders.add(order.join(''))
            return 0
          },
        })
      },
      clients: 3,
      seeds: 60,
      faults: ['reorder'],
      workload: async (sim) => void (await sim.client(Counter).add({}, { metadata: { index: String(sim.index) } })),
    })
    expect(orders.size).toBeGreaterThan(3)
  })

  it('that crash go no further, and begin anew', async () => {
    const lives: string[] = []
    const ends: string[] = []
    const { codes, faults } = await simulate({
      services: () => counter(),
      clients: 2,
      seeds: 60,
      faults: ['clientCrash'],
      async workload(sim) {
        const name = `${sim.seed} ${sim.process} ${sim.restarts}`
        lives.push(name)
        await addUntil(sim, 10)
        ends.push(name)
      },
    })
    expect(faults.clientCrash).toBeGreaterThan(10)
    expect(lives.length).toBe(2 * 60 + faults.clientCrash)
    expect(ends.length).toBe(2 * 60)
    expect(new Set(lives).size).toBe(lives.length)
    expect(codes['killed'] ?? 0).toBeLessThanOrEqual(faults.clientCrash)
  })
})

describe('a connection that is half open', { timeout: PATIENCE_MS }, () => {
  it('is found out by the end that was not told, as nothing comes any more', async () => {
    const slow: number[] = []
    const { codes, faults } = await simulate({
      services: () => counter(),
      seeds: 100,
      faults: ['halfOpen'],
      limits: { client: { pingAfterMs: 1_000, idleTimeoutMs: 2_000 } },
      async workload(sim) {
        for (let count = 0; count < 20; count++) {
          const began = sim.now()
          const { ok } = await sim.client(Counter).add.try({})
          if (!ok) slow.push(sim.now() - began)
          await sim.sleep(100)
        }
      },
    })
    expect(faults.halfOpen).toBeGreaterThan(5)
    expect(codes['unavailable']).toBeGreaterThan(0)
    expect(Math.max(...slow)).toBeGreaterThan(1_000) // some had to find out
    expect(Math.max(...slow)).toBeLessThanOrEqual(3_000)
  })
})

describe('a process that is stopped for a while', { timeout: PATIENCE_MS }, () => {
  it('does nothing meanwhile, and hears then what has come', async () => {
    const waited: number[] = []
    const { codes, faults } = await simulate({
      services: () => counter(),
      seeds: 60,
      faults: ['pause'],
      async workload(sim) {
        for (let count = 0; count < 30; count++) {
          const began = sim.now()
          await sim.client(Counter).add({})
          waited.push(sim.now() - began)
          await sim.sleep(100)
        }
      },
    })
    expect(faults.pause).toBeGreaterThan(10)
    expect(codes).toEqual({ ok: 60 * 30 })
    expect(Math.max(...waited)).toBeGreaterThan(300)
    expect(waited.filter((ms) => ms > 0).length).toBeLessThanOrEqual(faults.pause * 2)
  })
})

describe('clocks', { timeout: PATIENCE_MS }, () => {
  it('leap, go fast or slow, and tell a time of day that goes back', async () => {
    let leaps = 0
    let goesBack = 0
    const { faults } = await simulate({
      services: () => counter(),
      seeds: 100,
      faults: ['clockJump'],
      async workload(sim) {
        for (let count = 0, before = sim.now(); count < 60; count++) {
          await sim.sleep(100)
          const now = sim.now()
          if (now > before + 100) leaps++
          if (now < before) goesBack++
          before = now
        }
        await sim.client(Counter).add.try({})
      },
    })
    expect(faults.clockJump).toBeGreaterThan(20)
    expect(leaps).toBeGreaterThan(5)
    expect(goesBack).toBeGreaterThan(5)
  })

  it('that are ahead end no call before its time by the clock of its caller', async () => {
    const waited: number[] = []
    await simulate({
      services: (sim: Simulation) => service(Counter, { add: () => sim.sleep(100_000).then(() => 1) }),
      seeds: 100,
      faults: ['clockJump'],
      limits: { client: { idleTimeoutMs: 600_000 }, server: { idleTimeoutMs: 600_000 } },
      async workload(sim) {
        await sim.sleep(3_000) // clocks have gone astray by then, and go on from there
        const began = sim.now()
        await expect(sim.client(Counter).add({}, { timeoutMs: 4_000 })).rejects.toMatchObject({
          code: 'deadline_exceeded',
        })
        waited.push(sim.now() - began)
      },
    })
    expect(waited).toHaveLength(100)
    expect(Math.min(...waited)).toBeGreaterThanOrEqual(4_000)
    expect(Math.max(...waited)).toBeLessThanOrEqual(4_008)
  })
})
