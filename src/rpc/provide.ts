/**
 * Who provides what services use (spec/app.md): finds each used contract among what was given and the services beside, and
 * puts services in the order in which they can start. Invariant: of a plan without an error nothing is missing, of
 * another contract, or in a circle.
 */
import { type AnyContract, describeContract, hashOf, judgeMethods, type MethodRef } from '../contract/index.ts'
import { misuse, type NanowireError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { didYouMean } from './nearest.ts'
import { isPlace, type Place } from './place.ts'
import { type AnyClient, type GivenUses, isRoutable, type Routable, type Router } from './route.ts'
import { isContract, type Service } from './service.ts'

/** A service that runs here, after those that it uses. */
export interface PlannedService {
  readonly service: Service
  /** The router that it is found in. */
  readonly router: Router
  readonly uses: readonly Use[]
}

/** One contract that a service uses. */
export interface Use {
  readonly name: string
  readonly contract: AnyContract
  readonly from: PlannedService | string | Place | Connection | { readonly client: AnyClient }
}

/** A router with what was given to it. */
interface Scope {
  readonly router: Router
  readonly given: readonly GivenUses[]
  /** Where what is not found here is looked for. */
  readonly outer: Scope | undefined
}

export interface PlanOptions {
  /** What runs here. */
  readonly router: Router
  /** Looked at before what the router was given. */
  readonly uses: GivenUses | undefined
  /** Makes a router of what was given, with the log and the limits of another. */
  readonly asRouter: (routable: Routable, like: Router) => Router
}

/**
 * The services that must run, each after those that it uses.
 * @throws NanowireError `invalid_argument` for what is missing, of another contract, in a circle, or given and not used
 */
export function planServices(options: PlanOptions): readonly PlannedService[] {
  return new Planner(options).plan()
}

class Planner {
  readonly #options: PlanOptions
  readonly #planned = new Map<Service, PlannedService>()
  readonly #scopes = new Map<unknown, Scope>()
  /** From a service of the router to the one that is looked at. */
  readonly #trail: Service[] = []
  readonly #asked = new Set<string>()

  constructor(options: PlanOptions) {
    this.#options = options
  }

  plan(): readonly PlannedService[] {
    const { router, uses } = this.#options
    if (uses !== undefined) requireGiven(uses)
    const given = [uses, router.uses].filter((one) => one !== undefined)
    const scope = { router, given, outer: undefined }
    for (const service of router.services) this.#plan(service, scope)
    for (const one of given) this.#requireAsked(one)
    return [...this.#planned.values()]
  }

  #plan(service: Service, scope: Scope): PlannedService {
    const known = this.#planned.get(service)
    if (known) return known
    if (this.#trail.includes(service)) throw this.#circle(service)
    this.#trail.push(service)
    const uses = Object.entries(service.options.uses ?? {}).map(([name, contract]) => {
      this.#asked.add(name)
      return { name, contract, from: this.#find(service, name, contract, scope) }
    })
    this.#trail.pop()
    const planned = { service, router: scope.router, uses }
    this.#planned.set(service, planned)
    return planned
  }

  #find(service: Service, name: string, contract: AnyContract, innermost: Scope): Use['from'] {
    for (let scope: Scope | undefined = innermost; scope; scope = scope.outer) {
      for (const given of scope.given) {
        const value = lookUp(given, { service, name, contract })
        if (value !== undefined) return this.#take(value, { service, name, contract, scope })
      }
      const beside = scope.router.services.find((one) => one.contract.name === contract.name)
      if (beside) return this.#beside(beside, { service, name, contract, scope })
    }
    const who = service.contract.name
    const what = name === contract.name ? name : `${name} (the contract ${contract.name})`
    throw misuse(
      `the service ${who} uses ${what}, which nobody provides: say where it is with the option uses: { ${name}: … }, a service, stub(…), an address or a connection; or put both services into one app([…])`,
    )
  }

  #take(value: unknown, asked: Asked): Use['from'] {
    const { service, name, contract } = asked
    if (typeof value === 'string' || isPlace(value) || isConnection(value)) return value
    const who = `the service ${service.contract.name} uses ${name}`
    if (isContract(value))
      throw misuse(
        `${who}, and was given a contract: give a service, stub(${contract.name}, {…}), an address or a connection`,
      )
    if (isRoutable(value)) {
      const scope = this.#scopeOf(value, asked.scope)
      const found = scope.router.services.find((one) => one.contract.name === contract.name)
      if (found) return this.#beside(found, { ...asked, scope })
      const names = scope.router.services.map((one) => one.contract.name).join(', ')
      throw misuse(`${who} with the contract ${contract.name}, and was given ${names}`)
    }
    if (typeof value !== 'object' || value === null)
      throw misuse(`${who}, and was given a ${typeof value}: give a service, stub(…), an address or a connection`)
    const missing = Object.keys(contract.methods).find((key) => typeof Reflect.get(value, key) !== 'function')
    if (missing !== undefined)
      throw misuse(`${who}, and was given no client of the contract ${contract.name}: it has no function ${missing}`)
    return { client: value as AnyClient } // each method was looked at
  }

  #beside(found: Service, { service, name, contract, scope }: Asked): PlannedService {
    const difference = differenceOf(contract, found.contract)
    if (difference !== undefined)
      throw misuse(
        `the service ${service.contract.name} uses ${name} with another contract ${contract.name} than its service here has: ${difference}`,
      )
    return this.#plan(found, scope)
  }

  #scopeOf(routable: Routable, outer: Scope): Scope {
    const known = this.#scopes.get(routable)
    if (known) return known
    const router = this.#options.asRouter(routable, this.#options.router)
    const scope = { router, given: router.uses === undefined ? [] : [router.uses], outer }
    this.#scopes.set(routable, scope)
    return scope
  }

  #circle(service: Service): NanowireError {
    const names = this.#trail.slice(this.#trail.indexOf(service)).map(({ contract }) => contract.name)
    return circleError([...names, service.contract.name])
  }

  #requireAsked(given: GivenUses): void {
    if (typeof given === 'function') return
    const extra = Object.keys(given).find((name) => given[name] !== undefined && !this.#asked.has(name))
    if (extra === undefined) return
    const asked = [...this.#asked]
    const known = asked.length === 0 ? 'they use nothing' : `they use ${asked.join(', ')}`
    throw misuse(`no service here uses ${JSON.stringify(extra)}${didYouMean(extra, asked)}; ${known}`)
  }
}

