/** A service with some handlers only, for the tests of what calls it. */
import type { AnyContract, MethodRef } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { type HandlersOf, type Service, service } from './service.ts'

/**
 * A service for tests. Methods without a handler end with `unimplemented`; events can be published.
 * @example `connect(stub(Users, { get: ({ id }) => ({ id, name: 'Ada' }) }))`
 */
export function stub<C extends AnyContract>(contract: C, handlers: Partial<HandlersOf<C>> = {}): Service<C> {
  const methods = Object.entries<MethodRef>(contract.methods)
  const entries = methods.flatMap(([name, { event }]) => {
    const handler: unknown = Reflect.get(handlers, name)
    if (typeof handler === 'function') return [[name, handler.bind(handlers)]]
    return event ? [] : [[name, refusal(contract.name, name)]] // an event is published without a handler
  })
  return service(contract, { ...handlers, ...Object.fromEntries(entries) } as HandlersOf<C>) // one for each method
}

function refusal(contract: string, name: string): () => never {
  return () => {
    throw new NanowireError('unimplemented', `the stub of ${contract} has no handler for ${name}`)
  }
}
