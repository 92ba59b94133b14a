/** Thousands of streams open at once on one connection, each with an item a second: what they cost, and whether it grows. */
import { type End, Field, type Pair, type Usage } from '../pairs.ts'
import { BAR, type SystemName, systems } from '../systems.ts'
import { format } from '../table.ts'
import type { Run } from './run.ts'

const COMPARED: readonly SystemName[] = [BAR, 'nanowire', 'grpc']
const SETTLE_MS = 3_000
const KIB = 1_024
const MIB = 2 ** 20

interface Snapshot {
  readonly ms: number
  readonly items: number
  readonly server: Usage
  readonly client: Usage
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function snapshot(pair: Pair): Promise<Snapshot> {
  const items = await pair.ask<number>('holdCount')
  return { ms: performance.now(), items, server: await pair.usage('server'), client: await pair.usage('client') }
}

export async function measureHeld(run: Run): Promise<void> {
  const { heldStreams, heldSeconds, systems: named } = run.settings
  const rows: string[][] = []
  const field = new Field(run.fail)
  try {
    await field.start(COMPARED.filter((system) => named.includes(system)))
    await field.each(async (pair) => {
      run.progress(`${heldStreams} streams at once: ${pair.system}`)
      const before = await snapshot(pair).catch(() => undefined)
      await pair.ask('holdOpen', heldStreams)
      await pause(SETTLE_MS)
      const start = await snapshot(pair)
      await pause(500 * heldSeconds)
      const middle = await snapshot(pair)
      await pause(500 * heldSeconds)
      const end = await snapshot(pair)
      await pair.ask('holdClose')
      if (before !== undefined) rows.push(rowOf(pair.system, heldStreams, [before, start, middle, end]))
    })
  } finally {
    await field.end()
  }
  const columns = ['', 'checks', 'items/s', 'server CPU', 'client CPU', 'server KiB a stream', 'client KiB a stream']
  columns.push('server grew MiB', 'then', 'client grew MiB', 'then')
  const note = `${heldStreams} streams of one connection, each with an item a second, for ${heldSeconds} s. CPU is of one core; memory is heap and external, after collections: for each stream when they stand, and by how much all grew in the first half of the time, and in the second.`
  run.show({ title: 'Many streams at once', note, table: { columns, rows } })
}

type Snapshots = readonly [before: Snapshot, start: Snapshot, middle: Snapshot, end: Snapshot]

function rowOf(system: SystemName, streams: number, [before, start, middle, end]: Snapshots): string[] {
  const ms = end.ms - start.ms
  const share = (of: End) => `${format((end[of].cpuMicros - start[of].cpuMicros) / ms / 10)} %`
  const each = (of: End) => format((start[of].held - before[of].held) / streams / KIB)
  const grown = (of: End) =>
    [middle[of].held - start[of].held, end[of].held - middle[of].held].map((bytes) => format(bytes / MIB))
  return [
    systems[system].title,
    systems[system].checks,
    format((1_000 * (end.items - start.items)) / ms),
    share('server'),
    share('client'),
    each('server'),
    each('client'),
    ...grown('server'),
    ...grown('client'),
  ]
}
