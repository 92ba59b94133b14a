/** What an app is made of, looked at when it is made (spec/app.md): its services, its places, and who uses whom. */
import { misuse } from '../errors.ts'
import {
  type ClientTls,
  type CredentialsSource,
  circleError,
  didYouMean,
  isContract,
  isPlace,
  isService,
  type Place,
  requireOptions,
  type Service,
} from '../rpc/index.ts'

/** Where one service of an app is, if not in this process. */
export type AppPlace =
  | string
  | Place
  | {
      /** Its address: `tcp://users:7000`. */
      readonly at: string
      /** As in `connect`. */
      readonly tls?: ClientTls | true | undefined
      /** As in `connect`. */
      readonly credentials?: CredentialsSource | undefined
    }

/** The services by their contracts' names. */
export function requireServices(services: readonly Service[]): ReadonlyMap<string, Service> {
  if (!Array.isArray(services) || services.length === 0) throw misuse('app takes a list of services, one at least')
  const byName = new Map<string, Service>()
  for (const service of services) {
    if (!isService(service)) {
      const hint = isContract(service)
        ? ', not contracts: of what is elsewhere too the service is named here, or its place'
        : ''
      throw misuse(`app takes services, as service(contract, handlers) makes them${hint}`)
    }
    const { name } = service.contract
    if (byName.has(name)) throw misuse(`two services of the app have the contract ${name}`)
    byName.set(name, service)
  }
  return byName
}

/** The places that were named. */
export function requirePlaces(
  services: readonly Service[],
  places: Readonly<Record<string, AppPlace | undefined>>,
): Map<string, AppPlace> {
  if (typeof places !== 'object' || places === null)
    throw misuse("app: places is an object, { users: 'tcp://users:7000' }")
  const used = services.flatMap(({ options }) => Object.values(options.uses ?? {}))
  const known = new Set([...services.map(({ contract }) => contract), ...used].map(({ name }) => name))
  const named = new Map<string, AppPlace>()
  for (const [name, place] of Object.entries(places)) {
    if (!known.has(name))
      throw misuse(
        `app: places has ${JSON.stringify(name)}, which is no service${didYouMean(name, known)}; there are ${[...known].join(', ')}`,
      )
    if (place === undefined) continue
    requirePlace(name, place)
    named.set(name, place)
  }
  return named
}

function requirePlace(name: string, place: AppPlace): void {
  if (typeof place === 'string' || isPlace(place)) return
  if (typeof place !== 'object' || place === null || typeof place.at !== 'string')
    throw misuse(`app: places.${name} is an address, a place, or { at, tls, credentials } with an address`)
  requireOptions(`app: places.${name}`, place, ['at', 'tls', 'credentials'])
}

export function urlOf(place: AppPlace): string {
  if (typeof place === 'string') return place
  return isPlace(place) ? place.url : place.at
}

/** Everything that is used is there, wherever it is, and nothing is used in a circle. */
export function requireWired(byName: ReadonlyMap<string, Service>, places: ReadonlySet<string>): void {
  const done = new Set<string>()
  const visit = (name: string, trail: readonly string[]): void => {
    if (trail.includes(name)) throw circleError([...trail.slice(trail.indexOf(name)), name])
    if (done.has(name)) return
    for (const [key, contract] of Object.entries(byName.get(name)?.options.uses ?? {})) {
      if (!byName.has(contract.name) && !places.has(contract.name))
        throw misuse(
          `the service ${name} uses ${key} (the contract ${contract.name}), which the app does not have: add its service, or say where it is: places: { ${contract.name}: 'tcp://…' }`,
        )
      visit(contract.name, [...trail, name])
    }
    done.add(name)
  }
  for (const name of byName.keys()) visit(name, [])
}
