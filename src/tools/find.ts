/**
 * What a module exports that can be served or called. Invariant: judged by form and never by class, for the module may
 * have another copy of the library than the command line.
 */
import type { AnyContract, MethodRef } from '../contract/index.ts'
import type { App } from '../place/index.ts'
import type { Routable, Router, Service } from '../rpc/index.ts'
import type { LoadedModule } from './load.ts'
import { listNearest } from './nearest.ts'
import { WrongUse } from './wrong-use.ts'

/**
 * The router, service or list of services that a module means: the named export, else its default export, else the one
 * router, else all services.
 * @throws WrongUse where there is none, or more than one router
 */
export function findRoutable(module: LoadedModule, exportName: string | undefined): Routable {
  if (exportName !== undefined) {
    const named = requireExport(module, exportName)
    if (isRoutable(named)) return named
    throw new WrongUse(`the export ${exportName} of ${module.specifier} is no service, list of services or router`)
  }
  const { default: byDefault } = module.exports
  if (isRoutable(byDefault)) return byDefault
  const exported = entriesOf(module)
  const routers = exported.filter(([, value]) => isRouter(value))
  if (routers.length > 1) {
    const names = routers.map(([name]) => name).join(', ')
    throw new WrongUse(`${module.specifier} exports several routers (${names}): choose one with --export`)
  }
  const [only] = routers.map(([, value]) => value).filter(isRouter)
  const services = [...new Set(exported.map(([, value]) => value).filter(isService))]
  if (only) return only
  if (services.length > 0) return services
  throw new WrongUse(`${module.specifier} exports no service and no router; ${exportsText(module)}`)
}

/** The services of a routable. */
export function servicesOf(routable: Routable): readonly Service[] {
  if (isRouter(routable)) return routable.services
  return isService(routable) ? [routable] : routable
}

/**
 * The app that a module means: the named export, else its default export, else the one app.
 * @throws WrongUse where there is none, or more than one
 */
export function findApp(module: LoadedModule, exportName: string | undefined): App {
  if (exportName !== undefined) {
    const named = requireExport(module, exportName)
    if (isApp(named)) return named
    throw new WrongUse(`the export ${exportName} of ${module.specifier} is no app, as app([…]) makes it`)
  }
  const { default: byDefault } = module.exports
  if (isApp(byDefault)) return byDefault
  const apps = new Map<App, string>()
  for (const [name, value] of entriesOf(module)) if (isApp(value) && !apps.has(value)) apps.set(value, name)
  const [only] = apps.keys()
  if (!only) throw new WrongUse(`${module.specifier} exports no app, as app([…]) makes it; ${exportsText(module)}`)
  if (apps.size === 1) return only
  throw new WrongUse(
    `${module.specifier} exports several apps (${[...apps.values()].join(', ')}): choose one with --export`,
  )
}

/** Every contract that a module exports, by itself, with a service or in an app, each once. */
export function findContracts(module: LoadedModule, exportName?: string): readonly AnyContract[] {
  const values =
    exportName === undefined ? entriesOf(module).map(([, value]) => value) : [requireExport(module, exportName)]
  const contracts = new Set(values.flatMap(contractsIn))
  if (contracts.size > 0) return [...contracts]
  throw new WrongUse(
    exportName === undefined
      ? `${module.specifier} exports no contract and no service; ${exportsText(module)}`
      : `the export ${exportName} of ${module.specifier} is no contract, service or router`,
  )
}

/**
 * The contract and method of a full name.
 * @throws WrongUse listing the names that there are, the nearest first
 */
export function findMethod(
  contracts: readonly AnyContract[],
  name: string,
  where: string,
): { readonly contract: AnyContract; readonly key: string; readonly method: MethodRef } {
  const methods = contracts.flatMap((contract) =>
    Object.entries<MethodRef>(contract.methods).map(([key, method]) => ({ contract, key, method })),
  )
  const [found, another] = methods.filter(({ method }) => method.name === name)
  if (!found) {
    const names = methods.map(({ method }) => method.name)
    throw new WrongUse(`${where} has no method ${JSON.stringify(name)}; there is ${listNearest(names, name) || 'none'}`)
  }
  if (another) throw new WrongUse(`${where} exports two contracts with ${name}: choose one with --export`)
  return found
}

function contractsIn(value: unknown): readonly AnyContract[] {
  if (isContract(value)) return [value]
  if (isApp(value)) return value.services.map((service) => service.contract)
  return isRoutable(value) ? servicesOf(value).map((service) => service.contract) : []
}

function requireExport(module: LoadedModule, name: string): unknown {
  const found = entriesOf(module).find(([one]) => one === name)
  if (found) return found[1]
  throw new WrongUse(`${module.specifier} has no export ${JSON.stringify(name)}; ${exportsText(module)}`)
}

/** The exports by name; of a CommonJS module also what its `module.exports` holds. */
function entriesOf({ exports }: LoadedModule): [string, unknown][] {
  const { default: byDefault } = exports
  const isOther = isObject(byDefault) && !isContract(byDefault) && !isRoutable(byDefault)
  return Object.entries({ ...(isOther ? byDefault : {}), ...exports })
}

function exportsText(module: LoadedModule): string {
  const names = entriesOf(module).map(([name]) => name)
  return names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
}

export function isContract(value: unknown): value is AnyContract {
  return isObject(value) && typeof value['name'] === 'string' && isObject(value['methods']) && isObject(value['tags'])
}

function isService(value: unknown): value is Service {
  return isObject(value) && isContract(value['contract']) && isObject(value['handlers'])
}

function isRouter(value: unknown): value is Router {
  return isObject(value) && typeof value['routeOf'] === 'function' && Array.isArray(value['services'])
}

function isApp(value: unknown): value is App {
  if (!isObject(value) || !Array.isArray(value['services']) || !isObject(value['places'])) return false
  return ['client', 'ready', 'serve', 'close'].every((name) => typeof value[name] === 'function')
}

function isRoutable(value: unknown): value is Routable {
  return isService(value) || isRouter(value) || (Array.isArray(value) && value.length > 0 && value.every(isService))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
