/** What the system and TLS say of a connection, in words for whoever typed the address, and as one of our codes. */
import { NanowireError } from '../errors.ts'

export type Words = (peer: string) => string

const explanations: Readonly<Record<string, Words>> = {
  ECONNREFUSED: (peer) => `nothing listens at ${peer}: is the server running, and is the port right?`,
  ECONNRESET: (peer) => `${peer} cut the connection`,
  EPIPE: (peer) => `${peer} has closed the connection`,
  ETIMEDOUT: (peer) => `${peer} does not answer`,
  EHOSTUNREACH: (peer) => `there is no way to ${peer}`,
  ENETUNREACH: (peer) => `there is no network to ${peer}`,
  ENOTFOUND: (peer) => `no host of that name: ${peer}`,
  EAI_AGAIN: (peer) => `the name of ${peer} could not be looked up just now`,
  EADDRINUSE: (peer) => `${peer} is in use: stop what listens there, or take another port (0 for any)`,
  EADDRNOTAVAIL: (peer) => `${peer} is no address of this machine`,
  EACCES: (peer) => `listening at ${peer} is not permitted; ports below 1024 often are not`,
  EMFILE: (peer) => `too many open files, so no connection to ${peer}`,
}

/** What TLS finds in bytes or says in an alert; without `ERR_SSL_`, `SSLV3_`, `TLSV1_` and the like. */
const tlsExplanations: Readonly<Record<string, Words>> = {
  WRONG_VERSION_NUMBER: (peer) => `what ${peer} says is no TLS: has it the option tls?`,
  PACKET_LENGTH_TOO_LONG: (peer) => `what ${peer} says is no TLS: has it the option tls?`,
  HTTP_REQUEST: (peer) => `${peer} speaks HTTP and not TLS`,
  UNSUPPORTED_PROTOCOL: (peer) => `${peer} and this side have no version of TLS in common`,
  ALERT_PROTOCOL_VERSION: (peer) => `${peer} and this side have no version of TLS in common`,
  ALERT_HANDSHAKE_FAILURE: (peer) => `${peer} and this side have no cipher or signature in common`,
  NO_SHARED_CIPHER: (peer) => `${peer} and this side have no cipher in common`,
  NO_APPLICATION_PROTOCOL: (peer) => `${peer} wants another protocol than nanowire/1 (ALPN)`,
  ALERT_NO_APPLICATION_PROTOCOL: (peer) => `${peer} does not know the protocol nanowire/1 (ALPN)`,
  ALERT_CERTIFICATE_REQUIRED: (peer) => `${peer} asks for a certificate: give tls.cert and tls.key`,
  ALERT_UNKNOWN_CA: (peer) => `${peer} does not trust the authority of the certificate that it was shown`,
  ALERT_CERTIFICATE_EXPIRED: (peer) => `${peer} was shown a certificate that has expired`,
  ALERT_BAD_CERTIFICATE: (peer) => `${peer} refused the certificate that it was shown`,
  ALERT_CERTIFICATE_UNKNOWN: (peer) => `${peer} refused the certificate that it was shown`,
  ALERT_UNSUPPORTED_CERTIFICATE: (peer) => `${peer} refused the certificate that it was shown`,
}

const ANOTHER_AUTHORITY = 'is of an authority that is not trusted here'

/** What is wrong with a certificate, by the code that verifying it ended with. */
const certificateProblems: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: ANOTHER_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: ANOTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: ANOTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ANOTHER_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ANOTHER_AUTHORITY,
  CERT_SIGNATURE_FAILURE: ANOTHER_AUTHORITY,
  CERT_UNTRUSTED: ANOTHER_AUTHORITY,
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet (is the clock right?)',
  INVALID_PURPOSE: 'is not meant for this use',
  INVALID_CA: 'is signed by one that is no authority',
  PATH_LENGTH_EXCEEDED: 'has too many certificates between it and its authority',
}

/** `is of an authority that is not trusted here (CODE)`, for a code of a certificate that was refused. */
export function explainCertificate(code: string): string | undefined {
  const problem = certificateProblems[code]
  return problem && `${problem} (${code})`
}

/** An error of a socket as `unavailable`; nothing has run. */
export function explainSocketError(
  error: Error,
  peer: string,
  special: Readonly<Record<string, Words>> = {},
): NanowireError<'unavailable'> {
  const code = codeOf(error)
  const text =
    special[code]?.(peer) ??
    explainEarlyEnd(error, peer) ??
    explanations[code]?.(peer) ??
    explainTls(error, code, peer) ??
    `${peer}: ${error.message}`
  return new NanowireError('unavailable', code === '' ? text : `${text} (${code})`, { processed: 'no', cause: error })
}

/** Node's own error, with the code of a reset. */
function explainEarlyEnd(error: Error, peer: string): string | undefined {
  if (!error.message.includes('before secure TLS connection')) return undefined
  return `${peer} closed the connection during the TLS handshake: is it served with the option tls?`
}

export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** What went wrong with TLS, `undefined` for what has nothing to do with it. */
function explainTls(error: Error, code: string, peer: string): string | undefined {
  const problem = certificateProblems[code]
  if (problem === ANOTHER_AUTHORITY) return `the certificate of ${peer} ${problem}: name its authority in tls.ca`
  if (problem !== undefined) return `the certificate of ${peer} ${problem}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return explainName(error, peer)
  // `EPROTO` is said where it was a write that met the bad bytes.
  const [, reason = ''] = /SSL routines:[^:]*:([^:]+)/.exec(error.message) ?? []
  const name = code === 'EPROTO' ? reason.toUpperCase().replaceAll(' ', '_') : code.replace(/^ERR_SSL_/, '')
  const known = tlsExplanations[name.replace(/^(SSLV3|TLSV1|TLSV13|SSL\/TLS)_/, '')]
  if (known) return known(peer)
  return reason === '' ? undefined : `${peer}: ${reason}`
}

/** The error of `checkServerIdentity`, with the name that was looked for and the certificate. */
function explainName(error: Error & { host?: unknown; cert?: { subjectaltname?: unknown } }, peer: string): string {
  const names = error.cert?.subjectaltname ?? 'no name at all'
  return `the certificate of ${peer} is not for ${error.host} but for ${names}: tls.serverName may say which is meant`
}
