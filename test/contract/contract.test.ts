/** A contract as one value: the tagged enum, the numbers on the wire, and what is refused when it is defined. */
import Type, { type TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import { contract, notify, requireDistinctTags, tagOf, unary } from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { codec } from '../../src/wire/index.ts'

const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Type.String() }) },
    idempotent: true,
    timeoutMs: 500,
    deprecated: 'use wave',
    description: 'greets',
  }),
  log: notify(Type.Object({ line: Type.String() })),
  ping: unary(Type.Void(), Type.Void()),
})

const nothing = () => unary(Type.Null(), Type.Null())

/** The words of the mistake that defining something ends with. */
function mistakeOf(define: () => unknown): string {
  try {
    define()
  } catch (error) {
    if (error instanceof NanowireError && error.code === 'invalid_argument' && error.processed === 'no') {
      return error.message
    }
    throw error
  }
  return 'none'
}

describe('tags', () => {
  it.each([
    // FNV-1a of 32 bits, from its authors' tables.
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
    ['chongo was here!\n', 0xd49930d5],
  ])('are FNV-1a: %j', (text, hash) => {
    expect(tagOf(text)).toBe(hash)
  })

  it('follow from the full name alone: adding and reordering move nothing', () => {
    expect(Greeter.tags).toEqual({ hello: 0xeb48aa06, log: tagOf('greeter/log'), ping: tagOf('greeter/ping') })
    const other = contract('greeter', { more: nothing(), ping: nothing(), hello: nothing() })
    expect(other.tags.hello).toBe(Greeter.tags.hello)
    expect(other.tags.ping).toBe(Greeter.tags.ping)
  })

  it('can be set by hand', () => {
    const set = contract('c', {
      m: unary(Type.Null(), Type.Null(), { tag: 7 }),
      n: notify(Type.Null(), { tag: 2 ** 32 - 1 }),
    })
    expect(set.tags).toEqual({ m: 7, n: 4294967295 })
    expect(set.methods.m.tag).toBe(7)
  })

  it.each([0, -1, 1.5, 2 ** 32, Number.NaN, '7'])('are whole numbers from 1 to 2^32-1, and not %j', (tag) => {
    const define = () => contract('c', { m: unary(Type.Null(), Type.Null(), { tag: tag as number }) })
    expect(mistakeOf(define)).toBe(`c/m: a tag is a whole number from 1 to 4294967295, not ${tag}`)
  })

  it('that collide are an error with both names and the remedy, which works', () => {
    expect(tagOf('news/getPlan')).toBe(tagOf('news/pickLinkNames'))
    const words = mistakeOf(() => contract('news', { getPlan: nothing(), pickLinkNames: nothing() }))
    expect(words).toContain('news/getPlan and news/pickLinkNames have the same tag 3202451442')
    const remedy = /\{ tag: (\d+) \}/.exec(words)?.[1]
    const mended = { getPlan: nothing(), pickLinkNames: unary(Type.Null(), Type.Null(), { tag: Number(remedy) }) }
    expect(mistakeOf(() => contract('news', mended))).toBe('none')
  })

  it('that collide by hand, or at the last number, are an error too', () => {
    const same = (tag: number) => ({ a: notify(Type.Null(), { tag }), b: notify(Type.Null(), { tag }) })
    expect(mistakeOf(() => contract('c', same(7)))).toContain('{ tag: 8 }')
    expect(mistakeOf(() => contract('c', same(0xffff_ffff)))).toContain('{ tag: 1 }')
    const chain = ['a', 'b', 'c'].map((name, n) => ({ name, tag: [8, 7, 7][n] ?? 0 }))
    expect(mistakeOf(() => requireDistinctTags(chain))).toContain('{ tag: 9 }')
  })
})

