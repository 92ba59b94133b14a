/** An honest client of a port, in a process of its own. Its command: `calls`, a load of small ones. */
import { connect } from 'nanowire'
import { Bench } from '../../bench/contract.ts'
import { type MixedLoad, measureMixed } from '../../bench/mixed-load.ts'
import { answer } from '../../support/answer.ts'

const [port = ''] = process.argv.slice(2)
const wire = connect(`tcp://127.0.0.1:${port}`)
await wire.ready()
const client = wire.client(Bench)

await answer({ calls: (load: MixedLoad) => measureMixed(client, load) })
