/** A client and a server whose contracts differ (spec/session.md, S31 to S33; spec/compatibility.md). */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Connection,
  type ConnectOptions,
  connect,
  contract,
  NanowireError,
  notify,
  type Router,
  router,
  type ServeOptions,
  type Server,
  type Service,
  serve,
  service,
  unary,
} from '../../src/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { failureOf, Gate } from './lab.ts'

const Item = Type.Object({ name: Type.String(), count: Type.Integer() })

/** One version of a shop: what `order` takes and `find` gives. */
function shopContract(order: TSchema, find: TSchema = Item) {
  return contract('shop', {
    order: unary(order, Type.Boolean()),
    find: unary(Type.Object({ name: Type.String() }), find),
    ring: notify(Type.Object({ times: Type.Integer() })),
  })
}

/** The shop as its clients know it. */
const Shop = shopContract(Item)

/** What the handlers have seen. */
class Seen {
  readonly requests: unknown[] = []

  service(Contract: ReturnType<typeof shopContract>): Service {
    return service(Contract, {
      order: (request) => this.requests.push(request) > 0,
      find: ({ name }) => ({ name, count: 3 }),
      ring: (request) => void this.requests.push(request),
    })
  }
}

async function serving(services: Service | Router, options: ServeOptions = {}, clientOptions: ConnectOptions = {}) {
  const log = new RecordingLog()
  const server: Server = await serve(
    'routeOf' in services ? services : router([services], { log }),
    'tcp://127.0.0.1:0',
    options,
  )
  const wire: Connection = connect(server.url, clientOptions)
  onTestFinished(async () => {
    await wire.close({ drainMs: 0 })
    await server.close({ drainMs: 0 })
  })
  return { server, wire, log, shop: wire.client(Shop) }
}

const item = { name: 'pen', count: 2 }

