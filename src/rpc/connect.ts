/** `connect`: one line says where services are. */
import { misuse } from '../errors.ts'
import { defaultLimits, type LimitOptions, resolveLimits } from '../limits.ts'
import { type Clock, systemClock } from '../session/index.ts'
import type { Connection } from './connection.ts'
import { LocalConnection } from './local-connection.ts'
import type { ClientMiddleware } from './middleware.ts'
import { requireMiddleware, requireOptions } from './options.ts'
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
    requireMiddleware('connect', use)
    const place = placeOf(where, schemes)
    if (place && (encoded || principal !== undefined)) {
      throw misuse('connect: the options encoded and principal are for services in this process')
    }
    if (place) return new RemoteConnection({ place, clock, limits, use })
    if (!isRoutable(where)) throw misuse('connect takes an address, a service, a list of services, a router or a place')
    const router = withLimits(asRouter(where), limits)
    if (!encoded) return new LocalConnection(router, { clock, principal, use })
    const server = new RouterServer(router, clock, principal)
    const clientLimits = limits ? resolveLimits(limits) : defaultLimits
    const dial = async (): Promise<OpenLink> => {
      const pair = makePair({ clock, limits: { client: clientLimits, server: router.limits } })
      server.accept(pair.server)
      return pair.client
    }
    return new RemoteConnection({ place: async () => ({ url: 'memory', dial }), clock, limits, use })
  }
}

/** What dials, where the services are elsewhere. */
function placeOf(where: unknown, schemes: Schemes): (() => Promise<Place>) | undefined {
  if (typeof where === 'string') {
    const { url, load } = schemeOf(where, schemes)
    return async () => (await load()).placeOf(url)
  }
  return isPlace(where) ? async () => where : undefined
}

function isPlace(where: unknown): where is Place {
  return typeof where === 'object' && where !== null && 'dial' in where && typeof where.dial === 'function'
}
