/** What the router is to the places that run it. */
import type { AnyContract, MessageOf, MethodRef } from '../contract/index.ts'
import type { Limits } from '../limits.ts'
import type { Clock } from '../session/index.ts'
import type { CallOptions } from './call.ts'
import type { CallCounters } from './counters.ts'
import type { Logger } from './log.ts'
import type { Authorize, ServerCall } from './middleware.ts'
import type { Service } from './service.ts'

/** A method with its handler and the middleware around it. */
export interface Route {
  readonly method: MethodRef
  readonly contract: AnyContract
  run(call: ServerCall): Promise<unknown>
}

export interface Router<C extends AnyContract = AnyContract> {
  readonly services: readonly Service[]
  readonly limits: Limits
  readonly log: Logger
  readonly counters: CallCounters
  /** Who may call what; absent where everybody may. */
  readonly authorize: Authorize | undefined
  /** The route of a number on the wire. */
  routeOf(tag: number): Route | undefined
  /**
   * Runs a message that came from a file, a queue or a test, as a call in memory would.
   * @throws NanowireError what the call ends with
   */
  dispatch(message: MessageOf<C>, options?: DispatchOptions): Promise<unknown>
}

export interface DispatchOptions extends CallOptions {
  /** Who calls. */
  readonly principal?: unknown
  readonly clock?: Clock | undefined
}
