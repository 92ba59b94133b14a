/** A seed that fails is told by its shortest story: with what little it takes, and one line that runs just that again. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract, NanowireError, service, unary } from '../../src/index.ts'
import { type SimulateOptions, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const Work = contract('work', { run: unary(Type.Object({ n: Type.Integer() }), Type.Null()) })

interface Data {
  readonly seed: number
  readonly check: string
  readonly again: SimulateOptions
  readonly events: readonly string[]
}

async function failureOf(options: SimulateOptions): Promise<{ readonly message: string; readonly data: Data }> {
  const error: unknown = await simulate(options).catch((reason: unknown) => reason)
  if (!(error instanceof NanowireError)) throw new Error(`simulate ended with ${String(error)}`)
  return { message: error.message, data: error.data as Data } // as simulate says
}

/** Fails once it has been called so often, or its handler was aborted. */
function failing(most: number, onAbort = false): SimulateOptions {
  let runs = 0
  let aborts = 0
  return {
    services() {
      runs = 0
      aborts = 0
      return service(Work, {
        run(_, { signal }) {
          runs++
          signal.addEventListener('abort', () => {
            aborts++
          })
          return null
        },
      })
    },
    invariants: { 'it is well': () => runs < most && !(onAbort && aborts > 0) },
  }
}

/** Counts what its handlers ran, of one client without faults and of at most forty calls. */
function counting(): { readonly options: SimulateOptions; readonly handled: () => number } {
  let runs = 0
  const services = () => {
    runs = 0
    return service(Work, {
      run() {
        runs++
        return null
      },
    })
  }
  return { options: { services, faults: ['delay'], clients: 1, seed: 3, calls: 40 }, handled: () => runs }
}

