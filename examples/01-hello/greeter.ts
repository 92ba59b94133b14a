import { contract, notify, service, unary } from 'nanowire'
import Type from 'typebox'

// The contract: shared by both sides.
export const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String({ minLength: 1 }) }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Type.String() }) },
    idempotent: true,
  }),
  wait: unary(
    Type.Object({ ms: Type.Integer({ minimum: 0, maximum: 60_000 }) }),
    Type.Object({ waited: Type.Boolean() }),
  ),
  log: notify(Type.Object({ line: Type.String() })),
})

// The handlers: they do not know where they run.
export const greeter = service(Greeter, {
  async hello({ name }, ctx) {
    if (name === 'Mallory') throw ctx.error('Banned', { until: 'tomorrow' })
    return { text: `Hello, ${name}` }
  },
  wait({ ms }, ctx) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve({ waited: true }), ms)
      ctx.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve({ waited: false })
      })
    })
  },
  log({ line }, ctx) {
    ctx.log.info({ line }, 'a line for the log')
  },
})
