/**
 * The small calls of an honest client while hostile ones are at work, against the same client while the same bytes go to a
 * bare server in the same process, which throws them away. Invariant: both are measured in one round.
 */
import { type Child, CLIENT_CORE, SERVER_CORE } from '../../support/child.ts'
import type { MixedLoad, MixedRound } from '../mixed-load.ts'
import { startTask } from '../start-task.ts'
import { median, medianRatio } from '../statistics.ts'
import { format, formatRatio } from '../table.ts'
import type { Attack, Sent } from '../tasks/hostile.ts'
import type { Memory } from '../tasks/server.ts'
import { HOSTILE_NAMES, type HostileName } from './hostile-names.ts'
import type { Run } from './run.ts'

const MOST_ROUNDS = 3
const CALLS = { perMs: 2 }
/** Until those who open streams have them, and what they cost is over. */
const SETTLE_MS = 500
const MIB = 2 ** 20

interface Pace {
  readonly title: string
  readonly pauseMs: number
}

const paces: readonly Pace[] = [
  { title: 'as fast as they can', pauseMs: 0 },
  { title: 'with a pause of 50 ms after each connection', pauseMs: 50 },
]

interface Measured {
  readonly alone: MixedRound
  readonly bare: MixedRound
  readonly beside: MixedRound
  readonly sentBare: number
  readonly sent: number
  /** What the server held more at the end of the attack than before, in bytes. */
  readonly grown: number
}

interface Sides {
  readonly server: Child
  readonly honest: Child
  readonly hostile: Child
  readonly port: number
  readonly bare: number
}

async function start(): Promise<Sides> {
  const server = await startTask('neighbours', [], { core: SERVER_CORE })
  const port = await server.ask<number>('port')
  const bare = await server.ask<number>('bare')
  const honest = await startTask('client', ['nanowire', String(port)], { core: CLIENT_CORE })
  return { server, honest, hostile: await startTask('hostile', [], { core: CLIENT_CORE }), port, bare }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Fresh processes for each pace and kind: what one leaves behind would weigh on the next. */
async function measure(run: Run, name: HostileName, pace: Pace): Promise<readonly Measured[]> {
  const { server, honest, hostile, port, bare } = await start()
  const load: MixedLoad = { calls: CALLS, transfer: 'echo', transfers: 0, seconds: run.settings.roundSeconds }
  const attacked = async (at: number) => {
    const { held } = await server.ask<Memory>('memory')
    await hostile.ask('begin', { name, port: at, pauseMs: pace.pauseMs } satisfies Attack)
    const start = performance.now()
    await pause(SETTLE_MS)
    const calls = await honest.ask<MixedRound>('mixed', load)
    const grown = (await server.ask<Memory>('memory')).held - held
    const seconds = (performance.now() - start) / 1_000
    const { bytes } = await hostile.ask<Sent>('end')
    await pause(SETTLE_MS)
    return { calls, grown, sent: bytes / seconds }
  }
  const results: Measured[] = []
  try {
    const rounds = Math.min(MOST_ROUNDS, run.settings.rounds)
    for (let round = 0; round <= rounds; round++) {
      run.progress(`neighbours: ${name}, ${pace.title}: round ${round} of ${rounds}`)
      const alone = await honest.ask<MixedRound>('mixed', load)
      const toBare = await attacked(bare)
      const { calls, grown, sent } = await attacked(port)
      if (round === 0) continue // the first compiles
      results.push({ alone, bare: toBare.calls, beside: calls, sentBare: toBare.sent, sent, grown })
    }
  } finally {
    await Promise.all([server.end(), honest.end(), hostile.end()])
  }
  return results
}

export async function measureNeighbours(run: Run): Promise<void> {
  if (!run.settings.systems.includes('nanowire')) return
  for (const pace of paces) {
    const rows: string[][] = []
    for (const name of HOSTILE_NAMES) {
      await measure(run, name, pace)
        .then((results) => rows.push(rowOf(name, results)))
        .catch((error: unknown) => run.fail(`${name}: ${error instanceof Error ? error.message : error}`))
    }
    const columns = ['eight clients, each', 'alone: p50 µs', 'p99', 'bare: p50', 'p99', 'beside: p50', 'p99']
    columns.push('to bare: p50', 'p99', 'sent MiB/s', 'to bare MiB/s', 'server grew MiB')
    const note = `Small calls of an honest client, ${1_000 * CALLS.perMs} a second: alone, while hostile clients send to a bare server in the same process, and while they send the same to Nanowire, ${pace.title}.`
    run.show({ title: `Beside hostile clients, ${pace.title}`, note, table: { columns, rows } })
  }
}

function rowOf(name: HostileName, results: readonly Measured[]): string[] {
  const figure = (load: 'alone' | 'bare' | 'beside', which: 'p50' | 'p99') => results.map((one) => one[load][which])
  const micros = (['alone', 'bare', 'beside'] as const).flatMap((load) =>
    (['p50', 'p99'] as const).map((which) => format(median(figure(load, which)))),
  )
  const ratios = (['p50', 'p99'] as const).map((which) =>
    formatRatio(medianRatio(figure('beside', which), figure('bare', which))),
  )
  const rate = (which: 'sent' | 'sentBare') => format(median(results.map((one) => one[which])) / MIB)
  const grown = format(Math.max(...results.map((one) => one.grown)) / MIB)
  return [name, ...micros, ...ratios, rate('sent'), rate('sentBare'), grown]
}
