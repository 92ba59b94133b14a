/** What an idle connection costs the server, beside a bare `net` server's. */
import { Field } from '../pairs.ts'
import { median, medianRatio } from '../statistics.ts'
import { LIMIT, type SystemName, systems } from '../systems.ts'
import { format, formatRatio } from '../table.ts'
import type { Run } from './run.ts'

const COMPARED: readonly SystemName[] = [LIMIT, 'nanowire']
/** Memory hardly varies: more rounds would only take their time. */
const MOST_ROUNDS = 3
/** Descriptors that a process needs for other things. */
const OTHER_FILES = 200

interface Cost {
  readonly rss: number
  readonly held: number
}

export async function measureIdle(run: Run): Promise<void> {
  const compared = COMPARED.filter((system) => run.settings.systems.includes(system))
  const connections = Math.min(run.settings.connections, maxFiles() - OTHER_FILES)
  const opened = connections - 1 // the client has one from the start
  const rounds = Math.min(MOST_ROUNDS, run.settings.rounds)
  const results = new Map<SystemName, Cost[]>()
  for (let round = 1; round <= rounds; round++) {
    run.progress(`idle connections: round ${round} of ${rounds}`)
    const field = new Field(run.fail) // fresh processes: memory that was freed would be used again
    try {
      await field.start(compared)
      await field.each(async (pair) => {
        const before = await pair.memory()
        await pair.idle(opened)
        const after = await pair.memory()
        const cost = {
          rss: (after.rss - before.rss) / opened,
          held: (after.held - before.held) / opened,
        }
        results.set(pair.system, [...(results.get(pair.system) ?? []), cost])
      })
    } finally {
      await field.end()
    }
  }
  const column = (system: SystemName, figure: keyof Cost) => results.get(system)?.map((cost) => cost[figure]) ?? []
  const rows = [...results.keys()].map((system) => [
    systems[system].title,
    ...(['rss', 'held'] as const).flatMap((figure) => [
      format(median(column(system, figure)) / 1_024),
      formatRatio(medianRatio(column(system, figure), column(LIMIT, figure))),
    ]),
  ])
  const note = `${connections} connections to one server, after collections; for each connection.`
  const columns = ['', 'resident KiB', 'to bare net', 'heap and external KiB', 'to bare net']
  run.show({ title: 'Idle connections', note, table: { columns, rows } })
}

/** How many files a process may have open. */
function maxFiles(): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } } // Node's docs
  const soft = Number(report.userLimits?.open_files?.soft)
  return Number.isFinite(soft) ? soft : 1_024
}
