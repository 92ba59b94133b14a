/**
 * Whether streams that are over leave anything, however they ended: the heap and the active resources after `first` rounds and after
 * `last` rounds over one TCP connection. `node --expose-gc --import tsx test/soak/streams.ts 1000 101000`
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  Bytes,
  bidiStream,
  clientStream,
  connect,
  contract,
  event,
  type NanowireError,
  router,
  serve,
  serverStream,
  service,
  unary,
} from 'nanowire'
import Type from 'typebox'
import { collect } from '../support/collect.ts'

const AT_ONCE = 16
const NO_LOG = { debug() {}, info() {}, warn() {}, error() {} }
const [first = 1_500, last = 2_200] = process.argv.slice(2).map(Number)

/** With some text beside it, so that a window is full of a hundred, and not of thousands that a slow machine works on for minutes. */
const Item = Type.Object({ n: Type.Integer(), text: Type.String() })
const text = 'x'.repeat(150)
const itemOf = (n: number) => ({ n, text })

const Numbers = contract('numbers', {
  count: serverStream(Type.Integer(), Item),
  sum: clientStream(Item, Type.Integer()),
  double: bidiStream(Item, Item),
  blobs: serverStream(Type.Integer(), Bytes()),
  large: unary(Type.Integer(), Bytes()),
  told: event(Type.Object({ n: Type.Integer() }), { key: 'n' }),
})

const numbers = service(Numbers, {
  async *count(most) {
    for (let n = 0; n < most; n++) yield itemOf(n)
    if (most === 13) throw new Error('no thirteens')
  },
  async sum(items) {
    let sum = 0
    for await (const { n } of items) {
      if (n === 13) break
      sum += n
    }
    return sum
  },
  async *double(items) {
    for await (const { n } of items) yield itemOf(2 * n)
  },
  async *blobs(bytes) {
    for (let n = 0; n < 3; n++) yield new Uint8Array(bytes)
  },
  large: (bytes) => new Uint8Array(bytes),
})

const server = await serve(router([numbers], { log: NO_LOG }), 'tcp://127.0.0.1:0')
const wire = connect(server.url, { limits: { callTimeoutMs: 600_000 } }) // on a slow machine, too, none is late
const client = wire.client(Numbers)

const takeAll = async (items: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of items);
}

/** Every kind of stream, and every way to end one. */
async function round(n: number): Promise<void> {
  const subscription = client.told({ n })
  await subscription.ready
  numbers.publish.told({ n })
  for await (const _ of subscription) break
  await takeAll(client.count(20))
  for await (const { n } of client.count(1_000_000)) if (n === 50) break
  await takeAll(client.count(13)).catch((error: NanowireError) => error)
  await client.sum([1, 2, 3].map(itemOf))
  await client.sum(
    (function* () {
      for (let at = 0; ; at++) yield itemOf(at)
    })(),
  ) // is answered early
  await takeAll(client.double([1, 2, 3].map(itemOf)))
  const abort = new AbortController()
  const cancelled = takeAll(
    client.double(
      (async function* () {
        yield itemOf(1)
        abort.abort()
        yield itemOf(2)
      })(),
      { signal: abort.signal },
    ),
  )
  await cancelled.catch((error: unknown) => error)
  await takeAll(client.blobs(50_000))
  await client.large(100_000)
}

async function roundsUpTo(count: number, from: number): Promise<void> {
  let next = from
  const worker = async () => {
    while (next < count) await round(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function look(): Promise<{ usedBytes: number; resources: string[] }> {
  for (let turn = 0; turn < 20; turn++) {
    await nextTurn()
    collect()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { usedBytes: heapUsed + arrayBuffers, resources: process.getActiveResourcesInfo().sort() }
}

await roundsUpTo(first, 0)
const before = await look()
await roundsUpTo(last, first)
const after = await look()
const { inFlight } = server.stats()
await wire.close()
await server.close()
console.log(JSON.stringify({ first, last, before, after, inFlight, grownBytes: after.usedBytes - before.usedBytes }))
