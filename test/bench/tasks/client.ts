/**
 * A system's client. Its commands: `closed` and `open`, two kinds of load; `idle`, which only connects; `forms` and
 * `stream` for streams, `mixed` for calls beside transfers; `hold…` for many streams
 * at once, `slow…` for one that is hardly read; `cpu` and `memory`.
 */

import type { Commands } from '../../support/answer.ts'
import { type ClosedLoad, measureClosed, measureOpen, type OpenLoad } from '../load.ts'
import { type MixedLoad, measureMixed } from '../mixed-load.ts'
import { formsOf, measureStream, type StreamLoad, type StreamWork } from '../stream-load.ts'
import type { Client, Peer } from '../work.ts'
import { holdCommands } from './hold.ts'
import { cpuMicros, memory } from './server.ts'
import { slowCommands } from './slow.ts'
import { countSockets } from './sockets.ts'

/** Connections that are opened at once: fewer than a server lets wait. */
const GROUP = 100

export async function start(system: string, port: string): Promise<Commands> {
  const bytesOfSockets = countSockets()
  const { connect } = (await import(`../peers/${system}.ts`)) as Peer // all files in peers/ are
  const client = await connect(Number(port))
  const idle: Client[] = []
  /** With what it cost this process, for each call or item. */
  const costing = async <T extends object>(count: number, run: () => Promise<T>) => {
    const [cpu, bytes] = [cpuMicros(), bytesOfSockets()]
    const measured = await run()
    return { ...measured, cpu: (cpuMicros() - cpu) / count, wireBytes: (bytesOfSockets() - bytes) / count }
  }
  return {
    closed: (load: ClosedLoad) => costing(load.calls, () => measureClosed(client, load)),
    open: (load: OpenLoad) => measureOpen(client, load),
    idle: async (connections: number) => {
      while (idle.length < connections) {
        const group = Array.from({ length: Math.min(GROUP, connections - idle.length) }, () => connect(Number(port)))
        idle.push(...(await Promise.all(group)))
      }
    },
    forms: (work: StreamWork) => formsOf(client, work),
    stream: (load: StreamLoad) => costing(load.count, async () => ({ perSecond: await measureStream(client, load) })),
    mixed: (load: MixedLoad) => measureMixed(client, load),
    ...holdCommands(client),
    ...slowCommands(client),
    cpu: cpuMicros,
    memory,
  }
}
