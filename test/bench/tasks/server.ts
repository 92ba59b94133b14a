/** A system's server. Its commands: `port`, `cpu`, `memory`. */
import type { Commands } from '../../support/answer.ts'
import { collect } from '../../support/collect.ts'
import type { Peer } from '../work.ts'

export async function start(system: string): Promise<Commands> {
  const { serve } = (await import(`../peers/${system}.ts`)) as Peer // all files in peers/ are
  const port = await serve()
  return { port: () => port, cpu: cpuMicros, memory }
}

/** All threads of the process, in µs. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

export interface Memory {
  readonly rss: number
  /** Objects, and what they hold outside of the heap. */
  readonly held: number
}

/** After collections have settled. */
export async function memory(): Promise<Memory> {
  for (let times = 0; times < 3; times++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, held: heapUsed + external }
}
