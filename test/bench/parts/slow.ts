/** A producer a thousand times faster than its consumer, for a minute: what both processes hold at the worst. */
import { type End, Pair, type Usage } from '../pairs.ts'
import { BAR, type SystemName, systems } from '../systems.ts'
import { format, formatRatio } from '../table.ts'
import { SLOW_WORKS, type SlowWork, type Taken } from '../tasks/slow.ts'
import type { Run } from './run.ts'

const COMPARED: readonly SystemName[] = [BAR, 'nanowire', 'grpc']
/** How much faster the producer is. */
const FASTER = 1_000
/** How long it is found out how fast a consumer can be; the code settles on the way. */
const RATE_SECONDS = 0.5
const SAMPLE_MS = 1_000
const MIB = 2 ** 20

const titles: Readonly<Record<SlowWork, string>> = {
  items: 'small items',
  chunks: '64 KiB of bytes',
  flood: 'small items, the oldest dropped',
}

interface Watched {
  readonly system: SystemName
  readonly work: SlowWork
  readonly pair: Pair
  readonly perSecond: number
  readonly before: Readonly<Record<End, Usage>>
  readonly worst: Record<End, { held: number; rss: number }>
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function watch(system: SystemName, work: SlowWork): Promise<Watched | undefined> {
  const pair = await Pair.start(system)
  try {
    if (!(await pair.ask<SlowWork[]>('slowWorks')).includes(work)) {
      await pair.end()
      return undefined
    }
    await pair.ask('slowRate', { work, seconds: RATE_SECONDS })
    const perSecond = await pair.ask<number>('slowRate', { work, seconds: RATE_SECONDS })
    const before = { server: await pair.usage('server'), client: await pair.usage('client') }
    await pair.ask('slowStart', { work, perSecond: perSecond / FASTER })
    const worst = { server: { held: 0, rss: 0 }, client: { held: 0, rss: 0 } }
    return { system, work, pair, perSecond, before, worst }
  } catch (error) {
    await pair.end()
    throw error
  }
}

async function sample({ pair, before, worst }: Watched): Promise<void> {
  for (const end of ['server', 'client'] as const) {
    const { held, rss } = await pair.usage(end)
    worst[end].held = Math.max(worst[end].held, held - before[end].held)
    worst[end].rss = Math.max(worst[end].rss, rss - before[end].rss)
  }
}

/** All at the same time, each in its own processes: a minute is long, and memory does not depend on the neighbours. */
export async function measureSlow(run: Run): Promise<void> {
  const { slowSeconds, systems: named } = run.settings
  const watched: Watched[] = []
  const attempt = async (system: SystemName, work: SlowWork, run_: () => Promise<void>) =>
    run_().catch((error: unknown) => run.fail(`${system}, ${work}: ${error instanceof Error ? error.message : error}`))
  try {
    for (const system of COMPARED.filter((one) => named.includes(one))) {
      for (const work of SLOW_WORKS) {
        run.progress(`slow consumer: starting ${system}, ${work}`)
        await attempt(system, work, async () => {
          const one = await watch(system, work)
          if (one !== undefined) watched.push(one)
        })
      }
    }
    const end = performance.now() + 1_000 * slowSeconds
    while (performance.now() < end) {
      run.progress(`slow consumer: ${Math.round((end - performance.now()) / 1_000)} s more`)
      await Promise.all([pause(SAMPLE_MS), ...watched.map((one) => attempt(one.system, one.work, () => sample(one)))])
    }
    const rows: string[][] = []
    for (const one of watched) await attempt(one.system, one.work, async () => void rows.push(await rowOf(one)))
    const columns = ['', 'what', 'producer /s', 'consumer /s', 'faster', 'dropped', 'server MiB', 'client MiB']
    columns.push('server resident MiB', 'client resident MiB')
    const note = `For ${slowSeconds} s. The producer's rate is what a consumer took that kept up. Memory is the most by which it grew, looked at once a second: heap and external after collections, and resident.`
    run.show({ title: 'A consumer a thousand times slower than its producer', note, table: { columns, rows } })
  } finally {
    await Promise.all(watched.map(({ pair }) => pair.end()))
  }
}

async function rowOf({ system, work, pair, perSecond, worst }: Watched): Promise<string[]> {
  const { perSecond: taken, dropped } = await pair.ask<Taken>('slowTaken')
  const figures = (['held', 'rss'] as const).flatMap((figure) =>
    (['server', 'client'] as const).map((end) => format(worst[end][figure] / MIB)),
  )
  return [
    systems[system].title,
    titles[work],
    format(perSecond),
    format(taken),
    formatRatio(perSecond / taken),
    String(dropped),
    ...figures,
  ]
}
