/** Connections to places outside this process: what an address stands for, and what is behind it. */
import type { LimitOptions } from '../limits.ts'
import type { Clock } from '../session/index.ts'
import type { Connection } from './connection.ts'
import { type ClientTls, isPlace, type Place, type Schemes, schemeOf } from './place.ts'
import { RemoteConnection } from './remote-connection.ts'

/** What dials, where the services are elsewhere. */
export interface Outside {
  readonly place: () => Promise<Place>
  readonly url: string
}

/** `undefined` for what is no address and no place. */
export function outsideOf(where: unknown, schemes: Schemes, tls: ClientTls | undefined): Outside | undefined {
  if (typeof where === 'string') return addressed(where, schemes, tls)
  return isPlace(where) ? placed(where) : undefined
}

function addressed(where: string, schemes: Schemes, tls: ClientTls | undefined): Outside {
  const { url, load } = schemeOf(where, schemes, tls !== undefined)
  let made: Promise<Place> | undefined // once, for certificates are read then
  const place = (): Promise<Place> => {
    made ??= load().then((scheme) => scheme.placeOf(url, tls))
    return made
  }
  const { protocol, host, pathname } = url // and nothing else that somebody may have written there
  return { place, url: protocol + (host ? `//${host}` : pathname) }
}

function placed(place: Place): Outside {
  return { place: async () => place, url: place.url }
}

/** Connects services of this process to an address or a place that they use. */
export function outsideConnector(schemes: Schemes, clock: Clock, limits: LimitOptions | undefined) {
  return (where: string | Place): Connection => {
    const { url, place } = typeof where === 'string' ? addressed(where, schemes, undefined) : placed(where)
    return new RemoteConnection({ place, url, clock, limits, use: [] })
  }
}
