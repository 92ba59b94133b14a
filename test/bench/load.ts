/**
 * How a load of calls is measured, in the client's process. Invariant: every reply is held against its request, and one
 * reading of the clock ends a call and starts the next, so that measuring weighs the same on every system.
 */
import { percentile } from './statistics.ts'
import { BYTES, bytesOf, type Client, orderOf, requestOf, type Work } from './work.ts'

export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

export interface Measured extends Latencies {
  readonly callsPerSecond: number
}

export interface ClosedLoad {
  readonly work: Work
  readonly inFlight: number
  readonly calls: number
}

export interface OpenLoad {
  readonly work: Work
  readonly perSecond: number
  readonly calls: number
}

interface Job {
  start(index: number): Promise<unknown>
  isAnswer(index: number, reply: unknown): boolean
}

/** Values of which no two neighbours are alike, made before the clock runs; a power of two. */
const POOL = 64

function jobOf(client: Client, work: Work): Job {
  // Replies are looked at as far as a mix-up would show.
  const idOf = (reply: unknown) => (reply as { readonly id: number }).id
  if (work === 'small') {
    return { start: (index) => client.small(requestOf(index)), isAnswer: (index, reply) => idOf(reply) === index }
  }
  if (work === 'record') {
    const orders = Array.from({ length: POOL }, (_, id) => orderOf(id))
    const orderAt = (index: number) => orders[index % POOL] ?? orderOf(index % POOL)
    return { start: (index) => client.record(orderAt(index)), isAnswer: (index, reply) => idOf(reply) === index % POOL }
  }
  const bytes = bytesOf(BYTES)
  return { start: () => client.bytes(bytes), isAnswer: (_, reply) => (reply as Uint8Array).length === BYTES }
}

export function latenciesOf(micros: Float64Array): Latencies {
  micros.sort()
  return { p50: percentile(micros, 0.5), p99: percentile(micros, 0.99), p999: percentile(micros, 0.999) }
}

const mixedUp = (index: number) => new Error(`call ${index} got a reply that is not its own`)

/** Keeps `inFlight` calls going until `calls` have ended. */
export async function measureClosed(client: Client, { work, inFlight, calls }: ClosedLoad): Promise<Measured> {
  const job = jobOf(client, work)
  const micros = new Float64Array(calls)
  let next = 0
  const start = performance.now()
  const worker = async () => {
    let before = performance.now()
    while (next < calls) {
      const index = next++
      const reply = await job.start(index)
      if (!job.isAnswer(index, reply)) throw mixedUp(index)
      const after = performance.now()
      micros[index] = 1_000 * (after - before)
      before = after
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, calls) }, worker))
  const seconds = (performance.now() - start) / 1_000
  return { callsPerSecond: calls / seconds, ...latenciesOf(micros) }
}

/**
 * Starts calls at a fixed rate, whether or not earlier ones have ended. A call's latency counts from when it was to
 * start, not from when it did: a pause counts for all the calls that it delays.
 */
export async function measureOpen(
  client: Client,
  { work, perSecond, calls }: OpenLoad,
  now: () => number = () => performance.now(),
): Promise<Latencies> {
  const job = jobOf(client, work)
  const micros = new Float64Array(calls)
  const gapMs = 1_000 / perSecond
  const start = now()
  let waiting = calls
  await new Promise<void>((resolve, reject) => {
    const run = async (index: number) => {
      const reply = await job.start(index)
      micros[index] = 1_000 * (now() - start - index * gapMs)
      if (!job.isAnswer(index, reply)) throw mixedUp(index)
      if (--waiting === 0) resolve()
    }
    let next = 0
    const startDue = () => {
      const due = Math.min(calls, 1 + Math.floor((now() - start) / gapMs))
      while (next < due) run(next++).catch(reject)
      if (next < calls) setImmediate(startDue)
    }
    startDue()
  })
  return latenciesOf(micros)
}
