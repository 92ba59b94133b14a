/** What a program passes is looked at when it is passed: a misspelt option is an error that names it and those that are. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { connect, contract, notify, router, serve, service, stub, unary } from '../../src/index.ts'
import { failureOf, Lab, lab, untyped } from './lab.ts'

/** The words of the mistake that `act` ends with, at once or as a promise. */
async function mistakeOf(act: () => unknown): Promise<string> {
  const { code, processed, message } = await failureOf((async () => act())())
  expect({ code, processed }).toEqual({ code: 'invalid_argument', processed: 'no' })
  return message
}

const echo = lab({ echo: (request) => request })
const misspelt = { limit: {} } as object

describe('options', () => {
  it.each([
    ['connect', () => connect(echo, misspelt), 'connect has no option "limit"; there are use, limits, '],
    ['connect to an address', () => connect('tcp://127.0.0.1:1', misspelt), 'connect has no option "limit"; there are'],
    ['serve', () => serve(echo, 'tcp://127.0.0.1:0', misspelt), 'serve has no option "limit"; there are authenticate'],
    ['router', () => router([echo], misspelt), 'router has no option "limit"; there are use, authorize, limits'],
    ['connect with no object', () => connect(echo, 'fast' as never), 'connect: options are an object'],
    ['serve with null', () => serve(echo, 'tcp://127.0.0.1:0', null as never), 'serve: options are an object'],
    ['router with a function', () => router([echo], (() => 1) as never), 'router: options are an object'],
  ])('of %s that do not exist are refused', async (_, act, words) => {
    expect(await mistakeOf(act)).toContain(words)
  })

  it('of a call that do not exist are refused too, before anything is sent', async () => {
    let runs = 0
    const wire = connect(lab({ quick: () => void runs++ }))
    const { quick } = wire.client(Lab)
    const words = await mistakeOf(() => quick(undefined, untyped({ timeout: 50 })))
    expect(words).toContain('no option "timeout"')
    expect(words).toContain('timeoutMs')
    expect(await mistakeOf(() => quick(undefined, 50 as never))).toContain('the second argument is an object')
    expect(await mistakeOf(() => quick(undefined, null as never))).toContain('the second argument is an object')
    expect(runs).toBe(0)
    await wire.close()
  })

  it('of a dispatch that do not exist are refused too', async () => {
    const message = Lab.message.echo({ text: 'x' })
    expect(await mistakeOf(() => router([echo]).dispatch(message, untyped({ timeout: 5 })))).toContain('"timeout"')
  })

  it.each([
    ['connect', (limits: object) => connect(echo, { limits })],
    ['connect to an address', (limits: object) => connect('tcp://127.0.0.1:1', { limits })],
    ['serve', (limits: object) => serve(echo, 'tcp://127.0.0.1:0', { limits })],
    ['router', (limits: object) => router([echo], { limits })],
  ])('limits of %s that do not exist, or are out of range, are refused', async (_, act) => {
    expect(await mistakeOf(() => act({ maxCalls: 1 }))).toContain('there is no limit "maxCalls"; the limits are ')
    expect(await mistakeOf(() => act({ maxDepth: 0 }))).toBe('limits.maxDepth is a whole number from 1 to 512, not 0')
    expect(await mistakeOf(() => act({ maxDepth: '8' }))).toContain('not 8')
    expect(await mistakeOf(() => act({ idleTimeoutMs: 10, pingAfterMs: 10 }))).toContain('must be larger than')
  })

  it.each([undefined, {}, { limits: undefined }, { limits: { maxDepth: undefined } }])(
    'may be absent: %j',
    async (options) => {
      const wire = connect(router([echo], options), options)
      expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'x' })
      await wire.close()
    },
  )

  it('limits of a place go over those of the router, one by one', async () => {
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const served = router([echo], { limits: { maxMetadataBytes: 10, maxCallsQueued: 5 }, log })
    const wire = connect(served, { limits: { maxCallsQueued: 6 } })
    const metadata = { name: 'more than ten bytes' }
    const error = await failureOf(wire.client(Lab).echo({ text: 'x' }, { metadata }))
    expect(error.message).toContain('maxMetadataBytes is 10')
    await wire.close()
  })
})

