/** What a process of the soak says of its memory, and of what keeps it alive. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { collect } from '../support/collect.ts'
import { timersRunning } from './timers.ts'

export interface Memory {
  readonly rssBytes: number
  readonly heapUsedBytes: number
  readonly externalBytes: number
}

/** What is there when nothing is under way. */
export interface Rest {
  /** Of the heap and beside it, after a collection. */
  readonly liveBytes: number
  /** What keeps the process alive, and timers that do not, with how often. */
  readonly resources: Readonly<Record<string, number>>
}

export function lookAtMemory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, heapUsedBytes: heapUsed, externalBytes: external }
}

/** Resources that Node keeps for a while whatever a library does. */
const PASSING = new Set(['Immediate', 'PipeWrap', 'TTYWrap'])

export async function lookAtRest(): Promise<Rest> {
  for (let turn = 0; turn < 5; turn++) {
    await nextTurn()
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo().sort()) {
    if (!PASSING.has(name)) resources[name] = (resources[name] ?? 0) + 1
  }
  resources['timer'] = timersRunning()
  return { liveBytes: heapUsed + external, resources }
}
