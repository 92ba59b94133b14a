import { connect, contract, serve, service, unary } from 'nanowire'
import Type from 'typebox'

// the contract: shared by both sides
const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() }), {
    errors: { Banned: Type.Object({ until: Type.String() }) },
  }),
})

// the handlers: they do not know where they run
const greeter = service(Greeter, {
  async hello({ name }, ctx) {
    if (name === 'Mallory') throw ctx.error('Banned', { until: 'tomorrow' })
    return { text: `Hello, ${name}` }
  },
})

// the place: the only line that changes
const server = await serve(greeter, 'tcp://127.0.0.1:0') // server.url has the real port
const wire = connect(server.url) // or connect(greeter): a function call, nothing encoded, the same answers
const { hello } = wire.client(Greeter)
console.log(await hello({ name: 'Ada' })) // { text: 'Hello, Ada' }

await wire.close()
await server.close({ drainMs: 5_000 }) // SIGTERM is yours: process.once('SIGTERM', () => server.close())
