/** Services in the simulator that need each other: an app of them, one that is missing, and starts that fail. */
import { describe, expect, it } from 'vitest'
import { app, contract, NanowireError, type Service, service, unary } from '../../src/index.ts'
import { type SimulateOptions, simulate } from '../../src/testing/index.ts'
import { Id, Text, Users } from '../place/shop.ts'

const Shop = contract('shop', { buy: unary(Id, Text) })
const shop = (): Service =>
  service(Shop, { buy: async ({ id }, ctx) => ctx.uses.users.get({ id }) }, { uses: { users: Users } })
const users = (start?: () => void): Service => service(Users, { get: ({ id }) => ({ text: id }) }, { start })

async function failureOf(options: SimulateOptions): Promise<NanowireError> {
  const error: unknown = await simulate(options).catch((reason: unknown) => reason)
  if (error instanceof NanowireError) return error
  throw new Error(`simulate ended with ${String(error)}`)
}

describe('an app in the simulator', () => {
  it('has all of its services there, wherever it places them', async () => {
    const places = { users: 'tcp://127.0.0.1:1' }
    const made = () => app([shop(), users()], { places })
    const { codes } = await simulate({ services: made, seeds: 5, faults: [] })
    expect(codes).toEqual({ ok: expect.any(Number) })
    const list = await simulate({ services: () => [shop(), users()], seeds: 20 })
    expect(await simulate({ services: made, seeds: 20 })).toEqual(list)
    expect(await simulate({ services: made(), seeds: 20 })).toEqual(list)
  })
})

describe('what is wrong with services whatever the seed', () => {
  it.each<[string, Partial<SimulateOptions>]>([
    ['without a workload', {}],
    ['with one', { workload: async () => {} }],
  ])('is told as such: a service that is missing, %s', async (_, options) => {
    const { code, message, data } = await failureOf({ services: () => shop(), ...options })
    expect(code).toBe('invalid_argument')
    expect(message).toContain('the service shop uses users')
    expect(message).not.toContain('seed')
    expect(data).toBeUndefined()
  })

  it('is told as such: a place of an app that has no service here', async () => {
    const services = () => app([shop()], { places: { users: 'tcp://127.0.0.1:1' } })
    expect(await failureOf({ services })).toMatchObject({ code: 'invalid_argument' })
  })

  it.each([1, 4, 5])('is told as such: a start that throws, at the seed %i', async (seed) => {
    const cause = new Error('no database')
    const start = () => {
      throw cause
    }
    const failure = await failureOf({ services: () => users(start), seed, seeds: 3 })
    expect(failure).toMatchObject({ code: 'unavailable', processed: 'no', cause })
    expect(failure.message).toBe('the service users did not start: Error: no database')
  })
})

describe('a start that fails by chance', () => {
  it('is told with its seed', async () => {
    const services: SimulateOptions['services'] = (sim) =>
      users(() => {
        if (sim.seed === 3) throw new Error('no luck')
      })
    const { code, message, data } = await failureOf({ services, seeds: 5 })
    expect(code).toBe('failed_precondition')
    expect(message).toContain('seed 3: serving failed: the service users did not start: Error: no luck')
    expect(data).toMatchObject({ seed: 3 })
  })

  it('is told with its seed, where another server takes the place of the first', async () => {
    const services = () => {
      let starts = 0
      return users(() => {
        if (++starts > 1) throw new Error('once only')
      })
    }
    const { code, message, cause } = await failureOf({ services, seeds: 50, faults: ['serverClose'] })
    expect(cause).toMatchObject({ code: 'unavailable', cause: new Error('once only') })
    expect(code).toBe('failed_precondition')
    expect(message).toMatch(/^seed \d+: serving failed: the service users did not start: Error: once only/)
  })
})