/** Who asks for what, and where it is looked for. */
interface Asked {
  readonly service: Service
  readonly name: string
  readonly contract: AnyContract
  readonly scope: Scope
}

export function circleError(names: readonly string[]): NanowireError {
  return misuse(
    `services use each other in a circle, so none can start first: ${names.join(' → ')}; let one of them be told by an argument instead of asking`,
  )
}

/** @throws NanowireError `invalid_argument` */
export function requireGiven(uses: GivenUses): void {
  if (typeof uses === 'function' || (typeof uses === 'object' && uses !== null && !isRoutable(uses))) return
  throw misuse('uses is an object, { users: stub(Users, {…}) }, or a function of the contract')
}

function lookUp(given: GivenUses, { service, name, contract }: Omit<Asked, 'scope'>): unknown {
  if (typeof given !== 'function') return Object.hasOwn(given, name) ? given[name] : undefined
  try {
    return given(contract)
  } catch (error) {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : `a ${typeof error}, not an Error`
    throw misuse(
      `the service ${service.contract.name} uses ${name}, and the function uses threw for the contract ${contract.name}: ${why}`,
      error,
    )
  }
}

/** Why calls of `used` cannot all go to `served`; `undefined` where they can. */
function differenceOf(used: AnyContract, served: AnyContract): string | undefined {
  if (used === served || hashOf(used).every((byte, index) => byte === hashOf(served)[index])) return undefined
  const lacking = Object.values<MethodRef>(used.methods).find(({ tag, name }) => {
    return !Object.values<MethodRef>(served.methods).some((other) => other.tag === tag && other.name === name)
  })
  if (lacking) return `it has no ${lacking.name}`
  const verdicts = judgeMethods(describeContract(used), describeContract(served))
  for (const [key, { findings }] of verdicts) {
    const breaking = findings.find(({ verdict }) => verdict === 'breaking')
    if (breaking) return `${used.name}/${key} differs at ${breaking.pointer}: ${breaking.reason}`
  }
  return undefined
}

export function isConnection(value: unknown): value is Connection {
  return (
    typeof value === 'object' &&
    value !== null &&
    Symbol.asyncDispose in value &&
    'client' in value &&
    typeof value.client === 'function'
  )
}
