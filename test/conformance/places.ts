/** The places of this library, as the suite opens them; a case that does not hold in a place is skipped with its reason. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, serve } from '../../src/index.ts'
import type { ConformancePlace, OpenedPlace, PlaceSetting } from '../../src/testing/index.ts'
import { serverTls, trusting } from '../support/certificates.ts'

const memory: ConformancePlace = {
  name: 'memory',
  async open(router, { local }) {
    const connection = connect(router, local)
    return { connection, stats: () => connection.stats() }
  },
  skips: {
    draining: 'there is no server that could be closed by itself',
    bytes: 'values are moved, and nothing is encoded',
    credentials: 'within one process the option principal says who calls, and nobody has to prove it',
    verdicts: 'each request is checked by the one contract that the service has, and no other is told',
  },
}

const encoded: ConformancePlace = {
  name: 'encoded',
  open: async (router, { local }) => ({ connection: connect(router, { ...local, encoded: true }) }),
  skips: {
    draining: 'its server is within the connection, and cannot be closed by itself',
    'server counters': 'its server is within the connection, and cannot be asked',
    credentials: 'within one process the option principal says who calls, and nobody has to prove it',
  },
}

/** Serves a router at an address of whatever kind, and connects to it. */
async function overSocket(
  at: string,
  router: Parameters<typeof serve>[0],
  { server, client }: PlaceSetting,
): Promise<OpenedPlace> {
  const served = await serve(router, at, server)
  const connection = connect(served.url, client)
  return { connection, stats: () => served.stats(), close: (options) => served.close(options) }
}

const tcp: ConformancePlace = {
  name: 'tcp',
  open: (router, setting) => overSocket('tcp://127.0.0.1:0', router, setting),
}

const tls: ConformancePlace = {
  name: 'tls',
  open: (router, setting) =>
    overSocket('tcp://127.0.0.1:0', router, {
      ...setting,
      server: { ...setting.server, tls: serverTls() },
      client: { ...setting.client, tls: trusting() },
    }),
}

const unix: ConformancePlace = {
  name: 'unix',
  async open(router, setting) {
    const folder = await mkdtemp(join(tmpdir(), 'nanowire-'))
    const opened = await overSocket(`unix:${join(folder, 'socket')}`, router, setting)
    const close = async (options?: { readonly drainMs?: number | undefined }): Promise<void> => {
      await opened.close?.(options)
      await rm(folder, { recursive: true, force: true })
    }
    return { ...opened, close }
  },
}

/** How long a case may take here. A machine that is slow, or stands still for seconds, is no broken place. */
export const PATIENCE: { readonly patienceMs: number } = { patienceMs: 60_000 }

export const places: readonly ConformancePlace[] = [memory, encoded, tcp, tls, unix]
