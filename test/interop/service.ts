/** The service that clients in other languages are tested with, and what it has seen. */
import Type from 'typebox'
import {
  Bytes,
  bidiStream,
  clientStream,
  contract,
  event,
  NanowireError,
  notify,
  type Service,
  serverStream,
  service,
  Timestamp,
  unary,
} from '../../src/index.ts'

const Named = Type.Object({ as: Type.String() })

const Shout = Type.Object({ to: Type.String(), line: Type.String() })

const Everything = Type.Object({
  null: Type.Null(),
  boolean: Type.Boolean(),
  number: Type.Number(),
  integer: Type.Integer(),
  bigint: Type.BigInt(),
  text: Type.String(),
  literal: Type.Literal('on'),
  choice: Type.Enum(['red', 3]),
  bytes: Bytes(),
  at: Timestamp(),
  list: Type.Array(Type.Integer()),
  pair: Type.Tuple([Type.String(), Type.Number()]),
  record: Type.Record(Type.String(), Type.Boolean()),
  union: Type.Union([
    Type.String(),
    Type.Null(),
    Type.Object({ kind: Type.Literal('a'), x: Type.Integer() }),
    Type.Object({ kind: Type.Literal('b'), y: Type.String() }),
  ]),
  optional: Type.Optional(Type.Integer()),
  unknown: Type.Unknown(),
})

export const Interop = contract('interop', {
  hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Timestamp() }) },
  }),
  types: unary(Everything, Everything),
  nothing: unary(Type.Void(), Type.Void()),
  echo: unary(Bytes(), Bytes()),
  zeros: unary(Type.Object({ bytes: Type.Integer() }), Bytes()),
  log: notify(Type.Object({ line: Type.String() })),
  wait: unary(Named, Type.Boolean()),
  started: unary(Named, Type.Null()),
  ended: unary(Named, Type.String()),
  left: unary(Type.Null(), Type.Union([Type.Number(), Type.Null()])),
  meta: unary(Type.Object({ fail: Type.Boolean() }), Type.Union([Type.String(), Type.Null()])),
  whoami: unary(Type.Null(), Type.String()),
  count: serverStream(Type.Object({ to: Type.Integer(), fail: Type.Optional(Type.Boolean()) }), Type.Integer(), {
    errors: { Enough: Type.Object({ at: Type.Integer() }) },
  }),
  blobs: serverStream(Type.Object({ items: Type.Integer(), bytes: Type.Integer() }), Bytes()),
  total: clientStream(Type.Integer(), Type.Object({ items: Type.Integer(), total: Type.Integer() })),
  first: clientStream(Type.Integer(), Type.Union([Type.Integer(), Type.Null()])),
  echoes: bidiStream(Bytes(), Bytes()),
  watch: serverStream(Named, Type.Integer()),
  rush: serverStream(Type.Object({ items: Type.Integer() }), Type.Integer(), {
    slow: { policy: 'dropOldest', maxItems: 10 },
  }),
  shout: unary(Shout, Type.Void()),
  shouted: event(Shout, { key: 'to' }),
})

/** What one handler says to another: a promise that anybody may wait for, before or after it is kept. */
class Signals {
  readonly #all = new Map<string, PromiseWithResolvers<string>>()

  get(name: string): PromiseWithResolvers<string> {
    const signal = this.#all.get(name) ?? withResolvers()
    this.#all.set(name, signal)
    return signal
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((keep) => {
    resolve = keep
  })
  return { promise, resolve }
}

/** A service of its own for each test. */
export function interop() {
  const lines: string[] = []
  const started = new Signals()
  const ended = new Signals()
  const released = new Signals()
  const running: Service<typeof Interop> = service(Interop, {
    hello({ name }, ctx) {
      if (name === 'Mallory') throw ctx.error('Banned', { until: new Date(1000) })
      if (name === 'Ghost') throw new Error('secret')
      if (name === 'Nobody') throw new NanowireError('not_found', 'there is nobody', { processed: 'no' })
      // biome-ignore lint/suspicious/noExplicitAny: a handler that does not keep to its contract
      if (name === 'Liar') return { text: 5 } as any
      return { text: `Hello, ${name}` }
    },
    types: (request) => request,
    nothing: () => undefined,
    echo: (request) => request,
    zeros: ({ bytes }) => new Uint8Array(bytes),
    log({ line }) {
      lines.push(line)
    },
    async wait({ as }, ctx) {
      const { signal } = ctx
      signal.addEventListener('abort', () => ended.get(as).resolve(signal.reason.code), { once: true })
      started.get(as).resolve('')
      await Promise.race([ended.get(as).promise, released.get(as).promise])
      return signal.aborted
    },
    async started({ as }) {
      await started.get(as).promise
      return null
    },
    ended: ({ as }) => ended.get(as).promise,
    left: (_, ctx) => ctx.deadline?.remainingMs ?? null,
    meta({ fail }, ctx) {
      ctx.reply.set('out', 'ä')
      if (fail) throw new NanowireError('aborted', `in has ${ctx.metadata.get('in')?.length} characters`)
      return ctx.metadata.get('in') ?? null
    },
    whoami: (_, ctx) => String(ctx.principal),
    async *count({ to, fail }, ctx) {
      ctx.reply.set('out', 'ä')
      for (let n = 1; n <= to; n++) yield n
      if (fail) throw ctx.error('Enough', { at: to })
    },
    *blobs({ items, bytes }) {
      for (let n = 0; n < items; n++) yield new Uint8Array(bytes).fill(n)
    },
    async total(items) {
      const sum = { items: 0, total: 0 }
      for await (const item of items) {
        sum.items++
        sum.total += item
      }
      return sum
    },
    async first(items) {
      for await (const item of items) return item
      return null
    },
    echoes: (items) => items,
    async *watch({ as }, ctx) {
      const { signal } = ctx
      signal.addEventListener('abort', () => ended.get(as).resolve(signal.reason.code), { once: true })
      started.get(as).resolve('')
      yield 1
      await ended.get(as).promise
    },
    *rush({ items }) {
      for (let n = 1; n <= items; n++) yield n
      ended.get('rush').resolve('all were made')
    },
    shout(said) {
      running.publish.shouted(said)
    },
  })
  return { service: running, lines, release: (as: string) => released.get(as).resolve('') }
}
