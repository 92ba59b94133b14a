/** What a session is made of, and what it counts. */
import type { Limits } from '../limits.ts'
import type { Credentials } from '../wire/index.ts'
import type { Admit } from './admission.ts'
import type { Clock } from './clock.ts'
import type { Effects } from './effects.ts'
import type { Link } from './link.ts'

export type Role = 'client' | 'server'

export interface SessionOptions {
  readonly role: Role
  readonly link: Link
  readonly clock: Clock
  readonly limits: Limits
  readonly effects: Effects
  /** Of a server: what its HELLO tells of its contracts. */
  readonly contracts?: ReadonlyMap<string, Uint8Array> | undefined
  /** Of a server that asks for credentials. */
  readonly admit?: Admit | undefined
  /** Of a client: what its HELLO carries. */
  readonly credentials?: Credentials | undefined
  /** Sixteen bytes, the same for all connections of a process. */
  readonly incarnation: Uint8Array
  /** The first call's id. Default 1; tests begin near the wrap. */
  readonly firstId?: number | undefined
}

/** Numbers that only rise. */
export interface SessionCounters {
  readonly framesReceived: number
  readonly framesSent: number
  /** Replies to calls whose callers had gone away. */
  readonly lateReplies: number
  /** Frames for ids that are not in flight. */
  readonly unknownIds: number
}
