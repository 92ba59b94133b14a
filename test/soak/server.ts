/** The server of the soak, a process of its own. */
import { router, serve } from 'nanowire'
import { answer } from '../support/answer.ts'
import { lookAtMemory, lookAtRest } from './look.ts'
import { Runs, soakService } from './service.ts'
import { countTimers } from './timers.ts'

countTimers()
const NO_LOG = { debug() {}, info() {}, warn() {}, error() {} } // handlers throw by the thousand here
const runs = new Runs()
const server = await serve(router([soakService(runs)], { log: NO_LOG }), 'tcp://127.0.0.1:0')

await answer({
  url: () => server.url,
  look: lookAtMemory,
  async rest() {
    const { inFlight, connections } = server.stats()
    return {
      ...(await lookAtRest()),
      inFlight,
      connections,
      counts: runs.counts,
      wrong: runs.wrong,
    }
  },
  async close() {
    await server.close()
  },
})
