/**
 * Whether finished calls leave anything: the heap and the active resources after `first` calls and after `last` calls
 * over one TCP connection. `node --expose-gc --import tsx test/soak/heap.ts 100000 1100000`
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connect, serve } from 'nanowire'
import { Bench, bench } from '../bench/contract.ts'
import { requestOf } from '../bench/work.ts'
import { collect } from '../support/collect.ts'

const IN_FLIGHT = 64
const [first = 20_000, last = 120_000] = process.argv.slice(2).map(Number)

const server = await serve(bench, 'tcp://127.0.0.1:0')
const wire = connect(server.url, { limits: { callTimeoutMs: 600_000 } }) // on a slow machine, too, none is late
const { small } = wire.client(Bench)

async function callUpTo(count: number, from: number): Promise<void> {
  let next = from
  const worker = async () => {
    while (next < count) await small(requestOf(next++))
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

async function look(): Promise<{ heapBytes: number; resources: string[] }> {
  for (let round = 0; round < 5; round++) {
    await nextTurn()
    collect()
  }
  return { heapBytes: process.memoryUsage().heapUsed, resources: process.getActiveResourcesInfo().sort() }
}

await callUpTo(first, 0)
const before = await look()
await callUpTo(last, first)
const after = await look()
const { inFlight } = server.stats()
await wire.close()
await server.close()
console.log(JSON.stringify({ first, last, before, after, inFlight, grownBytes: after.heapBytes - before.heapBytes }))
