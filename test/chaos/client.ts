/**
 * A client process: `client.js <journal> <name> <seed> <workers> <url> …`. It calls without a pause, and writes down what it
 * called and what came of it; by the message `finish` it makes no more calls, waits for those that are left, and ends.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type CallOptions, type Connection, connect, NanowireError } from '../../src/index.ts'
import { Chance } from '../../src/testing/simulate/chance.ts'
import { Chaos, calmLimits, faultOf, ID, limits, type Parcel, parcel, type Task } from './contract.ts'
import { Journal } from './journal.ts'

const [path = '', name = '', seed = '1', workers = '8', ...urls] = process.argv.slice(2)
const journal = new Journal(path)
const chance = new Chance(Number(seed))
/** So many calls, then the connection is closed and another one made. */
const CALLS_PER_CONNECTION = 400
/** To each server at a time. */
const CONNECTIONS = 3
/** When all is mended, on a new connection each. */
const CALM_CALLS = 20
/** Of these; only what is lost is so late. */
const CALM_MS = 20_000

let finishing = false
let made = 0
const noise = Uint8Array.from({ length: 200_000 }, () => chance.between(0, 255))

const wrong = (text: string): void => journal.write({ what: 'wrong', text: `at a client: ${text}` })

function check(one: Parcel, id: string, n: number): void {
  const fault = faultOf(one, id, n)
  if (fault !== undefined) wrong(fault)
}

/** Mostly short, sometimes of many fragments. */
function someBytes(): Uint8Array {
  const length = chance.happens(0.04) ? chance.between(1_000, noise.length) : chance.between(0, 200)
  const from = chance.between(0, noise.length - length)
  return noise.subarray(from, from + length)
}

function taskOf(id: string): Task {
  const fate = chance.happens(0.85) ? 'done' : chance.pick(['refused', 'thrown'] as const)
  const workMs = chance.happens(0.15) ? chance.between(1, 120) : 0
  return { ...parcel(id, 0, someBytes()), fate, workMs, listens: chance.happens(0.5) }
}

async function* items(id: string, count: number): AsyncGenerator<Parcel> {
  for (let n = 0; n < count; n++) yield parcel(id, n, someBytes())
}

/** Takes items to their end, or leaves before. Returns how it was left. */
async function takeItems(id: string, stream: AsyncIterable<Parcel>, count: number): Promise<'ok' | 'left'> {
  const most = chance.happens(0.1) ? chance.between(0, count) : Number.POSITIVE_INFINITY
  let n = 0
  for await (const item of stream) {
    check(item, id, n++)
    if (n > count) wrong(`${n} items of ${count}: ${id}`)
    if (n >= most) return 'left'
    if (chance.happens(0.02)) await sleep(chance.between(0, 5))
  }
  if (n !== count) wrong(`the end behind ${n} of ${count} items: ${id}`)
  return 'ok'
}

type Act = (wire: Connection, id: string, options: CallOptions) => Promise<'ok' | 'left'>

const acts: Readonly<Record<string, Act>> = {
  async run(wire, id, options) {
    const task = taskOf(id)
    const reply = await wire.client(Chaos).run(task, options)
    check(reply, id, 1)
    if (task.fate !== 'done') wrong(`a reply of a handler that threw: ${id}`)
    if (reply.bytes.length !== task.bytes.length) wrong(`another reply: ${id}`)
    return 'ok'
  },
  async note(wire, id, options) {
    await wire.client(Chaos).note(taskOf(id), options)
    return 'ok'
  },
  give(wire, id, options) {
    const count = chance.between(0, 60)
    return takeItems(id, wire.client(Chaos).give({ ...parcel(id, 0, someBytes()), count }, options), count)
  },
  async take(wire, id, options) {
    const count = chance.between(0, 60)
    check(await wire.client(Chaos).take(items(id, count), { ...options, metadata: { [ID]: id } }), id, count)
    return 'ok'
  },
  swap(wire, id, options) {
    const count = chance.between(0, 60)
    const stream = wire.client(Chaos).swap(items(id, count), { ...options, metadata: { [ID]: id } })
    return takeItems(id, stream, count)
  },
}

const kinds = ['run', 'run', 'run', 'run', 'run', 'run', 'note', 'give', 'take', 'swap']

async function call(wire: Connection, isCalm = false): Promise<void> {
  const id = `${name}-${made++}`
  const kind = chance.pick(kinds)
  const act = acts[kind]
  if (!act) throw new Error(`there is no act ${kind}`)
  const caller = new AbortController()
  const cancelMs = !isCalm && chance.happens(0.08) ? chance.between(0, 40) : undefined
  const timer = cancelMs === undefined ? undefined : setTimeout(() => caller.abort(), cancelMs)
  const hurriedMs = chance.happens(0.3) ? chance.between(1, 100) : chance.between(200, 3_000)
  const timeoutMs = isCalm ? CALM_MS : hurriedMs
  journal.write({ what: 'call', id, kind, ...(isCalm ? { isCalm } : {}) })
  try {
    const code = await act(wire, id, { timeoutMs, signal: caller.signal })
    journal.write({ what: 'settled', id, code, processed: code === 'ok' && kind !== 'note' ? 'yes' : 'maybe' })
  } catch (error) {
    const { code, processed } = error instanceof NanowireError ? error : { code: String(error), processed: 'unknown' }
    journal.write({ what: 'settled', id, code, processed })
    if (code === 'unavailable') await sleep(chance.between(0, 40)) // whoever is not there will not be at once
  } finally {
    clearTimeout(timer)
  }
}

/** One after the other, on connections that are made anew now and then. */
async function worker(url: string, shared: { wire: Connection; left: number }): Promise<void> {
  while (!finishing) {
    if (shared.left-- === 0) {
      const old = shared.wire
      shared.wire = connect(url, { limits })
      shared.left = CALLS_PER_CONNECTION
      closing.push(old.close({ drainMs: chance.between(0, 100) }))
    }
    await call(shared.wire)
  }
}

const closing: Promise<void>[] = []

/** Nothing goes wrong any more. */
async function callCalmly(url: string): Promise<void> {
  const wire = connect(url, { limits: calmLimits })
  for (let n = 0; n < CALM_CALLS; n++) await call(wire, true)
  await wire.close()
}

async function run(url: string): Promise<void> {
  const shared = { wire: connect(url, { limits }), left: CALLS_PER_CONNECTION }
  await Promise.all(Array.from({ length: Number(workers) }, () => worker(url, shared)))
  const { inFlight, waiting } = shared.wire.stats()
  await shared.wire.close()
  const after = shared.wire.stats()
  if (after.inFlight + after.waiting + after.connections > 0) wrong(`a closed connection has ${JSON.stringify(after)}`)
  if (waiting > 0) wrong(`${waiting} calls wait and ${inFlight} are in flight, of which all have settled`)
  await callCalmly(url)
}

process.once('message', () => {
  finishing = true
})
process.once('disconnect', () => setTimeout(() => process.exit(1), 10_000).unref()) // its parent has gone, or waits for its end
await Promise.all(urls.flatMap((url) => Array.from({ length: CONNECTIONS }, () => run(url))))
await Promise.all(closing)
journal.write({ what: 'over' })
process.disconnect?.() // and then nothing is left that holds the process
