// Who calls, and what they may: a token at the door, a rule for each method, the same in memory and over TCP.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/07-identity/main.ts
import { connect, contract, NanowireError, router, serve, service, unary } from 'nanowire'
import Type from 'typebox'

interface User {
  readonly name: string
  readonly roles: readonly string[]
}

const Notes = contract('notes', {
  list: unary(Type.Void(), Type.Array(Type.String())),
  add: unary(Type.Object({ text: Type.String({ minLength: 1 }) }), Type.Integer()),
})

const notes: string[] = []
const noteService = service(Notes, {
  list: () => notes,
  add: ({ text }, ctx) => notes.push(`${(ctx.principal as User).name}: ${text}`), // as authenticate gives it
})

// What a user may do belongs to the router, so it holds wherever the router runs.
const guarded = router([noteService], {
  authorize: ({ method, ctx }) => method.name === 'notes/list' || (ctx.principal as User).roles.includes('writer'),
})

// Who a client is belongs to the server: nothing else of a client is read before this has answered.
const users = new Map<unknown, User>([
  ['token-of-ada', { name: 'ada', roles: ['writer'] }],
  ['token-of-bob', { name: 'bob', roles: [] }],
])
const server = await serve(guarded, 'tcp://127.0.0.1:0', {
  authenticate: ({ credentials }) => users.get(credentials),
})

async function tell(who: string, call: () => Promise<unknown>): Promise<void> {
  try {
    console.log(`${who}:`, await call())
  } catch (error) {
    if (!(error instanceof NanowireError)) throw error
    console.log(`${who}: ${error.code} (handler ran: ${error.processed})`)
  }
}

for (const token of ['token-of-ada', 'token-of-bob', 'forged']) {
  const wire = connect(server.url, { credentials: token })
  const { add, list } = wire.client(Notes)
  await tell(`${token} adds`, () => add({ text: 'hello' }))
  await tell(`${token} lists`, () => list())
  await wire.close()
}

// In memory nobody knocks: the program itself says who calls.
const inMemory = connect(guarded, { principal: { name: 'eve', roles: [] } satisfies User })
await tell('eve in memory adds', () => inMemory.client(Notes).add({ text: 'hello' }))

await server.close()
