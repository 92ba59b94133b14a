/** A system's client. Its commands: `closed` and `open`, two kinds of load, and `idle`, which only connects. */
import { type ClosedLoad, measureClosed, measureOpen, type OpenLoad } from '../load.ts'
import type { Commands } from '../side.ts'
import type { Client, Peer } from '../work.ts'
import { cpuMicros } from './server.ts'
import { countSockets } from './sockets.ts'

/** Connections that are opened at once: fewer than a server lets wait. */
const GROUP = 100

export async function start(system: string, port: string): Promise<Commands> {
  const bytesOfSockets = countSockets()
  const { connect } = (await import(`../peers/${system}.ts`)) as Peer // all files in peers/ are
  const client = await connect(Number(port))
  const idle: Client[] = []
  return {
    closed: async (load: ClosedLoad) => {
      const [cpu, bytes] = [cpuMicros(), bytesOfSockets()]
      const measured = await measureClosed(client, load)
      return { ...measured, cpu: (cpuMicros() - cpu) / load.calls, wireBytes: (bytesOfSockets() - bytes) / load.calls }
    },
    open: (load: OpenLoad) => measureOpen(client, load),
    idle: async (connections: number) => {
      while (idle.length < connections) {
        const group = Array.from({ length: Math.min(GROUP, connections - idle.length) }, () => connect(Number(port)))
        idle.push(...(await Promise.all(group)))
      }
    },
  }
}
