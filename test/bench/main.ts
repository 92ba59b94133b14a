/**
 * `npm run bench`: Nanowire over TCP, validation included, beside frames and msgpackr by hand without it. Client and
 * server each have a process and a core; rounds are interleaved, and the ratio is taken within each round.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Load, Measured } from './work.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const systems = ['by hand', 'nanowire'] as const
const loads: readonly Load[] = [
  { inFlight: 1, calls: 20_000 },
  { inFlight: 64, calls: 300_000 },
  { inFlight: 512, calls: 300_000 },
]
const pins = spawnSync('taskset', ['--version']).status === 0

class Side {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(core: number, ...args: string[]) {
    const command = [process.execPath, '--import', 'tsx', 'test/bench/side.ts', ...args]
    const [file = '', ...rest] = pins ? ['taskset', '-c', String(core), ...command] : command
    const env = { ...process.env, TSX_TSCONFIG_PATH: 'examples/tsconfig.run.json' }
    this.#child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'], env })
    this.#lines = createInterface(this.#child.stdout!)[Symbol.asyncIterator]() // piped above
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('a side of the benchmark ended early')
    return value as string // not done
  }

  async run(load: Load): Promise<Measured> {
    this.#child.stdin?.write(`${JSON.stringify(load)}\n`)
    return JSON.parse(await this.line()) as Measured // our own process
  }

  async end(): Promise<void> {
    this.#child.kill()
    await once(this.#child, 'exit')
  }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const servers: Side[] = []
const clients: Side[] = []
for (const system of systems) {
  const server = new Side(0, 'server', system)
  servers.push(server)
  const client = new Side(1, 'client', system, await server.line())
  clients.push(client)
  await client.line()
}

console.log(`${ROUNDS} rounds, interleaved; medians. Client and server on a core each: ${pins}.`)
for (const load of loads) {
  const results: Measured[][] = systems.map(() => [])
  for (const client of clients) await client.run({ ...load, calls: Math.min(load.calls, 100_000) }) // the first calls compile
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, client] of clients.entries()) results[index]?.push(await client.run(load))
  }
  const of = (index: number, pick: (measured: Measured) => number) => (results[index] ?? []).map(pick)
  for (const [index, system] of systems.entries()) {
    const calls = median(of(index, (one) => one.callsPerSecond))
    const p50 = median(of(index, (one) => one.p50Micros))
    const p99 = median(of(index, (one) => one.p99Micros))
    console.log(
      `${load.inFlight} in flight, ${system}: ${(calls / 1_000).toFixed(1)} thousand calls/s, p50 ${p50.toFixed(1)} µs, p99 ${p99.toFixed(1)} µs`,
    )
  }
  const ratios = of(1, (one) => one.callsPerSecond).map(
    (calls, round) => calls / (results[0]?.[round]?.callsPerSecond ?? 0),
  )
  console.log(
    `${load.inFlight} in flight, nanowire to by hand: ${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`,
  )
}
await Promise.all([...clients, ...servers].map((side) => side.end()))
