/** Streams in memory: what caller and handler see of each other's items, ends, errors and haste. */
import { Readable } from 'node:stream'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import {
  bidiStream,
  type ConnectOptions,
  type Context,
  clientStream,
  connect,
  contract,
  NanowireError,
  type RouterOptions,
  router,
  serverStream,
  service,
  unary,
} from '../../src/index.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'

const N = Type.Object({ n: Type.Integer() })
const Lab = contract('lab', {
  list: serverStream(N, N, { errors: { Odd: N } }),
  brief: serverStream(N, N, { timeoutMs: 50 }),
  sum: clientStream(N, N, { errors: { Odd: N } }),
  echo: bidiStream(N, N),
  one: unary(N, N),
})

type Item = { n: number }
type Items = AsyncIterable<Item>
// biome-ignore lint/suspicious/noExplicitAny: what does not fit is what some tests are about
type Handler = (request: any, ctx: Context) => any

interface LabOptions extends Pick<RouterOptions, 'use' | 'authorize' | 'limits'> {
  readonly connect?: ConnectOptions
}

/** A lab whose handlers do what is said, on a clock that is moved by hand. */
function labOf(handlers: { [Name in keyof typeof Lab.methods]?: Handler }, options: LabOptions = {}) {
  const clock = new HandClock()
  const log = new RecordingLog()
  const missing: Handler = () => {
    throw new Error('this lab has no such handler')
  }
  const names = Object.keys(Lab.methods) as (keyof typeof Lab.methods)[] // its own keys
  const all = Object.fromEntries(names.map((name) => [name, handlers[name] ?? missing]))
  const { connect: given, ...rest } = options
  const wire = connect(router([service(Lab, all as never)], { log, ...rest }), { clock, ...given }) // one for each method
  return { clock, log, wire, client: wire.client(Lab) }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = []
  for await (const item of items) taken.push(item)
  return taken
}

/** What was taken, and the error that came behind it. */
async function takenAndError(items: AsyncIterable<unknown>): Promise<{ taken: unknown[]; error: NanowireError }> {
  const taken: unknown[] = []
  try {
    for await (const item of items) taken.push(item)
  } catch (error) {
    return { taken, error: error as NanowireError } // a call ends with nothing else
  }
  throw new Error('it ended well')
}

const ns = (...numbers: number[]): Item[] => numbers.map((n) => ({ n }))
const done = { value: undefined, done: true }
function* endlessly(): Generator<Item> {
  for (let n = 0; ; n++) yield { n }
}

const never = () => new Promise<never>(() => {})

/** Something to wait for that a test brings about. */
function gate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

describe('a stream of a handler', () => {
  it.each<[string, Handler]>([
    [
      'an async generator',
      async function* ({ n }: Item) {
        for (let at = 0; at < n; at++) yield { n: at }
      },
    ],
    [
      'a generator',
      function* ({ n }: Item) {
        for (let at = 0; at < n; at++) yield { n: at }
      },
    ],
    ['an array', ({ n }: Item) => Array.from({ length: n }, (_, at) => ({ n: at }))],
    ['a promise of one', async ({ n }: Item) => Array.from({ length: n }, (_, at) => ({ n: at }))],
    ['a stream of Node', ({ n }: Item) => Readable.from(Array.from({ length: n }, (_, at) => ({ n: at })))],
  ])('is what it returns: %s', async (_, list) => {
    const { client, wire } = labOf({ list })
    expect(await all(client.list({ n: 3 }))).toEqual(ns(0, 1, 2))
    expect(await all(client.list({ n: 0 }))).toEqual([])
    expect(wire.stats().calls).toEqual({ 'lab/list': { ok: 2 } })
    expect(wire.stats().inFlight).toBe(0)
  })

  it('begins when it is called, and is one item ahead of its caller', async () => {
    let made = 0
    const { client } = labOf({
      async *list() {
        for (;;) yield { n: ++made }
      },
    })
    const stream = client.list({ n: 0 })
    await nextTurn()
    expect(made).toBe(1)
    expect(await stream.next()).toEqual({ value: { n: 1 }, done: false })
    await nextTurn()
    expect(made).toBe(2)
    await stream.return()
  })

  it('gives the caller the very objects, without what is not declared', async () => {
    const item = { n: 1 }
    const { client } = labOf({ list: () => [item, { n: 2, secret: 's3' }] })
    const [first, second] = await all(client.list({ n: 0 }))
    expect(first).toBe(item)
    expect(second).toEqual({ n: 2 })
  })

  it('is refused for a request that does not fit, before the handler', async () => {
    const { client, wire } = labOf({})
    const { taken, error } = await takenAndError(client.list({ n: 'x' } as never))
    expect([taken, error.code, error.processed]).toEqual([[], 'invalid_argument', 'no'])
    expect(wire.stats().calls).toEqual({ 'lab/list': { invalid_argument: 1 } })
  })

  it('that is none is a fault of the handler, with its reason in the log', async () => {
    for (const value of [undefined, 5, 'text', {}]) {
      const { client, log } = labOf({ list: () => value })
      const { error } = await takenAndError(client.list({ n: 0 }))
      expect([error.code, error.processed]).toEqual(['internal', 'yes'])
      expect(log.lines).toHaveLength(1)
      expect(String(log.lines[0]?.fields['err'])).toMatch(/items come from an async generator/)
      expect(log.lines[0]?.fields['id']).toBe(error.id)
    }
  })

  it('can be made a stream of Node, which cancels it when it is destroyed', async () => {
    const told: unknown[] = []
    const { client } = labOf({
      async *list(_, ctx) {
        try {
          for (let n = 0; ; n++) yield { n }
        } finally {
          told.push(ctx.signal.aborted)
        }
      },
    })
    const readable = Readable.from(client.list({ n: 0 }))
    for await (const item of readable) if (item.n === 3) break
    await until(() => told.length > 0)
    expect(told).toEqual([true])
  })
})

