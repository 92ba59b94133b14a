/** Methods that take items or answer with them, and events: what they are, what is refused, and how versions compare. */
import Type, { type TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import {
  type AnyContract,
  bidiStream,
  clientStream,
  contract,
  describeContract,
  event,
  judgeMethods,
  learnContract,
  type Method,
  type MethodRef,
  notify,
  readSlow,
  serverStream,
  Timestamp,
  unary,
} from '../../src/contract/index.ts'
import { codec } from '../../src/wire/index.ts'
import { refusalOf } from '../spec/refusal.ts'
import { misfitOf } from './over-wire.ts'

const Item = Type.Object({ n: Type.Integer() })
const Placed = Type.Object({ orderId: Type.String({ description: 'whose' }), cents: Type.Integer() })
const Feed = contract('feed', {
  get: unary(Type.Null(), Item),
  log: notify(Item),
  ticks: serverStream(Type.Object({ count: Type.Integer() }), Item, { errors: { Gone: Type.Null() }, slow: 'latest' }),
  sum: clientStream(Item, Type.Integer(), { errors: { Full: Type.Integer() }, timeoutMs: 5_000, idempotent: true }),
  chat: bidiStream(Type.String(), Item, { slow: { policy: 'disconnect', maxItems: 3 } }),
  placed: event(Placed, { key: 'orderId', description: 'an order', deprecated: true, tag: 7 }),
  closed: event(Type.String(), { slow: 'disconnect' }),
})

describe('a method', () => {
  it.each<[keyof typeof Feed.methods, Pick<MethodRef, 'input' | 'output' | 'oneWay'>]>([
    ['get', { input: false, output: false, oneWay: false }],
    ['log', { input: false, output: false, oneWay: true }],
    ['ticks', { input: false, output: true, oneWay: false }],
    ['sum', { input: true, output: false, oneWay: false }],
    ['chat', { input: true, output: true, oneWay: false }],
    ['placed', { input: false, output: true, oneWay: false }],
  ])('%s says who sends items', (key, says) => {
    expect(Feed.methods[key]).toMatchObject(says)
  })

  it('has a gate for each thing that either side sends', () => {
    const { ticks, sum, chat } = Feed.methods
    expect(ticks.request.inMemory({ count: 1 })).toEqual({ count: 1 })
    expect(ticks.reply.inMemory({ n: 1 })).toEqual({ n: 1 })
    expect(sum.request.inMemory({ n: 1, more: 2 })).toEqual({ n: 1 })
    expect(sum.reply.inMemory(5)).toBe(5)
    expect(misfitOf(() => chat.request.inMemory(5))).toContain('string')
    expect(misfitOf(() => chat.reply.inMemory({ n: 'x' }))).toContain('/n')
    expect([...sum.errors.keys(), ...ticks.errors.keys(), ...chat.errors.keys()]).toEqual(['Full', 'Gone'])
  })

  it('has the options of its kind, frozen', () => {
    expect(Feed.methods.sum.definition.options).toEqual({ timeoutMs: 5_000, idempotent: true })
    expect(Feed.methods.placed.definition.options).toEqual({ description: 'an order', deprecated: true, tag: 7 })
    expect(Feed.tags.placed).toBe(7)
    const { definition } = Feed.methods.ticks
    for (const part of [Feed.methods.ticks, definition, definition.errors, definition.options, definition.options.slow])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it.each([
    ['an error of an event', () => event(Item, { errors: {} } as object), 'event has no option "errors"'],
    ['a time of an event', () => event(Item, { timeoutMs: 5 } as object), 'no option "timeoutMs"; there are key, tag'],
    ['slow where nothing answers', () => clientStream(Item, Item, { slow: 'block' } as object), 'no option "slow"'],
    ['slow of a unary', () => unary(Item, Item, { slow: 'block' } as object), 'unary has no option "slow"'],
    ['an event that blocks', () => event(Item, { slow: { policy: 'block' } as never }), 'event: slow cannot be block'],
    ['a key of a stream', () => serverStream(Item, Item, { key: 'n' } as object), 'no option "key"'],
    ['a time of 0', () => serverStream(Item, Item, { timeoutMs: 0 }), 'timeoutMs'],
    ['options that are none', () => event(Item, null as never), "a method's options are an object"],
    ['an item that cannot travel', () => contract('c', { m: bidiStream(Type.Symbol(), Item) }), 'c/m request'],
  ])('has not %s', (_, define, words) => {
    expect(refusalOf(define)).toContain(words)
  })
})

describe('what is done with slow receivers', () => {
  it('is what the contract says, with a whole budget, or the default of the kind', () => {
    const rules = Object.values<MethodRef>(Feed.methods).map(({ slow }) => slow.policy)
    expect(rules).toEqual(['block', 'block', 'latest', 'block', 'disconnect', 'dropOldest', 'disconnect'])
    expect(Feed.methods.ticks.slow).toEqual({ policy: 'latest', maxItems: 1_024, maxBytes: 1_048_576 })
    expect(Feed.methods.chat.slow).toEqual({ policy: 'disconnect', maxItems: 3, maxBytes: 1_048_576 })
    expect(readSlow('x', { policy: 'block', maxItems: undefined, maxBytes: 5 }).maxBytes).toBe(5)
  })

  it.each<[unknown, string]>([
    ['dropNewest', 'slow has no policy "dropNewest"; there are block, dropOldest, latest, disconnect'],
    [{}, 'slow has no policy undefined'],
    [{ policy: 'latest', max: 5 }, 'slow has no option "max"; there are policy, maxItems, maxBytes'],
    [{ policy: 'latest', maxItems: 0 }, 'slow.maxItems is a whole number of at least 1, not 0'],
    [{ policy: 'latest', maxBytes: 1.5 }, 'slow.maxBytes is a whole number of at least 1, not 1.5'],
    [{ policy: 'latest', maxItems: Number.POSITIVE_INFINITY }, 'not Infinity'],
    [{ policy: 'latest', maxItems: '5' }, 'slow.maxItems'],
    [null, 'slow is a policy (block, dropOldest, latest, disconnect), or { policy, maxItems, maxBytes }'],
    [7, 'slow is a policy'],
  ])('is not %j', (slow, words) => {
    expect(refusalOf(() => event(Item, { slow } as object))).toBe(refusalOf(() => readSlow('event', slow)))
    expect(refusalOf(() => serverStream(Item, Item, { slow } as object))).toContain(words)
  })
})

describe('what subscribers of an event choose by', () => {
  const { placed, closed } = Feed.methods

  it('is its key, or nothing for everything', () => {
    expect([placed.event, closed.event, Feed.methods.ticks.event]).toEqual([
      { key: 'orderId' },
      { key: undefined },
      undefined,
    ])
    for (const filter of [{}, { orderId: 'a' }, { orderId: undefined }])
      expect(placed.request.inMemory(filter)).toEqual(filter)
    expect(closed.request.inMemory({})).toEqual({})
  })

  it('is nothing else: what the server does not choose by is refused', () => {
    expect(misfitOf(() => placed.request.inMemory({ orderID: 'a' }))).not.toBe('it fits')
    expect(misfitOf(() => placed.request.inMemory({ cents: 5 }))).not.toBe('it fits')
    expect(misfitOf(() => placed.request.inMemory({ orderId: 5 }))).toContain('/orderId')
    expect(misfitOf(() => closed.request.inMemory({ at: 5 }))).not.toBe('it fits')
  })

  const keyed = (value: TSchema) => event(Type.Object({ k: value }), { key: 'k' } as object)

  it.each<[string, TSchema, unknown]>([
    ['a string', Type.String(), 'a'],
    ['a number', Type.Number(), 1.5],
    ['an integer', Type.Integer({ minimum: 5 }), 5],
    ['a bigint', Type.BigInt(), 5n],
    ['a boolean', Type.Boolean(), true],
    ['a constant', Type.Literal('x'), 'x'],
    ['an enum', Type.Enum(['a', 'b']), 'b'],
    ['one of several', Type.Union([Type.String(), Type.Literal(5)]), 5],
    ['one behind a name', Type.Cyclic({ Id: Type.String() }, 'Id'), 'a'],
  ])('may be %s', (_, value, key) => {
    const { m } = contract('c', { m: keyed(value) }).methods
    expect(m.request.inMemory({ k: key })).toEqual({ k: key })
    expect(misfitOf(() => m.request.inMemory({ k: {} }))).toContain('/k')
  })

  it.each<[string, () => unknown, string]>([
    ['a name that the body lacks', () => event(Placed, { key: 'id' as 'orderId' }), '"id" is not'],
    ['a key of a text', () => event(Type.String(), { key: 'length' }), 'is a property that its body declares'],
    [
      'an optional property',
      () => event(Type.Object({ a: Type.Optional(Type.String()) }), { key: 'a' }),
      '"a" is optional; require it',
    ],
    ['a date', () => keyed(Timestamp()), '"k" is timestamp'],
    ['an object', () => keyed(Item), '"k" is object'],
    ['anything', () => keyed(Type.Unknown()), '"k" is unknown'],
    ['a string or null', () => keyed(Type.Union([Type.String(), Type.Null()])), '"k" is union'],
  ])('is not %s', (_, define, words) => {
    expect(refusalOf(define)).toContain(words)
  })
})

describe('the tagged enum', () => {
  it('has a request for each method whose call is one message', () => {
    expect(Object.keys(Feed.message)).toEqual(['get', 'log', 'ticks'])
    const ticks = Feed.message.ticks({ count: 3 })
    expect(ticks).toEqual({ tag: 'feed/ticks', body: { count: 3 } })
    expect(Check(Feed.Request, ticks)).toBe(true)
    expect(codec(Feed).decode(codec(Feed).encode(ticks))).toEqual(ticks)
    expect(Feed.match(ticks, { get: () => 0, log: () => 0, ticks: ({ count }) => count })).toBe(3)
    for (const [tag, body] of [
      ['feed/sum', { n: 1 }],
      ['feed/chat', ''],
      ['feed/placed', {}],
    ])
      expect(Check(Feed.Request, { tag, body })).toBe(false)
    const message = { tag: 'feed/sum', body: { n: 1 } } as never // from a file, say
    expect(refusalOf(() => Feed.match(message, { get: () => 0, log: () => 0, ticks: () => 0 }))).toContain('"feed/sum"')
  })

  it('has a reply for whatever answers a call: replies and items', () => {
    for (const [tag, body] of [
      ['feed/get', { n: 1 }],
      ['feed/ticks', { n: 1 }],
      ['feed/sum', 6],
      ['feed/chat', { n: 1 }],
    ])
      expect(Check(Feed.Response, { tag, body })).toBe(true)
    expect(Check(Feed.Response, { tag: 'feed/placed', body: { orderId: 'a', cents: 1 } })).toBe(false)
    expect(Check(Feed.Response, { tag: 'feed/log', body: null })).toBe(false)
  })

  it('is empty where no call is one message, and the contract works', () => {
    const Events = contract('events', { placed: event(Placed), all: clientStream(Item, Item) })
    expect(Object.keys(Events.message)).toEqual([])
    expect(Object.keys(Events.methods)).toEqual(['placed', 'all'])
    expect(Check(Events.Request, { tag: 'events/placed', body: {} })).toBe(false)
    expect(refusalOf(() => codec(Events).encode({ tag: 'events/all', body: { n: 1 } } as never))).toContain('Never')
  })
})

const of = (m: Method): AnyContract => contract('c', { m })
const judged = (client: Method, server: Method) =>
  judgeMethods(describeContract(of(client)), describeContract(of(server))).get('m')
const broken = (client: Method, server: Method) =>
  judged(client, server)?.findings.flatMap(({ pointer, verdict }) => (verdict === 'breaking' ? [pointer] : []))

describe('K11: kinds that stream', () => {
  const kinds: readonly Method[] = [
    unary(Item, Item),
    notify(Item),
    serverStream(Item, Item),
    clientStream(Item, Item),
    bidiStream(Item, Item),
    event(Item),
  ]

  it('get on with themselves alone', () => {
    for (const client of kinds)
      for (const server of kinds) {
        if (client === server) expect(judged(client, server)?.verdict).toBe('identical')
        else expect(broken(client, server)).toContain('/m/kind')
      }
  })

  it('keep their hash when only what is done with slow receivers changes', () => {
    expect(judged(serverStream(Item, Item), serverStream(Item, Item, { slow: 'latest' }))?.verdict).toBe('identical')
    expect(of(event(Item, { slow: 'disconnect' })).fingerprint).toBe(of(event(Item)).fingerprint)
  })

  const More = Type.Object({ n: Type.Integer(), more: Type.String() })

  it.each([
    ['serverStream', (one: TSchema, other: TSchema) => serverStream(one, other)],
    ['clientStream', (one: TSchema, other: TSchema) => clientStream(one, other)],
    ['bidiStream', (one: TSchema, other: TSchema) => bidiStream(one, other)],
  ] as const)('%s: what the client sends goes one way, what the server sends the other', (_, make) => {
    expect(broken(make(Item, Item), make(More, Item))).toEqual(['/m/request/more'])
    expect(judged(make(More, Item), make(Item, Item))?.verdict).toBe('compatible')
    expect(broken(make(Item, More), make(Item, Item))).toEqual(['/m/reply/more'])
    expect(judged(make(Item, Item), make(Item, More))?.verdict).toBe('compatible')
  })

  it('event: a body goes to the client', () => {
    expect(judged(event(Item), event(More))?.verdict).toBe('compatible')
    expect(broken(event(More), event(Item))).toEqual(['/m/reply/more'])
  })

  it('event: whoever chooses by a key needs a server that does, so nobody gets everything by mistake', () => {
    expect(judged(event(Item), event(Item, { key: 'n' }))?.verdict).toBe('compatible')
    expect(broken(event(Item, { key: 'n' }), event(Item))).toEqual(['/m/request/n'])
    expect(broken(event(More, { key: 'n' }), event(More, { key: 'more' }))).toContain('/m/request/n')
  })
})

describe('K21: learned methods that stream', () => {
  const Learned = learnContract(JSON.parse(JSON.stringify(describeContract(Feed))))
  const methods: Readonly<Record<string, MethodRef>> = Learned.methods

  it('are of their kinds, with their numbers, schemas and errors', () => {
    expect(Learned.fingerprint).toBe(Feed.fingerprint)
    for (const [key, own] of Object.entries<MethodRef>(Feed.methods)) {
      const { name, tag, input, output, oneWay, event, definition, errors } = methods[key] ?? {}
      expect({ name, tag, input, output, oneWay, event }).toEqual({
        name: own.name,
        tag: own.tag,
        input: own.input,
        output: own.output,
        oneWay: own.oneWay,
        event: own.event,
      })
      expect(definition?.kind).toBe(own.definition.kind)
      expect([...(errors?.keys() ?? [])]).toEqual([...own.errors.keys()])
    }
  })

  it('check what they can', () => {
    expect(methods['placed']?.request.toWire({ orderId: 'a' })).toEqual({ orderId: 'a' })
    expect(misfitOf(() => methods['placed']?.request.toWire({ orderID: 'a' }))).not.toBe('it fits')
    expect(misfitOf(() => methods['sum']?.request.toWire({ n: 1.5 }))).toContain('/n')
    expect(methods['chat']?.reply.fromWire({ n: 1 })).toEqual({ n: 1 })
  })

  it.each<[string, unknown, string | undefined]>([
    ['is no object', true, undefined],
    ['has no properties', { type: 'object' }, undefined],
    ['has several', { type: 'object', properties: { a: {}, b: {} } }, undefined],
    ['has one of any type', { type: 'object', properties: { a: {} } }, 'a'],
  ])('an event whose subscription %s is learned all the same', (_, request, key) => {
    const described = describeContract(of(event(Item)))
    const m = { ...described.methods['m'], request }
    const learned: Readonly<Record<string, MethodRef>> = learnContract({ ...described, methods: { m } }).methods
    expect(learned['m']?.event).toEqual({ key })
  })
})
