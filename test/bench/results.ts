/** test/bench/results.md and its charts. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Settings } from './arguments.ts'
import type { Chart } from './parts/run.ts'
import { startTask } from './start-task.ts'
import { type Section, toMarkdown } from './table.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** How to read the tables: part of what is printed, and of results.md. */
export function describe(settings: Settings, isPinned: boolean): string {
  const pinned = isPinned
    ? 'Server and client are processes of their own, bound to a core each.'
    : 'Server and client are processes of their own, not bound to cores: there is no taskset, or no second core.'
  return [
    `Node ${process.versions.node}, ${cpus().length} cores, loopback; medians of ${settings.rounds} rounds, interleaved between the systems.`,
    `${pinned} Each is warmed by calls.`,
    'Ratios are taken within a round: to the loop (frames and msgpackr by hand), and to the bare net echo, or pipe, of the same bytes.',
    '"checks" says what a system holds against a schema; "types": a schema decides how bytes are read, and no more.',
    'CPU time and bytes (both ways, as the client’s sockets count them) are for each call, or item of a stream.',
  ].join('\n')
}

export interface Results {
  readonly head: string
  readonly sections: readonly Section[]
  readonly charts: readonly Chart[]
  /** What is missing from the tables, and why. */
  readonly failures: readonly string[]
}

export async function writeResults({ head, sections, charts, failures }: Results): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim()
  const images = charts.map(({ file, title }) => `![${title}](charts/${file}.svg)\n`)
  const missing = failures.map((problem) => `Not measured: ${problem.replaceAll(ROOT, '')}\n`) // nobody's own paths
  const text = [
    '# Results',
    '',
    `${date}, \`${command}\`.`,
    head,
    '',
    ...missing,
    ...images,
    ...sections.map(toMarkdown),
  ]
  writeFileSync(pathOf('results.md'), `${text.join('\n').trimEnd()}\n`)
  if (charts.length === 0) return
  const side = await startTask('charts')
  try {
    mkdirSync(pathOf('charts'), { recursive: true })
    for (const chart of charts) writeFileSync(pathOf(`charts/${chart.file}.svg`), await side.ask<string>('draw', chart))
  } finally {
    await side.end()
  }
}