describe('the end of a stream', () => {
  it('tells the metadata of the reply, before the caller is told', async () => {
    const { client } = labOf({
      async *list(_, ctx) {
        yield { n: 1 }
        ctx.reply.set('count', '1')
      },
    })
    const told: unknown[] = []
    const stream = client.list({ n: 0 }, { onMetadata: (metadata) => told.push(metadata) })
    expect(await stream.next()).toEqual({ value: { n: 1 }, done: false })
    expect(told).toEqual([])
    expect(await stream.next().finally(() => told.push('end'))).toEqual(done)
    expect(told).toEqual([{ count: '1' }, 'end'])
  })

  it('is an error of the handler for metadata that cannot travel', async () => {
    const { client } = labOf({
      async *list(_, ctx) {
        yield { n: 1 }
        ctx.reply.set('long', 'x'.repeat(10_000))
      },
    })
    const { taken, error } = await takenAndError(client.list({ n: 0 }))
    expect([taken, error.code, error.processed]).toEqual([ns(1), 'resource_exhausted', 'yes'])
  })

  it('is what the caller’s own function for metadata throws', async () => {
    const { client } = labOf({ list: () => ns(1) })
    const onMetadata = (): never => {
      throw new Error('not mine')
    }
    const { taken, error } = await takenAndError(client.list({ n: 0 }, { onMetadata }))
    expect([taken, error.message]).toEqual([ns(1), 'not mine'])
  })

  it('by a declared error is typed, behind the items before it, with its metadata', async () => {
    const { client, wire } = labOf({
      async *list(_, ctx) {
        yield* ns(1, 2)
        ctx.reply.set('why', 'odd')
        throw ctx.error('Odd', { n: 3 })
      },
    })
    let metadata: unknown
    const onMetadata = (given: unknown): void => {
      metadata = given
    }
    const { taken, error } = await takenAndError(client.list({ n: 0 }, { onMetadata }))
    expect(taken).toEqual(ns(1, 2))
    expect([error.code, error.data, error.processed, metadata]).toEqual(['Odd', { n: 3 }, 'yes', { why: 'odd' }])
    expect(wire.stats().calls).toEqual({ 'lab/list': { Odd: 1 } })
  })

  it.each<[string, Handler, string]>([
    [
      'of the handler itself',
      () => {
        throw new NanowireError('not_found', 'gone')
      },
      'not_found gone',
    ],
    [
      'of a generator',
      function* () {
        yield { n: 1 }
        throw new NanowireError('aborted', 'lost')
      },
      'aborted lost',
    ],
    [
      'that is none of ours',
      async function* () {
        yield { n: 1 }
        throw new Error('secret')
      },
      'internal',
    ],
  ])('by an error %s says what may be said', async (_, list, words) => {
    const { client, log } = labOf({ list })
    const { error } = await takenAndError(client.list({ n: 0 }))
    expect(`${error.code} ${error.message}`).toMatch(new RegExp(`^${words}`))
    expect(error.message).not.toMatch('secret')
    expect(log.lines).toHaveLength(error.code === 'internal' ? 1 : 0)
  })

  it('by an item that does not fit is internal, and the generator has returned before', async () => {
    const told: string[] = []
    const { client, log } = labOf({
      async *list() {
        try {
          yield { n: 1 }
          yield { n: 'two' }
        } finally {
          await nextTurn()
          told.push('finally')
        }
      },
    })
    const { taken, error } = await takenAndError(client.list({ n: 0 }))
    expect([taken, error.code, error.processed, told]).toEqual([ns(1), 'internal', 'yes', ['finally']])
    expect(log.lines.map(({ fields }) => fields['misfit'])).toEqual(['/n must be integer'])
  })

  it('by an item that throws when it is looked at is the handler’s fault', async () => {
    const item = {
      get n() {
        throw new Error('odd')
      },
    } // prettier than a proxy
    const { client } = labOf({ list: () => [item] })
    expect((await takenAndError(client.list({ n: 0 }))).error.code).toBe('internal')
  })
})

