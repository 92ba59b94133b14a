/**
 * The places in which one suite runs: each opens a connection to the same services, with the same options. A case that
 * does not hold in a place is skipped there, and says why.
 */
import { it, onTestFinished } from 'vitest'
import {
  type ClientMiddleware,
  type Connection,
  type ConnectionStats,
  connect,
  type LimitOptions,
  type Logger,
  type Router,
  router,
  type Server,
  type ServerMiddleware,
  type Service,
  serve,
} from '../../src/index.ts'
import { HandClock, nextTurn } from './hand-clock.ts'
import { RecordingLog } from './recording-log.ts'

export interface OpenOptions {
  /** Around the handlers. */
  readonly use?: readonly ServerMiddleware[]
  /** Around the client's calls. */
  readonly clientUse?: readonly ClientMiddleware[]
  /** Of both sides. */
  readonly limits?: LimitOptions
  /** Of the client alone, over `limits`. */
  readonly clientLimits?: LimitOptions
  /** Default: one that keeps what it is told, as `log` of what is opened. */
  readonly log?: Logger
  readonly clock?: HandClock
}

export interface Opened {
  readonly wire: Connection
  readonly clock: HandClock
  readonly log: RecordingLog
  readonly router: Router
  /** Where a server listens; in memory there is none. */
  readonly server: Server | undefined
  /** What the side of the handlers has counted. */
  counts(): Pick<ConnectionStats, 'calls' | 'refused' | 'inFlight'>
}

export interface TestPlace {
  readonly name: PlaceName
  /** Opens services here; closes both sides when the test is over. */
  open(services: Service | readonly Service[], options?: OpenOptions): Promise<Opened>
}

export type PlaceName = 'memory' | 'encoded' | 'tcp'

/** Where a case does not hold, and why. */
export type Skips = Readonly<Partial<Record<PlaceName, string>>>

/** Defines a case of the suite in one place. */
export type DefineCase = (name: string, run: () => Promise<void> | void, skips?: Skips) => void

/** How cases are defined for a place: what is skipped there shows with its reason. */
export function casesOf(place: TestPlace): DefineCase {
  return (name, run, skips = {}) => {
    const reason = skips[place.name]
    it(name, async (context) => {
      if (reason !== undefined) context.skip(`in ${place.name}: ${reason}`)
      await run()
    })
  }
}

interface Setting {
  readonly router: Router
  readonly clock: HandClock
  readonly clientUse: readonly ClientMiddleware[]
  readonly clientLimits: LimitOptions
}

type Open = (setting: Setting) => Promise<{ wire: Connection; server?: Server; counts: Opened['counts'] }>

function place(name: PlaceName, open: Open): TestPlace {
  return {
    name,
    async open(services, options = {}) {
      const { clock = new HandClock(), clientUse = [], limits = {}, use = [] } = options
      const log = new RecordingLog()
      const served = router(Array.isArray(services) ? services : [services as Service], {
        use,
        limits,
        log: options.log ?? log,
      })
      const clientLimits = { ...limits, ...options.clientLimits }
      const opened = await open({ router: served, clock, clientUse, clientLimits })
      const { wire, server, counts } = opened
      onTestFinished(() => closeAll(clock, [wire, ...(server ? [server] : [])]))
      return { wire, server, counts, clock, log, router: served }
    },
  }
}

/** Closes both sides, and lets the time pass that handlers which never end would take. */
async function closeAll(clock: HandClock, sides: readonly (Connection | Server)[]): Promise<void> {
  let closed = false
  const closing = Promise.all(sides.map((side) => side.close({ drainMs: 0 }))).finally(() => {
    closed = true
  })
  while (!closed) {
    clock.advance(1_000)
    await nextTurn()
  }
  await closing
}

const memory = place('memory', async ({ router: served, clock, clientUse, clientLimits }) => {
  const wire = connect(served, { clock, use: clientUse, limits: clientLimits })
  return { wire, counts: () => wire.stats() }
})

const encoded = place('encoded', async ({ router: served, clock, clientUse, clientLimits }) => {
  const wire = connect(served, { clock, use: clientUse, limits: clientLimits, encoded: true })
  return { wire, counts: () => wire.stats() }
})

const tcp = place('tcp', async ({ router: served, clock, clientUse, clientLimits }) => {
  const server = await serve(served, 'tcp://127.0.0.1:0', { clock })
  const wire = connect(server.url, { clock, use: clientUse, limits: clientLimits })
  return { wire, server, counts: () => server.stats() }
})

export const places: readonly TestPlace[] = [memory, encoded, tcp]
