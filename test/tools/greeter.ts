/** A service with a method for each way that a command's call can end. */
import Type from 'typebox'
import { Bytes, contract, NanowireError, notify, service, unary } from '../../src/index.ts'
import { FakeIo, runCommand } from './fake-io.ts'

export const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String({ minLength: 1 }) }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Type.BigInt() }) },
  }),
  log: notify(Type.Object({ line: Type.String() })),
  echo: unary(Type.Object({ pixels: Bytes() }), Type.Object({ pixels: Bytes() })),
  ping: unary(Type.Undefined(), Type.Void()),
  next: unary(Type.Integer(), Type.Integer()),
  fail: unary(Type.Object({}), Type.Object({})),
  wait: unary(Type.Object({}), Type.Object({})),
})

/** What the handlers of `wait` and `log` were told. */
export const waiting = { begun: () => {}, end: () => {}, aborted: () => {} }
export const lines: string[] = []

export const greeter = service(Greeter, {
  hello({ name }, ctx) {
    if (name === 'Mallory') throw ctx.error('Banned', { until: 5n })
    return { text: `Hello, ${ctx.metadata.get('title') ?? ''}${name}` }
  },
  log({ line }) {
    lines.push(line)
  },
  echo: (request) => request,
  ping() {},
  next: (n) => n + 1,
  fail() {
    throw new NanowireError('not_found', 'no such thing \u001b[31m')
  },
  wait: (_, ctx) =>
    new Promise((resolve) => {
      ctx.signal.addEventListener('abort', () => {
        waiting.aborted()
        resolve({})
      })
      waiting.end = () => resolve({})
      waiting.begun()
    }),
})

export const modules = { './greeter.js': { Greeter, greeter } }
/** Runs a command where `./greeter.js` exports the greeter. */
export const command = (...argv: string[]) => runCommand(argv, new FakeIo(modules))