describe('names', () => {
  it.each([
    'then',
    'catch',
    'finally',
    'constructor',
    'prototype',
    'toJSON',
    'toString',
    'valueOf',
    'hasOwnProperty',
    'inspect',
    'nodeType',
  ])('of methods that objects use themselves are refused: %s', (name) => {
    const words = mistakeOf(() => contract('c', { [name]: nothing() }))
    expect(words).toContain(`c/${name}: the method name "${name}" is refused`)
    expect(words).toContain('rename it')
  })

  it('of methods are not __proto__', () => {
    const methods = Object.defineProperty({}, '__proto__', { value: nothing(), enumerable: true })
    expect(mistakeOf(() => contract('c', methods))).toContain('the method name "__proto__" is refused')
  })

  it.each(['Hello', '1st', 'he-llo', 'he.llo', 'he/llo', '', 'é', 'a'.repeat(65)])('of methods are not %j', (name) => {
    expect(mistakeOf(() => contract('c', { [name]: nothing() }))).toContain(
      "a method's name begins with a small letter",
    )
  })

  it.each(['Greeter', '1', 'a/b', '', 'a b', 'ä', 'a'.repeat(65), undefined, 7, ['a']])(
    'of contracts are not %j',
    (name) => {
      const words = mistakeOf(() => contract(name as string, { m: nothing() }))
      expect(words).toContain("a contract's name begins with a small letter")
    },
  )

  it.each(['gone', '1', 'Not-Found', '', '__proto__', 'Ä', 'A'.repeat(65)])('of errors are not %j', (name) => {
    const errors = Object.defineProperty({}, name, { value: Type.Null(), enumerable: true })
    const words = mistakeOf(() => contract('c', { m: unary(Type.Null(), Type.Null(), { errors }) }))
    expect(words).toContain("c/m: a declared error's name begins with a capital")
  })

  it('may have 64 characters, digits and what their kind allows', () => {
    const long = 'a'.repeat(64)
    expect(mistakeOf(() => contract('orders.v2-eu_1', { [long]: nothing() }))).toBe('none')
    expect(mistakeOf(() => contract(long, { get_2: nothing() }))).toBe('none')
    const errors = { ['A'.repeat(64)]: Type.Null(), Error_2: Type.Null() }
    expect(mistakeOf(() => contract('c', { m: unary(Type.Null(), Type.Null(), { errors }) }))).toBe('none')
  })
})

describe('the tagged enum', () => {
  const hello = Greeter.message.hello({ name: 'Ada' })

  it('is built by message', () => {
    expect(hello).toEqual({ tag: 'greeter/hello', body: { name: 'Ada' } })
    expect(Greeter.message.log({ line: 'x' })).toEqual({ tag: 'greeter/log', body: { line: 'x' } })
    expect(Greeter.message.ping(undefined)).toEqual({ tag: 'greeter/ping', body: undefined })
  })

  it('is matched by arms, which get the body and give the result', () => {
    const arms = {
      hello: ({ name }: { name: string }) => `hello ${name}`,
      log: ({ line }: { line: string }) => line.length,
      ping: () => null,
    }
    expect(Greeter.match(hello, arms)).toBe('hello Ada')
    expect(Greeter.match(Greeter.message.log({ line: 'abc' }), arms)).toBe(3)
    expect(Greeter.match(Greeter.message.ping(undefined), arms)).toBeNull()
  })

  it.each(['greeter/nothing', 'hello', 'toString', '__proto__', '', undefined])(
    'has no arm for %j, and says so',
    (tag) => {
      const message = { tag, body: {} } as unknown as typeof hello // from a file, say
      const arms = { hello: () => 1, log: () => 2, ping: () => 3 }
      expect(mistakeOf(() => Greeter.match(message, arms))).toContain('greeter has no method')
    },
  )

  it('is a TypeBox union of the requests', () => {
    for (const fits of [hello, { tag: 'greeter/log', body: { line: '' } }, { tag: 'greeter/ping', body: undefined }]) {
      expect(Check(Greeter.Request, fits)).toBe(true)
    }
    for (const misfit of [
      { tag: 'greeter/hello', body: { line: '' } },
      { tag: 'hello', body: { name: '' } },
      'x',
      {},
    ]) {
      expect(Check(Greeter.Request, misfit)).toBe(false)
    }
  })

  it('is a TypeBox union of the replies, where a notify has none', () => {
    expect(Check(Greeter.Response, { tag: 'greeter/hello', body: { text: '' } })).toBe(true)
    expect(Check(Greeter.Response, { tag: 'greeter/hello', body: { name: '' } })).toBe(false)
    expect(Check(Greeter.Response, { tag: 'greeter/log', body: undefined })).toBe(false)
  })

  it('of notifies alone has no reply at all, and the contract works', () => {
    const Events = contract('events', { placed: notify(Type.Object({ id: Type.Integer() })) })
    expect(Check(Events.Response, { tag: 'events/placed', body: undefined })).toBe(false)
    expect(codec(Events).decode(codec(Events).encode(Events.message.placed({ id: 1 })))).toEqual({
      tag: 'events/placed',
      body: { id: 1 },
    })
  })

  it('keeps recursive types of one name apart, or the contract was refused', () => {
    const list = (item: TSchema) =>
      Type.Cyclic({ List: Type.Object({ item, next: Type.Optional(Type.Ref('List')) }) }, 'List')
    let Lists: ReturnType<typeof define>
    const define = () =>
      contract('lists', {
        names: unary(list(Type.String()), Type.Null()),
        ages: unary(list(Type.Number()), Type.Null()),
      })
    try {
      Lists = define()
    } catch (error) {
      expect(String(error)).toContain('"List"')
      return
    }
    for (const message of [
      { tag: 'lists/names', body: { item: 'Ada', next: { item: 'Grace' } } },
      { tag: 'lists/ages', body: { item: 36, next: { item: 85 } } },
    ]) {
      expect(codec(Lists.Request).decode(codec(Lists.Request).encode(message as never))).toEqual(message) // as from a file
    }
  })
})

