/** A user's own services, workload and invariants in the simulator, as spec/testing.md shows it, and what bad options are told. */
import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { transform } from 'esbuild'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { type ClientMiddleware, contract, NanowireError, notify, service, unary } from '../../src/index.ts'
import {
  type FaultKind,
  type Invariant,
  type SimulateOptions,
  type SimulationFailure,
  simulate,
} from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const Counter = contract('counter', {
  add: unary(Type.Object({ by: Type.Integer() }), Type.Integer()),
  note: notify(Type.Object({ text: Type.String() })),
})

/** A service that counts, made anew for each run. */
function counting(): SimulateOptions {
  return {
    services: () => {
      let sum = 0
      return service(Counter, {
        add({ by }) {
          sum += by
          return sum
        },
        note: () => {},
      })
    },
  }
}

const failureOf = async (options: SimulateOptions): Promise<NanowireError> => {
  const error: unknown = await simulate(options).then(
    () => undefined,
    (reason) => reason,
  )
  if (error instanceof NanowireError) return error
  throw new Error(`simulate ended with ${String(error)}`)
}

describe('services of a user', { timeout: PATIENCE_MS }, () => {
  it('are made anew for each run, and called by themselves', async () => {
    const { seeds, calls, codes, faults } = await simulate({ ...counting(), seeds: 30, calls: 12 })
    expect(seeds).toBe(30)
    expect(calls).toBeGreaterThanOrEqual(360)
    expect(codes['ok']).toBeGreaterThan(200)
    expect(faults.cancel).toBeGreaterThan(0)
  })

  it('may be called many times with one signal, which has one listener for all of them', async () => {
    let most = 0
    const report = await simulate({
      ...counting(),
      seeds: 5,
      async workload(sim) {
        const { signal } = new AbortController()
        const calls = Array.from({ length: 20 }, () => sim.client(Counter).add.try({ by: 1 }, { signal }))
        await sim.sleep(0.5)
        most = Math.max(most, getEventListeners(signal, 'abort').length)
        await Promise.all(calls)
      },
    })
    expect(report.calls).toBeGreaterThanOrEqual(100)
    expect(most).toBe(1)
  })

  it('have a world in which nothing goes wrong, where no fault is wanted', async () => {
    const { codes, faults, connections } = await simulate({ ...counting(), seeds: 30, faults: [] })
    expect(Object.keys(codes)).toEqual(['ok'])
    expect(Object.values(faults).every((count) => count === 0)).toBe(true)
    expect(connections).toBeGreaterThan(30) // one for each client, of which there are one to three
    expect(connections).toBeLessThan(90)
  })

  it('meet only the faults that are wanted', async () => {
    const { faults } = await simulate({ ...counting(), seeds: 60, faults: ['cut', 'delay'] })
    const met = Object.entries(faults).filter(([, count]) => count > 0)
    expect(met.map(([kind]) => kind).sort()).toEqual(['cut', 'delay'])
  })

  it('take limits of their own', async () => {
    const limits = { server: { maxCallsInFlight: 1 }, client: { maxCallsQueued: 0 } }
    const { codes } = await simulate({ ...counting(), seeds: 20, faults: ['slowHandler'], limits })
    expect(codes['resource_exhausted']).toBeGreaterThan(0)
  })

  it('may have an authorize that fails: its calls end with internal', async () => {
    const authorize = () => {
      throw new Error('no such table')
    }
    const { codes } = await simulate({ ...counting(), seeds: 10, faults: [], router: { authorize } })
    expect(Object.keys(codes)).toEqual(expect.arrayContaining(['internal']))
  })

  it('are told which limits were drawn, where a seed fails that has small ones', async () => {
    const invariants = { never: () => false }
    const { data } = await failureOf({ ...counting(), seed: 2, faults: ['smallLimits'], shrink: false, invariants })
    expect((data as SimulationFailure).events.slice(1, 3).join()).toMatch(/limits of the (client|server): {"\w+":\d+/)
  })
})

describe('a workload', { timeout: PATIENCE_MS }, () => {
  it('drives virtual time, and the same chance each time', async () => {
    const seen: number[][] = []
    const options: SimulateOptions = {
      ...counting(),
      seed: 5,
      faults: [],
      async workload(sim) {
        const began = sim.now()
        const drawn = [sim.random(), sim.random()]
        await sim.sleep(86_400_000)
        seen.push([sim.now() - began, ...drawn])
        expect(await sim.client(Counter).add({ by: 2 })).toBe(2)
      },
    }
    // A day passes in which nothing happens; an hour without an end would be a fault.
    await expect(simulate(options)).rejects.toThrow('the workload never ended')
    await simulate({
      ...options,
      async workload(sim) {
        const began = sim.now()
        const drawn = [sim.random(), sim.random()]
        await sim.sleep(60_000)
        seen.push([sim.now() - began, ...drawn])
        expect(await sim.client(Counter).add({ by: 2 })).toBe(2)
      },
    })
    await simulate({ ...options, workload: async (sim) => void seen.push([60_000, sim.random(), sim.random()]) })
    expect(seen).toHaveLength(2)
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]?.[0]).toBe(60_000)
  })

  it('that throws ends the campaign with its seed and story', async () => {
    const workload: SimulateOptions['workload'] = async (sim) => {
      sim.note('about to give up')
      if (sim.seed === 12) throw new Error('I give up')
      await sim.client(Counter).note({ text: 'fine' })
    }
    const { code, message, data } = await failureOf({ ...counting(), seed: 10, seeds: 5, faults: [], workload })
    expect(code).toBe('failed_precondition')
    expect(message).toContain('seed 12: the workload failed: Error: I give up')
    expect(message).toContain('again: simulate({ ...options, seed: 12, seeds: 1, faults: [], faultMs: 0 })')
    expect(message).toContain('about to give up')
    expect(data).toMatchObject({ seed: 12, check: 'the workload failed: Error: I give up' })
  })

  it('cannot sleep for longer than a timer can', async () => {
    const sleeping = (ms: number): SimulateOptions => ({ ...counting(), seed: 1, workload: (sim) => sim.sleep(ms) })
    for (const ms of [1e12, 2 ** 31]) {
      const { message, cause } = await failureOf(sleeping(ms))
      expect(message).toContain(`sleep takes milliseconds from 0 to 2147483647, not ${ms}`)
      expect(cause).toMatchObject({ code: 'invalid_argument' })
    }
    expect((await failureOf(sleeping(2 ** 31 - 1))).message).toContain('the workload never ended')
  })

  it('that waits for nothing which is simulated is told so', async () => {
    const workload = () => new Promise<void>(() => {})
    const { message } = await failureOf({ ...counting(), seed: 1, workload })
    expect(message).toContain('seed 1: the workload never ended, an hour after the last fault, and waits for no call')
  })

  it('that goes on and on without time passing is told so, and not run again', async () => {
    let runs = 0
    const workload: SimulateOptions['workload'] = async (sim) => {
      runs++
      for (;;) await sim.client(Counter).add({ by: 1 })
    }
    const { message } = await failureOf({ ...counting(), seed: 1, faults: [], workload })
    expect(message).toMatch(
      /^seed 1: it goes on and on: does a loop wait for no time, .*\?: call \d+ \(counter\/add\)\n/,
    )
    expect(runs).toBe(1)
  })

  it('gets the typed results of .try through whatever connection there is', async () => {
    const workload: SimulateOptions['workload'] = async (sim) => {
      const { add } = sim.client(Counter)
      for (let count = 0; count < 10; count++) {
        const result = await add.try({ by: 1 })
        if (!result.ok) expect(result.error).toBeInstanceOf(NanowireError)
        await sim.sleep(50)
      }
    }
    const faults: FaultKind[] = ['clientClose', 'serverClose']
    const report = await simulate({ ...counting(), seeds: 40, faults, workload })
    expect(report.connections).toBeGreaterThan(40)
    expect(report.calls).toBe(400)
  })
})