describe('places', () => {
  it.each([
    ['', 'write tcp://host:port'],
    ['127.0.0.1:7000', 'write tcp://host:port'],
    ['http://127.0.0.1:7000', 'write tcp://host:port'],
    ['tcp:', 'tcp://host:port'],
    ['tcp://', 'tcp://host:port'],
    ['tcp://127.0.0.1', 'write tcp://host:port'],
    ['tcp://127.0.0.1:0', 'write tcp://host:port'],
    ['tcp://127.0.0.1:65536', 'tcp://host:port'],
    ['tcp://127.0.0.1:7000/path', 'write tcp://host:port'],
    ['toString:x', 'write tcp://host:port'],
  ])('that are no address are refused, at once or by the first call: %j', async (address, words) => {
    expect(await mistakeOf(() => connect(address).ready())).toContain(words)
    expect(await mistakeOf(() => connect(address).client(Lab).quick())).toContain(words)
  })

  it.each([['127.0.0.1:0'], ['udp://127.0.0.1:0'], ['tcp://127.0.0.1'], ['tcp://127.0.0.1:0/x']])(
    'that cannot be served at are refused: %j',
    async (address) => {
      expect(await mistakeOf(() => serve(echo, address))).toMatch(/tcp:\/\/host:port/)
    },
  )

  it.each([[7], [null], [{}], [() => 1], [Lab]])('that are none are refused at once: %j', async (where) => {
    expect(await mistakeOf(() => connect(where as never))).toContain('connect takes an address, a service')
  })

  it.each([[[7]], [[Lab]], [[undefined]]])('with what is no service are refused: %j', async (services) => {
    for (const act of [connect, router]) {
      expect(await mistakeOf(() => act(services as never))).toContain('a router takes services')
    }
    expect(await mistakeOf(() => serve(services as never, 'tcp://127.0.0.1:0'))).toContain('a router takes services')
  })
})

describe('a place of somebody else', () => {
  it('is dialled once for the calls that come together, and what it fails with is said', async () => {
    let dials = 0
    const place = {
      url: 'carrier-pigeon://roof',
      async dial(): Promise<never> {
        dials++
        throw new RangeError('no pigeon')
      },
    }
    const wire = connect(place)
    const { quick } = wire.client(Lab)
    for (const met of await Promise.all([failureOf(quick()), failureOf(quick()), failureOf(wire.ready())])) {
      expect(met).toMatchObject({ code: 'unavailable', processed: 'no', cause: new RangeError('no pigeon') })
      expect(met.message).toContain('carrier-pigeon://roof')
      expect(met.message).toContain('no pigeon')
    }
    expect(dials).toBe(1)
    await wire.close()
  })
})

describe('the principal', () => {
  it.each([
    ['in memory', {}],
    ['through bytes', { encoded: true }],
  ])('is who connect says, %s, and nobody otherwise', async (_, options) => {
    const seen: unknown[] = []
    const service = lab({ quick: (_request, ctx) => void seen.push(ctx.principal) })
    const ada = { name: 'Ada' }
    for (const principal of [ada, undefined]) {
      const wire = connect(service, { ...options, principal })
      await wire.client(Lab).quick()
      await wire.close()
    }
    expect(seen).toEqual([ada, undefined])
  })
})

