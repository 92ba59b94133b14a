/** A service with some handlers only, for the tests of what calls it. */
import type { AnyContract } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { type HandlersOf, type Service, service } from './service.ts'

/**
 * A service for tests. Methods without a handler end with `unimplemented`.
 * @example `connect(stub(Users, { get: ({ id }) => ({ id, name: 'Ada' }) }))`
 */
export function stub<C extends AnyContract>(contract: C, handlers: Partial<HandlersOf<C>> = {}): Service<C> {
  const missing = Object.keys(contract.methods).filter((name) => !Object.hasOwn(handlers, name))
  const refusals = missing.map((name) => [
    name,
    () => {
      throw new NanowireError('unimplemented', `the stub of ${contract.name} has no handler for ${name}`)
    },
  ])
  return service(contract, { ...Object.fromEntries(refusals), ...handlers } as HandlersOf<C>) // what is missing was filled in
}