describe("a client's middleware", { timeout: PATIENCE_MS }, () => {
  const workload: SimulateOptions['workload'] = async (sim) => {
    for (let count = 0; count < 5; count++)
      await sim
        .client(Counter)
        .add.try({ by: 1 })
        .catch(() => {})
  }
  const retry: ClientMiddleware = async (call, next) => {
    for (let tries = 0; ; tries++) {
      try {
        return await next(call)
      } catch (error) {
        if (tries === 3) throw error
      }
    }
  }
  const simulated = (use: ClientMiddleware, faults: readonly FaultKind[] = []) =>
    simulate({ ...counting(), seeds: 60, faults, workload, connect: { use: [use] } })

  it('may ask twice: each time is a call of its own', async () => {
    const { calls, codes } = await simulated(retry, ['cut'])
    const { ok = 0, unavailable = 0 } = codes
    expect(ok).toBe(300)
    expect(unavailable).toBeGreaterThan(5)
    expect(calls).toBe(ok + unavailable)
  })

  it('may ask for something else, answer by itself, and throw what it likes', async () => {
    const other = await simulated((call, next) => next({ ...call, request: { by: 2 } }))
    expect(other.codes).toEqual({ ok: 300 })
    expect((await simulated(() => 5)).calls).toBe(0)
    const throwing = () => {
      throw new Error('the circuit is open')
    }
    expect((await simulated(throwing)).calls).toBe(0)
  })

  it('that asks again for what must not be is found by an invariant', async () => {
    let sum = 0
    let asked = 0
    const services = () => {
      sum = 0
      asked = 0
      return service(Counter, {
        add({ by }) {
          sum += by
          return sum
        },
        note: () => {},
      })
    }
    const counted: SimulateOptions['workload'] = async (sim) => {
      while (asked++ < 5) await sim.client(Counter).add.try({ by: 1 })
    }
    const invariants = { 'nothing is added twice': () => sum <= asked }
    const options = { services, workload: counted, invariants, seeds: 200 }
    await expect(simulate(options)).resolves.toMatchObject({ seeds: 200 })
    const { message } = await failureOf({ ...options, connect: { use: [retry] } })
    expect(message).toContain('the invariant "nothing is added twice" does not hold')
  })
})

