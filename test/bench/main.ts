/**
 * `npm run bench`: Nanowire, validation included, beside what people would use instead. Each part shows its
 * tables as it finds them; what fails is told loudly, the rest goes on, and the exit code is 1 at the end.
 */
import { canPin, endingAll } from '../support/child.ts'
import { type Part, readSettings, type Settings } from './arguments.ts'
import { measureCodecs } from './parts/codecs.ts'
import { measureHeld } from './parts/held.ts'
import { measureIdle } from './parts/idle.ts'
import { measureMemory } from './parts/memory.ts'
import { measureMixedLoad } from './parts/mixed.ts'
import { measureNeighbours } from './parts/neighbours.ts'
import { measureOpenLoop } from './parts/open.ts'
import { measureRpc } from './parts/rpc.ts'
import type { Chart, Run } from './parts/run.ts'
import { measureSlow } from './parts/slow.ts'
import { measureStreams } from './parts/streams.ts'
import { installPeers, prepare } from './prepare.ts'
import { describe, writeResults } from './results.ts'
import { type Section, toText } from './table.ts'

const parts: Readonly<Record<Part, (run: Run) => Promise<void>>> = {
  rpc: measureRpc,
  open: measureOpenLoop,
  codecs: measureCodecs,
  memory: measureMemory,
  idle: measureIdle,
  streams: measureStreams,
  mixed: measureMixedLoad,
  held: measureHeld,
  slow: measureSlow,
  neighbours: measureNeighbours,
}

/** Says what is being done, on one line that the next one replaces, where there is a terminal to do so. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

async function bench(settings: Settings): Promise<void> {
  const sections: Section[] = []
  const charts: Chart[] = []
  const failures: string[] = []
  const fail = (problem: string) => {
    progress('')
    failures.push(problem)
    console.error(`!!! ${problem}`)
    process.exitCode = 1
  }
  const show = (section: Section) => {
    progress('')
    console.log(toText(section))
    sections.push(section)
  }
  const run: Run = { settings, progress, fail, show, draw: (chart) => charts.push(chart) }
  const head = describe(settings, canPin())
  console.log(head)
  for (const part of settings.parts) {
    await parts[part](run).catch((error: unknown) => fail(`${part}: ${error instanceof Error ? error.message : error}`))
    progress('')
  }
  if (settings.write) await writeResults({ head, sections, charts, failures })
}

const settings = readSettings(process.argv.slice(2))
installPeers()
await prepare()
await endingAll(() => bench(settings))
