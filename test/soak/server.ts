/** The server of the soak, a process of its own. */
import { router, serve } from 'nanowire'
import { Runs, soakService } from './service.ts'
import { answer, lookAtMemory, lookAtRest } from './side.ts'

const NO_LOG = { debug() {}, info() {}, warn() {}, error() {} } // handlers throw by the thousand here
const runs = new Runs()
const server = await serve(router([soakService(runs)], { log: NO_LOG }), 'tcp://127.0.0.1:0')

answer({
  url: () => server.url,
  look: lookAtMemory,
  async rest() {
    const { inFlight, connections, unknownIds, refused } = server.stats()
    return {
      ...(await lookAtRest()),
      inFlight,
      connections,
      unknownIds,
      refused,
      counts: runs.counts,
      wrong: runs.wrong,
    }
  },
  async close() {
    await server.close()
  },
})
