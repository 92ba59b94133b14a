/** What waits for something that is not simulated is told so, and what waits by virtual time is not (spec/testing.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { clientStream, contract, NanowireError, service, unary } from '../../src/index.ts'
import { type SimulateOptions, type Simulation, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const One = contract('one', {
  go: unary(Type.Object({}), Type.Integer()),
  sum: clientStream(Type.Integer(), Type.Integer()),
})
const HINT = 'only sim.sleep lets virtual time pass, a real timer or socket does not'
const LONG_MS = 7_200_000

/** As a query of a database would: it does not come before the run is over. */
const really = () => new Promise<void>(() => {})

interface Waits {
  readonly start?: (sim: Simulation) => Promise<unknown>
  readonly go?: (sim: Simulation) => Promise<unknown>
  readonly workload?: SimulateOptions['workload']
}

async function failureOf({ start, go, workload }: Waits): Promise<NanowireError> {
  const services = (sim: Simulation) =>
    service(
      One,
      {
        async go() {
          await go?.(sim)
          return 1
        },
        async sum(items) {
          for await (const item of items) return item
          return 0
        },
      },
      { start: async () => void (await start?.(sim)) },
    )
  const usual = async (sim: Simulation) => void (await sim.client(One).go.try({}))
  const error: unknown = await simulate({ services, seed: 1, faults: [], workload: workload ?? usual }).catch(
    (reason: unknown) => reason,
  )
  if (error instanceof NanowireError) return error
  throw new Error(`simulate ended with ${String(error)}`)
}

describe('what never ends', { timeout: PATIENCE_MS }, () => {
  it('in a start is told what lets time pass, where it waits for something real', async () => {
    const late = 'the start of the service one takes too long: startTimeoutMs is 30000'
    const { code, message } = await failureOf({ start: really })
    expect([code, message]).toEqual(['unavailable', expect.stringContaining(late)])
    expect(message).toContain(HINT)
    const slow = await failureOf({ start: (sim) => sim.sleep(LONG_MS) })
    expect([slow.code, slow.message]).toEqual(['unavailable', expect.stringContaining(late)])
    expect(slow.message).not.toContain(HINT)
  })

  it('in a handler is told what lets time pass, where it waits for something real', async () => {
    const never = 'handlers that never end the first is of call 0 (one/go)'
    const { message } = await failureOf({ go: really })
    expect(message).toContain(never)
    expect(message).toContain(HINT)
    const slow = await failureOf({ go: (sim) => sim.sleep(LONG_MS) })
    expect(slow.message).toContain(never)
    expect(slow.message).not.toContain(HINT)
  })

  it('in a workload is told what lets time pass, where it waits for something real', async () => {
    const never = 'seed 1: the workload never ended, an hour after the last fault'
    const { message } = await failureOf({ workload: really })
    expect(message).toContain(never)
    expect(message).toContain(HINT)
    const slow = await failureOf({ workload: (sim) => sim.sleep(LONG_MS) })
    expect(slow.message).toContain(`${never}: it waits by sim.sleep, and for no call`)
    expect(slow.message).not.toContain(HINT)
  })

  it('in what gives the items of a caller is told for what it is: it was told to return', async () => {
    const workload = async (sim: Simulation) => {
      const give = async function* () {
        yield 1
        await really()
      }
      expect(await sim.client(One).sum(give())).toBe(1)
    }
    const { message } = await failureOf({ workload })
    expect(message).toContain(
      'call 0 (one/sum): what gives the items of its caller was told to return and has not: does it wait for something that never comes?',
    )
  })
})
