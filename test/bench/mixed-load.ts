/**
 * Small calls with large transfers beside them on the same connection, in the client's process. Invariant: the three
 * loads of a round (calls alone, transfers alone, both) take the same time and are measured by the same code.
 */
import { type Latencies, latenciesOf } from './load.ts'
import { bytesOf, type Client, FOREVER, requestOf } from './work.ts'

/** `echo`: calls with bytes there and back; `stream`: chunks from the server without end. */
export const TRANSFERS = ['echo', 'stream'] as const
export type Transfer = (typeof TRANSFERS)[number]

/** So many calls in flight, each started when one has ended; or so many each millisecond, whatever becomes of them. */
export type SmallCalls = { readonly inFlight: number } | { readonly perMs: number }

export interface MixedLoad {
  readonly calls?: SmallCalls | undefined
  readonly transfer: Transfer
  /** How many at once; 0 for none. */
  readonly transfers: number
  readonly seconds: number
}

export interface MixedRound extends Latencies {
  readonly calls: number
  /** Of the transfers, all together; of an echo, one way. */
  readonly bytesPerSecond: number
}

/** Below what every system takes for one message: 4 MiB for most of them. */
const ECHO_BYTES = 3 * 1_048_576
/** A system whose transfers end later than this after the others is told of as a failure. */
const GRACE_MS = 30_000

let bytes: Uint8Array | undefined
/** Made once: it takes longer than it is to travel. */
function large(): Uint8Array {
  bytes ??= bytesOf(ECHO_BYTES)
  return bytes
}

/** When the load is to end, and what it has done. */
interface Window {
  readonly end: number
  bytes: number
  /** When the last bytes came. */
  last: number
}

/** The small calls of a round. */
class Calls {
  readonly micros: number[] = []
  readonly #client: Client
  readonly #end: number
  #next = 0

  constructor(client: Client, { end }: Window) {
    this.#client = client
    this.#end = end
  }

  run(calls: SmallCalls): Promise<unknown> {
    if ('perMs' in calls) return this.#pace(calls.perMs)
    return Promise.all(Array.from({ length: calls.inFlight }, () => this.#goOn()))
  }

  async #goOn(): Promise<void> {
    let before = performance.now()
    while (before < this.#end) before = await this.#call(before)
  }

  /** Calls that are late because the timer was are started at once; latency counts from the start. */
  async #pace(perMs: number): Promise<void> {
    const start = performance.now()
    const calls: Promise<number>[] = []
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now()
        const due = Math.floor((Math.min(now, this.#end) - start) * perMs)
        while (calls.length < due) calls.push(this.#call(performance.now()))
        if (now < this.#end) return
        clearInterval(timer)
        resolve()
      }, 1)
    })
    await Promise.all(calls)
  }

  async #call(before: number): Promise<number> {
    const id = this.#next++
    const reply = await this.#client.small(requestOf(id))
    if (reply.id !== id) throw new Error(`call ${id} got the reply of ${reply.id}`)
    const after = performance.now()
    this.micros.push(1_000 * (after - before))
    return after
  }
}

function came(window: Window, bytes: number): void {
  window.bytes += bytes
  window.last = performance.now()
}

async function echo(client: Client, window: Window): Promise<void> {
  while (performance.now() < window.end) {
    const { length } = await client.bytes(large())
    if (length !== ECHO_BYTES) throw new Error(`of ${ECHO_BYTES} bytes ${length} came back`)
    came(window, length)
  }
}

async function readStream({ streams }: Client, window: Window): Promise<void> {
  if (streams?.chunks === undefined) throw new Error('it has no stream of chunks to read')
  for await (const chunk of streams.chunks(FOREVER)) {
    came(window, chunk.length)
    if (window.last >= window.end) break
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the load had not ended after ${Math.round(ms / 1_000)} s`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

export async function measureMixed(client: Client, load: MixedLoad): Promise<MixedRound> {
  if (load.transfer === 'echo') large()
  const start = performance.now()
  const window: Window = { end: start + 1_000 * load.seconds, bytes: 0, last: start }
  const calls = new Calls(client, window)
  const transfer = load.transfer === 'echo' ? echo : readStream
  await within(
    1_000 * load.seconds + GRACE_MS,
    Promise.all([
      load.calls === undefined ? undefined : calls.run(load.calls),
      ...Array.from({ length: load.transfers }, () => transfer(client, window)),
    ]),
  )
  return {
    calls: calls.micros.length,
    ...latenciesOf(Float64Array.from(calls.micros)),
    bytesPerSecond: window.bytes / ((window.last - start) / 1_000),
  }
}
