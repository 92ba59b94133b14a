/**
 * What 1,000 calls of one kind cost in bytes, writes and promises, as a line of JSON: a program of its own, for plain node and
 * the built package (main.ts starts it). Invariant: the same each time, on a busy machine too. Client and server take turns in
 * one thread over a unix socket, which has at once what was written, and nothing is collected while bytes are counted.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { GCProfiler, promiseHooks } from 'node:v8'
import { connect, serve } from 'nanowire'
import { Bench, bench } from '../bench/contract.ts'
import { requestOf } from '../bench/work.ts'
import type { Cost, Way } from './compare.ts'

const CALLS = 1_000
/** The optimiser has come to rest by then; with eight times as many the figures are the same. */
const WARM_UP_CALLS = 50_000
/** Counts of bytes, of which the middle one is taken: what the engine allocates for itself is in few of them. */
const ROUNDS = 9

type Call = () => Promise<unknown>

async function callMany(call: Call, calls: number, inFlight: number): Promise<void> {
  let left = calls
  const worker = async () => {
    while (left-- > 0) await call()
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

/** Minor collections, for a full one drops what the optimiser has learned; and turns enough for whatever is due. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await nextTurn()
    globalThis.gc?.({ type: 'minor', execution: 'sync' })
  }
}

function allocatedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const COLLECTED = `a collection ran: ${CALLS} calls take more than the young generation has, or large buffers outside of it`

async function countBytes(act: () => Promise<void>): Promise<number> {
  await settle()
  const profiler = new GCProfiler()
  profiler.start()
  const before = allocatedBytes()
  await act()
  const bytes = allocatedBytes() - before
  if (profiler.stop().statistics.length > 0) throw new Error(COLLECTED)
  return bytes
}

async function countBytesOften(act: () => Promise<void>): Promise<number> {
  const counts: number[] = []
  for (let round = 0; round < ROUNDS; round++) counts.push(await countBytes(act))
  return counts.sort((a, b) => a - b)[ROUNDS >> 1] as number // one of them
}

async function countPromises(act: () => Promise<void>): Promise<number> {
  let promises = 0
  const stop = promiseHooks.onInit(() => {
    promises++
  })
  await act()
  stop()
  return promises
}

/** Each of these is one call of the system. */
async function countWrites(act: () => Promise<void>): Promise<number> {
  let writes = 0
  const { _write, _writev = never } = Socket.prototype
  Object.assign(Socket.prototype, {
    _write(this: Socket, ...args: Parameters<typeof _write>) {
      writes++
      return _write.apply(this, args)
    },
    _writev(this: Socket, ...args: Parameters<typeof _writev>) {
      writes++
      return _writev.apply(this, args)
    },
  })
  await act()
  Object.assign(Socket.prototype, { _write, _writev })
  return writes
}

const never = (): never => {
  throw new Error('no socket of this Node writes several buffers at once')
}

async function costOf(call: Call, inFlight: number): Promise<Cost> {
  await callMany(call, WARM_UP_CALLS, inFlight)
  const act = () => callMany(call, CALLS, inFlight)
  const bytes = await countBytesOften(act) // first, for the others change how the engine runs
  return { bytes, writes: await countWrites(act), promises: await countPromises(act) }
}

const request = requestOf(1)

async function costInMemory(): Promise<Cost> {
  const { small } = connect(bench).client(Bench)
  return costOf(() => small(request), 1)
}

async function costOverSocket(inFlight: number): Promise<Cost> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-'))
  const server = await serve(bench, `unix:${join(folder, 'socket')}`)
  const wire = connect(server.url)
  const { small } = wire.client(Bench)
  const cost = await costOf(() => small(request), inFlight)
  await wire.close()
  await server.close()
  await rm(folder, { recursive: true })
  return cost
}

/** Each in a process of its own: what the optimiser has learned of one would change the figures of the next. */
const ways: Readonly<Record<Way, () => Promise<Cost>>> = {
  'in memory': costInMemory,
  'one at a time': () => costOverSocket(1),
  '64 in flight': () => costOverSocket(64),
}
const way = process.argv[2] as Way // main.ts names one of them
console.log(JSON.stringify(await ways[way]()))
