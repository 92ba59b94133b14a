/**
 * The states of a session and the steps between them (spec/session.md). Each state holds only its own data; every step
 * has a name, and a step that its state does not know is a fault of this library.
 *
 * ```
 *            helloReceived            drainBegun, goawayReceived         lastCallEnded
 *  opening ───────────────▶ open ───────────────────────────▶ draining ───────────────┐
 *     │                      ▲ │                                 │                    │
 *     │ credentialsReceived  │ │                                 │                    │
 *     └─▶ admitting ─────────┘ │                                 │                    ▼
 *            │      admitted   │                                 │
 *            └─────────────────┴──────── violated, ended ────────┴──────────────▶ closing
 *                                                                                     │
 *          every state ─────────────────────── linkClosed ────────────────────────▶ closed
 * ```
 */
import type { NanowireError } from '../errors.ts'

/** The peer's HELLO has not come. A client sends requests all the same, 128 at most. */
export interface Opening {
  readonly name: 'opening'
}

/** A server judges who the client is, and reads nothing meanwhile. */
export interface Admitting {
  readonly name: 'admitting'
}

export interface Open {
  readonly name: 'open'
}

/** Calls in flight go on, new ones do not. */
export interface Draining {
  readonly name: 'draining'
  /** Who began. */
  readonly by: 'self' | 'peer'
  /** A server's: whether the client has shown that it knows, after which ids are settled. */
  readonly step: 'announced' | 'final'
  /** Ends the wait. */
  readonly cancelTimer: () => void
}

/** This side has said its last word; what comes is discarded, so that the peer can read why. */
export interface Closing {
  readonly name: 'closing'
  readonly cause: NanowireError | undefined
  readonly cancelTimer: () => void
}

export interface Closed {
  readonly name: 'closed'
}

/** States without data are the same object for all sessions. */
export const OPENING: Opening = Object.freeze({ name: 'opening' })
export const ADMITTING: Admitting = Object.freeze({ name: 'admitting' })
export const OPEN: Open = Object.freeze({ name: 'open' })
export const CLOSED: Closed = Object.freeze({ name: 'closed' })

export type State = Opening | Admitting | Open | Draining | Closing | Closed

/** Which step leads from which states to which. */
export const steps = {
  helloReceived: { from: ['opening'], to: 'open' },
  credentialsReceived: { from: ['opening'], to: 'admitting' },
  admitted: { from: ['admitting'], to: 'open' },
  drainBegun: { from: ['open', 'draining'], to: 'draining' },
  goawayReceived: { from: ['open'], to: 'draining' },
  drainSettled: { from: ['draining'], to: 'draining' },
  lastCallEnded: { from: ['draining'], to: 'closing' },
  violated: { from: ['opening', 'admitting', 'open', 'draining'], to: 'closing' },
  ended: { from: ['opening', 'admitting', 'open', 'draining'], to: 'closing' },
  linkClosed: { from: ['opening', 'admitting', 'open', 'draining', 'closing'], to: 'closed' },
} as const satisfies Record<string, { readonly from: readonly State['name'][]; readonly to: State['name'] }>

export type Step = keyof typeof steps

/**
 * Judges a step.
 * @throws Error a fault of this library, never of a peer
 */
export function requireStep(step: Step, from: State, to: State): void {
  const rule: { readonly from: readonly State['name'][]; readonly to: State['name'] } = steps[step]
  if (!rule.from.includes(from.name) || rule.to !== to.name)
    throw new Error(`no step ${step} from ${from.name} to ${to.name}`)
}
