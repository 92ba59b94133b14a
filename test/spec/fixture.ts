/** The service that spec/vectors/sessions.json talks to, as spec/vectors/README.md describes it. */
import Type from 'typebox'
import { Bytes, contract, notify, service, unary } from '../../src/index.ts'

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
