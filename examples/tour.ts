// `npm start`: two services, called in memory and over a real TCP socket, and what happens when things go wrong.
import {
  type Connection,
  clientStream,
  connect,
  contract,
  event,
  NanowireError,
  serve,
  serverStream,
  service,
} from 'nanowire'
import { checkRoundTrip } from 'nanowire/testing'
import Type from 'typebox'
import { Greeter, greeter } from './01-hello/greeter.ts'

const CALLS = 5_000

const Numbers = contract('numbers', {
  from: serverStream(Type.Object({ start: Type.Integer() }), Type.Integer()),
  sum: clientStream(Type.Integer(), Type.Integer()),
  drawn: event(Type.Object({ wheel: Type.String(), n: Type.Integer() }), { key: 'wheel' }),
})
const numbers = service(Numbers, {
  *from({ start }) {
    for (let n = start; ; n++) yield n // no further than its caller has room for
  },
  async sum(items) {
    let sum = 0
    for await (const n of items) sum += n
    return sum
  },
})
const services = [greeter, numbers]

/** The errors of this tour are its subject: each is shown in one line. */
async function show(what: string, act: () => Promise<unknown>): Promise<void> {
  try {
    console.log(`  ${what}:`, await act())
  } catch (error) {
    if (!(error instanceof NanowireError)) throw error
    const data = error.data === undefined ? '' : ` ${JSON.stringify(error.data)}`
    console.log(`  ${what}: ${error.code}${data} (handler ran: ${error.processed}) - ${error.message}`)
  }
}

async function take<Item>(items: AsyncIterable<Item>, count: number): Promise<Item[]> {
  const taken: Item[] = []
  for await (const item of items) if (taken.push(item) === count) break // tells the handler to end
  return taken
}

async function visit(name: string, wire: Connection): Promise<number> {
  const { hello, wait } = wire.client(Greeter)
  const { from, sum, drawn } = wire.client(Numbers)
  console.log(`\n${name}`)
  await show('a reply', () => hello({ name: 'Ada' }))
  await show('a declared error', () => hello({ name: 'Mallory' }))
  const cancelled = new AbortController()
  const waiting = wait({ ms: 60_000 }, { signal: cancelled.signal })
  cancelled.abort()
  await show('a cancelled call', () => waiting)
  await show('a deadline', () => wait({ ms: 60_000 }, { timeoutMs: 100 }))
  await show('a bad request', () => hello({ name: '' }))
  await show('a stream without end, left after three items', () => take(from({ start: 7 }), 3))
  await show('items the other way', () => sum([7, 8, 9]))
  await show('an event', async () => {
    const draws = drawn({ wheel: 'red' })
    await draws.ready
    numbers.publish.drawn({ wheel: 'blue', n: 4 })
    numbers.publish.drawn({ wheel: 'red', n: 32 })
    return take(draws, 1)
  })

  for (let n = 0; n < CALLS; n++) await hello({ name: 'Ada' }) // the first ones compile
  const before = performance.now()
  for (let n = 0; n < CALLS; n++) await hello({ name: 'Ada' })
  const micros = (1_000 * (performance.now() - before)) / CALLS
  await wire.close()
  return micros
}

const server = await serve(services, 'tcp://127.0.0.1:0')
console.log(`Two services listen at ${server.url}, and are also called without leaving this process.`)

const inMemory = await visit('In memory: connect(services)', connect(services))
const overTcp = await visit(`Over TCP: connect('${server.url}')`, connect(server.url))

console.log('\nProperty-tested round trips of every message of the contract')
console.log(' ', checkRoundTrip(Greeter))

console.log('\nOne call, validated on the way in and out, one at a time, client and server in one process')
console.log(`  in memory ${inMemory.toFixed(1)} µs, over TCP ${overTcp.toFixed(1)} µs`)

await server.close()
