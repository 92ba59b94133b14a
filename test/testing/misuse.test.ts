/** Whatever else than they ask for is passed to the functions of `nanowire/testing`: an `invalid_argument` that says what is wanted. */
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { app, contract, NanowireError, router, service, unary } from '../../src/index.ts'
import * as testing from '../../src/testing/index.ts'

const Clock = contract('clock', { read: unary(Type.Null(), Type.Null()) })
const clock = service(Clock, { read: () => null })
const place = { name: 'mine', open: () => {} }

type Loose = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>
const { arbitrary, checkContract, checkParity, checkRoundTrip, conformance, simulate } = testing as unknown as Loose // as a program without types calls them

/** What a mistake is told, whether it is thrown or rejected. */
async function toldOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    if (error instanceof NanowireError) return `${error.code} ${error.processed}: ${error.message}`
    throw error
  }
  return 'nothing'
}

type Mistake = readonly [what: string, run: () => unknown, message: string]

const mistakes: Readonly<Record<string, readonly Mistake[]>> = {
  arbitrary: [
    ['nothing', () => arbitrary?.(), 'pass a TypeBox schema'],
    ['a contract', () => arbitrary?.(Clock), 'no keyword of a schema'],
    ['no options', () => arbitrary?.(Type.Null(), null), 'arbitrary: options are an object'],
    [
      'a misspelt option',
      () => arbitrary?.(Type.Null(), { overide: 1 }),
      'arbitrary has no option "overide"; there are',
    ],
    ['an override', () => arbitrary?.(Type.Null(), { override: 5 }), 'override is a function'],
    [
      'what overrides',
      () => arbitrary?.(Type.Null(), { override: () => 5 }),
      'override returns an arbitrary of fast-check, or undefined, not 5',
    ],
  ],
  checkRoundTrip: [
    ['nothing', () => checkRoundTrip?.(), 'checkRoundTrip takes a contract or a schema, not undefined'],
    ['a number', () => checkRoundTrip?.(5), 'checkRoundTrip takes a contract or a schema, not 5'],
    [
      'a service',
      () => checkRoundTrip?.(clock),
      'checkRoundTrip takes a contract or a schema, not a service: pass its',
    ],
    ['no options', () => checkRoundTrip?.(Clock, 5), 'checkRoundTrip: options are an object'],
    ['a misspelt option', () => checkRoundTrip?.(Clock, { runs: 1 }), 'checkRoundTrip has no option "runs"; there are'],
    ['a seed', () => checkRoundTrip?.(Clock, { seed: 'x' }), 'seed is a whole number, not x'],
    ['an override', () => checkRoundTrip?.(Clock, { override: 5 }), 'override is a function'],
  ],
  checkContract: [
    [
      'nothing',
      () => checkContract?.(),
      'checkContract takes a contract, as contract(name, methods) makes it, not undefined',
    ],
    ['a schema', () => checkContract?.(Type.Null()), 'checkContract takes a contract, as contract(name, methods)'],
    ['a service', () => checkContract?.(clock), 'makes it, not a service: pass its contract'],
  ],
  checkParity: [
    ['nothing', () => checkParity?.(), 'checkParity takes services, a router, an app, or a function'],
    ['no scenario', () => checkParity?.(clock), 'checkParity takes a scenario after the services: async (wire) => {'],
    ['a contract', () => checkParity?.(Clock, () => {}), 'takes services'],
    ['no options', () => checkParity?.(clock, () => {}, null), 'checkParity: options are an object'],
    [
      'a misspelt option',
      () => checkParity?.(clock, () => {}, { place: [] }),
      'has no option "place"; there are places',
    ],
    ['places', () => checkParity?.(clock, () => {}, { places: place }), 'places is a list of places'],
    ['a place', () => checkParity?.(clock, () => {}, { places: [{ name: 'x' }] }), 'place is { name, open }'],
    ['a seed', () => checkParity?.(clock, () => {}, { seed: 'x' }), 'seed is a whole number, not x'],
    ['limits', () => checkParity?.(clock, () => {}, { limits: 5 }), 'checkParity: limits is an object'],
    ['names of limits', () => checkParity?.(clock, () => {}, { limits: { x: 1 } }), 'there is no limit "x"'],
    [
      'patience',
      () => checkParity?.(clock, () => {}, { patienceMs: 0 }),
      'patienceMs is a whole number of milliseconds',
    ],
  ],
  conformance: [
    ['nothing', () => conformance?.(), 'conformance: a place is { name, open }'],
    ['no name', () => conformance?.({ open: () => {} }), 'conformance: a place is { name, open }'],
    ['an address', () => conformance?.('tcp://127.0.0.1:1'), 'conformance: a place is { name, open }'],
    ['skips', () => conformance?.({ ...place, skips: ['bytes'] }), 'mine: skips is an object'],
    ['no options', () => conformance?.(place, null), 'conformance: options are an object'],
    ['a misspelt option', () => conformance?.(place, { patience: 5 }), 'conformance has no option "patience"'],
    ['patience', () => conformance?.(place, { patienceMs: 'x' }), 'patienceMs is a whole number of milliseconds'],
  ],
  simulate: [
    ['nothing', () => simulate?.(), 'simulate takes options, one of which is services: simulate({ services: () =>'],
    ['no services', () => simulate?.({}), 'simulate: services is missing'],
    ['a service', () => simulate?.(clock), 'simulate has no option "contract"; there are services'],
    ['a contract for services', () => simulate?.({ services: Clock }), 'not a contract'],
    ['no services at all', () => simulate?.({ services: [] }), 'one at least'],
    ['a promise', () => simulate?.({ services: async () => clock }), 'not a promise'],
    ['a router', () => simulate?.({ services: router([clock]) }), 'not a router: pass its services'],
    [
      'a mixed list',
      () => simulate?.({ services: [clock, app([clock])] }),
      'services is a service, a list of services',
    ],
    ['faults', () => simulate?.({ services: clock, faults: 'cut' }), 'faults is a list'],
    ['a workload', () => simulate?.({ services: clock, workload: 5 }), 'workload is a function'],
    ['invariants', () => simulate?.({ services: clock, invariants: () => true }), 'invariants is an object'],
    ['an invariant', () => simulate?.({ services: clock, invariants: { a: true } }), 'the invariant "a" is a function'],
    ['limits', () => simulate?.({ services: clock, limits: 5 }), 'simulate: limits: options are an object'],
    [
      'a side',
      () => simulate?.({ services: clock, limits: { both: {} } }),
      'limits has no option "both"; there are client',
    ],
    [
      'limits of a side',
      () => simulate?.({ services: clock, limits: { client: 5 } }),
      'simulate: limits.client is an object',
    ],
    [
      'a limit of a side',
      () => simulate?.({ services: clock, limits: { client: { maxMessageBytes: 0 } } }),
      'limits.maxMessageBytes is a whole number from',
    ],
    [
      'a fault that is none',
      () => simulate?.({ services: clock, faults: [undefined] }),
      'there is no fault "undefined"',
    ],
    ['a fault of a number', () => simulate?.({ services: clock, faults: [1n] }), 'there is no fault "1"'],
    ['limits of a router', () => simulate?.({ services: clock, router: { limits: {} } }), 'has no option "limits"'],
    [
      'a million clients',
      () => simulate?.({ services: clock, clients: 1e6 }),
      'clients is a whole number from 1 to 1000',
    ],
    [
      'a seed beyond the last',
      () => simulate?.({ services: clock, seed: 2 ** 32 - 1, seeds: 2 }),
      'go up to the seed 4294967295',
    ],
    [
      'a map of invariants',
      () => simulate?.({ services: clock, invariants: new Map([['a', () => false]]) }),
      'invariants is an object',
    ],
    ['router', () => simulate?.({ services: clock, router: 5 }), 'simulate: router: options are an object'],
    ['connect', () => simulate?.({ services: clock, connect: 5 }), 'simulate: connect: options are an object'],
    [
      'of connect',
      () => simulate?.({ services: clock, connect: { clock: 1 } }),
      'connect has no option "clock"; there are use',
    ],
    ['middleware', () => simulate?.({ services: clock, connect: { use: 5 } }), 'connect: use is a list of functions'],
    ['of the router', () => simulate?.({ services: clock, router: { use: 5 } }), 'router: use is a list of functions'],
    ['serve', () => simulate?.({ services: clock, serve: 5 }), 'simulate: serve: options are an object'],
    ['authenticate', () => simulate?.({ services: clock, serve: { authenticate: 5 } }), 'authenticate is a function'],
    ['an override', () => simulate?.({ services: clock, override: 5 }), 'override is a function'],
  ],
}

