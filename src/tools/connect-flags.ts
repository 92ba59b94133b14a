/**
 * What the flags of TLS and credentials say, as options of `serve` and `connect` (spec/cli.md). Files are read here; what
 * stands in them is judged by the library.
 */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { ClientTls, ServerTls } from '../rpc/index.ts'
import type { Io } from './io.ts'
import { readBounded } from './read-file.ts'
import { WrongUse } from './wrong-use.ts'

export interface TlsFlags {
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly tlsCa?: string | undefined
}

/** The flags of a command that connects. */
export interface ConnectFlags extends TlsFlags {
  readonly tls?: true | undefined
  readonly tlsName?: string | undefined
  readonly credentials?: string | undefined
}

/** Gives a command the flags of `ConnectFlags`. */
export function addConnectFlags(command: Command): Command {
  return command
    .option('--tls', 'connect with TLS; the other flags of TLS imply it')
    .option('--tls-ca <file>', "authorities of the server's certificate, as PEM (default: those that come with Node)")
    .option('--tls-cert <file>', 'certificate of this client, as PEM')
    .option('--tls-key <file>', 'its private key, as PEM')
    .option('--tls-name <name>', "the name that the server's certificate must have (default: the host of the address)")
    .option('--credentials <text|@file>', 'who this client is: a token, or what stands in a file')
}

/** Gives a command the flags of `TlsFlags`. */
export function addServeFlags(command: Command): Command {
  return command
    .option('--tls-cert <file>', 'serve with TLS: the certificate, as PEM')
    .option('--tls-key <file>', 'its private key, as PEM')
    .option('--tls-ca <file>', 'ask each client for a certificate of these authorities, as PEM')
}

/**
 * The options of `connect` that the flags say.
 * @throws WrongUse for a file that cannot be read
 */
export function connectOptions(
  flags: ConnectFlags,
  io: Io,
): { readonly tls: ClientTls | undefined; readonly credentials: string | undefined } {
  const { tlsName: serverName, credentials } = flags
  const ca = readAuthorities(flags, io)
  const identity = identityOf(flags, io)
  const isMeant = flags.tls || ca !== undefined || identity || serverName !== undefined
  return {
    tls: isMeant ? { ca, ...identity, serverName } : undefined,
    credentials: credentials === undefined ? undefined : readCredentials(credentials, io),
  }
}

/**
 * The option `tls` of `serve`, where the flags say so.
 * @throws WrongUse for a file that cannot be read, or authorities without a certificate
 */
export function serveOptions(flags: TlsFlags, io: Io): { readonly tls: ServerTls | undefined } {
  const identity = identityOf(flags, io)
  if (!identity && flags.tlsCa !== undefined)
    throw new WrongUse('--tls-ca asks clients for a certificate: give --tls-cert and --tls-key of this server too')
  return { tls: identity && { ...identity, clientCa: readAuthorities(flags, io) } }
}

function identityOf({ tlsCert, tlsKey }: TlsFlags, io: Io): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new WrongUse('--tls-cert and --tls-key belong together: give both, or none')
  return { cert: readText('--tls-cert', tlsCert, io), key: readText('--tls-key', tlsKey, io) }
}

function readAuthorities({ tlsCa }: TlsFlags, io: Io): string | undefined {
  return tlsCa === undefined ? undefined : readText('--tls-ca', tlsCa, io)
}

/** A token does not end with the line break that an editor has put behind it. */
function readCredentials(text: string, io: Io): string {
  return text.startsWith('@') ? readText('--credentials', text.slice(1), io).replace(/\r?\n$/, '') : text
}

/** Far more than any list of authorities has. */
const MAX_FILE_BYTES = 4 * 1_024 * 1_024

function readText(flag: string, path: string, io: Io): string {
  return readBounded(resolve(io.cwd, path), `the file ${path} of ${flag}`, MAX_FILE_BYTES)
}
