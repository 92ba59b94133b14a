/** `connect`: one line says where services are. */
import { misuse } from '../errors.ts'
import { defaultLimits, type LimitOptions, resolveLimits } from '../limits.ts'
import { type Clock, systemClock } from '../session/index.ts'
import type { CredentialsSource } from './authenticate.ts'
import type { Connection } from './connection.ts'
import { type Host, hosted } from './host.ts'
import { LocalConnection } from './local-connection.ts'
import type { ClientMiddleware } from './middleware.ts'
import { requireMiddleware, requireOptions } from './options.ts'
import { outsideConnector, outsideOf } from './outside.ts'
import type { ClientTls, OpenLink, Place, PlaceContext, Schemes } from './place.ts'
import { RemoteConnection } from './remote-connection.ts'
import { type GivenUses, isRoutable, type Routable, type Router } from './route.ts'
import { asRouter } from './router.ts'
import { RouterServer, withLimits } from './server.ts'
import { requireClientTls } from './tls-options.ts'

export interface ConnectOptions {
  /** Middleware around every call of the clients, the first outermost. */
  readonly use?: readonly ClientMiddleware[] | undefined
  /** Limits of this side. */
  readonly limits?: LimitOptions | undefined
  /**
   * Who this client is, for the server's `authenticate`: a text such as a token, or names and texts; or a function that gives
   * them, asked at each connection. At most 8 KiB. Not for services in this process.
   */
  readonly credentials?: CredentialsSource | undefined
  /**
   * For `tcp://`: TLS, with the server's certificate verified against the authorities that come with Node (`true`) or against
   * `ca`. Default: no TLS.
   */
  readonly tls?: ClientTls | true | undefined
  /**
   * In memory: where what the services use is, over what the router was told: `{ users: stub(Users, {…}) }`. Each is a
   * service to run in memory, an address, a connection or a client; or a function gives it for a contract.
   */
  readonly uses?: GivenUses | undefined
  /** In memory: who calls, as `ctx.principal`. */
  readonly principal?: unknown
  /** In memory: every value goes through bytes, as in a test that looks for what another place would refuse. Default `false`. */
  readonly encoded?: boolean | undefined
  /** Where time and chance come from. Default: the process's. */
  readonly clock?: Clock | undefined
}

export type Connect = (where: string | Routable | Place, options?: ConnectOptions) => Connection

/** How it is called in errors. */
const PAIR = 'memory'

/** A pair of links within this process, for `encoded`. */
export type MakePair = (context: {
  readonly clock: Clock
  readonly limits: { readonly client: PlaceContext['limits']; readonly server: PlaceContext['limits'] }
}) => { readonly client: OpenLink; readonly server: OpenLink }

/** `connect` for the schemes that there are. */
export function connectWith(schemes: Schemes, makePair: MakePair): Connect {
  return (where, options = {}) => {
    requireOptions('connect', options, ['use', 'limits', 'credentials', 'tls', 'uses', 'principal', 'encoded', 'clock'])
    const { use = [], limits, credentials, uses, principal, encoded = false, clock = systemClock } = options
    requireMiddleware('connect', use)
    const tls = requireClientTls(options.tls)
    const place = outsideOf(where, schemes, tls)
    if (tls && typeof where !== 'string') throw misuse('connect: the option tls is for a tcp:// address')
    if (place && (encoded || principal !== undefined || uses !== undefined)) {
      throw misuse('connect: the options encoded, principal and uses are for services in this process')
    }
    if (place) return new RemoteConnection({ ...place, clock, limits, use, credentials })
    if (credentials !== undefined)
      throw misuse('connect: the option credentials is for an address; here it is principal')
    if (!isRoutable(where)) throw misuse('connect takes an address, a service, a list of services, a router or a place')
    const own = withLimits(asRouter(where), limits)
    const connectInside = (inner: Router): Connection =>
      encoded
        ? connectEncoded(inner, { clock, limits, use: [], makePair })
        : new LocalConnection(inner, { clock, principal: undefined, use: [] })
    const connectOutside = outsideConnector(schemes, clock, limits)
    const { router, host } = hosted({ router: own, uses, asRouter, clock, connectInside, connectOutside })
    if (encoded) return connectEncoded(router, { clock, limits, use, principal, host, makePair })
    return new LocalConnection(router, { clock, principal, use, host })
  }
}

interface EncodedOptions extends Pick<ConnectOptions, 'limits' | 'principal'> {
  readonly clock: Clock
  readonly use: readonly ClientMiddleware[]
  readonly host?: Host | undefined
  readonly makePair: MakePair
}

/** The whole protocol over a pair of links. */
function connectEncoded(router: Router, options: EncodedOptions): Connection {
  const { clock, limits, use, principal, host, makePair } = options
  const server = new RouterServer({ router, clock, principal })
  const clientLimits = limits ? resolveLimits(limits) : defaultLimits
  const dial = async (): Promise<OpenLink> => {
    await host?.ready()
    const pair = makePair({ clock, limits: { client: clientLimits, server: router.limits } })
    server.accept(pair.server)
    return pair.client
  }
  return new RemoteConnection({ place: async () => ({ url: PAIR, dial }), url: PAIR, clock, limits, use, host })
}
