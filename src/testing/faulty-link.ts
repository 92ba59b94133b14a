/**
 * `faultyLink`: services in this process, behind connections in memory on which a test lets go wrong what it wants
 * (spec/testing.md). The whole protocol runs; only the sockets are missing. Invariant: each end learns of the other one's end
 * by its own direction alone, as over a network.
 */
import { misuse, NanowireError } from '../errors.ts'
import {
  type CloseOptions,
  type OpenLink,
  type Place,
  type PlaceContext,
  type Routable,
  requireOptions,
  type Schemes,
  type ServeOptions,
  type Server,
  serveWith,
} from '../rpc/index.ts'
import { type Clock, systemClock } from '../session/index.ts'
import { type MemoryLink, memoryPair } from '../transport/index.ts'
import { type DirectionContext, type FaultyConnection, FaultyConnections } from './faulty/connection.ts'
import { Direction, type Ending } from './faulty/direction.ts'
import {
  type ConnectionFaults,
  type DirectionName,
  type FaultPlan,
  faultsOf,
  requireConnectionFaults,
} from './faulty/faults.ts'
import { requireClock, requireObject, requireSeed } from './require.ts'

/** Options of `faultyLink`. */
export interface FaultyLinkOptions {
  /** What goes wrong from the first moment. Default: nothing. */
  readonly faults?: FaultPlan | undefined
  /** Of all that chance decides. Default 1. */
  readonly seed?: number | undefined
  /** Time of the server and of the faults; `connect` has its own option for it. Default: the process's. */
  readonly clock?: Clock | undefined
  /** The other options of `serve`. */
  readonly serve?: Omit<ServeOptions, 'clock' | 'tls'> | undefined
}

/** A place to be passed to `connect`, with its server and its faults. */
export interface FaultyLink extends Place, AsyncDisposable {
  readonly server: Server
  /** The connections that are open. */
  readonly connections: readonly FaultyConnection[]
  /**
   * From now on these faults and no others, for connections that are open and those to come; `{}` for none.
   * @throws NanowireError `invalid_argument`
   */
  setFaults(faults: FaultPlan): void
  /** Resets all connections. */
  cut(): void
  /** Closes the server, as `server.close` does. What is stalled is cut first. */
  close(options?: CloseOptions): Promise<void>
}

type Scheme = Awaited<ReturnType<Schemes[string]['load']>>
type Accept = Parameters<Scheme['listen']>[2]

const URL_OF_LINK = 'faulty://link'
const SERVER = 'faulty link'

/**
 * Serves services in this process, behind connections that can be made to fail: slow, in pieces, cut after so many bytes,
 * stalled in one direction.
 *
 * @throws NanowireError `invalid_argument` for what are no services, a bad option or bad faults
 * @example
 * ```ts
 * const link = await faultyLink(greeter, { faults: { toClient: { limitBytes: 100 } } })
 * const wire = connect(link)
 * await wire.client(Greeter).hello.try({ name: 'Ada' }) // may end with unavailable, processed maybe
 * link.setFaults({})
 * ```
 */
