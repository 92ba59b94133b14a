/** Nanowire itself, as a user would write it: every message is validated on both sides. */
import { connect as connectTo, serve as serveAt } from 'nanowire'
import { Bench, bench } from '../contract.ts'
import type { Client } from '../work.ts'

/** After a pause of the machine the open loop starts all that were due at once; the loop by hand has no limit at all. */
const MAX_CALLS_QUEUED = 1_000_000

/** More than all the streams that are held at once; each is a call in flight. */
const MAX_CALLS_IN_FLIGHT = 20_000

export async function serve(): Promise<number> {
  const server = await serveAt(bench, 'tcp://127.0.0.1:0', { limits: { maxCallsInFlight: MAX_CALLS_IN_FLIGHT } })
  return Number(new URL(server.url).port)
}

export async function connect(port: number): Promise<Client> {
  const connection = connectTo(`tcp://127.0.0.1:${port}`, { limits: { maxCallsQueued: MAX_CALLS_QUEUED } })
  await connection.ready()
  const { items, chunks, ticks, flood, ...calls } = connection.client(Bench)
  return {
    ...calls,
    streams: {
      items: (count) => items({ count }),
      chunks: (count) => chunks({ count }),
      ticks: () => ticks({ count: 0 }),
      flood: (count) => flood({ count }),
    },
  }
}
