/**
 * The open loop: calls start at a fixed rate, as users do, and their latency counts from when they were to start. The
 * rate is the same for both: half of what the slower one did with 64 in flight.
 */
import type { Latencies } from '../load.ts'
import { Field } from '../pairs.ts'
import { median, medianRatio, medians } from '../statistics.ts'
import { BAR, type SystemName, systems } from '../systems.ts'
import { format, formatRatio } from '../table.ts'
import type { Run } from './run.ts'

const COMPARED: readonly SystemName[] = [BAR, 'nanowire']
const IN_FLIGHT = 64

export async function measureOpenLoop(run: Run): Promise<void> {
  const { settings } = run
  const compared = COMPARED.filter((system) => settings.systems.includes(system))
  const field = new Field(run.fail)
  const rates = new Map<SystemName, number[]>()
  const results = new Map<SystemName, Latencies[]>()
  let perSecond = 0
  try {
    await field.start(compared)
    for (let round = 0; round < 4; round++) {
      run.progress('open loop: finding the rate')
      await field.each(async (pair) => {
        const load = { work: 'small', inFlight: IN_FLIGHT, calls: 2 * settings.warmCalls } as const
        const { callsPerSecond } = await pair.closed(load)
        if (round > 0) rates.set(pair.system, [...(rates.get(pair.system) ?? []), callsPerSecond]) // the first warms up
      })
    }
    perSecond = Math.min(...[...rates.values()].map(median)) / 2
    const calls = Math.round(4 * settings.roundSeconds * perSecond)
    for (let round = 0; round <= settings.rounds; round++) {
      run.progress(`open loop: round ${round} of ${settings.rounds}`)
      await field.each(async (pair) => {
        const measured = await pair.open({ work: 'small', perSecond, calls })
        if (round > 0) results.set(pair.system, [...(results.get(pair.system) ?? []), measured]) // likewise
      })
    }
  } finally {
    await field.end()
  }
  const rows = [...results].map(([system, rounds]) => {
    const { p50, p99, p999 } = medians(rounds)
    const worst = (one: SystemName) => results.get(one)?.map((round) => round.p999) ?? []
    const { title, checks } = systems[system]
    return [title, checks, format(p50), format(p99), format(p999), formatRatio(medianRatio(worst(system), worst(BAR)))]
  })
  const note = `Calls start at a fixed rate, ${perSecond.toFixed(0)} a second: half of what the slower one did with ${IN_FLIGHT} in flight. Latency counts from the intended start.`
  const columns = ['', 'checks', 'p50 µs', 'p99 µs', 'p99.9 µs', 'p99.9 to the loop']
  run.show({ title: 'Small message, open loop', note, table: { columns, rows } })
}
