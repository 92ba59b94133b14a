/** Which services there are in a run, and which server has each (spec/testing.md). Invariant: each service is at one server. */
import { misuse } from '../../errors.ts'
import type { Service } from '../../rpc/index.ts'
import { servicesOf } from './options.ts'
import type { SimulateOptions, Simulation } from './simulation.ts'

/** The server that there is where nobody says which there are. */
const ONLY = 'server'

export function hostsOf({ servers }: SimulateOptions): readonly string[] {
  return servers ? Object.keys(servers) : [ONLY]
}

/** Where a contract is; one that is nowhere is asked for at the first server, which says so. */
export function hostOf({ servers = {} }: SimulateOptions, contract: string): string {
  const entries = Object.entries(servers)
  return entries.find(([, names]) => names.includes(contract))?.[0] ?? entries[0]?.[0] ?? ONLY
}

/** The services of one server. @throws NanowireError `invalid_argument` where the servers do not fit the services */
export function placedServices(options: SimulateOptions, host: string, simulation: Simulation): readonly Service[] {
  const { services: given, servers } = options
  const all = servicesOf(typeof given === 'function' ? given(simulation) : given)
  if (!servers) return all
  const names = all.map(({ contract }) => contract.name)
  const placed = Object.values(servers).flat()
  const unknown = placed.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw misuse(`simulate: servers has ${JSON.stringify(unknown)}, which is no service; there are ${names.join(', ')}`)
  const missing = names.find((name) => !placed.includes(name))
  if (missing !== undefined) throw misuse(`simulate: servers does not say where the service ${missing} is`)
  const here = servers[host] ?? []
  return all.filter(({ contract }) => here.includes(contract.name))
}
