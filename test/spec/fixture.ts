/** The services that spec/vectors/sessions.json talks to, as spec/vectors/README.md describes them. */
import Type from 'typebox'
import {
  Bytes,
  bidiStream,
  clientStream,
  contract,
  event,
  notify,
  type Service,
  serverStream,
  service,
  unary,
} from '../../src/index.ts'

export const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Type.String() }) },
  }),
  wait: unary(Type.Object({}), Type.Boolean()),
  echo: unary(Bytes(), Bytes()),
  meta: unary(Type.Null(), Type.String()),
  log: notify(Type.Object({ line: Type.String() })),
})

/** The greeter, and the lines that it was told. */
export function makeGreeter() {
  const lines: string[] = []
  const greeter = service(Greeter, {
    async hello({ name }, ctx) {
      if (name === 'Mallory') throw ctx.error('Banned', { until: 'tomorrow' })
      if (name === 'Ghost') throw new Error('a secret')
      return { text: `Hello, ${name}` }
    },
    wait: (_, ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve(true))),
    echo: (bytes) => bytes,
    meta(_, ctx) {
      ctx.reply.set('out', 'x')
      return ctx.metadata.get('in') ?? ''
    },
    log({ line }) {
      lines.push(line)
    },
  })
  return { greeter, lines }
}

export const Streamer = contract('streamer', {
  count: serverStream(Type.Object({ from: Type.Integer(), to: Type.Integer() }), Type.Integer()),
  sum: clientStream(Type.Integer(), Type.Integer()),
  relay: bidiStream(Type.String(), Type.String()),
  said: event(Type.Object({ line: Type.String() }), { key: 'line' }),
  say: notify(Type.Object({ line: Type.String() })),
})

export function makeStreamer(): Service {
  const streamer: Service<typeof Streamer> = service(Streamer, {
    *count({ from, to }, ctx) {
      for (let number = from; number <= to; number++) {
        if (number === 13) throw new Error('a secret')
        yield number
      }
      ctx.reply.set('out', 'x')
    },
    async sum(items) {
      let sum = 0
      for await (const item of items) {
        if (item === 0) break
        sum += item
      }
      return sum
    },
    relay: (items) => items,
    say: (body) => streamer.publish.said(body),
  })
  return streamer
}
