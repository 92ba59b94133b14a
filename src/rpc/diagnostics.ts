/**
 * What happens here, told on `node:diagnostics_channel` (spec/debugging.md); the only file that knows it. Invariants:
 * nothing is made for a channel that nobody listens to; no payload, metadata or credential is in a message.
 */
import type { MethodRef } from '../contract/index.ts'
import type { NanowireError, Processed } from '../errors.ts'
import type { LimitName } from '../limits.ts'
import type { Clock } from '../session/index.ts'

/** At which end of a call or connection something happened. */
type Side = 'client' | 'server'

/** A call at its client, or its handler's run at the server. Both channels of a call get the same object. */
export interface CallDiagnostic {
  /** `greeter/hello`; `unknown method` at a server that has none of this number. */
  readonly method: string
  readonly side: Side
  /** Who is at the other end: an address, or `memory`. */
  readonly peer: string
  /** At the end: `ok`, a status or the name of a declared error. */
  readonly code?: string | undefined
  /** At the end: whether the handler ran. */
  readonly processed?: Processed | undefined
  /** At the end: from start to end, in milliseconds of the connection's clock. */
  readonly durationMs?: number | undefined
}

/** A connection whose HELLOs were exchanged, or that has ended. Memory without frames has none. */
export interface ConnectionDiagnostic {
  readonly side: Side
  readonly peer: string
  /** The client's address for the server, or where the server listens. */
  readonly url: string
  /** At the close: whether both HELLOs were exchanged before. */
  readonly wasOpen?: boolean | undefined
  /** At the close: why, absent where both sides were done. */
  readonly code?: string | undefined
  readonly message?: string | undefined
}

/** A limit fired. */
export interface LimitDiagnostic {
  readonly side: Side
  readonly limit: LimitName
  readonly peer: string
  readonly message: string
}

/** A peer broke a rule of the protocol. */
export interface ViolationDiagnostic {
  readonly side: Side
  /** As in spec/protocol.md, "The rules by name". */
  readonly rule: string
  readonly peer: string
  readonly message: string
}

/**
 * Each channel by its name, and what is told on it.
 * @example `subscribe('nanowire:call:end', (message) => count(message as DiagnosticMessages['nanowire:call:end']))`
 */
export interface DiagnosticMessages {
  'nanowire:call:start': CallDiagnostic
  'nanowire:call:end': CallDiagnostic
  'nanowire:connection:open': ConnectionDiagnostic
  'nanowire:connection:close': ConnectionDiagnostic
  'nanowire:limit': LimitDiagnostic
  'nanowire:violation': ViolationDiagnostic
}

interface Channel {
  readonly hasSubscribers: boolean
  publish(message: object): void
}

/** A page in a browser has no channels; there nobody listens. */
const library = globalThis.process?.getBuiltinModule?.('node:diagnostics_channel')
const deaf: Channel = { hasSubscribers: false, publish() {} }

function channelOf(name: keyof DiagnosticMessages): Channel {
  return library?.channel(name) ?? deaf
}

const callStart = channelOf('nanowire:call:start')
const callEnd = channelOf('nanowire:call:end')
const connectionOpen = channelOf('nanowire:connection:open')
const connectionClose = channelOf('nanowire:connection:close')
const limit = channelOf('nanowire:limit')
const violation = channelOf('nanowire:violation')

/** A call that somebody has heard of, or wants to hear the end of. */
export interface ToldCall {
  readonly message: CallDiagnostic
  readonly since: number
}

export function tellCallStart(method: MethodRef, side: Side, peer: string, clock: Clock): ToldCall | undefined {
  if (!callStart.hasSubscribers && !callEnd.hasSubscribers) return undefined
  const message = { method: method.name, side, peer }
  callStart.publish(message)
  return { message, since: clock.now() }
}

export function tellCallEnd(told: ToldCall | undefined, code: string, processed: Processed, clock: Clock): void {
  if (!told) return
  const { message, since } = told
  callEnd.publish(withEnd(message, { code, processed, durationMs: clock.now() - since }))
}

/** The same object, so that what a listener keeps beside it is found again; another one where a listener froze it. */
function withEnd(message: CallDiagnostic, end: object): object {
  try {
    return Object.assign(message, end)
  } catch {
    return { ...message, ...end }
  }
}

/** A call that ended where it began. */
export function tellCallRefused(name: string, side: Side, peer: string, code: string, processed: Processed): void {
  if (!callStart.hasSubscribers && !callEnd.hasSubscribers) return
  const message = { method: name, side, peer }
  callStart.publish(message)
  callEnd.publish(withEnd(message, { code, processed, durationMs: 0 }))
}

export function tellConnectionOpen(side: Side, peer: string, url: string): void {
  if (connectionOpen.hasSubscribers) connectionOpen.publish({ side, peer, url } satisfies ConnectionDiagnostic)
}

export function tellConnectionClose(
  side: Side,
  peer: string,
  url: string,
  wasOpen: boolean,
  cause: NanowireError | undefined,
): void {
  if (!connectionClose.hasSubscribers) return
  const { code, message } = cause ?? {}
  connectionClose.publish({ side, peer, url, wasOpen, code, message } satisfies ConnectionDiagnostic)
}

export function tellLimit(side: Side, name: LimitName, peer: string, message: string): void {
  if (limit.hasSubscribers) limit.publish({ side, limit: name, peer, message } satisfies LimitDiagnostic)
}

export function tellViolation(side: Side, rule: string, peer: string, message: string): void {
  if (violation.hasSubscribers) violation.publish({ side, rule, peer, message } satisfies ViolationDiagnostic)
}
