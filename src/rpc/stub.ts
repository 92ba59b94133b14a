/** A service with some handlers only, for the tests of what calls it. */
import type { AnyContract } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { type HandlersOf, type Service, service } from './service.ts'

/**
 * A service for tests. Methods without a handler end with `unimplemented`.
 * @example `connect(stub(Users, { get: ({ id }) => ({ id, name: 'Ada' }) }))`
 */
export function stub<C extends AnyContract>(contract: C, handlers: Partial<HandlersOf<C>> = {}): Service<C> {
  const entries = Object.keys(contract.methods).map((name) => {
    const handler: unknown = Reflect.get(handlers, name)
    return [name, typeof handler === 'function' ? handler.bind(handlers) : refusal(contract.name, name)]
  })
  return service(contract, { ...handlers, ...Object.fromEntries(entries) } as HandlersOf<C>) // one for each method
}

function refusal(contract: string, name: string): () => never {
  return () => {
    throw new NanowireError('unimplemented', `the stub of ${contract} has no handler for ${name}`)
  }
}