describe('an invariant', { timeout: PATIENCE_MS }, () => {
  it.each([
    ['is false', () => false, 'seed 1: the invariant "it holds" does not hold'],
    ['is false later', async () => false, 'seed 1: the invariant "it holds" does not hold'],
    ['throws', () => expect(2).toBe(1), 'seed 1: the invariant "it holds" does not hold: expected 2 to be 1'],
  ])('that %s ends the campaign', async (_, holds, message) => {
    const failure = await failureOf({ ...counting(), seeds: 3, invariants: { 'it holds': holds } })
    expect(failure.message).toContain(message)
  })

  it.each([0, null, '', 5])('that returns %j says neither yes nor no', async (outcome) => {
    const holds = (() => outcome) as unknown as () => boolean // as a program without types writes it
    const { message } = await failureOf({ ...counting(), invariants: { 'it holds': holds } })
    expect(message).toContain(`does not hold: it returned ${outcome}, which is neither true nor nothing`)
  })

  it('that returns what a call was answered with says neither, whatever that is', async () => {
    const asks: Invariant = async (sim) => {
      const result = await sim.client(Counter).add.try({ by: Number.NaN })
      return result as unknown as boolean // as a program without types writes it
    }
    const { message } = await failureOf({ ...counting(), faults: [], invariants: { 'it holds': asks } })
    expect(message).toContain(
      'does not hold: it returned an object, which is neither true nor nothing: let it return true or false, or throw',
    )
  })

  it.each([
    ['holds', () => expect(2).toBe(2)],
    ['holds later', () => expect(Promise.resolve(2)).resolves.toBe(2)],
  ])('that says what it expects %s where that is so', async (_, holds) => {
    await expect(simulate({ ...counting(), seeds: 2, invariants: { 'it holds': holds } })).resolves.toBeDefined()
  })

  it('that throws is the cause of what the campaign ends with', async () => {
    const cause = new Error('as I said')
    const holds = () => {
      throw cause
    }
    expect(await failureOf({ ...counting(), invariants: { 'it holds': holds } })).toMatchObject({ cause })
  })

  it.each([undefined, null, 'words', Object.create(null)])('may throw anything: %j', async (thrown: unknown) => {
    const holds = () => {
      throw thrown
    }
    const { message } = await failureOf({ ...counting(), invariants: { 'it holds': holds } })
    expect(message).toContain('seed 1: the invariant "it holds" does not hold: ')
  })

  it('that waits for ever is told so', async () => {
    const holds = () => new Promise<boolean>(() => {})
    const failure = await failureOf({ ...counting(), seeds: 3, invariants: { 'it holds': holds } })
    expect(failure.message).toContain('the invariant "it holds" never ended')
  })

  it('holds when it is true, says nothing, or asks the services', async () => {
    const invariants: SimulateOptions['invariants'] = {
      true: () => true,
      nothing: () => {},
      asks: async (sim) => (await sim.client(Counter).add({ by: 0 })) >= 0 || true,
    }
    const faults: FaultKind[] = ['delay', 'stall', 'cut']
    await expect(simulate({ ...counting(), seeds: 10, faults, invariants })).resolves.toMatchObject({ seeds: 10 })
  })
})

