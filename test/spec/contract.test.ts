/** The rules of spec/contract.md, C1 to C13, one test each. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { codec } from '../../src/codec.ts'
import { contract, event, NanowireError, notify, router, service, stub, unary } from '../../src/index.ts'
import { NOTHING, refusalOf } from './refusal.ts'

const none = () => unary(NOTHING, NOTHING)
const named = (name: string) => contract('c', { [name]: none() })

describe('names', () => {
  it('C1: contracts', () => {
    for (const name of ['a', 'a1', 'shop.v2', 'a-b_c', 'a'.repeat(64)])
      expect(contract(name, { m: none() }).name).toBe(name)
    for (const name of ['', 'A', '1a', '_a', 'a b', 'a/b', 'é', 'a'.repeat(65), 'a\n'])
      expect(refusalOf(() => contract(name, { m: none() }))).toContain("a contract's name")
  })

  it('C2: methods', () => {
    for (const name of ['a', 'getAll', 'a_1', 'a'.repeat(64)]) expect(named(name).methods[name]?.name).toBe(`c/${name}`)
    for (const name of ['A', '1a', 'a-b', 'a.b', 'a/b', 'é', 'a'.repeat(65)])
      expect(refusalOf(() => named(name))).toContain("a method's name")
    const taken = ['then', 'catch', 'finally', 'constructor', 'prototype', 'toJSON', 'inspect', 'nodeType']
    for (const name of [...taken, ...Object.getOwnPropertyNames(Object.prototype)])
      expect(refusalOf(() => contract('c', Object.fromEntries([[name, none()]])))).toContain(
        'objects use it themselves',
      )
  })

  it('C3: full names', () => {
    expect(contract('greeter', { hello: none() }).methods.hello.name).toBe('greeter/hello')
  })

  it('C4: errors', () => {
    const declaring = (name: string) => contract('c', { m: unary(NOTHING, NOTHING, { errors: { [name]: NOTHING } }) })
    for (const name of ['A', 'NotFound', 'E_1', 'A'.repeat(64)])
      expect(declaring(name).methods.m.errors.has(name)).toBe(true)
    for (const name of ['a', 'not_found', '1A', 'A-B', 'É', 'A'.repeat(65)])
      expect(refusalOf(() => declaring(name))).toContain("a declared error's name")
  })
})

describe('numbers', () => {
  it('C5: depend on the name alone', () => {
    const one = contract('greeter', { hello: none(), log: notify(NOTHING) })
    const other = contract('greeter', { more: none(), log: none(), hello: notify(Type.String(), { timeoutMs: 1 }) })
    expect([one.tags.hello, one.tags.log]).toEqual([3_947_407_878, 2_352_989_148])
    expect([other.tags.hello, other.tags.log]).toEqual([one.tags.hello, one.tags.log])
  })

  it('C6: may be set by hand', () => {
    const tagged = (tag: number) => contract('c', { m: unary(NOTHING, NOTHING, { tag }) })
    for (const tag of [1, 4_294_967_295]) expect(tagged(tag).tags.m).toBe(tag)
    for (const tag of [0, -1, 1.5, 4_294_967_296, Number.NaN])
      expect(refusalOf(() => tagged(tag))).toContain('a tag is a whole number')
  })

  it('C7: collide in a contract', () => {
    const options = { tag: 7 }
    const message = refusalOf(() => contract('c', { a: unary(NOTHING, NOTHING, options), b: notify(NOTHING, options) }))
    expect(message).toMatch(/c\/a and c\/b have the same tag 7.*\{ tag: 8 \}/)
  })

  it('C7: collide in a router', () => {
    const one = contract('one', { m: unary(NOTHING, NOTHING, { tag: 7 }) })
    const two = contract('two', { m: unary(NOTHING, NOTHING, { tag: 7 }) })
    expect(refusalOf(() => router([stub(one), stub(two)]))).toMatch(/one\/m and two\/m have the same tag 7/)
    expect(refusalOf(() => router([stub(one), stub(contract('one', { n: none() }))]))).toContain('contract name "one"')
  })
})

describe('methods', () => {
  it('C9: have these options and no others', () => {
    const all = { idempotent: true, tag: 5, timeoutMs: 2_147_483_647, deprecated: 'use n', description: 'd' }
    expect(unary(NOTHING, NOTHING, all).options).toEqual(all)
    expect(refusalOf(() => notify(NOTHING, { retries: 3 } as object))).toContain('no option "retries"')
    for (const timeoutMs of [0, 2_147_483_648, 1.5])
      expect(refusalOf(() => notify(NOTHING, { timeoutMs }))).toContain('timeoutMs')
  })

  it('C10: what cannot travel is refused when the contract is defined', () => {
    const fn = Type.Object({ a: Type.Array(Type.Function([], NOTHING)) })
    const refusals = [
      () => contract('c', { m: unary(fn, NOTHING) }),
      () => contract('c', { m: unary(NOTHING, fn) }),
      () => contract('c', { m: unary(NOTHING, NOTHING, { errors: { E: fn } }) }),
    ].map(refusalOf)
    expect(refusals[0]).toBe(
      'c/m request: the schema at /a/* cannot travel: it has a function; send the data it stands for',
    )
    expect(refusals[1]).toMatch(/^c\/m reply: the schema at \/a\/\* /)
    expect(refusals[2]).toMatch(/^c\/m error E: the schema at \/a\/\* /)
  })

  it('C10: a contract has methods', () => {
    expect(refusalOf(() => contract('c', {}))).toContain('no methods')
    expect(refusalOf(() => contract('c', { m: {} as never }))).toContain(
      'a method is made by unary, notify, serverStream',
    )
  })
})

describe('events', () => {
  const Placed = Type.Object({ orderId: Type.String(), at: Type.Optional(Type.Integer()) })

  it('C13: have a key that each body has, and subscriptions of that and nothing else', () => {
    const { placed, all } = contract('c', { placed: event(Placed, { key: 'orderId' }), all: event(Placed) }).methods
    expect([placed.event?.key, all.event?.key]).toEqual(['orderId', undefined])
    expect(placed.definition.request).toMatchObject({
      properties: { orderId: { type: 'string' } },
      additionalProperties: false,
    })
    expect(all.definition.request).toMatchObject({ properties: {}, additionalProperties: false })
    expect(refusalOf(() => event(Placed, { key: 'at' }))).toContain('"at" is optional')
    expect(refusalOf(() => event(Placed, { key: 'id' as 'orderId' }))).toContain('"id" is not')
    expect(refusalOf(() => event(Type.Object({ k: Placed }), { key: 'k' }))).toContain('"k" is object')
  })
})

describe('the tagged enum', () => {
  const Greeter = contract('greeter', {
    hello: unary(Type.Object({ name: Type.String() }), Type.Integer()),
    log: notify(Type.Object({ line: Type.String() })),
  })

  it('C11: messages are values', () => {
    const hello = Greeter.message.hello({ name: 'Ada' })
    expect(hello).toEqual({ tag: 'greeter/hello', body: { name: 'Ada' } })
    const arms = { hello: ({ name }: { name: string }) => name, log: ({ line }: { line: string }) => line }
    expect(Greeter.match(hello, arms)).toBe('Ada')
    expect(Greeter.match(Greeter.message.log({ line: 'x' }), arms)).toBe('x')
    const { encode, decode } = codec(Greeter)
    expect(decode(encode(hello))).toEqual(hello)
    expect(Buffer.from(encode(hello)).toString()).toContain('greeter/hello')
  })

  it('C11: replies have variants, notifies have none', () => {
    const replies = codec(Greeter.Response)
    expect(replies.decode(replies.encode({ tag: 'greeter/hello', body: 5 }))).toEqual({ tag: 'greeter/hello', body: 5 })
    expect(refusalOf(() => replies.encode({ tag: 'greeter/log' } as never))).toContain('/tag')
    expect(refusalOf(() => codec(contract('n', { only: notify(NOTHING) }).Response).encode({} as never))).toContain(
      'Never',
    )
  })

  it('C12: messages can be run', async () => {
    const made = router([service(Greeter, { hello: ({ name }) => name.length, log() {} })])
    expect(await made.dispatch(Greeter.message.hello({ name: 'Ada' }))).toBe(3)
    const unknown = made.dispatch({ tag: 'greeter/bye', body: null } as never)
    await expect(unknown).rejects.toSatisfy(
      (error) => error instanceof NanowireError && error.code === 'invalid_argument',
    )
  })
})