describe('a caller that wants no more', () => {
  it('cancels by break: the handler’s signal is aborted, and its finally runs', async () => {
    const told: unknown[] = []
    const { client, wire, log } = labOf({
      async *list(_, ctx) {
        try {
          for (let n = 0; ; n++) yield { n }
        } finally {
          told.push(ctx.signal.aborted, ctx.signal.reason.code)
        }
      },
    })
    for await (const { n } of client.list({ n: 0 })) if (n === 2) break
    await until(() => wire.stats().inFlight === 0)
    expect(told).toEqual([true, 'cancelled'])
    expect(wire.stats().calls).toEqual({ 'lab/list': { cancelled: 1 } })
    expect(log.lines).toEqual([])
  })

  it('does not wait for a handler that is slow to end, which keeps its slot till then', async () => {
    const { open, opened } = gate()
    const { client, wire } = labOf({
      async *list() {
        try {
          yield { n: 1 }
        } finally {
          await opened
        }
      },
    })
    const stream = client.list({ n: 0 })
    await stream.next()
    expect(await stream.return()).toEqual(done)
    await nextTurn()
    expect(wire.stats().inFlight).toBe(1)
    open()
    await until(() => wire.stats().inFlight === 0)
  })

  it('is told of nothing that the handler throws because of it, and neither is the log', async () => {
    const abort: Handler = async function* (_, ctx) {
      await new Promise((_resolve, reject) => {
        ctx.signal.addEventListener('abort', () => reject(new Error('aborted', { cause: ctx.signal.reason })))
      })
    }
    const rethrow: Handler = async function* (_, ctx) {
      await new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
    }
    const fault: Handler = async function* (_, ctx) {
      await new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(new Error('fault'))))
    }
    const cases: [Handler, number][] = [
      [abort, 0],
      [rethrow, 0],
      [fault, 1],
    ]
    for (const [list, lines] of cases) {
      const { client, wire, log } = labOf({ list })
      const stream = client.list({ n: 0 })
      const waiting = stream.next()
      await nextTurn()
      await stream.return()
      expect(await waiting).toEqual(done)
      await until(() => wire.stats().inFlight === 0)
      expect(log.lines).toHaveLength(lines)
    }
  })

  it('ends a stream that its handler has not returned yet: of its items none is asked for', async () => {
    const { open, opened } = gate()
    const told: string[] = []
    const items = {
      next: async () => ({ value: told.push('next'), done: false }),
      return: async () => ({ value: told.push('return'), done: true }),
    }
    const { client, wire } = labOf({
      async list() {
        await opened
        return { [Symbol.asyncIterator]: () => items }
      },
    })
    await client.list({ n: 0 }).return()
    expect(wire.stats().inFlight).toBe(1)
    open()
    await until(() => wire.stats().inFlight === 0)
    expect(told).toEqual(['return'])
  })

  it('cancels a stream that has not begun: it leaves the queue, and its handler never runs', async () => {
    let ran = 0
    const { client, wire } = labOf(
      { one: never, list: () => ns(++ran) },
      { limits: { maxCallsInFlight: 1, maxCallsQueued: 1 } },
    )
    void client.one({ n: 1 }).catch(() => {})
    const stream = client.list({ n: 0 })
    expect(wire.stats()).toMatchObject({ inFlight: 1, waiting: 1 })
    const { error } = await takenAndError(client.list({ n: 0 }))
    expect([error.code, error.processed]).toEqual(['resource_exhausted', 'no'])
    await stream.return()
    expect(wire.stats().waiting).toBe(0)
    expect(ran).toBe(0)
  })

  it('changes nothing when the end of the stream was taken', async () => {
    const { client, wire } = labOf({ list: () => ns(1) })
    const stream = client.list({ n: 0 })
    await all(stream)
    await stream.return()
    expect(wire.stats().calls).toEqual({ 'lab/list': { ok: 1 } })
  })

  it('cancels a stream of which only the end is left, as over a wire', async () => {
    const { client, wire } = labOf({ list: () => ns(1) })
    const unread = client.list({ n: 0 })
    expect(await unread.next()).toEqual({ value: { n: 1 }, done: false })
    await nextTurn()
    await unread.return()
    expect(wire.stats().calls).toEqual({ 'lab/list': { cancelled: 1 } })
  })
})

