/** A server process: `server.js <journal>`. Its parent gets its addresses, and ends it by the message `finish` or by a signal. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type LimitOptions, router, serve, service } from '../../src/index.ts'
import type { ServerUrls } from './children.ts'
import { Chaos, calmLimits, faultOf, ID, limits, type Parcel, parcel, type Task } from './contract.ts'
import { Journal } from './journal.ts'

const journal = new Journal(process.argv[2] ?? '')
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Runs a handler's work between its two lines. */
async function noted<T>(id: string, work: () => Promise<T>): Promise<T> {
  journal.write({ what: 'begin', id })
  try {
    return await work()
  } finally {
    journal.write({ what: 'end', id })
  }
}

/** The same of what gives items. The work begins with the call, and not with the first item that is asked for. */
function notedItems(id: string, items: AsyncGenerator<Parcel>): AsyncIterable<Parcel> {
  journal.write({ what: 'begin', id })
  return (async function* () {
    try {
      yield* items
    } finally {
      journal.write({ what: 'end', id })
    }
  })()
}

function check(one: Parcel, id: string, n: number): void {
  const fault = faultOf(one, id, n)
  if (fault !== undefined) journal.write({ what: 'wrong', text: `at the server: ${fault}` })
}

async function work({ fate, workMs, listens }: Task, signal: AbortSignal): Promise<void> {
  if (workMs > 0) await sleep(workMs, undefined, listens ? { signal } : {})
  if (fate === 'thrown') throw new Error('thrown')
}

async function* given(id: string, count: number, bytes: Uint8Array): AsyncGenerator<Parcel> {
  for (let n = 0; n < count; n++) yield parcel(id, n, bytes)
}

async function* swapped(id: string, items: AsyncIterable<Parcel>): AsyncGenerator<Parcel> {
  let n = 0
  for await (const item of items) {
    check(item, id, n)
    yield parcel(id, n++, item.bytes)
  }
}

const chaos = service(Chaos, {
  run: (task, ctx) =>
    noted(task.id, async () => {
      check(task, task.id, 0)
      await work(task, ctx.signal)
      if (task.fate === 'refused') throw ctx.error('Refused', { id: task.id })
      return parcel(task.id, 1, task.bytes)
    }),
  note: (task, ctx) =>
    noted(task.id, async () => {
      check(task, task.id, 0)
      await work(task, ctx.signal)
    }),
  give(request) {
    check(request, request.id, 0)
    return notedItems(request.id, given(request.id, request.count, request.bytes))
  },
  take: (items, ctx) => {
    const id = ctx.metadata.get(ID) ?? ''
    return noted(id, async () => {
      let n = 0
      for await (const item of items) check(item, id, n++)
      return parcel(id, n, new Uint8Array(0))
    })
  },
  swap(items, ctx) {
    const id = ctx.metadata.get(ID) ?? ''
    return notedItems(id, swapped(id, items))
  },
})

const serveWith = (own: LimitOptions) => serve(router([chaos], { log: silent }), 'tcp://127.0.0.1:0', { limits: own })
const [server, calm] = await Promise.all([serveWith(limits), serveWith(calmLimits)])
const sumOf = (name: 'inFlight' | 'connections') => server.stats()[name] + calm.stats()[name]

async function finish(drainMs: number): Promise<void> {
  await Promise.all([server.close({ drainMs }), calm.close({ drainMs })])
  // What does not listen to its signal is left alone, and ends by itself.
  for (let waits = 0; sumOf('inFlight') > 0 && waits < 1_000; waits++) await sleep(20)
  const [inFlight, connections] = [sumOf('inFlight'), sumOf('connections')]
  if (inFlight + connections > 0)
    journal.write({ what: 'wrong', text: `a closed server has ${inFlight} calls and ${connections} connections` })
  journal.write({ what: 'over' })
  process.disconnect?.() // and then nothing is left that holds the process
}

process.once('message', () => void finish(1_000))
process.once('SIGTERM', () => void finish(20))
process.once('disconnect', () => setTimeout(() => process.exit(1), 10_000).unref()) // its parent has gone, or waits for its end
process.send?.({ url: server.url, calmUrl: calm.url } satisfies ServerUrls)
