/**
 * `npm run soak -- --hours N`: a server and clients in processes of their own, over loopback, at a share of what was measured in
 * the beginning, with faults. Invariant: the last line is the result as JSON, and the exit code is 1 where anything was not in order.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { installPeers, prepare as prepareBench } from '../bench/prepare.ts'
import { startTask } from '../bench/start-task.ts'
import { endingAll } from '../support/child.ts'
import { readSettings, type SoakSettings } from './arguments.ts'
import { linesOf } from './chart.ts'
import { prepare } from './prepare.ts'
import { resultsOf } from './results.ts'
import { type SoakResult, SoakRun } from './run.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const titleOf = ({ perSecond, made }: SoakResult, { load }: SoakSettings) =>
  `${made.toLocaleString('en')} operations at ${Math.round(perSecond).toLocaleString('en')}/s, ${100 * load} % of what was measured`

async function draw(result: SoakResult, settings: SoakSettings): Promise<void> {
  installPeers()
  await prepareBench()
  const side = await startTask('lines')
  const svg = await side.ask<string>('draw', linesOf(titleOf(result, settings), result.windows, result.rests))
  await side.end()
  const path = settings.write ? at('../bench/charts/soak.svg') : at('dist/soak.svg')
  mkdirSync(at('dist'), { recursive: true })
  writeFileSync(path, svg)
  console.log(`drawn: ${path}`)
}

function describe(result: SoakResult, settings: SoakSettings): string {
  const { made, ended, faults, wraps, leftOut, codes, problems, windows } = result
  const entries = (numbers: Readonly<Record<string, number>>) =>
    Object.entries(numbers)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  const faulty = Object.values(faults).reduce((all, one) => all + one, 0)
  return [
    `${titleOf(result, settings)}; ${settings.clients} clients and a server, ${Math.round(windows.at(-1)?.atSeconds ?? 0)} s`,
    `Node ${process.versions.node}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown kind'}`,
    `ended: ${entries(ended)}`,
    `faults: ${entries(faults)}; ${((100 * faulty) / made).toFixed(2)} % of all operations`,
    `errors by code: ${entries(codes)}`,
    `${leftOut} operations were due and left out, because more than enough were under way`,
    `ids went past the last one ${wraps} times`,
    problems.length === 0 ? 'everything was in order' : problems.map((problem) => `!!! ${problem}`).join('\n'),
  ].join('\n')
}

async function soak(settings: SoakSettings): Promise<void> {
  await prepare()
  const result = await new SoakRun(settings, (line) => console.log(line)).run()
  const text = describe(result, settings)
  console.log(text)
  if (settings.write) writeFileSync(at('results.md'), resultsOf(text, settings.chart))
  if (settings.chart) await draw(result, settings)
  const { windows: _windows, rests: _rests, ...rest } = result
  console.log(JSON.stringify(rest))
  process.exitCode = result.problems.length === 0 ? 0 : 1
}

const settings = readSettings(process.argv.slice(2))
await endingAll(() => soak(settings))