describe('a contract', () => {
  it('has a reference to each method, with its name, number and definition', () => {
    const { hello, log } = Greeter.methods
    expect(hello.name).toBe('greeter/hello')
    expect(hello.tag).toBe(Greeter.tags.hello)
    expect(hello.definition.kind).toBe('unary')
    expect(hello.definition.options).toEqual({
      idempotent: true,
      timeoutMs: 500,
      deprecated: 'use wave',
      description: 'greets',
    })
    expect([...hello.errors.keys()]).toEqual(['Banned'])
    expect(log.definition.kind).toBe('notify')
    expect(log.errors.size).toBe(0)
    expect(log.definition.options).toEqual({})
  })

  it('is frozen, and so is what hangs on it', () => {
    const parts = [Greeter, Greeter.tags, Greeter.message, Greeter.methods, Greeter.methods.hello]
    const definitions = [Greeter.methods.hello.definition, Greeter.methods.hello.definition.options]
    const errors = [Greeter.methods.hello.definition.errors, Greeter.methods.log.definition]
    for (const part of [...parts, ...definitions, ...errors]) expect(Object.isFrozen(part)).toBe(true)
  })

  it('can be awaited, printed and spread without surprise', async () => {
    expect(await Greeter).toBe(Greeter)
    expect(await Greeter.message).toBe(Greeter.message)
    expect(Object.keys({ ...Greeter.methods })).toEqual(['hello', 'log', 'ping'])
  })

  it('does not change when the options that it was made from do', () => {
    const options = { timeoutMs: 5, errors: { Gone: Type.Null() } as Record<string, TSchema> }
    const method = unary(Type.Null(), Type.Null(), options)
    options.timeoutMs = 6
    expect(method.options.timeoutMs).toBe(5)
  })

  it('has methods', () => {
    expect(mistakeOf(() => contract('empty', {}))).toBe('the contract "empty" has no methods')
  })

  it.each([undefined, null, 7, {}, Type.Null(), { kind: 'stream' }, () => nothing()])(
    'has no %j for a method',
    (method) => {
      expect(mistakeOf(() => contract('c', { m: method as never }))).toBe(
        'c/m: a method is made by unary, notify, serverStream, clientStream, bidiStream, event; call one of them with its schemas',
      )
    },
  )

  it('takes objects where it takes objects, and says so', () => {
    const S = Type.Null()
    expect(mistakeOf(() => contract('a', null as never))).toBe('contract a: methods are an object of them')
    expect(mistakeOf(() => unary(S, S, null as never))).toBe("a method's options are an object")
    expect(mistakeOf(() => notify(S, null as never))).toBe("a method's options are an object")
  })

  it('has no option that does not exist: the mistake names it and those that do', () => {
    const words = `no option "timeout"; there are idempotent, timeoutMs, tag, deprecated, description`
    expect(mistakeOf(() => unary(Type.Null(), Type.Null(), { timeout: 5 } as object))).toBe(
      `unary has ${words}, errors`,
    )
    expect(mistakeOf(() => notify(Type.Null(), { timeout: 5 } as object))).toBe(`notify has ${words}`)
    expect(mistakeOf(() => notify(Type.Null(), { errors: {} } as object))).toContain('no option "errors"')
  })

  it.each([0, -5, 1.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY, '5'])('has no timeoutMs of %j', (timeoutMs) => {
    const define = () => unary(Type.Null(), Type.Null(), { timeoutMs: timeoutMs as number })
    expect(mistakeOf(define)).toContain(`a method's timeoutMs is a whole number of milliseconds from 1`)
  })

  it('takes options that are undefined, as if they were absent', () => {
    const options = { idempotent: undefined, tag: undefined, timeoutMs: undefined, errors: undefined }
    const made = contract('c', { m: unary(Type.Null(), Type.Null(), options) })
    expect(made.tags.m).toBe(tagOf('c/m'))
  })
})
