/** `connect`: one line says where services are. */
import { misuse } from '../errors.ts'
import { defaultLimits, type LimitOptions, resolveLimits } from '../limits.ts'
import { type Clock, systemClock } from '../session/index.ts'
import type { Connection } from './connection.ts'
import { LocalConnection } from './local-connection.ts'
import type { ClientMiddleware } from './middleware.ts'
import { requireOptions } from './options.ts'
import { type OpenLink, type Place, type PlaceContext, type Schemes, schemeOf } from './place.ts'
import { RemoteConnection } from './remote-connection.ts'
import { asRouter, isRoutable, type Routable } from './router.ts'
import { RouterServer, withLimits } from './server.ts'

export interface ConnectOptions {
  /** Middleware around every call of the clients, the first outermost. */
  readonly use?: readonly ClientMiddleware[] | undefined
  /** Limits of this side. */
  readonly limits?: LimitOptions | undefined
  /** In memory: who calls, as `ctx.principal`. */
  readonly principal?: unknown
  /** In memory: every value goes through bytes, as in a test that looks for what another place would refuse. Default `false`. */
  readonly encoded?: boolean | undefined
  /** Where time and chance come from. Default: the process's. */
  readonly clock?: Clock | undefined
}

export type Connect = (where: string | Routable | Place, options?: ConnectOptions) => Connection

/** A pair of links within this process, for `encoded`. */
export type MakePair = (context: {
  readonly clock: Clock
  readonly limits: { readonly client: PlaceContext['limits']; readonly server: PlaceContext['limits'] }
}) => { readonly client: OpenLink; readonly server: OpenLink }

/** `connect` for the schemes that there are. */
export function connectWith(schemes: Schemes, makePair: MakePair): Connect {
  return (where, options = {}) => {
    requireOptions('connect', options, ['use', 'limits', 'principal', 'encoded', 'clock'])
    const { use = [], limits, principal, encoded = false, clock = systemClock } = options
    if (typeof where === 'string')
      return new RemoteConnection({ place: async () => placeAt(where, schemes), clock, limits, use })
    if (isPlace(where)) return new RemoteConnection({ place: async () => where, clock, limits, use })
    if (!isRoutable(where)) throw misuse('connect takes an address, a service, a list of services, a router or a place')
    const router = withLimits(asRouter(where), limits)
    if (!encoded) return new LocalConnection(router, { clock, principal, use })
    const server = new RouterServer(router, clock)
    const clientLimits = limits ? resolveLimits(limits) : defaultLimits
    const dial = async (): Promise<OpenLink> => {
      const pair = makePair({ clock, limits: { client: clientLimits, server: router.limits } })
      server.accept(pair.server)
      return pair.client
    }
    return new RemoteConnection({ place: async () => ({ url: 'memory', dial }), clock, limits, use })
  }
}

async function placeAt(address: string, schemes: Schemes): Promise<Place> {
  const { url, scheme } = await schemeOf(address, schemes)
  return scheme.placeOf(url)
}

function isPlace(where: object): where is Place {
  return 'dial' in where && typeof where.dial === 'function'
}