describe('a service', () => {
  const handlers = {
    echo: (request: { text: string }) => request,
    store: () => [],
    quick() {},
    note() {},
    quickNote() {},
  }

  it('has a handler for each method', async () => {
    const { quick: _, ...missing } = handlers
    expect(await mistakeOf(() => service(Lab, missing as never))).toBe('lab/quick has no handler')
    expect(await mistakeOf(() => service(Lab, { ...handlers, quick: 7 } as never))).toBe('lab/quick has no handler')
  })

  it('has no handler without a method', async () => {
    const words = 'lab has no method "ecko", but a handler for it'
    expect(await mistakeOf(() => service(Lab, { ...handlers, ecko() {} } as never))).toBe(words)
    expect(await mistakeOf(() => stub(Lab, { ecko() {} } as never))).toBe(words)
  })

  it('may be an object of a class, whose methods are inherited', async () => {
    class Handlers {
      readonly prefix = '> '
      echo({ text }: { text: string }) {
        return { text: this.prefix + text }
      }
      store() {
        return []
      }
      quick() {}
      note() {}
      quickNote() {}
    }
    const wire = connect(service(Lab, new Handlers() as never))
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: '> x' })
    await wire.close()
  })

  it('shares its router with no other of the same name, nor of the same number', async () => {
    expect(await mistakeOf(() => router([echo, lab({})]))).toBe('two services have the contract name "lab"')
    const Other = contract('other', { m: notify(Type.Null(), { tag: Lab.tags.echo }) })
    const words = await mistakeOf(() => router([echo, stub(Other)]))
    expect(words).toContain(`lab/echo and other/m have the same tag ${Lab.tags.echo}`)
    const Shop = contract('shop', { turnLoanLater: unary(Type.Null(), Type.Null()) })
    const Users = contract('users', { giveCardIds: unary(Type.Null(), Type.Null()) })
    expect(await mistakeOf(() => router([stub(Shop), stub(Users)]))).toMatch(
      /shop\/turnLoanLater and users\/giveCardIds have the same tag 497016403; .*\{ tag: 497016404 \}/,
    )
  })

  it('can be empty of handlers as a stub, and says which one is missing', async () => {
    const wire = connect(stub(Lab))
    const error = await failureOf(wire.client(Lab).quick())
    expect(error).toMatchObject({ code: 'unimplemented', message: 'the stub of lab has no handler for quick' })
    await wire.close()
  })

  it('is frozen, and so are its clients', async () => {
    expect(Object.isFrozen(echo)).toBe(true)
    const wire = connect(echo)
    const client = wire.client(Lab)
    expect(Object.isFrozen(client)).toBe(true)
    expect(Object.isFrozen(client.echo)).toBe(true)
    expect(Object.keys(client)).toEqual(['echo', 'store', 'quick', 'note', 'quickNote'])
    expect(await (async () => client)()).toBe(client)
    await wire.close()
  })
})

describe('dispatch', () => {
  const served = router([
    lab({
      echo: ({ text }, ctx) => ({ text: `${text} ${String(ctx.principal)} ${ctx.metadata.get('tenant')} ${ctx.peer}` }),
      note() {},
    }),
  ])

  it('runs a message as a call in memory would', async () => {
    const message = JSON.parse('{"tag":"lab/echo","body":{"text":"x","more":1}}')
    const options = { principal: 'Ada', metadata: { tenant: 'blue' } }
    expect(await served.dispatch(message, options)).toEqual({ text: 'x Ada blue memory' })
    expect(await served.dispatch(Lab.message.note({ line: 'x' }))).toBeUndefined()
  })

  it.each([
    [{ tag: 'lab/nothing', body: {} }, 'no service here has the method "lab/nothing"'],
    [{ tag: 'echo', body: {} }, 'no service here has the method "echo"'],
    [{ tag: 'toString', body: {} }, 'no service here has the method "toString"'],
    [{}, 'no service here has the method'],
    [null, 'no service here has the method'],
    ['x', 'no service here has the method'],
    [{ tag: 'lab/echo', body: { text: 7 } }, 'the request of lab/echo does not fit: /text must be string'],
    [{ tag: 'lab/echo' }, 'the request of lab/echo does not fit: the value must be an object'],
  ])('refuses what is no message: %j', async (message, words) => {
    expect(await mistakeOf(() => served.dispatch(message as never))).toContain(words)
  })
})
