/** The service that tells what a server's contracts are (spec/compatibility.md, chapter "Reflection"). */
import {
  type AnyContract,
  type ContractDescription,
  describeContract,
  type Gate,
  hashOf,
  Reflection,
} from '../contract/index.ts'
import { misuse, NanowireError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { type Body, encodeBody, HASH_BYTES } from '../wire/index.ts'
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

const packed = new WeakMap<object, Body>()

/**
 * A reply as bytes. A description's are made once: whoever asks for one without end, and reads nothing, costs neither the
 * time to make it nor the memory to hold it again.
 */
export function encodeReply(gate: Gate, value: unknown, limits: Limits): Body {
  const isDescription = gate === Reflection.methods.describe.reply && typeof value === 'object' && value !== null
  if (!isDescription) return encodeBody(gate, value, limits)
  const known = packed.get(value)
  if (known) return known
  const bytes = encodeBody(gate, value, limits)
  packed.set(value, bytes)
  return bytes
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
    uses: served.uses,
    bindings: served.bindings,
    routeOf: (tag) => served.routeOf(tag) ?? own.routeOf(tag),
    dispatch: (message, options) => served.dispatch(message, options),
  }
}
