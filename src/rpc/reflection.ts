/** The service that tells what a server's contracts are (spec/compatibility.md, chapter "Reflection"). */
import { type AnyContract, type ContractDescription, describeContract, hashOf, Reflection } from '../contract/index.ts'
import { misuse, NanowireError } from '../errors.ts'
import { HASH_BYTES } from '../wire/index.ts'
import type { Router } from './route.ts'
import { router } from './router.ts'
import { service } from './service.ts'

/** What a server tells of its contracts: in its HELLO, and to whoever asks. */
export interface Told {
  readonly router: Router
  readonly contracts: ReadonlyMap<string, Uint8Array>
}

export function tell(router: Router, reflection: boolean): Told {
  const told = reflection ? withReflection(router) : router
  return { router: told, contracts: new Map(told.services.map(({ contract }) => [contract.name, hashOf(contract)])) }
}

/** A HELLO has 64 KiB; what else stands in it needs less than 1 KiB. */
const MAX_TOLD_BYTES = 63 * 1_024

/**
 * Looks whether a HELLO can name all contracts.
 * @throws NanowireError `invalid_argument`
 */
export function requireTellable(router: Router): void {
  const bytes = router.services.reduce((sum, { contract }) => sum + contract.name.length + 2 + 2 + HASH_BYTES, 0)
  if (bytes <= MAX_TOLD_BYTES) return
  const count = router.services.length
  throw misuse(`${count} contracts do not fit into a HELLO, which has 64 KiB; serve some of them at another address`)
}

/** The router with reflection beside its services. */
function withReflection(served: Router): Router {
  const contracts = new Map<string, AnyContract>(served.services.map(({ contract }) => [contract.name, contract]))
  contracts.set(Reflection.name, Reflection)
  const reflection = service(Reflection, {
    describe({ contract }): ContractDescription {
      const found = contracts.get(contract)
      if (found) return describeContract(found)
      throw new NanowireError('not_found', `no contract here is named ${JSON.stringify(contract)}`)
    },
  })
  const own = router([reflection])
  return {
    services: [...served.services, reflection],
    limits: served.limits,
    log: served.log,
    counters: served.counters,
    authorize: served.authorize,
    routeOf: (tag) => served.routeOf(tag) ?? own.routeOf(tag),
    dispatch: (message, options) => served.dispatch(message, options),
  }
}
