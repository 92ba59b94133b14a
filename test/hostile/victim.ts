/** A served router that is attacked while an honest client has a call in flight, which must notice nothing. */
import { expect, onTestFinished } from 'vitest'
import {
  type ClientTls,
  type Connection,
  connect,
  type LimitOptions,
  router,
  type Server,
  type ServerTls,
  type Service,
  serve,
} from '../../src/index.ts'
import { Gate, Lab, lab } from '../rpc/lab.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'

export interface Victim {
  readonly url: string
  readonly server: Server
  /** The honest client's. */
  readonly wire: Connection
  readonly log: RecordingLog
  readonly clock: HandClock
  /** How often a handler of the attacked service was started. */
  runs(): number
  /** Lets a second pass, in which the honest client is heard at both ends: no machine is so slow that it counts as gone. */
  passSecond(): Promise<void>
  /** The honest call is answered, on the connection that it was made on, and no peer but the honest one is left. */
  expectUnharmed(): Promise<void>
}

/** What the two ends have of TLS; neither has any by default. */
export interface VictimTls {
  readonly server: ServerTls
  readonly client: ClientTls
}

/** Serves `service` (by default one that answers what it is asked) and those `beside` it, and makes the honest call. */
export async function victim(
  limits: LimitOptions = {},
  service?: Service<typeof Lab>,
  tls?: VictimTls,
  beside: readonly Service[] = [],
): Promise<Victim> {
  const clock = new HandClock()
  const log = new RecordingLog()
  const gate = new Gate()
  let runs = 0
  const held = lab({
    async echo(request) {
      runs++
      if (request.text === 'honest') await gate.promise
      return request
    },
    store: ({ users }) => {
      if (users.length > 0) runs++ // else it is `passSecond`
      return []
    },
    note: () => void runs++,
  })
  const server = await serve(router([service ?? held, ...beside], { limits, log }), 'tcp://127.0.0.1:0', {
    clock,
    tls: tls?.server,
  })
  const wire = connect(server.url, { clock, tls: tls?.client })
  onTestFinished(() => closeBoth())
  await wire.ready()
  const honest = service
    ? undefined
    : wire.client(Lab).echo({ text: 'honest' }, { timeoutMs: Number.POSITIVE_INFINITY })
  honest?.catch(() => {}) // it is waited for below, unless the test has failed before
  await until(() => service !== undefined || runs === 1)
  const bytesBefore = wire.stats().bytesReceived

  async function closeBoth(): Promise<void> {
    gate.open()
    const closing = Promise.all([wire.close({ drainMs: 0 }), server.close({ drainMs: 0 })])
    let closed = false
    void closing.finally(() => {
      closed = true
    })
    while (!closed) {
      clock.advance(1_000)
      await nextTurn()
    }
    await closing
  }

  return {
    url: server.url,
    server,
    wire,
    log,
    clock,
    runs: () => (service ? runs : runs - 1),
    async passSecond() {
      clock.advance(1_000)
      await wire.client(Lab).store({ users: [] })
    },
    async expectUnharmed() {
      await until(() => server.stats().connections === 1)
      gate.open()
      if (honest) expect(await honest).toEqual({ text: 'honest' })
      expect(wire.stats()).toMatchObject({ connections: 1, inFlight: 0, waiting: 0 })
      expect(wire.stats().bytesReceived).toBeGreaterThanOrEqual(bytesBefore)
      await until(() => server.stats().inFlight === 0)
    },
  }
}

/** Waits until the server has read nothing for a while, although there is more. */
export async function untilDeaf(server: { stats(): { bytesReceived: number } }): Promise<void> {
  for (let still = 0, before = -1; still < 50; await nextTurn()) {
    const { bytesReceived } = server.stats()
    still = bytesReceived === before ? still + 1 : 0
    before = bytesReceived
  }
}