describe('a seed that fails', { timeout: PATIENCE_MS }, () => {
  it('needs no faults, one client and as many calls as it takes, where it is no fault that breaks it', async () => {
    const { data, message } = await failureOf({ ...failing(4), clients: 8, seed: 3 })
    expect(data.again).toEqual({ seed: 3, seeds: 1, faults: [], clients: 1, calls: 4, faultMs: expect.any(Number) })
    expect(message).toMatch(/again: simulate\(\{ \.\.\.options, seed: 3, seeds: 1, faults: \[\], /)
    expect(message).toMatch(/its faults: none, as short as \d+ runs could make it/)
    expect(data.events.filter((line) => /call \d+ of client:/.test(line))).toHaveLength(4)
  })

  it('keeps the faults that it takes', async () => {
    const { data } = await failureOf({ ...failing(1_000, true), seeds: 100 })
    expect(data.again.faults?.length).toBeGreaterThan(0)
    expect(data.again.faults?.length).toBeLessThan(4)
  })

  it('fails in the same way when it is run again as it says', async () => {
    const options = failing(1_000, true)
    const { data } = await failureOf({ ...options, seeds: 100 })
    const again = await failureOf({ ...options, ...data.again, shrink: false })
    expect(again.data.check).toBe(data.check)
    expect(again.data.events).toEqual(data.events)
  })

  it('is as short where its check names an error in a log, or the handlers that hang', async () => {
    let runs = 0
    const services = () => {
      runs = 0
      return service(Work, {
        run() {
          if (++runs > 3) throw new TypeError('by accident')
          return null
        },
      })
    }
    const workload: SimulateOptions['workload'] = async (sim) => {
      for (let n = 0; n < 8; n++) await sim.client(Work).run({ n })
    }
    const { data, message } = await failureOf({
      services,
      clients: 3,
      seeds: 9,
      faults: ['delay', 'reorder'],
      workload,
    })
    expect(data.check).toMatch(/work\/run failed; the server's log has it under [0-9a-f]{12}/)
    expect(data.again).toMatchObject({ clients: 1, faults: [] })
    expect(message).toContain('ends: internal (TypeError: by accident)')

    const hanging = () => service(Work, { run: () => new Promise<null>(() => {}) })
    const hung = await failureOf({ services: hanging, clients: 8, seed: 3, calls: 9 })
    expect(hung.data.check).toMatch(/of 1 handlers that never end the first is of call 0 \(work\/run\)/)
    expect(hung.data.again).toMatchObject({ clients: 1, calls: 1, faults: [] })
  })

  it('says so where the same seed gives another run', async () => {
    const Count = contract('count', { next: unary(Type.Null(), Type.Integer()) })
    let kept = 0
    const services = service(Count, { next: () => ++kept }) // not made anew
    const invariants = { 'not too many': () => kept < 100 }
    const { message, data } = await failureOf({ services, invariants })
    expect(message).toContain('it ran differently a second time')
    expect(data.again).toEqual({ seed: data.seed, seeds: 1 })
    const forgetful = service(Work, { run: () => null })
    const { message: doubtful } = await failureOf({ services: forgetful, invariants: { none: () => false } })
    expect(doubtful).toContain('its services are not made anew by a function')
    kept = 0
    const few = () => {
      if (++kept >= 5) throw new Error(`${kept} runs`)
    }
    const told = await failureOf({ ...failing(1_000), invariants: { few } })
    expect(told.message).toContain('it ran differently a second time') // the same run, and another check
    expect((await failureOf(failing(4))).message).not.toContain('differently')
  })

  it('is told as it is where nobody wants it shorter, or a number of runs does not suffice', async () => {
    const { data, message } = await failureOf({ ...failing(4), seeds: 5, shrink: false })
    expect(data.again).toEqual({ seed: 1, seeds: 1 })
    expect(message).not.toContain('as short as')
    expect((await failureOf({ ...failing(4), seeds: 5, shrink: 0 })).data).toEqual(data)
    const some = await failureOf({ ...failing(4), seeds: 5, shrink: 1 })
    expect(some.data.again).toEqual({ seed: 1, seeds: 1, faults: [] })
  })

  it('is told as it is where it fails once only', async () => {
    let times = 0
    const options = { ...failing(1_000), invariants: { once: () => ++times > 1 } }
    expect((await failureOf({ ...options, seeds: 1 })).data.again).toEqual({ seed: 1, seeds: 1 })
  })

  it('is the same one with other calls than its options had, as it says how many there were', async () => {
    const options = failing(1_000, true)
    const { message, data } = await failureOf({ ...options, calls: 12, seeds: 100, shrink: false })
    expect(message).toContain(`again: simulate({ ...options, seed: ${data.seed}, seeds: 1, calls: 12 })`)
    const again = await failureOf({ ...options, ...data.again, shrink: false })
    expect(again.data.events).toEqual(data.events)
    const short = await failureOf({ ...failing(4), calls: 12, shrink: 1 })
    expect(short.data.again).toEqual({ seed: 1, seeds: 1, faults: [], calls: 12 })
    const own = await failureOf({ ...failing(0), calls: 12, workload: async () => {}, shrink: false })
    expect(own.data.again).toEqual({ seed: 1, seeds: 1 }) // which makes its calls itself
  })

  it('does not become another failure', async () => {
    const workload: SimulateOptions['workload'] = async (sim) => {
      await sim.client(Work).run.try({ n: 1 })
      throw new Error(sim.random() < 2 && sim.index === 1 ? 'the second fails' : 'the first fails')
    }
    const { data } = await failureOf({ ...failing(1_000), workload, clients: 2, seeds: 1, faults: ['delay'] })
    const alone = await failureOf({ ...failing(1_000), workload, ...data.again, faults: [], shrink: false })
    expect(alone.data.check).toBe(data.check)
  })

  it('does not become the failure of another invariant, or of the same one in another way', async () => {
    const { options, handled } = counting()
    const { data } = await failureOf({
      ...options,
      invariants: {
        'account 1 is not overdrawn': () => handled() > 3,
        'account 2 is not overdrawn': () => handled() < 6,
      },
    })
    expect(data).toMatchObject({
      check: 'the invariant "account 2 is not overdrawn" does not hold',
      again: { calls: 6 },
    })
    const thrown = await failureOf({
      ...options,
      invariants: {
        'it is well'() {
          if (handled() < 6) return handled() > 3
          throw new Error('no')
        },
      },
    })
    expect(thrown.data).toMatchObject({ check: 'the invariant "it is well" does not hold: no', again: { calls: 6 } })
  })

  it('is the same one whatever its invariant throws', async () => {
    const { options, handled } = counting()
    const holds = () => {
      if (handled() > 3) throw new Error(`left: ${'one more '.repeat(handled())}`)
    }
    const { data } = await failureOf({ ...options, invariants: { 'nothing is left': holds } })
    expect(data.again).toMatchObject({ faults: [], calls: 4 })
  })

  it('has the bounds that its options had, as it may be run again without them', async () => {
    const bounds = { faults: ['delay', 'cut'], faultMs: 300, clients: 2 } as const
    const { message, data } = await failureOf({ ...failing(0), ...bounds, seeds: 1, seed: 3, shrink: false })
    expect(data.again).toEqual({ seed: 3, seeds: 1, ...bounds })
    expect(message).toContain("seed: 3, seeds: 1, faults: ['delay', 'cut'], faultMs: 300, clients: 2 })")
    const again = await failureOf({ ...failing(0), ...data.again, shrink: false })
    expect(again.data.events).toEqual(data.events)
    const short = await failureOf({ ...failing(4), ...bounds, seeds: 1, seed: 3 })
    expect(short.data.again).toMatchObject({ faults: [], clients: expect.any(Number) })
  })
})
