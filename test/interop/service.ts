/** The service that clients in other languages are tested with, and what it has seen. */
import Type from 'typebox'
import { Bytes, contract, NanowireError, notify, service, Timestamp, unary } from '../../src/index.ts'

const Named = Type.Object({ as: Type.String() })

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
  const running = service(Interop, {
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
  })
  return { service: running, lines, release: (as: string) => released.get(as).resolve('') }
}
