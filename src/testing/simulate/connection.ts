/** A connection of the simulated network with both its ends, and what the network is made of. */
import type { MemoryLink } from '../../transport/index.ts'
import type { Chance } from './chance.ts'
import type { Lane } from './lane.ts'
import type { FaultKind, Plan } from './plan.ts'
import type { VirtualProcess } from './process.ts'
import type { Story } from './story.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** One connection with both its ends. */
export interface SimulatedConnection {
  /** What the server calls the client, and so `ctx.peer` of its calls. */
  readonly name: string
  readonly client: MemoryLink
  readonly server: MemoryLink
  readonly toServer: Lane
  readonly toClient: Lane
  readonly processes: { readonly client: VirtualProcess; readonly server: VirtualProcess }
  /** An end has lost it, and the other one need not know. */
  isSevered: boolean
}

export interface NetworkOptions {
  readonly clock: VirtualClock
  readonly chance: Chance
  readonly plan: Plan
  readonly story: Story
  /** Told of each fault. */
  readonly injected: (kind: FaultKind) => void
  /** An end broke the protocol, or says so of the other one. */
  readonly broken: (what: string) => void
}
