// `npm start`: one service, called in memory and over a real TCP socket, and what happens when things go wrong.
import { type Connection, connect, NanowireError, serve } from 'nanowire'
import { checkRoundTrip } from 'nanowire/testing'
import { Greeter, greeter } from './01-hello/greeter.ts'

const CALLS = 5_000

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

async function visit(name: string, wire: Connection): Promise<number> {
  const { hello, wait } = wire.client(Greeter)
  console.log(`\n${name}`)
  await show('a reply', () => hello({ name: 'Ada' }))
  await show('a declared error', () => hello({ name: 'Mallory' }))
  const cancelled = new AbortController()
  const waiting = wait({ ms: 60_000 }, { signal: cancelled.signal })
  cancelled.abort()
  await show('a cancelled call', () => waiting)
  await show('a deadline', () => wait({ ms: 60_000 }, { timeoutMs: 20 }))
  await show('a bad request', () => hello({ name: '' }))

  for (let n = 0; n < CALLS; n++) await hello({ name: 'Ada' }) // the first ones compile
  const before = performance.now()
  for (let n = 0; n < CALLS; n++) await hello({ name: 'Ada' })
  const micros = (1_000 * (performance.now() - before)) / CALLS
  await wire.close()
  return micros
}

const server = await serve(greeter, 'tcp://127.0.0.1:0')
console.log(`The greeter listens at ${server.url}, and is also called without leaving this process.`)

const inMemory = await visit('In memory: connect(greeter)', connect(greeter))
const overTcp = await visit(`Over TCP: connect('${server.url}')`, connect(server.url))

console.log('\nProperty-tested round trips of every message of the contract')
console.log(' ', checkRoundTrip(Greeter))

console.log('\nOne call, validated on the way in and out, one at a time, client and server in one process')
console.log(`  in memory ${inMemory.toFixed(1)} µs, over TCP ${overTcp.toFixed(1)} µs`)

await server.close()
