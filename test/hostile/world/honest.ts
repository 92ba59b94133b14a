/** An honest client of a port, in a process of its own. Its command: `calls`, a load of small ones. */
import { connect } from 'nanowire'
import { Bench } from '../../bench/contract.ts'
import { type MixedLoad, measureMixed } from '../../bench/mixed-load.ts'
import type { Commands } from '../../bench/side.ts'

export async function start(port: string): Promise<Commands> {
  const wire = connect(`tcp://127.0.0.1:${port}`)
  await wire.ready()
  const client = wire.client(Bench)
  return { calls: (load: MixedLoad) => measureMixed(client, load) }
}
