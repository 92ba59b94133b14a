/** A session on a tapped link, and the few frames that tests of sessions feed it. */
import { type LimitOptions, resolveLimits } from '../../src/limits.ts'
import { type Admit, type Role, Session } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { type Credentials, type Hello, kinds, packHello, readError, type WireError } from '../../src/wire/index.ts'
import { RecordedEffects } from './calls.ts'
import { frameBytes, type SlowFrame } from './slow-frames.ts'
import { TapLink } from './tap-link.ts'

export interface Tapped {
  readonly session: Session
  readonly link: TapLink
  readonly effects: RecordedEffects
  readonly clock: VirtualClock
}

export interface TappedOptions {
  readonly role?: Role
  readonly limits?: LimitOptions
  readonly firstId?: number
  readonly clock?: VirtualClock
  readonly peer?: string
  readonly admit?: Admit
  readonly contracts?: ReadonlyMap<string, Uint8Array>
  readonly credentials?: Credentials
}

/** A session that has sent what it sends by itself, and heard nothing. */
export function tapped(options: TappedOptions = {}): Tapped {
  const { role = 'server', clock = new VirtualClock(), peer, limits: changed, ...others } = options
  const limits = resolveLimits(changed)
  const link = new TapLink(clock, limits, peer)
  const effects = new RecordedEffects()
  const session = new Session({ role, link, clock, limits, effects, incarnation: new Uint8Array(16), ...others })
  link.attach(session)
  clock.runTurns()
  return { session, link, effects, clock }
}

/** A session whose peer has said HELLO; what both have sent so far is taken. */
export function opened(options: TappedOptions & { readonly peerLimits?: LimitOptions } = {}): Tapped {
  const made = tapped(options)
  made.link.feed(helloBytes(options.peerLimits))
  made.clock.runTurns()
  made.link.takeSent()
  return made
}

/** A peer's HELLO, with its limits and, where a test wants it wrong, other things. */
export function helloBytes(limits: LimitOptions = {}, changes: Partial<Hello> = {}): Uint8Array {
  const hello = { major: 1, limits: resolveLimits(limits), features: [], incarnation: new Uint8Array(16), ...changes }
  return frameBytes(kinds.HELLO, 0, 0, packHello(hello))
}

/** What an ERROR says. */
export function errorIn(frame: SlowFrame | undefined): WireError {
  if (frame?.kind !== kinds.ERROR) throw new Error(`no ERROR but ${JSON.stringify(frame)}`)
  return readError(frame.body, 0, frame.body.length, { maxDepth: 64, maxNodes: 10_000 })
}
