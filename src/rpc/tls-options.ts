/** The options `tls`, looked at when they are passed. What stands in the certificates is looked at when they are loaded. */
import { misuse } from '../errors.ts'
import { requireOptions } from './options.ts'
import type { ClientTls, ServerTls } from './place.ts'

/** @throws NanowireError `invalid_argument` */
export function requireServerTls(tls: ServerTls): ServerTls {
  requireOptions('serve: tls', tls, ['cert', 'key', 'passphrase', 'clientCa', 'minVersion'])
  requirePem('serve', tls, ['cert', 'key'])
  requirePem('serve', tls, tls.clientCa === undefined ? [] : ['clientCa'])
  requireText('serve', tls, 'passphrase')
  if (tls.minVersion !== undefined && tls.minVersion !== 'TLSv1.2' && tls.minVersion !== 'TLSv1.3')
    throw misuse('serve: tls.minVersion is TLSv1.2 or TLSv1.3')
  return tls
}

/**
 * @returns the options of a client with TLS, `undefined` for one without
 * @throws NanowireError `invalid_argument`
 */
export function requireClientTls(tls: ClientTls | true | undefined): ClientTls | undefined {
  if (tls === undefined) return undefined
  if (tls === true) return {}
  if (typeof tls !== 'object' || tls === null) throw misuse('connect: tls is true or an object')
  requireOptions('connect: tls', tls, ['ca', 'cert', 'key', 'passphrase', 'serverName'])
  const names = (['ca', 'cert', 'key'] as const).filter((name) => tls[name] !== undefined)
  requirePem('connect', tls, names)
  requireText('connect', tls, 'passphrase')
  requireText('connect', tls, 'serverName')
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw misuse('connect: tls.cert and tls.key belong together: give both, or none')
  return tls
}

function requirePem<T extends object>(where: string, tls: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const value = tls[name]
    if (typeof value === 'string' || value instanceof Uint8Array) continue
    throw misuse(`${where}: tls.${name} is PEM, as text or bytes${value === undefined ? '; it is missing' : ''}`)
  }
}

function requireText<T extends object>(where: string, tls: T, name: keyof T & string): void {
  const value = tls[name]
  if (value === undefined || (typeof value === 'string' && value !== '')) return
  throw misuse(`${where}: tls.${name} is a text that is not empty`)
}
