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

class Round {
  readonly micros: number[] = []
  bytes = 0
  readonly start: number
  /** When the last bytes came. */
  last: number
  readonly #client: Client
  readonly #end: number
  readonly #now: () => number
  #next = 0

  constructor(client: Client, seconds: number, now: () => number) {
    this.#client = client
    this.#now = now
    this.start = now()
    this.last = this.start
    this.#end = this.start + 1_000 * seconds
  }

  run(calls: SmallCalls): Promise<unknown> {
    if ('perMs' in calls) return this.#pace(calls.perMs)
    return Promise.all(Array.from({ length: calls.inFlight }, () => this.#goOn()))
  }

  async transfer(transfer: Transfer): Promise<void> {
    if (transfer === 'stream') return this.#readStream()
    while (this.#now() < this.#end) {
      const { length } = await this.#client.bytes(large())
      if (length !== ECHO_BYTES) throw new Error(`of ${ECHO_BYTES} bytes ${length} came back`)
      this.#came(length)
    }
  }

  async #readStream(): Promise<void> {
    const { streams } = this.#client
    if (streams?.chunks === undefined) throw new Error('it has no stream of chunks to read')
    for await (const chunk of streams.chunks(FOREVER)) {
      this.#came(chunk.length)
      if (this.last >= this.#end) break
    }
  }

  #came(bytes: number): void {
    this.bytes += bytes
    this.last = this.#now()
  }

  async #goOn(): Promise<void> {
    let before = this.#now()
    while (before < this.#end) before = await this.#call(before)
  }

  /** Those that are late because the timer was are started at once; latency counts from the start. */
  async #pace(perMs: number): Promise<void> {
    const calls: Promise<number>[] = []
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const now = this.#now()
        const due = Math.floor((Math.min(now, this.#end) - this.start) * perMs)
        while (calls.length < due) calls.push(this.#call(this.#now()))
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
    const after = this.#now()
    this.micros.push(1_000 * (after - before))
    return after
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the load had not ended after ${Math.round(ms / 1_000)} s`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

export async function measureMixed(
  client: Client,
  { calls, transfer, transfers, seconds }: MixedLoad,
  now: () => number = () => performance.now(),
): Promise<MixedRound> {
  if (transfer === 'echo' && transfers > 0) large()
  const round = new Round(client, seconds, now)
  await within(
    1_000 * seconds + GRACE_MS,
    Promise.all([
      calls === undefined ? undefined : round.run(calls),
      ...Array.from({ length: transfers }, () => round.transfer(transfer)),
    ]),
  )
  return {
    calls: round.micros.length,
    ...latenciesOf(Float64Array.from(round.micros)),
    bytesPerSecond: round.bytes === 0 ? 0 : (1_000 * round.bytes) / (round.last - round.start),
  }
}
