/** What `connect` gives: a way to call services, wherever they are. */
import type { AnyContract } from '../contract/index.ts'
import type { Credentials } from '../wire/index.ts'
import type { ClientOf } from './client.ts'
import type { CallCounts } from './counters.ts'

/** Plain numbers, for a metrics endpoint or a person. */
export interface ConnectionStats {
  /** Open connections: 0 or 1, and 0 in memory. */
  readonly connections: number
  /** Calls that the other side has not ended. */
  readonly inFlight: number
  /** Calls that wait for a place in flight. */
  readonly waiting: number
  /** How many calls ended how: `{ 'greeter/hello': { ok: 3, deadline_exceeded: 1 } }`. */
  readonly calls: CallCounts
  /** How often each limit fired. */
  readonly refused: Readonly<Record<string, number>>
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Replies that came after their callers had gone away. */
  readonly lateReplies: number
  readonly unknownIds: number
}

export interface Connection extends AsyncDisposable {
  /** A client of a contract: a plain frozen object. */
  client<C extends AnyContract>(contract: C): ClientOf<C>
  /** Connects now, and resolves when calls can be made. In memory at once. */
  ready(): Promise<void>
  /**
   * Says anew who calls: what is passed, or what the option `credentials` gives now. Calls that are made afterwards run as
   * who that is. In memory nothing happens.
   * @throws NanowireError `invalid_argument` for what are no credentials
   */
  renewCredentials(credentials?: Credentials): Promise<void>
  stats(): ConnectionStats
  /** Makes no new calls, lets those in flight end, then closes. */
  close(options?: CloseOptions): Promise<void>
}

export interface CloseOptions {
  /** How long calls in flight may take to end, in milliseconds. Default 5,000. */
  readonly drainMs?: number | undefined
}