describe('S32: a client whose contract is another', () => {
  const compatible = shopContract(
    Type.Object({ name: Type.String(), count: Type.Number(), note: Type.Optional(Type.String()) }),
  )

  it.each([
    ['at once, before the HELLO of the server', false],
    ['once the connection is ready', true],
  ])('calls what is compatible, %s', async (_, ready) => {
    const seen = new Seen()
    const { wire, shop, server } = await serving(seen.service(compatible))
    if (ready) await wire.ready()
    expect(await Promise.all([shop.order(item), shop.order(item), shop.find({ name: 'a' })])).toEqual([
      true,
      true,
      { name: 'a', count: 3 },
    ])
    expect(seen.requests).toEqual([item, item])
    expect(server.stats().calls['nanowire/describe']).toEqual({ ok: 1 })
    expect(wire.stats().calls).toEqual({ 'shop/order': { ok: 2 }, 'shop/find': { ok: 1 } })
  })

  it.each([
    ['at once', false],
    ['once the connection is ready', true],
  ])('does not call what is breaking, and says where and why, %s', async (_, ready) => {
    const seen = new Seen()
    const { wire, shop } = await serving(
      seen.service(shopContract(Type.Object({ name: Type.String(), count: Type.Integer(), colour: Type.String() }))),
    )
    if (ready) await wire.ready()
    const failure = await failureOf(shop.order(item))
    expect(failure).toMatchObject({ code: 'failed_precondition', processed: 'no' })
    expect(failure.message).toContain('/order/request/colour')
    expect(failure.message).toContain('tcp://127.0.0.1')
    expect(await shop.find({ name: 'a' })).toEqual({ name: 'a', count: 3 })
    expect(seen.requests).toEqual([])
  })

  it('judges replies too', async () => {
    const { shop } = await serving(
      new Seen().service(
        shopContract(Item, Type.Object({ name: Type.String(), count: Type.Integer(), more: Type.Null() })),
      ),
    )
    expect(await failureOf(shop.find({ name: 'a' }))).toMatchObject({ code: 'internal', processed: 'yes' }) // the handler of this test gives no more
    const other = await serving(
      new Seen().service(shopContract(Item, Type.Object({ name: Type.String(), count: Type.Number() }))),
    )
    const failure = await failureOf(other.shop.find({ name: 'a' }))
    expect(failure).toMatchObject({ code: 'failed_precondition', processed: 'no' })
    expect(failure.message).toContain('/find/reply/count')
  })

  it('without reflection calls all the same, and validation judges each call', async () => {
    const seen = new Seen()
    const { shop } = await serving(
      seen.service(shopContract(Type.Object({ name: Type.String({ minLength: 5 }), count: Type.Integer() }))),
      { reflection: false },
    )
    const failure = await failureOf(shop.order(item))
    expect(failure).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(await shop.order({ name: 'pencil', count: 1 })).toBe(true)
    expect(seen.requests).toEqual([{ name: 'pencil', count: 1 }])
  })

  it('that may not ask calls all the same', async () => {
    const seen = new Seen()
    const authorize = ({ method }: { method: { name: string } }) => method.name !== 'nanowire/describe'
    const log = new RecordingLog()
    const { shop } = await serving(router([seen.service(compatible)], { authorize, log }))
    expect(await shop.order(item)).toBe(true)
  })

  it('asks once for each contract of a server, also over its next connections', async () => {
    const seen = new Seen()
    const first = await serving(seen.service(compatible))
    const { port } = new URL(first.server.url)
    expect(await first.shop.order(item)).toBe(true)
    await first.server.close()
    const again = await serve(router([seen.service(compatible)]), `tcp://127.0.0.1:${port}`)
    onTestFinished(() => again.close({ drainMs: 0 }))
    await first.wire.ready()
    expect(await first.shop.order(item)).toBe(true)
    expect(again.stats().calls['nanowire/describe']).toBeUndefined()
  })

  it('sends notifies once they are judged, and refuses those that would break', async () => {
    const seen = new Seen()
    const { wire, shop } = await serving(seen.service(compatible))
    await wire.ready()
    await shop.ring({ times: 2 })
    await shop.find({ name: 'a' })
    expect(seen.requests).toEqual([{ times: 2 }])
    const Other = contract('shop', { ...definitions(Shop), ring: notify(Type.Object({ times: Type.String() })) })
    const broken = wire.client(Other)
    expect(await failureOf(broken.ring({ times: 'x' }))).toMatchObject({ code: 'failed_precondition', processed: 'no' })
  })

  it('P18: tells its hash once, and an identical contract is not asked for', async () => {
    const seen = new Seen()
    const { shop, server } = await serving(seen.service(shopContract(Item)))
    await Promise.all([shop.order(item), shop.order(item)])
    await shop.order(item)
    expect(server.stats().calls).toEqual({ 'shop/order': { ok: 3 } })
  })

  it('gives its callers their deadlines and cancellations while it asks', async () => {
    const gate = new Gate()
    const slow: Service = new Seen().service(compatible)
    const log = new RecordingLog()
    const { wire, shop } = await serving(
      router([slow], {
        log,
        use: [],
        authorize: async ({ method }) => {
          if (method.name === 'nanowire/describe') await gate.promise
          return true
        },
      }),
    )
    await wire.ready()
    const abort = new AbortController()
    const cancelled = failureOf(shop.order(item, { signal: abort.signal }))
    const late = failureOf(shop.order(item, { timeoutMs: 20 }))
    const waits = shop.order(item)
    expect(wire.stats().waiting).toBe(3)
    abort.abort()
    expect(await cancelled).toMatchObject({ code: 'cancelled', processed: 'no' })
    expect(await late).toMatchObject({ code: 'deadline_exceeded', processed: 'no' })
    gate.open()
    expect(await waits).toBe(true)
  })

  it('loses calls that wait for a verdict as not run when the connection is cut', async () => {
    const log = new RecordingLog()
    const routed = router([new Seen().service(compatible)], {
      log,
      authorize: ({ method }) => (method.name === 'nanowire/describe' ? new Promise<boolean>(() => {}) : true),
    })
    const { wire, shop, server } = await serving(routed)
    await wire.ready()
    const failure = failureOf(shop.order(item))
    await server.close({ drainMs: 0 })
    expect(await failure).toMatchObject({ code: 'unavailable', processed: 'no' })
    await wire.close()
  })
})

