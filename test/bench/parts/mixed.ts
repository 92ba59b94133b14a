/**
 * Small calls while two large transfers go on over the same connection, against each of the two alone. Invariant: alone
 * and beside are measured in the same round, one after the other, and ratios are taken within it.
 */
import type { Latencies } from '../load.ts'
import { type MixedRound, type SmallCalls, TRANSFERS, type Transfer } from '../mixed-load.ts'
import { Field, type Pair } from '../pairs.ts'
import { median, medianRatio, medians } from '../statistics.ts'
import { BAR, type SystemName, systems } from '../systems.ts'
import { format, formatRatio, type Section } from '../table.ts'
import type { Chart, Run } from './run.ts'

const COMPARED: readonly SystemName[] = [BAR, 'nanowire', 'grpc', 'nestjs', 'moleculer']
const SMALL_CALLS = [{ perMs: 2 }, { inFlight: 1 }, { inFlight: 16 }] as const satisfies readonly SmallCalls[]
/** What the charts show: calls that leave the processors to the transfers. */
const CHARTED: SmallCalls = SMALL_CALLS[0]
/** A load is so many times as long as a round of calls alone: large transfers are few. */
const LENGTH = 1.5
const TRANSFERS_AT_ONCE = 2
const WARM_CALLS = 2_000
const WARM_IN_FLIGHT = [1, 16]
const MIB = 2 ** 20

const notes: Readonly<Record<Transfer, string>> = {
  echo: 'Each transfer is one call after another with 3 MiB of bytes, which come back. As base64 where messages are JSON.',
  stream: 'Each transfer is a stream from the server, 64 KiB of bytes at a time, for as long as the calls go on.',
}

const whats: Readonly<Record<Transfer, string>> = { echo: 'echoes of 3 MiB', stream: 'streams of bytes' }

interface Compared {
  readonly calls: MixedRound
  readonly transfers: MixedRound
  readonly both: MixedRound
}

type Rounds = ReadonlyMap<SystemName, readonly Compared[]>

export async function measureMixedLoad(run: Run): Promise<void> {
  const compared = COMPARED.filter((system) => run.settings.systems.includes(system))
  for (const transfer of TRANSFERS) {
    const field = new Field(run.fail)
    try {
      run.progress(`mixed load, ${transfer}: starting`)
      await field.start(compared)
      const able = new Set<SystemName>()
      await field.each(async (pair) => {
        if (transfer === 'stream' && !(await pair.forms('chunks')).includes('pull')) return
        able.add(pair.system)
        await warm(pair, transfer, run.settings.roundSeconds)
      })
      for (const calls of SMALL_CALLS) {
        const rounds = await measureLoad(run, field, able, transfer, calls)
        if (rounds.size === 0) continue
        run.show(sectionOf(transfer, calls, rounds))
        if (calls === CHARTED) run.draw(chartOf(transfer, rounds))
      }
    } finally {
      await field.end()
    }
  }
}

async function warm(pair: Pair, transfer: Transfer, seconds: number): Promise<void> {
  for (const inFlight of WARM_IN_FLIGHT) await pair.closed({ work: 'small', inFlight, calls: WARM_CALLS })
  await pair.mixed({ transfer, calls: CHARTED, transfers: TRANSFERS_AT_ONCE, seconds })
}

async function measureLoad(
  run: Run,
  field: Field,
  able: ReadonlySet<SystemName>,
  transfer: Transfer,
  calls: SmallCalls,
): Promise<Rounds> {
  const { rounds, roundSeconds } = run.settings
  const seconds = LENGTH * roundSeconds
  const transfers = TRANSFERS_AT_ONCE
  const results = new Map<SystemName, Compared[]>([...able].map((system) => [system, []]))
  for (let round = 1; round <= rounds; round++) {
    run.progress(`mixed load, ${transfer}, ${nameOf(calls)}: round ${round} of ${rounds}`)
    await field.each(async (pair) => {
      results.get(pair.system)?.push({
        calls: await pair.mixed({ transfer, calls, transfers: 0, seconds }),
        transfers: await pair.mixed({ transfer, transfers, seconds }),
        both: await pair.mixed({ transfer, calls, transfers, seconds }),
      })
    })
  }
  return new Map([...results].filter(([, measured]) => measured.length === rounds))
}

const FIGURES = ['p50', 'p99', 'p999'] as const

function nameOf(calls: SmallCalls): string {
  if ('perMs' in calls) return `${1_000 * calls.perMs} a second`
  return calls.inFlight === 1 ? 'one at a time' : `${calls.inFlight} in flight`
}

function sectionOf(transfer: Transfer, calls: SmallCalls, rounds: Rounds): Section {
  const columns = ['', 'checks', 'alone: p50 µs', 'p99', 'p99.9', 'beside: p50 µs', 'p99', 'p99.9']
  columns.push('to alone: p50', 'p99', 'p99.9', 'transfers alone MiB/s', 'beside', 'to alone')
  const rows = [...rounds].map(([system, measured]) => {
    const alone = medians(measured.map(({ calls }) => calls))
    const beside = medians(measured.map(({ both }) => both))
    const ratio = (figure: keyof Latencies) => formatRatio(ratioOf(measured, 'calls', figure))
    return [
      systems[system].title,
      systems[system].checks,
      ...FIGURES.map((figure) => format(alone[figure])),
      ...FIGURES.map((figure) => format(beside[figure])),
      ...FIGURES.map(ratio),
      format(median(measured.map(({ transfers }) => transfers.bytesPerSecond)) / MIB),
      format(beside.bytesPerSecond / MIB),
      formatRatio(ratioOf(measured, 'transfers', 'bytesPerSecond')),
    ]
  })
  return {
    title: `Small calls, ${nameOf(calls)}, beside two ${whats[transfer]} on the same connection`,
    note: notes[transfer],
    table: { columns, rows },
  }
}

/** Of a figure beside the other load, to the same figure alone. */
const ratioOf = (measured: readonly Compared[], alone: 'calls' | 'transfers', figure: keyof MixedRound) =>
  medianRatio(
    measured.map(({ both }) => both[figure]),
    measured.map((round) => round[alone][figure]),
  )

function chartOf(transfer: Transfer, rounds: Rounds): Chart {
  const bars = (load: 'calls' | 'both') =>
    [...rounds].map(([system, measured]) => ({
      name: systems[system].title,
      value: median(measured.map((round) => round[load].p99)),
    }))
  return {
    file: `mixed-${transfer}`,
    title: `Latency of small calls (p99, ${nameOf(CHARTED)}), alone and beside two ${whats[transfer]}, one connection`,
    unit: 'µs',
    series: [
      { name: 'beside the transfers', bars: bars('both') },
      { name: 'alone', bars: bars('calls') },
    ],
  }
}
