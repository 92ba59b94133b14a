/** Direct calls in memory: how many a second, and how much garbage each leaves, beside a bare async call. */
import { CLIENT_CORE } from '../../support/child.ts'
import { startTask } from '../start-task.ts'
import { median, medianRatio } from '../statistics.ts'
import { format, formatRatio } from '../table.ts'
import type { Direct, Garbage } from '../tasks/memory.ts'
import type { Run } from './run.ts'

const GARBAGE_CALLS = 5_000
/** Room for all that the calls leave, so that nothing is collected while it is counted. */
const NODE_OPTIONS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256']

type MessageWork = 'small' | 'record'

interface Round {
  readonly speed: Direct
  readonly left: Garbage
}

export async function measureMemory(run: Run): Promise<void> {
  const rows: string[][] = []
  for (const work of run.settings.works) {
    if (work !== 'bytes') rows.push(...rowsOf(work, await measureWork(run, work)))
  }
  const note = `One call at a time in one process. The bytes are the heap's growth over ${GARBAGE_CALLS} calls, during which nothing was collected; those of a small request itself are in both.`
  const columns = ['', 'calls/s', 'to the bare call', 'bytes for a call', 'above the bare call']
  run.show({ title: 'In memory, direct', note, table: { columns, rows } })
}

async function measureWork(run: Run, work: MessageWork): Promise<readonly Round[]> {
  const { rounds, roundSeconds } = run.settings
  const side = await startTask('memory', [work], { core: CLIENT_CORE, nodeOptions: NODE_OPTIONS })
  const results: Round[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      run.progress(`in memory, ${work}: round ${round} of ${rounds}`)
      const speed = await side.ask<Direct>('speed', Math.round(1_000_000 * roundSeconds))
      const left = await side.ask<Garbage>('garbage', GARBAGE_CALLS)
      if (left.collections !== 0) throw new Error(`${left.collections} collections ran while bytes were counted`)
      if (round > 0) results.push({ speed, left }) // the first compiles
    }
  } finally {
    await side.end()
  }
  return results
}

function rowsOf(work: MessageWork, rounds: readonly Round[]): string[][] {
  const speeds = (which: keyof Direct) => rounds.map(({ speed }) => speed[which])
  const bytes = (which: keyof Direct) => median(rounds.map(({ left }) => left[which])).toFixed(0)
  const above = median(rounds.map(({ left }) => left.nanowire - left.bare)).toFixed(0)
  const ratio = formatRatio(medianRatio(speeds('nanowire'), speeds('bare')))
  return [
    [`bare async call, ${work}`, format(median(speeds('bare'))), '', bytes('bare'), ''],
    [`Nanowire, checked both ways, ${work}`, format(median(speeds('nanowire'))), ratio, bytes('nanowire'), above],
  ]
}
