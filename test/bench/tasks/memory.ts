/**
 * Direct calls in memory, beside a bare async call. Its commands: `speed`, and `garbage`, which counts collections while
 * it counts bytes: with one in the window the figure would mean nothing.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { connect } from 'nanowire'
import type { Commands } from '../../support/answer.ts'
import { Bench, bench } from '../contract.ts'
import { answer, type Order, orderOf, requestOf } from '../work.ts'

export interface Direct {
  readonly bare: number
  readonly nanowire: number
}

export interface Garbage extends Direct {
  readonly collections: number
}

type Call = (index: number) => Promise<{ id: number }>

async function callMany(call: Call, calls: number): Promise<void> {
  for (let index = 0; index < calls; index++) {
    const { id } = await call(index)
    if (id < 0) throw new Error('no reply has such an id')
  }
}

async function callsPerSecond(call: Call, calls: number): Promise<number> {
  const before = performance.now()
  await callMany(call, calls)
  return (1_000 * calls) / (performance.now() - before)
}

/** Bytes for a call, and how many collections ran while they were counted. */
async function countGarbage(call: Call, calls: number): Promise<{ bytes: number; collections: number }> {
  const starts: number[] = []
  const observer = new PerformanceObserver((list) => starts.push(...list.getEntries().map((entry) => entry.startTime)))
  observer.observe({ entryTypes: ['gc'] })
  globalThis.gc?.()
  const from = performance.now()
  const before = process.memoryUsage().heapUsed
  await callMany(call, calls)
  const bytes = (process.memoryUsage().heapUsed - before) / calls
  const to = performance.now()
  await new Promise((resolve) => setImmediate(resolve)) // the observer is told in a turn of its own
  starts.push(...observer.takeRecords().map((entry) => entry.startTime))
  observer.disconnect()
  return { bytes, collections: starts.filter((start) => start >= from && start <= to).length }
}

export async function start(work: string): Promise<Commands> {
  const { small, record } = connect(bench).client(Bench)
  const order = orderOf(1)
  const echo = async (one: Order) => one
  const reply = async (request: ReturnType<typeof requestOf>) => answer(request)
  const bare: Call = work === 'small' ? (index) => reply(requestOf(index)) : () => echo(order)
  const nanowire: Call = work === 'small' ? (index) => small(requestOf(index)) : () => record(order)
  return {
    speed: async (calls: number): Promise<Direct> => ({
      bare: await callsPerSecond(bare, calls),
      nanowire: await callsPerSecond(nanowire, calls),
    }),
    garbage: async (calls: number): Promise<Garbage> => {
      const ofBare = await countGarbage(bare, calls)
      const ofNanowire = await countGarbage(nanowire, calls)
      const collections = ofBare.collections + ofNanowire.collections
      return { bare: ofBare.bytes, nanowire: ofNanowire.bytes, collections }
    },
  }
}
