/**
 * One stream from the server to one consumer: small items, and 1 GiB of bytes. Invariant: a round visits every system and
 * form before the next one begins, and ratios are taken within a round.
 */
import { Field, type Pair, type StreamRound } from '../pairs.ts'
import { medianRatio, medians } from '../statistics.ts'
import { FORMS, type Form, STREAM_WORKS, type StreamLoad, type StreamWork } from '../stream-load.ts'
import { BAR, LIMIT, type SystemName, systems } from '../systems.ts'
import { format, formatRatio, type Section } from '../table.ts'
import { BYTES } from '../work.ts'
import type { Chart, Run } from './run.ts'

interface Kind {
  readonly title: string
  readonly note: string
  /** A round has no more; of chunks it is 1 GiB. */
  readonly most: number
  readonly unit: string
  /** What the unit counts, in items. */
  readonly perUnit: number
  /** A round of it is so many times as long: its speed settles later. */
  readonly length: number
}

const PULLED = 'for await'
const PUSHED = 'a function'
const GRPC: SystemName = 'grpc'

const kinds: Readonly<Record<StreamWork, Kind>> = {
  items: {
    title: 'Stream of small items to one consumer',
    note: `Taken by "${PULLED}" from an iterator, or by "${PUSHED}" that is called with each. By hand, and over bare net, the server then has no generator either: a plain loop.`,
    most: 4_000_000,
    unit: 'items/s',
    perUnit: 1,
    length: 1,
  },
  chunks: {
    title: '1 GiB as a stream of 64 KiB of bytes',
    note: 'What would take too long moves as many of the chunks as it can in the time. As base64 where messages are JSON.',
    most: 2 ** 30 / BYTES,
    unit: 'MiB/s',
    perUnit: BYTES / 2 ** 20,
    length: 4,
  },
}

const FIRST_COUNT = 64

interface Row {
  readonly system: SystemName
  readonly form: Form
  readonly rounds: StreamRound[]
}

export async function measureStreams(run: Run): Promise<void> {
  const compared = run.settings.systems.filter((system) => 'hasStreams' in systems[system])
  for (const work of STREAM_WORKS) {
    const field = new Field(run.fail) // fresh processes: what one work leaves behind would weigh on the next
    try {
      run.progress(`${work}: starting ${compared.join(', ')}`)
      await field.start(compared)
      const rows = await measureWork(run, field, work)
      run.show(sectionOf(work, rows))
      run.draw(chartOf(work, rows))
    } finally {
      await field.end()
    }
  }
}

/** How many items fill a round; on the way the code settles. */
async function findCount(pair: Pair, load: Omit<StreamLoad, 'count'>, seconds: number): Promise<number> {
  const { most } = kinds[load.work]
  for (let count = FIRST_COUNT; ; count *= 4) {
    const { perSecond } = await pair.stream({ ...load, count })
    const wanted = Math.round(Math.min(most, perSecond * seconds))
    if (4 * count >= wanted) return Math.max(FIRST_COUNT, wanted)
  }
}

async function measureWork(run: Run, field: Field, work: StreamWork): Promise<readonly Row[]> {
  const { rounds, roundSeconds } = run.settings
  const rows: Row[] = []
  const counts = new Map<Row, number>()
  await field.each(async (pair) => {
    for (const form of await pair.forms(work)) {
      run.progress(`${work}: warming up ${pair.system}, ${form}`)
      const row = { system: pair.system, form, rounds: [] }
      counts.set(row, await findCount(pair, { work, form }, roundSeconds * kinds[work].length))
      rows.push(row)
    }
  })
  for (let round = 1; round <= rounds; round++) {
    run.progress(`${work}: round ${round} of ${rounds}`)
    await field.each(async (pair) => {
      for (const row of rows.filter(({ system }) => system === pair.system)) {
        row.rounds.push(await pair.stream({ work, form: row.form, count: counts.get(row) ?? FIRST_COUNT }))
      }
    })
  }
  return rows.filter((row) => row.rounds.length === rounds) // what ended half-way has no figures
}

const rates = (rows: readonly Row[], system: SystemName, form: Form) =>
  rows.find((row) => row.system === system && row.form === form)?.rounds.map(({ perSecond }) => perSecond) ?? []

const nameOf = ({ system }: Row) => (system === LIMIT ? 'bare net pipe' : systems[system].title)

function sectionOf(work: StreamWork, rows: readonly Row[]): Section {
  const { title, note, unit, perUnit } = kinds[work]
  const columns = [
    '',
    'checks',
    'taken by',
    unit,
    'to the loop',
    'to the loop, a function',
    'to grpc-js',
    'to net',
    'to net, a function',
  ]
  columns.push('client CPU µs', 'server CPU µs', 'bytes')
  const ratio = (own: readonly number[], system: SystemName, form: Form) =>
    formatRatio(medianRatio(own, rates(rows, system, form)))
  const cells = rows.map((row) => {
    const own = rates(rows, row.system, row.form)
    const { perSecond, clientCpu, serverCpu, wireBytes } = medians(row.rounds)
    return [
      nameOf(row),
      systems[row.system].checks,
      row.form === 'pull' ? PULLED : PUSHED,
      format(perSecond * perUnit),
      ratio(own, BAR, 'pull'),
      ratio(own, BAR, 'push'),
      ratio(own, GRPC, 'push'),
      ratio(own, LIMIT, 'pull'),
      ratio(own, LIMIT, 'push'),
      format(clientCpu),
      format(serverCpu),
      wireBytes.toFixed(0),
    ]
  })
  return { title, note, table: { columns, rows: cells } }
}

function chartOf(work: StreamWork, rows: readonly Row[]): Chart {
  const { title, unit, perUnit } = kinds[work]
  const bars = FORMS.flatMap((form) =>
    rows
      .filter((row) => row.form === form)
      .map((row) => ({
        name: `${nameOf(row)} (${form === 'pull' ? PULLED : PUSHED})`,
        value: perUnit * medians(row.rounds).perSecond,
      })),
  )
  return { file: `stream-${work}`, title: `${title}, a core for each end`, unit, series: [{ name: unit, bars }] }
}