/** The definitions that a contract was made of. */
function definitions(from: typeof Shop) {
  const { order, find, ring } = from.methods
  return { order: order.definition, find: find.definition, ring: ring.definition }
}

describe('S33: a contract that the server lacks', () => {
  const Other = contract('orders', { list: unary(Type.Void(), Type.Array(Type.String())) })

  it.each([
    ['at once', false],
    ['once the connection is ready', true],
  ])('is named, and so are those that it has, %s', async (_, ready) => {
    const { wire, server } = await serving(new Seen().service(Shop))
    if (ready) await wire.ready()
    const failure = await failureOf(wire.client(Other).list())
    expect(failure).toMatchObject({ code: 'unimplemented', processed: 'no' })
    expect(failure.message).toBe(`${server.url} has no contract orders; it has shop`)
  })
})

describe('reflection', () => {
  it('is not among the services of a router that turned it off', async () => {
    const on = await serving(new Seen().service(Shop))
    const off = await serving(new Seen().service(Shop), { reflection: false })
    const { Reflection } = await import('../../src/contract/index.ts')
    expect(await on.wire.client(Reflection).describe({ contract: 'shop' })).toMatchObject({ name: 'shop' })
    expect(await failureOf(on.wire.client(Reflection).describe({ contract: 'nope' }))).toMatchObject({
      code: 'not_found',
      processed: 'yes',
    })
    expect(await failureOf(off.wire.client(Reflection).describe({ contract: 'shop' }))).toMatchObject({
      code: 'unimplemented',
      processed: 'no',
    })
  })

  it('makes the bytes of a description once, however often it is asked', async () => {
    const { Reflection, describeContract } = await import('../../src/contract/index.ts')
    const { encodeReply } = await import('../../src/rpc/reflection.ts')
    const gate = Reflection.methods.describe.reply
    const bytes = encodeReply(gate, describeContract(Shop), defaultLimits)
    expect(encodeReply(gate, describeContract(Shop), defaultLimits)).toBe(bytes)
    const { order } = Shop.methods
    expect(encodeReply(order.request, item, defaultLimits)).not.toBe(encodeReply(order.request, item, defaultLimits))
  })

  it('a description that cannot be read is a typed error, and the call is not made', async () => {
    const { Reflection } = await import('../../src/contract/index.ts')
    const seen = new Seen()
    const bad = service(contract('shop', { ...definitions(shopContract(Type.Null())) }), {
      order: () => true,
      find: ({ name }) => ({ name, count: 3 }),
      ring: () => {},
    })
    const deep = Array.from({ length: 60 }).reduce<object>((inner) => ({ allOf: [inner] }), { type: 'null' })
    const lying = service(Reflection, {
      describe: () =>
        ({
          nanowire: 1,
          name: 'shop',
          methods: { order: { kind: 'unary', tag: 1, request: deep, reply: 7, errors: {} } },
        }) as never,
    })
    const routed = router([bad, lying], { log: new RecordingLog() })
    const { wire, shop } = await serving(routed, { reflection: false })
    await wire.ready()
    const failure = await failureOf(shop.order(item))
    expect(failure).toBeInstanceOf(NanowireError)
    expect(failure).toMatchObject({ code: 'failed_precondition', processed: 'no' })
    expect(failure.message).toContain('cannot be read')
    expect(seen.requests).toEqual([])
  })
})

describe('serve', () => {
  it('refuses more contracts than a HELLO can name', async () => {
    const many = Array.from({ length: 2_200 }, (_, index) =>
      service(contract(`contract-${index}`, { a: unary(Type.Null(), Type.Null()) }), { a: () => null }),
    )
    const failure = await failureOf(serve(router(many), 'tcp://127.0.0.1:0'))
    expect(failure).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(failure.message).toContain('2200 contracts do not fit into a HELLO')
  })

  it('takes true or false for reflection', async () => {
    const failure = await failureOf(
      serve(new Seen().service(Shop), 'tcp://127.0.0.1:0', { reflection: 'on' } as object),
    )
    expect(failure.message).toBe('serve: reflection is true or false')
  })
})
