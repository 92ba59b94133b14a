/** Certificates for tests, made once by certificates/make.sh. Invariant: they say nothing about anybody, and never expire. */
import { readFileSync } from 'node:fs'
import type { ClientTls, ServerTls } from '../../src/index.ts'

type Name =
  | 'authority'
  | 'stranger'
  | 'server'
  | 'elsewhere'
  | 'expired-server'
  | 'stranger-server'
  | 'client'
  | 'expired-client'
  | 'stranger-client'
  | 'odd-client'

/** A certificate, or a key (`server.key`), as PEM. */
export function pem(name: Name | `${Exclude<Name, 'authority' | 'stranger'>}.key` | 'client.encrypted-key'): string {
  return readFileSync(new URL(`certificates/${name}.pem`, import.meta.url), 'utf8')
}

/** A server that clients with `trusting()` trust, unless its name says otherwise. */
export function serverTls(
  name: 'server' | 'elsewhere' | 'expired-server' | 'stranger-server' = 'server',
  more: Partial<ServerTls> = {},
): ServerTls {
  return { cert: pem(name), key: pem(`${name}.key`), ...more }
}

/** A server that asks for client certificates. */
export function askingTls(): ServerTls {
  return serverTls('server', { clientCa: pem('authority') })
}

/** A client without a certificate. */
export function trusting(more: Partial<ClientTls> = {}): ClientTls {
  return { ca: pem('authority'), ...more }
}

/** A client with a certificate. */
export function showing(name: 'client' | 'expired-client' | 'stranger-client' | 'odd-client' = 'client'): ClientTls {
  return trusting({ cert: pem(name), key: pem(`${name}.key`) })
}
