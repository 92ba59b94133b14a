/** Why a session ended, as the error that its calls get. */
import { isStatusCode, NanowireError, type StatusCode } from '../errors.ts'
import type { ProtocolError, WireError } from '../wire/index.ts'

/** The code that calls in flight end with when this rule ends their connection; `internal` for all others. */
const codeOfRule: Readonly<Record<string, StatusCode>> = {
  not_nanowire: 'unavailable',
  version: 'failed_precondition',
  limit: 'resource_exhausted',
  timeout: 'unavailable',
  auth: 'unauthenticated',
}

/** The code of an ERROR for the connection by this rule. */
export function codeFor(error: ProtocolError): StatusCode {
  return codeOfRule[error.rule] ?? 'internal'
}

/** Rules that a peer breaks with its very first bytes, so that it has run nothing. */
const firstRules: ReadonlySet<string> = new Set(['not_nanowire', 'version'])

/** The peer broke a rule. */
export function brokenBy(peer: string, error: ProtocolError): NanowireError {
  const where = error.message.includes(peer) ? '' : `peer ${peer}, `
  const message = `${error.message} (${where}rule ${error.rule})`
  return new NanowireError(codeFor(error), message, { processed: firstRules.has(error.rule) ? 'no' : 'maybe' })
}

/** The peer said that it ends the connection. Without a HELLO before, it runs nothing. */
export function refusedBy(peer: string, error: WireError, isOpening: boolean): NanowireError {
  const rule = error.rule ? ` by the rule ${error.rule}` : ''
  const message = `${peer} ended the connection${rule}: ${error.message}`
  const code = isStatusCode(error.code) ? error.code : 'unknown'
  return new NanowireError(code, message, { processed: isOpening ? 'no' : 'maybe' })
}

export function closedHere(peer: string): NanowireError {
  return new NanowireError('unavailable', `the connection to ${peer} was closed`, { processed: 'maybe' })
}

export function cut(peer: string, error: Error | undefined): NanowireError {
  const why = error ? `: ${error.message}` : ' by the peer'
  return new NanowireError('unavailable', `the connection to ${peer} was cut${why}`, {
    processed: 'maybe',
    cause: error,
  })
}

export function silent(message: string): NanowireError {
  return new NanowireError('unavailable', message, { processed: 'maybe' })
}

/** The peer or this side takes no new calls. */
export function goingAway(peer: string): NanowireError {
  return new NanowireError('unavailable', `${peer} is going away and did not take this call`, { processed: 'no' })
}
