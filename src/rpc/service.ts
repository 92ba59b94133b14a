/** A service: a contract and the handlers that keep it. It does not know where it runs. */
import type { AnyContract, Contract, Method, Methods, RequestOf, ResultOf } from '../contract/index.ts'
import { misuse } from '../errors.ts'
import type { Context } from './context.ts'

type MaybePromise<T> = T | Promise<T>

/** The handler of one method. */
export type HandlerOf<M extends Method> = (request: RequestOf<M>, ctx: Context<M>) => MaybePromise<ResultOf<M>>

/** One handler for each method of a contract. A client of the contract can stand here too. */
export type HandlersOf<C extends AnyContract> =
  C extends Contract<string, infer M extends Methods> ? { readonly [K in keyof M & string]: HandlerOf<M[K]> } : never

export interface Service<C extends AnyContract = AnyContract> {
  readonly contract: C
  readonly handlers: HandlersOf<C>
}

/**
 * Binds handlers to a contract. Does not compile when a handler is missing or returns what does not fit.
 * @throws NanowireError `invalid_argument` for a handler that is missing or has no method
 * @example
 * ```ts
 * const greeter = service(Greeter, { async hello({ name }) { return { text: `Hello, ${name}` } } })
 * ```
 */
export function service<C extends AnyContract>(contract: C, handlers: HandlersOf<C>): Service<C> {
  if (typeof contract !== 'object' || contract === null || !('methods' in contract))
    throw misuse('service takes a contract first')
  if (typeof handlers !== 'object' || handlers === null)
    throw misuse(`${contract.name}: service takes an object of handlers`)
  const names = new Set(Object.keys(contract.methods))
  for (const name of names) {
    if (typeof Reflect.get(handlers, name) !== 'function') throw misuse(`${contract.name}/${name} has no handler`)
  }
  const extra = Object.keys(handlers).find(
    (name) => !names.has(name) && typeof Reflect.get(handlers, name) === 'function',
  )
  if (extra !== undefined) throw misuse(`${contract.name} has no method ${JSON.stringify(extra)}, but a handler for it`)
  return Object.freeze({ contract, handlers })
}

export function isService(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && 'contract' in value && 'handlers' in value
}