describe('options', { timeout: PATIENCE_MS }, () => {
  it.each<[Partial<SimulateOptions>, string]>([
    [{ seed: -1 }, 'seed is a whole number from 0 to 4294967295, not -1'],
    [{ seeds: 0 }, 'seeds is a whole number from 1 to 4294967295, not 0'],
    [{ calls: 1.5 }, 'calls is a whole number from 0 to 4294967295, not 1.5'],
    [{ faults: ['rain' as FaultKind] }, 'there is no fault "rain"; there are delay, split'], // a mistake
    [{ sedes: 3 } as Partial<SimulateOptions>, 'simulate has no option "sedes"; there are services, servers'], // likewise
    [{ shrink: 'no' as unknown as boolean }, 'shrink is true, false or a number of runs, not "no"'], // likewise
    [{ clients: 0 }, 'clients is a whole number from 1 to 1000, not 0'],
    [{ faultMs: -1 }, 'faultMs is a whole number from 0 to 4294967295, not -1'],
    [{ servers: {} }, 'servers has one server at least'],
    [{ servers: { Front: ['counter'] } }, 'the server "Front" is named in a-z, 0-9 and -'],
    [{ servers: { front: [] } }, 'servers: front is a list of names of contracts, one at least'],
    [{ servers: { front: ['counter'], back: ['counter'] } }, 'servers: counter is at two servers'],
    [{ servers: { front: ['counter', 'countre'] } }, 'servers has "countre", which is no service; there are counter'],
    [{ services: [], state: 'lost' }, 'state is lost where services is a function'],
    [{ state: 'gone' as 'lost' }, 'state is kept or lost, not "gone"'], // a mistake
    [{ seed: '1' as unknown as number }, 'seed is a whole number from 0 to 4294967295, not "1"'], // as a form gives it
    [{ seeds: Object.create(null) }, 'seeds is a whole number from 1 to 4294967295, not such an object'],
    [{ faults: new Date() as never }, 'faults is a list of delay, split'], // a mistake
    [{ faults: null as never }, 'faults is a list of delay, split'], // likewise
  ])('like %j are refused', async (options, message) => {
    const { code, message: told } = await failureOf({ ...counting(), ...options })
    expect([code, told.includes(message)]).toEqual(['invalid_argument', true])
  })
})

describe('spec/testing.md', { timeout: PATIENCE_MS }, () => {
  it('shows a test that passes, and fails where money is made', async () => {
    const text = readFileSync('spec/testing.md', 'utf8')
    const example = /^```ts simulate\n(.*?)^```$/ms.exec(text)?.[1] ?? ''
    const run = async (code: string) => {
      const tests: (() => Promise<void>)[] = []
      const { code: body } = await transform(code.replace(/^import .*$/gm, ''), { loader: 'ts' })
      const names = {
        Type,
        contract,
        service,
        unary,
        simulate,
        test: (_: string, one: () => Promise<void>) => tests.push(one),
      }
      new Function(...Object.keys(names), body)(...Object.values(names))
      for (const one of tests) await one()
      return tests.length
    }
    expect(await run(example)).toBe(1)
    const broken = example.replace('accounts[from] -= amount', 'void from')
    expect(broken).not.toBe(example)
    await expect(run(broken)).rejects.toThrow('the invariant "no money is made or lost" does not hold')
  })
})