describe('cancellation and deadlines', () => {
  it.each<[string, Handler]>([
    ['ends at once', endlessly],
    ['does not', () => Readable.from(endlessly())],
  ])(
    'by the caller’s signal end the stream at once, without the item that waits, where its handler %s',
    async (_, list) => {
      const { client, wire } = labOf({ list })
      const controller = new AbortController()
      const stream = client.list({ n: 0 }, { signal: controller.signal })
      await stream.next()
      await nextTurn()
      const cause = new Error('enough')
      controller.abort(cause)
      await expect(stream.next()).rejects.toMatchObject({ code: 'cancelled', processed: 'maybe', cause })
      expect(await stream.next()).toEqual(done)
      await until(() => wire.stats().inFlight === 0)
      expect(wire.stats().calls).toEqual({ 'lab/list': { cancelled: 1 } })
    },
  )

  it('by its deadline as well', async () => {
    const { client, clock } = labOf({
      async *list() {
        for (let n = 0; ; n++) yield { n }
      },
    })
    const stream = client.list({ n: 0 }, { timeoutMs: 50 })
    await nextTurn()
    clock.advance(60)
    await expect(stream.next()).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it('before it begins end it without its handler', async () => {
    const { client } = labOf({})
    const { error } = await takenAndError(client.list({ n: 0 }, { signal: AbortSignal.abort() }))
    expect([error.code, error.processed]).toEqual(['cancelled', 'no'])
  })

  it('are none unless somebody names one', async () => {
    const deadlines: unknown[] = []
    const { client, clock } = labOf({
      async *list(_, ctx) {
        deadlines.push(ctx.deadline)
        for (let n = 0; ; n++) yield { n }
      },
      async sum(items: Items, ctx) {
        deadlines.push(ctx.deadline)
        return { n: (await all(items)).length }
      },
    })
    const { open, opened } = gate()
    const stream = client.list({ n: 0 })
    const sum = client.sum(
      (async function* () {
        await opened
        yield { n: 1 }
      })(),
    )
    clock.advance(10 * 60_000)
    await nextTurn()
    open()
    expect(await stream.next()).toEqual({ value: { n: 0 }, done: false })
    expect(await sum).toEqual({ n: 1 })
    expect(deadlines).toEqual([undefined, undefined])
    await stream.return()
  })

  it.each<[string, (client: ReturnType<typeof labOf>['client']) => AsyncIterable<unknown>]>([
    ['of the call', (client) => client.list({ n: 0 }, { timeoutMs: 50 })],
    ['of the method', (client) => client.brief({ n: 0 })],
  ])('%s end it for both sides', async (_, call) => {
    const told: unknown[] = []
    const list: Handler = async function* (_request, ctx) {
      try {
        yield { n: 1 }
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
        yield { n: 2 }
      } finally {
        told.push(ctx.signal.reason.code)
      }
    }
    const { client, clock, wire } = labOf({ list, brief: list })
    const ending = takenAndError(call(client))
    await nextTurn()
    clock.advance(60)
    const { taken, error } = await ending
    expect([taken, error.code, error.processed]).toEqual([ns(1), 'deadline_exceeded', 'maybe'])
    await until(() => wire.stats().inFlight === 0)
    expect(told).toEqual(['deadline_exceeded'])
  })
})

describe('a connection that is closed', () => {
  it('waits for its streams, and cuts them off behind their items', async () => {
    const { client, wire, clock } = labOf({
      async *list(_, ctx) {
        yield { n: 1 }
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      },
    })
    const stream = client.list({ n: 0 })
    await nextTurn()
    let isClosed = false
    const closing = wire.close({ drainMs: 1_000 }).then(() => {
      isClosed = true
    })
    clock.advance(900)
    await nextTurn()
    expect(isClosed).toBe(false)
    clock.advance(200)
    await closing
    const { taken, error } = await takenAndError(stream)
    expect([taken, error.code, error.processed]).toEqual([ns(1), 'unavailable', 'maybe'])
    const { error: late } = await takenAndError(client.list({ n: 0 }))
    expect([late.code, late.processed]).toEqual(['unavailable', 'no'])
  })

  it('is closed as soon as its streams have ended', async () => {
    const { client, wire } = labOf({ list: () => ns(1, 2) })
    const stream = client.list({ n: 0 })
    const closing = wire.close({ drainMs: 60_000 })
    expect(await all(stream)).toEqual(ns(1, 2))
    await closing
  })
})

/** A caller's generator that tells when it has ended. */
async function* given(told: string[], items: readonly unknown[], before: () => Promise<unknown> = async () => {}) {
  try {
    for (const item of items) {
      await before()
      yield item as Item
    }
  } finally {
    told.push('finally')
  }
}

describe('a stream of the caller', () => {
  const sum: Handler = async (items: Items) => {
    let n = 0
    for await (const item of items) n += item.n
    return { n }
  }

  it('is whatever it gives that can be iterated', async () => {
    const { client, wire } = labOf({ sum })
    expect(await client.sum(ns(1, 2, 3))).toEqual({ n: 6 })
    expect(await client.sum([])).toEqual({ n: 0 })
    expect(await client.sum(given([], ns(4, 5)))).toEqual({ n: 9 })
    expect(await client.sum(Readable.from(ns(1, 1)))).toEqual({ n: 2 })
    expect(await client.sum.try(new Set(ns(7)))).toEqual({ ok: true, value: { n: 7 } })
    expect(wire.stats().calls).toEqual({ 'lab/sum': { ok: 5 } })
  })

  it('is one item ahead of its handler', async () => {
    let made = 0
    const { open, opened } = gate()
    const { client } = labOf({
      async sum(items: Items) {
        await opened
        return { n: (await all(items)).length }
      },
    })
    const call = client.sum(
      (function* () {
        for (; made < 5; ) yield { n: ++made }
      })(),
    )
    await nextTurn()
    expect(made).toBe(1)
    open()
    expect(await call).toEqual({ n: 5 })
  })

  it('is told to return when the handler has answered, failed or broken off', async () => {
    const cases: [Handler, string][] = [
      [async () => ({ n: 1 }), 'ok'],
      [
        async (_, ctx) => {
          throw ctx.error('Odd', { n: 1 })
        },
        'Odd',
      ],
      [
        async (items: Items) => {
          for await (const item of items) return item
          return { n: 0 }
        },
        'ok',
      ],
    ]
    for (const [handler, code] of cases) {
      const told: string[] = []
      const { client } = labOf({ sum: handler })
      const result = await client.sum.try(given(told, ns(1, 2, 3)))
      expect(result.ok ? 'ok' : result.error.code).toBe(code)
      await nextTurn()
      expect(told).toEqual(['finally'])
    }
  })

  it('that does not fit ends the call at once, and its handler does not take it for whole', async () => {
    const seen: unknown[] = []
    const { client, wire } = labOf({
      async sum(items: Items, ctx) {
        try {
          for await (const item of items) seen.push(item)
          seen.push('whole')
        } catch (error) {
          seen.push((error as NanowireError).code, ctx.signal.aborted)
          throw error
        }
        return { n: 0 }
      },
    })
    const stuck = {
      async *[Symbol.asyncIterator]() {
        try {
          yield { n: 1 }
          yield { n: 'two' } as never
        } finally {
          await never()
        }
      },
    }
    await expect(client.sum(stuck)).rejects.toMatchObject({
      code: 'invalid_argument',
      processed: 'maybe',
      message: 'an item of lab/sum does not fit: /n must be integer',
    })
    await until(() => wire.stats().inFlight === 0)
    expect(seen).toEqual([{ n: 1 }, 'cancelled', true])
  })

  it('that fails ends the call by the code of its error, or as cancelled', async () => {
    const failing = async function* (error: unknown) {
      yield { n: 1 }
      throw error
    }
    const { client } = labOf({ sum })
    const cause = new Error('disk')
    await expect(client.sum(failing(cause))).rejects.toMatchObject({ code: 'cancelled', processed: 'maybe', cause })
    const known = new NanowireError('data_loss', 'torn')
    await expect(client.sum(failing(known))).rejects.toMatchObject({ code: 'data_loss', processed: 'maybe' })
    const declared = new NanowireError('Odd', 'of nobody')
    await expect(client.sum(failing(declared))).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('that is cut short by the caller is never taken for whole', async () => {
    const seen: unknown[] = []
    const { client, wire } = labOf({
      async sum(items: Items) {
        try {
          for await (const item of items) seen.push(item)
          seen.push('whole')
        } catch (error) {
          seen.push((error as NanowireError).code)
          throw error
        }
        return { n: 0 }
      },
    })
    const controller = new AbortController()
    const told: string[] = []
    const { open, opened } = gate()
    let count = 0
    const call = client.sum(
      given(told, ns(1, 2), () => (++count === 2 ? opened : Promise.resolve())),
      { signal: controller.signal },
    )
    await nextTurn()
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'cancelled' })
    await until(() => wire.stats().inFlight === 0)
    open()
    await nextTurn()
    expect([seen, told]).toEqual([[{ n: 1 }, 'cancelled'], ['finally']])
  })

  it('is asked for nothing more when the handler has left its loop, until the call ends', async () => {
    const { open, opened } = gate()
    const told: string[] = []
    let made = 0
    const { client } = labOf({
      async sum(items: Items) {
        for await (const _ of items) break
        await opened
        return { n: (await all(items)).length }
      },
    })
    const call = client.sum(
      given(told, ns(1, 2, 3, 4), async () => {
        made++
      }),
    )
    await nextTurn()
    expect(made).toBeLessThanOrEqual(2)
    open()
    expect(await call).toEqual({ n: 0 })
    await nextTurn()
    expect(told).toEqual(['finally'])
  })

  it('ends for a handler that goes on reading after it has answered', async () => {
    const { open, opened } = gate()
    let rest: Promise<unknown> | undefined
    const { client } = labOf({
      async sum(items: Items) {
        rest = opened.then(() => all(items))
        return { n: 1 }
      },
    })
    expect(await client.sum(given([], ns(1, 2, 3)))).toEqual({ n: 1 })
    open()
    expect(await rest).toEqual([])
  })

  it('that cannot be iterated, or whose call is refused, never reaches a handler, and is closed', async () => {
    const { client, wire } = labOf({})
    for (const bad of [5, 'text', undefined, {}]) {
      await expect(client.sum(bad as never)).rejects.toMatchObject({
        code: 'invalid_argument',
        processed: 'no',
        message: expect.stringMatching(/^lab\/sum: items come from/),
      })
    }
    const readable = Readable.from(ns(1))
    await expect(client.sum(readable, { timeoutMs: -1 })).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(readable.destroyed).toBe(true)
    const other = Readable.from(ns(1))
    await wire.close()
    await expect(client.sum(other)).rejects.toMatchObject({ code: 'unavailable' })
    expect(other.destroyed).toBe(true)
  })
})

describe('a stream both ways', () => {
  const echo: Handler = async function* (items: Items) {
    for await (const item of items) yield { n: -item.n }
  }

  it('answers each item before the next one is made', async () => {
    const order: number[] = []
    const { client } = labOf({ echo })
    const items = function* () {
      for (let n = 1; n <= 4; n++) {
        order.push(n)
        yield { n }
      }
    }
    for await (const { n } of client.echo(items())) order.push(n)
    for (const n of [1, 2, 3, 4]) expect(order.indexOf(-n)).toBeGreaterThan(order.indexOf(n))
    expect(order.filter((n) => n < 0)).toEqual([-1, -2, -3, -4])
  })

  it('ends on both sides when the caller leaves', async () => {
    const told: string[] = []
    const { client, wire } = labOf({
      async *echo(items: Items) {
        try {
          yield* items
        } finally {
          told.push('handler')
        }
      },
    })
    const endless = given(told, Array(1_000).fill({ n: 1 }))
    for await (const _ of client.echo(endless)) break
    await until(() => wire.stats().inFlight === 0 && told.length === 2)
    expect(told.sort()).toEqual(['finally', 'handler'])
  })

  it('may end in one direction while the other goes on', async () => {
    const { open, opened } = gate()
    const { client } = labOf({
      async *echo(items: Items) {
        const all_ = await all(items)
        await opened
        yield* all_
      },
    })
    const stream = client.echo(ns(1, 2))
    await nextTurn()
    open()
    expect(await all(stream)).toEqual(ns(1, 2))
  })

  it('that fails on the caller’s side ends at once, without the item that waits', async () => {
    const { client } = labOf({ echo })
    const items = async function* () {
      yield { n: 1 }
      throw new Error('broken')
    }
    const stream = client.echo(items())
    await nextTurn()
    await expect(stream.next()).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('what stands around a stream', () => {
  it('at the server sees the handler’s iterable, and may wrap it and what comes in', async () => {
    const seen: string[] = []
    const { client } = labOf(
      {
        list: () => ns(1, 2),
        sum: async (items: Items) => ({ n: (await all(items)).length }),
      },
      {
        authorize: ({ method }) => method.name !== 'lab/brief',
        use: [
          async ({ method, request }, next) => {
            seen.push(`${method.name} ${Symbol.asyncIterator in Object(request)}`)
            const value = await next()
            if (!method.output) return value
            return (function* () {
              for (const { n } of value as Iterable<Item>) yield { n: n * 10 }
            })()
          },
        ],
      },
    )
    expect(await all(client.list({ n: 0 }))).toEqual(ns(10, 20))
    expect(await client.sum(ns(1, 2, 3))).toEqual({ n: 3 })
    expect(seen).toEqual(['lab/list false', 'lab/sum true'])
    const { error } = await takenAndError(client.brief({ n: 0 }))
    expect([error.code, error.processed]).toEqual(['permission_denied', 'no'])
  })

  const clientLab = (use: NonNullable<ConnectOptions['use']>, list: Handler = () => ns(1, 2, 3)) =>
    labOf({ list, sum: async (items: Items) => ({ n: (await all(items)).length }) }, { connect: { use } })

  it('at the client gets the stream from next, and may pass it on, wrap it or replace it', async () => {
    const passed = clientLab([(call, next) => next(call)])
    expect(await all(passed.client.list({ n: 0 }))).toEqual(ns(1, 2, 3))
    const wrapped = clientLab([
      async (call, next) => {
        const items = (await next(call)) as AsyncIterable<Item>
        return (async function* () {
          for await (const { n } of items) if (n !== 2) yield { n }
        })()
      },
    ])
    expect(await all(wrapped.client.list({ n: 0 }))).toEqual(ns(1, 3))
    const replaced = clientLab([() => ns(7)])
    expect(await all(replaced.client.list({ n: 0 }))).toEqual(ns(7))
    const none = clientLab([async () => 5])
    expect((await takenAndError(none.client.list({ n: 0 }))).error).toMatchObject({ code: 'invalid_argument' })
    const failed = clientLab([() => Promise.reject(new NanowireError('unauthenticated', 'who?'))])
    expect((await takenAndError(failed.client.list({ n: 0 }))).error.code).toBe('unauthenticated')
  })

  it('at the client may change what goes in', async () => {
    const { client } = clientLab([
      (call, next) => (call.method.input ? next({ ...call, request: ns(1, 2, 3, 4) }) : next(call)),
    ])
    expect(await client.sum(ns(1))).toEqual({ n: 4 })
  })

  it('at the client asks for no item of its own, and passes the caller’s leaving on', async () => {
    let made = 0
    const told: string[] = []
    const { client, wire } = clientLab([(call, next) => next(call)], async function* () {
      try {
        for (;;) yield { n: ++made }
      } finally {
        told.push('finally')
      }
    })
    const stream = client.list({ n: 0 })
    await nextTurn()
    expect(made).toBe(1)
    await stream.next()
    await nextTurn()
    expect(made).toBe(2)
    await stream.return()
    await until(() => wire.stats().inFlight === 0)
    expect(told).toEqual(['finally'])
  })

  it('at the client may take its time: who leaves meanwhile cancels what comes of it', async () => {
    const { open, opened } = gate()
    const { client, wire } = clientLab([
      async (call, next) => {
        await opened
        return next(call)
      },
    ])
    const stream = client.list({ n: 0 })
    const waiting = stream.next()
    await stream.return()
    expect(await waiting).toEqual(done)
    open()
    await until(() => wire.stats().calls['lab/list'] !== undefined && wire.stats().inFlight === 0)
    expect(wire.stats().calls).toEqual({ 'lab/list': { cancelled: 1 } })
  })

  it('at the client may wrap a stream in a generator, which a caller leaves before it has begun', async () => {
    const { open, opened } = gate()
    const wrap = async function* (items: unknown) {
      yield* items as AsyncIterable<Item>
    }
    for (const before of [Promise.resolve(), opened]) {
      const { client, wire } = clientLab(
        [
          async (call, next) => {
            await before
            return wrap(await next(call))
          },
        ],
        async function* () {
          for (let n = 0; ; n++) yield { n }
        },
      )
      const stream = client.list({ n: 0 })
      await nextTurn()
      await stream.return()
      open()
      await until(() => wire.stats().calls['lab/list'] !== undefined && wire.stats().inFlight === 0)
      expect(wire.stats().calls).toEqual({ 'lab/list': { cancelled: 1 } })
    }
  })

  it('is not there for options that are none: the stream says so', async () => {
    const { client } = labOf({ list: () => ns(1) })
    for (const options of [5, null, { timeout: 3 }, { priority: 'urgent' }] as never[]) {
      const { error } = await takenAndError(client.list({ n: 0 }, options))
      expect([error.code, error.processed]).toEqual(['invalid_argument', 'no'])
    }
    expect(await all(client.list({ n: 0 }, { priority: 'low' }))).toEqual(ns(1))
  })
})

describe('a service between', () => {
  it('can be a client: items, ends, errors and leaving pass through', async () => {
    const behind = labOf({
      async *list({ n }: Item, ctx) {
        for (let at = 0; at < n; at++) yield { n: at }
        if (n === 3) throw ctx.error('Odd', { n })
      },
      sum: async (items: Items) => ({ n: (await all(items)).length }),
      async *echo(items: Items) {
        yield* items
      },
    })
    const wire = connect(service(Lab, behind.client), { clock: behind.clock })
    const client = wire.client(Lab)
    expect(await all(client.list({ n: 2 }))).toEqual(ns(0, 1))
    expect(await client.sum(given([], ns(1, 2)))).toEqual({ n: 2 })
    expect(await all(client.echo(ns(5, 6)))).toEqual(ns(5, 6))
    for await (const _ of client.list({ n: 1_000 })) break
    await until(() => behind.wire.stats().inFlight === 0 && wire.stats().inFlight === 0)
    expect(behind.wire.stats().calls['lab/list']).toEqual({ ok: 1, cancelled: 1 })
    const controller = new AbortController()
    const upload = client.sum(
      given([], ns(1, 2), () => nextTurn()),
      { signal: controller.signal },
    )
    controller.abort()
    await expect(upload).rejects.toMatchObject({ code: 'cancelled' })
    await until(() => behind.wire.stats().inFlight === 0)
    expect(behind.wire.stats().calls['lab/sum']).toEqual({ ok: 1, cancelled: 1 })
  })

  const Front = contract('front', { pass: serverStream(N, N), ask: unary(N, N) })
  type Pass = (request: Item, ctx: Context<never, { lab: ReturnType<typeof labOf>['client'] }>) => unknown

  function frontOf(handlers: { pass?: Pass; ask?: Pass }, list: Handler) {
    const behind = labOf({ list })
    const nothing = () => ns()
    const front = service(
      Front,
      { pass: handlers.pass ?? nothing, ask: handlers.ask ?? nothing } as never, // one for each method
      { uses: { lab: Lab } },
    )
    const { clock, log } = behind
    const wire = connect(router([front], { log }), { clock, uses: { lab: behind.wire } })
    return { clock, log, behind: behind.wire, wire, client: wire.client(Front) }
  }

  const endless: Handler = async function* () {
    for (let n = 0; ; n++) yield { n }
  }

  it('has streams that are bound to its call: they carry its deadline and its end', async () => {
    let left: number | undefined
    const { clock, client, behind } = frontOf(
      {
        async *pass(_, ctx) {
          yield* ctx.uses.lab.list({ n: 0 })
        },
      },
      async function* (_, ctx) {
        left = ctx.deadline?.remainingMs
        yield { n: 1 }
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      },
    )
    const ending = takenAndError(client.pass({ n: 0 }, { timeoutMs: 80 }))
    await nextTurn()
    clock.advance(100)
    const { taken, error } = await ending
    expect([taken, error.code, left]).toEqual([ns(1), 'deadline_exceeded', 80])
    await until(() => behind.stats().inFlight === 0)
  })

  it('ends with its call whatever it has left open', async () => {
    let open: AsyncIterator<Item> | undefined
    const { client, behind } = frontOf(
      {
        async ask(_, ctx) {
          open = ctx.uses.lab.list({ n: 0 })
          await open.next()
          return { n: 1 }
        },
      },
      endless,
    )
    expect(await client.ask({ n: 0 })).toEqual({ n: 1 })
    await until(() => behind.stats().inFlight === 0)
    await expect(open?.next()).rejects.toMatchObject({ code: 'cancelled' })
    expect(behind.stats().calls).toEqual({ 'lab/list': { cancelled: 1 } })
  })

  it('may leave one by a signal of its own, and open none when its call is over', async () => {
    const late = gate()
    let after: Promise<unknown> | undefined
    const { client } = frontOf(
      {
        async ask(_, ctx) {
          const controller = new AbortController()
          const stream = ctx.uses.lab.list({ n: 0 }, { signal: controller.signal })
          await stream.next()
          controller.abort()
          after = late.opened.then(() => takenAndError(ctx.uses.lab.list({ n: 0 })))
          const code = await stream.next().catch((error: NanowireError) => error.code)
          return { n: code === 'cancelled' ? 1 : 0 }
        },
      },
      endless,
    )
    expect(await client.ask({ n: 0 })).toEqual({ n: 1 })
    late.open()
    expect(await after).toMatchObject({ taken: [], error: { code: 'cancelled', processed: 'no' } })
  })

  it('passes on of an error behind it the code alone', async () => {
    const { client } = frontOf({ pass: (_, ctx) => ctx.uses.lab.list({ n: 0 }) }, () => {
      throw new NanowireError('not_found', 'a name that is nobody’s business')
    })
    const { error } = await takenAndError(client.pass({ n: 0 }))
    expect([error.code, error.message]).toEqual(['not_found', 'front/pass: a call that it made ended with not_found'])
  })
})

describe('dispatch', () => {
  it('resolves to the stream of a message', async () => {
    const handlers = {
      list: () => ns(1, 2),
      brief: () => [],
      sum: () => ({ n: 0 }),
      echo: () => [],
      one: () => ({ n: 0 }),
    }
    const made = router([service(Lab, handlers)])
    const items = (await made.dispatch(Lab.message.list({ n: 1 }))) as AsyncIterable<Item> // of this method
    expect(await all(items)).toEqual(ns(1, 2))
  })

  it('keeps what it has started until the stream has ended', async () => {
    const told: string[] = []
    const Plain = contract('plain', { list: serverStream(N, N) })
    const made = router([
      service(Plain, { list: () => ns(1, 2) }, { start: () => told.push('start'), stop: () => told.push('stop') }),
    ])
    const items = (await made.dispatch(Plain.message.list({ n: 1 }))) as AsyncIterable<Item> // of this method
    for await (const item of items) told.push(`item ${item.n}`)
    await until(() => told.includes('stop'))
    expect(told).toEqual(['start', 'item 1', 'item 2', 'stop'])
  })
})

it('a method that is called as of another kind is refused', async () => {
  const Other = contract('lab', { list: unary(N, N), one: serverStream(N, N), sum: bidiStream(N, N) })
  const { wire } = labOf({})
  const other = wire.client(Other)
  await expect(other.list({ n: 0 })).rejects.toMatchObject({
    code: 'invalid_argument',
    processed: 'no',
    message: 'lab/list is serverStream, and was called as unary',
  })
  const { error } = await takenAndError(other.one({ n: 0 }))
  expect(error.message).toBe('lab/one is unary, and was called as serverStream')
  const told: string[] = []
  const { error: third } = await takenAndError(other.sum(given(told, ns(1))))
  expect([third.code, third.message]).toEqual([
    'invalid_argument',
    'lab/sum is clientStream, and was called as bidiStream',
  ])
})

it('ten thousand streams that end in any order leave nothing behind', async () => {
  const { client, wire } = labOf({ list: endlessly }, { limits: { maxCallsInFlight: 10_000 } })
  const streams = Array.from({ length: 10_000 }, (_, n) => client.list({ n }))
  await Promise.all(streams.map((stream) => stream.next()))
  expect(wire.stats().inFlight).toBe(10_000)
  for (let at = 0; at < streams.length; at++) void streams[(at * 7_919) % streams.length]?.return()
  await until(() => wire.stats().inFlight === 0)
  expect(wire.stats().calls).toEqual({ 'lab/list': { cancelled: 10_000 } })
})
