/** What the system says of a socket, in words for whoever typed the address, and as one of our codes. */
import { NanowireError } from '../errors.ts'

const explanations: Readonly<Record<string, (peer: string) => string>> = {
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

/** An error of a socket as `unavailable`; nothing has run. */
export function explainSocketError(error: Error, peer: string): NanowireError<'unavailable'> {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const text = explanations[code]?.(peer) ?? `${peer}: ${error.message}`
  return new NanowireError('unavailable', code === '' ? text : `${text} (${code})`, { processed: 'no', cause: error })
}