export async function faultyLink(services: Routable, options: FaultyLinkOptions = {}): Promise<FaultyLink> {
  requireOptions('faultyLink', options, ['faults', 'seed', 'clock', 'serve'])
  const { faults = {}, seed = 1, clock = systemClock, serve } = options
  requireSeed(seed)
  requireClock('faultyLink', clock)
  requireObject('faultyLink: serve', serve)
  if (serve && 'clock' in serve) throw misuse('faultyLink: serve has no clock: the option clock is for both')
  const connections = new FaultyConnections<LinkConnection>('faultyLink', faults, seed)
  const { schemes, host } = listening()
  const server = await serveWith(schemes)(services, URL_OF_LINK, { ...serve, clock })
  const close = async (closing?: CloseOptions): Promise<void> => {
    for (const one of connections.open) if (one.isStalled) one.cut()
    await server.close(closing)
  }
  return {
    url: URL_OF_LINK,
    server,
    get connections() {
      return [...connections.open]
    },
    setFaults: (plan) => connections.setPlan(plan),
    cut: () => connections.cut(),
    dial: async (context) => dial(connections, host, { ...context, clock }),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

/** The only address of its schemes, and who listens there. */
function listening(): { readonly schemes: Schemes; readonly host: Host } {
  const host: Host = { accept: undefined, limits: undefined }
  const scheme: Scheme = {
    placeOf: () => {
      throw new NanowireError('invalid_argument', 'pass the link itself to connect', { processed: 'no' })
    },
    async listen(_, { limits }, accept) {
      host.accept = accept
      host.limits = limits
      const close = async (): Promise<void> => {
        host.accept = undefined
      }
      return { url: URL_OF_LINK, isLocal: true, close }
    },
  }
  return { schemes: { faulty: { form: URL_OF_LINK, takesTls: false, load: async () => scheme } }, host }
}

interface Host {
  accept: Accept | undefined
  limits: PlaceContext['limits'] | undefined
}

function dial(connections: FaultyConnections<LinkConnection>, host: Host, context: PlaceContext): OpenLink {
  const { index, faults, chance } = connections.next()
  const { accept, limits } = host
  if (faults.refuse === true || !accept || !limits) {
    const why = accept ? 'its faults refuse whoever connects' : 'its server is closed'
    throw new NanowireError('unavailable', `nobody answers at ${URL_OF_LINK}: ${why}`, { processed: 'no' })
  }
  const { clock } = context
  const connection = new LinkConnection({
    index,
    clock,
    chance,
    faults,
    limits: { client: context.limits, server: limits },
  })
  connections.open.add(connection)
  connection.whenOver = () => connections.open.delete(connection)
  accept(connection.server)
  return connection.client
}

interface LinkConnectionOptions extends DirectionContext {
  readonly index: number
  readonly limits: Parameters<typeof memoryPair>[0]['limits']
}

class LinkConnection implements FaultyConnection {
  readonly index: number
  readonly client: MemoryLink
  readonly server: MemoryLink
  whenOver = (): void => {}
  readonly #toServer: Direction
  readonly #toClient: Direction
  #faults: ConnectionFaults

  constructor(options: LinkConnectionOptions) {
    const { index, clock, limits } = options
    this.index = index
    this.#faults = options.faults
    this.#toServer = this.#directionOf('toServer', options, () => this.server)
    this.#toClient = this.#directionOf('toClient', options, () => this.client)
    const carryTo = (direction: Direction) => (chunk: Uint8Array) => {
      if (chunk.length === 0) direction.end('end')
      else direction.push(chunk)
    }
    const pair = memoryPair({
      clock,
      limits,
      carry: { toServer: carryTo(this.#toServer), toClient: carryTo(this.#toClient) },
      peers: { ofClient: SERVER, ofServer: `faulty client ${index}` },
    })
    this.client = pair.client
    this.server = pair.server
    this.#tellByDirection(this.client, this.#toServer)
    this.#tellByDirection(this.server, this.#toClient)
  }

  get bytesToServer(): number {
    return this.#toServer.deliveredBytes
  }

  get bytesToClient(): number {
    return this.#toClient.deliveredBytes
  }

  /** Whether something will not come through before the faults are others. */
  get isStalled(): boolean {
    return [faultsOf(this.#faults, 'toServer'), faultsOf(this.#faults, 'toClient')].some(
      ({ stall, timeoutMs }) => stall === true || timeoutMs !== undefined,
    )
  }

  setFaults(faults: ConnectionFaults): void {
    requireConnectionFaults('setFaults', faults)
    this.#faults = faults
    this.#toServer.setFaults(faultsOf(faults, 'toServer'))
    this.#toClient.setFaults(faultsOf(faults, 'toClient'))
  }

  cut(): void {
    this.#close('reset')
  }

  #directionOf(name: DirectionName, { clock, chance, faults }: DirectionContext, sink: () => MemoryLink): Direction {
    return new Direction({
      clock,
      random: chance.fork(name).random,
      faults: faultsOf(faults, name),
      deliver(bytes) {
        sink().arrive(bytes)
        return true // a link takes all, and its session sees to the bound
      },
      ended: (how) => {
        if (how === 'end') sink().arrive(END)
        else sink().destroy(new Error('the other end has reset the connection'))
      },
      close: (how) => this.#close(how),
    })
  }

  /** What a fault does, at both ends at once. */
  #close(how: Ending): void {
    this.#toServer.stop()
    this.#toClient.stop()
    const error = new Error(how === 'reset' ? 'the connection was reset' : 'the connection was closed')
    this.client.destroy(error)
    this.server.destroy(error)
  }

  /** An end that is destroyed says so by its direction, in its turn, and not at once. */
  #tellByDirection(end: MemoryLink, direction: Direction): void {
    const destroy = end.destroy.bind(end)
    end.destroy = (error) => {
      if (end.isGone) return
      end.join(end) // or the other end would be told at once; bytes go by the direction
      destroy(error)
      direction.end('reset')
      if (this.client.isGone && this.server.isGone) this.#over()
    }
  }

  #over(): void {
    this.#toServer.stop()
    this.#toClient.stop()
    this.whenOver()
  }
}

const END = new Uint8Array(0)
