/**
 * Calls over TCP: a server and a client on a core each, for every work and number of calls in flight. Invariant: a round
 * visits every system before the next one begins, and ratios are taken within a round.
 */
import { canPin } from '../../support/child.ts'
import { Field, type Pair, type Round } from '../pairs.ts'
import { medianRatio, medians } from '../statistics.ts'
import { BAR, LIMIT, type SystemName, systems } from '../systems.ts'
import { format, formatRatio, type Section } from '../table.ts'
import type { Work } from '../work.ts'
import type { Chart, Run } from './run.ts'

/** More of them would only measure how well megabytes queue. */
const MOST_BYTES_IN_FLIGHT = 64
const WHAT: Readonly<Record<Work, string>> = {
  small: 'Small message',
  record: 'Record of 1 KiB',
  bytes: '64 KiB of bytes',
}
const NOTES: Readonly<Partial<Record<Work, string>>> = { bytes: 'As base64 where messages are JSON.' }
/** What the charts show. */
const CHART_IN_FLIGHT = 64
const MAX_CALLS = 500_000
const MIN_CALLS = 200
const WARM_IN_FLIGHT = 64
/** Warming up a slow system ends here, if it has not had all its calls. */
const WARM_MS = 8_000

interface Load {
  readonly work: Work
  readonly inFlight: number
  readonly isOneCore: boolean
}

/** How many calls fill a round; on the way the code settles on this number in flight. */
async function findCalls(pair: Pair, { work, inFlight }: Load, roundSeconds: number): Promise<number> {
  for (let calls = Math.max(MIN_CALLS, 4 * inFlight); ; calls *= 4) {
    const { callsPerSecond } = await pair.closed({ work, inFlight, calls })
    const wanted = Math.round(Math.min(MAX_CALLS, callsPerSecond * roundSeconds))
    if (4 * calls >= wanted) return Math.max(MIN_CALLS, wanted)
  }
}

type Rounds = ReadonlyMap<SystemName, Round[]>

export async function measureRpc(run: Run): Promise<void> {
  const { settings } = run
  const field = new Field(run.fail)
  try {
    run.progress(`starting ${settings.systems.join(', ')}`)
    await field.start(settings.systems)
    for (const work of settings.works) {
      run.progress(`${work}: warming up`)
      await field.each((pair) => warm(pair, work, settings.warmCalls))
      for (const inFlight of settings.inFlight.filter((count) => work !== 'bytes' || count <= MOST_BYTES_IN_FLIGHT)) {
        const apart = await measureLoad(run, field, { work, inFlight, isOneCore: false })
        const together =
          inFlight === 1 && canPin() ? await measureLoad(run, field, { work, inFlight, isOneCore: true }) : undefined
        run.show(sectionOf(work, inFlight, apart, together))
        if (inFlight === CHART_IN_FLIGHT) run.draw(chartOf(work, apart))
      }
    }
  } finally {
    await field.end()
  }
}

async function warm(pair: Pair, work: Work, warmCalls: number): Promise<void> {
  const wanted = work === 'bytes' ? warmCalls / 10 : warmCalls
  const calls = Math.min(1_000, wanted)
  const end = performance.now() + WARM_MS
  for (let done = 0; done < wanted && performance.now() < end; done += calls) {
    await pair.closed({ work, inFlight: WARM_IN_FLIGHT, calls })
  }
}

async function measureLoad(run: Run, field: Field, load: Load): Promise<Rounds> {
  const { rounds, roundSeconds } = run.settings
  const { work, inFlight, isOneCore } = load
  const calls = new Map<SystemName, number>()
  const results = new Map<SystemName, Round[]>()
  await field.each(async (pair) => {
    pair.share(isOneCore)
    calls.set(pair.system, await findCalls(pair, load, roundSeconds))
    results.set(pair.system, [])
  })
  for (let round = 1; round <= rounds; round++) {
    run.progress(`${work}, ${inFlight} in flight${isOneCore ? ', one core' : ''}: round ${round} of ${rounds}`)
    await field.each(async (pair) => {
      const measured = await pair.closed({ work, inFlight, calls: calls.get(pair.system) ?? MIN_CALLS })
      results.get(pair.system)?.push(measured)
    })
  }
  await field.each(async (pair) => pair.share(false))
  // What ended half-way has no figures.
  return new Map([...results].filter(([, measured]) => measured.length === rounds))
}

const rates = (rounds: Rounds, system: SystemName) => rounds.get(system)?.map((round) => round.callsPerSecond) ?? []
const ratio = (rounds: Rounds, system: SystemName, to: SystemName) =>
  formatRatio(medianRatio(rates(rounds, system), rates(rounds, to)))

function sectionOf(work: Work, inFlight: number, apart: Rounds, together: Rounds | undefined): Section {
  const columns = ['', 'checks', 'calls/s', 'to the loop', 'to net', 'p50 µs', 'p99 µs', 'p99.9 µs']
  columns.push('client CPU µs', 'server CPU µs', 'bytes')
  if (together !== undefined) columns.push('one core: p50 µs', 'calls/s', 'to the loop')
  const rows = [...apart].map(([system, rounds]) => {
    const figures = medians(rounds)
    const { callsPerSecond, p50, p99, p999, clientCpu, serverCpu } = figures
    const row = [systems[system].title, systems[system].checks, format(callsPerSecond)]
    row.push(
      ratio(apart, system, BAR),
      ratio(apart, system, LIMIT),
      ...[p50, p99, p999, clientCpu, serverCpu].map(format),
    )
    row.push(figures.wireBytes.toFixed(0))
    const shared = together?.get(system)
    if (together !== undefined && shared !== undefined) {
      const one = medians(shared)
      row.push(format(one.p50), format(one.callsPerSecond), ratio(together, system, BAR))
    }
    return row
  })
  const title = inFlight === 1 ? `${WHAT[work]}, one call at a time` : `${WHAT[work]}, ${inFlight} calls in flight`
  return { title, note: NOTES[work], table: { columns, rows } }
}

const chartOf = (work: Work, rounds: Rounds): Chart => ({
  file: `${work}-${CHART_IN_FLIGHT}`,
  title: `${WHAT[work]}, ${CHART_IN_FLIGHT} calls in flight, one connection, a core for each end`,
  unit: 'calls/s',
  series: [
    {
      name: 'calls/s',
      bars: [...rounds].map(([system, measured]) => ({
        name: `${systems[system].title} (checks: ${systems[system].checks})`,
        value: medians(measured).callsPerSecond,
      })),
    },
  ],
})