for (const [name, its] of Object.entries(mistakes)) {
  describe(name, () => {
    it.each(its)('says what it takes: %s', async (_, run, message) => {
      const told = await toldOf(run)
      expect(told).toContain('invalid_argument no: ')
      expect(told).toContain(message)
    })
  })
}

describe('a schema that needs an override', () => {
  it('ends a simulation at once, and one with it runs', async () => {
    const Isbn = Type.Object({ isbn: Type.String({ pattern: '^(\\d)-\\1$' }) })
    const Books = contract('books', { find: unary(Isbn, Type.Null()) })
    const services = () => service(Books, { find: () => null })
    expect(await toldOf(() => simulate?.({ services }))).toMatch(/^invalid_argument no: (?!seed).*override/s)
    const override = (schema: { readonly pattern?: string }) => (schema.pattern ? fc.constant('3-3') : undefined)
    expect(await simulate?.({ services, override, seeds: 2, calls: 3 })).toMatchObject({ seeds: 2 })
  })
})

describe('a run', () => {
  it.each([
    ['a client of no contract', (sim: testing.Simulation) => sim.client(5 as never), 'client takes a contract'],
    [
      'a sleep of no time',
      (sim: testing.Simulation) => sim.sleep('x' as never),
      'sleep takes milliseconds from 0, not x',
    ],
  ])('says what it takes: %s', async (_, misuse, message) => {
    const workload = async (sim: testing.Simulation) => void (await misuse(sim))
    expect(await toldOf(() => simulate?.({ services: clock, seeds: 1, workload }))).toContain(message)
  })

  it('says that a place opened nothing', async () => {
    const [first] = testing.conformance({ name: 'mine', open: async () => undefined as never })
    expect(await toldOf(() => first?.run())).toContain('open resolves with { connection, stats, close }, not undefined')
  })
})
