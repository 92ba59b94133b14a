/**
 * `faultyProxy`: a TCP proxy on which a test lets go wrong what it wants, for tests with real sockets and real processes
 * (spec/testing.md). It knows nothing of the protocol. Invariant: once closed, it holds no socket and no timer.
 */
import type { Socket } from 'node:net'
import { misuse } from '../errors.ts'
import { requireOptions } from '../rpc/index.ts'
import { type Clock, systemClock } from '../session/index.ts'
import { type FaultyConnection, FaultyConnections } from './faulty/connection.ts'
import type { FaultPlan } from './faulty/faults.ts'
import { ProxiedConnection } from './faulty/proxied.ts'
import { abort, addressOf, dial, listen, type TcpAddress } from './faulty/sockets.ts'
import { requireClock, requireSeed } from './require.ts'

/** Options of `faultyProxy`. */
export interface FaultyProxyOptions {
  /** Where connections are passed on to: `tcp://host:port`. */
  readonly target: string
  /** Where they are taken. Default `tcp://127.0.0.1:0`, any port that is free. */
  readonly listen?: string | undefined
  /** What goes wrong from the first moment. Default: nothing. */
  readonly faults?: FaultPlan | undefined
  /** Of all that chance decides. Default 1. */
  readonly seed?: number | undefined
  /** Bytes that may wait in one direction; then its source is read no further. Default 1 MiB. */
  readonly maxQueuedBytes?: number | undefined
  /** Time of the faults. Default: the process's. */
  readonly clock?: Clock | undefined
}

/** A proxy that takes connections. It keeps the process alive until it is closed. */
export interface FaultyProxy extends AsyncDisposable {
  /** What to connect to, with the port that was really taken: `tcp://127.0.0.1:40123`. */
  readonly url: string
  /** The connections that are open. */
  readonly connections: readonly FaultyConnection[]
  /**
   * From now on these faults and no others, for connections that are open and those to come; `{}` for none.
   * @throws NanowireError `invalid_argument`
   */
  setFaults(faults: FaultPlan): void
  /**
   * Passes connections that are made from now on to another address, as where a server comes up elsewhere.
   * @throws NanowireError `invalid_argument`
   */
  setTarget(target: string): void
  /** Resets all connections. */
  cut(): void
  /** Takes no new connections, resets those that are open, and resolves when all are closed. */
  close(): Promise<void>
}

const OPTIONS = ['target', 'listen', 'faults', 'seed', 'maxQueuedBytes', 'clock']
const MIB = 1_048_576

/**
 * Starts a TCP proxy in front of a server, whose connections can be made to fail: latency, a limit of bandwidth, slices, stalls
 * in one direction, resets. TLS passes through it.
 *
 * @throws NanowireError `invalid_argument` for a bad option, `unavailable` where it cannot listen
 * @example
 * ```ts
 * const proxy = await faultyProxy({ target: server.url, faults: { latencyMs: 50, jitterMs: 20 } })
 * const wire = connect(proxy.url)
 * proxy.setFaults({ toClient: { stall: true } }) // half-open: requests arrive, answers do not
 * proxy.cut()
 * await proxy.close()
 * ```
 */
export async function faultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  requireOptions('faultyProxy', options, OPTIONS)
  const { faults = {}, seed = 1, maxQueuedBytes = MIB, clock = systemClock } = options
  let target: TcpAddress = addressOf('target', options.target, 1)
  const at = addressOf('listen', options.listen ?? 'tcp://127.0.0.1:0', 0)
  requireSeed(seed)
  requireClock('faultyProxy', clock)
  if (!Number.isInteger(maxQueuedBytes) || maxQueuedBytes < 1)
    throw misuse(`maxQueuedBytes is a whole number from 1, not ${String(maxQueuedBytes)}`)
  const connections = new FaultyConnections<ProxiedConnection>('faultyProxy', faults, seed)
  const accept = (client: Socket): void => {
    client.on('error', () => {}) // before anything else, for a client may have gone already
    const next = nextOf(connections, client)
    if (next.faults.refuse === true) return abort(client)
    const one = new ProxiedConnection({ ...next, client, server: dial(target), clock, maxQueuedBytes })
    connections.open.add(one)
    void one.closed.then(() => connections.open.delete(one))
  }
  const listening = await listen(at, accept)
  const close = async (): Promise<void> => {
    const closed = listening.close()
    connections.cut()
    await Promise.all([closed, ...[...connections.open].map((one) => one.closed)])
  }
  return {
    url: listening.url,
    get connections() {
      return [...connections.open]
    },
    setFaults: (plan) => connections.setPlan(plan),
    setTarget(url) {
      target = addressOf('target', url, 1)
    },
    cut: () => connections.cut(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A plan that throws does so where nobody can catch it, but leaves no client waiting. */
function nextOf(connections: FaultyConnections<ProxiedConnection>, client: Socket) {
  try {
    return connections.next()
  } catch (error) {
    client.destroy()
    throw error
  }
}
