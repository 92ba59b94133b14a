/**
 * TLS (spec/places.md): the only file that knows `node:tls`. Invariant: certificates are verified in every connection. Node
 * reports on a client's only after the handshake, so it is judged here, and a client that is refused is told by an ERROR
 * frame: with TLS 1.3 an alert would come too late for it to read.
 */
import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { checkServerIdentity, connect, createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls'
import { misuse } from '../errors.ts'
import { codeOf, explainCertificate, explainSocketError } from './errno.ts'
import type { Handshake } from './socket-link.ts'
import type { ClientTls, PeerCertificate, PeerTls, Pem, ServerTls } from './tls-options.ts'

/** Offered by both sides (ALPN). A peer that offers only others is refused; one that offers none is not. */
const PROTOCOL = 'nanowire/1'
/** Node's own limit of a handshake's time, out of the way: the session's clock measures it. */
const NO_TIMEOUT_MS = 2 ** 31 - 1
/**
 * Without tickets no session is resumed: whoever was refused would have one, and Node says `authorized` of a session that is
 * resumed without a certificate.
 */
const secureOptions = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET

/** A client's side of TLS, with what was found good at the beginning. */
export interface TlsDialer {
  open(host: string, port: number): TLSSocket
}

/** @throws NanowireError `invalid_argument` for certificates or keys that cannot be used */
export function tlsDialer(tls: ClientTls): TlsDialer {
  if (tls.ca !== undefined) requireCertificates('tls.ca', tls.ca)
  if (tls.cert !== undefined && tls.key !== undefined) requireIdentity(tls.cert, tls.key, tls.passphrase)
  const { ca, cert, key, passphrase, serverName } = withTexts(tls)
  const secureContext = attempt(() =>
    createSecureContext({ ca, cert, key, passphrase, minVersion: 'TLSv1.2', secureOptions }),
  )
  return {
    open(host, port) {
      const name = serverName ?? host
      return connect({
        host,
        port,
        secureContext,
        ...(isIp(name) ? {} : { servername: name }), // which the standard forbids for an address
        checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
        rejectUnauthorized: true, // also where the environment says otherwise
        ALPNProtocols: [PROTOCOL],
      })
    },
  }
}

function isIp(name: string): boolean {
  return name.includes(':') || /^[\d.]+$/.test(name)
}

/** A server's side of TLS: makes handshakes on sockets that somebody else has accepted. */
export class TlsAcceptor {
  readonly #server: Server
  readonly #asks: boolean
  /** By both addresses of their connection, which no two open ones share. */
  readonly #underway = new Map<string, Handshake>()

  /** @throws NanowireError `invalid_argument` for certificates or keys that cannot be used */
  constructor(tls: ServerTls) {
    if (tls.clientCa !== undefined) requireCertificates('tls.clientCa', tls.clientCa)
    requireIdentity(tls.cert, tls.key, tls.passphrase)
    const { cert, key, passphrase, clientCa, minVersion = 'TLSv1.2' } = withTexts(tls)
    this.#asks = clientCa !== undefined
    this.#server = attempt(() =>
      createServer({
        cert,
        key,
        passphrase,
        ca: clientCa,
        minVersion,
        secureOptions,
        requestCert: this.#asks,
        rejectUnauthorized: false, // judged by `refusalOf`, so that the client is told why
        ALPNProtocols: [PROTOCOL],
        handshakeTimeout: NO_TIMEOUT_MS,
      }),
    )
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      this.#take(socket)?.failed(explainSocketError(error, 'the client').message)
    })
  }

  /** Makes the handshake. That the socket closes meanwhile is for its owner to see. */
  readonly secure = (socket: Socket, handshake: Handshake): void => {
    const key = addressesOf(socket)
    this.#underway.set(key, handshake)
    socket.once('close', () => {
      if (this.#underway.get(key) === handshake) this.#underway.delete(key)
    })
    this.#server.emit('connection', socket)
  }

  #secured(socket: TLSSocket): void {
    const handshake = this.#take(socket)
    if (!handshake)
      socket.destroy() // it was cut in the same moment
    else handshake.secured(socket, peerTlsOf(socket, socket.authorized), this.#refusalOf(socket))
  }

  #take(socket: Socket): Handshake | undefined {
    const key = addressesOf(socket)
    const handshake = this.#underway.get(key)
    this.#underway.delete(key)
    return handshake
  }

  /** Why a client may not go on. */
  #refusalOf(socket: TLSSocket): string | undefined {
    if (!this.#asks) return undefined
    if (!socket.getPeerX509Certificate()) {
      return 'this server asks for a client certificate: connect(url, { tls: { cert, key } })'
    }
    if (socket.authorized) return undefined
    const { authorizationError: problem } = socket
    const code = problem instanceof Error ? codeOf(problem) : String(problem)
    return `the client certificate ${explainCertificate(code) ?? `was refused (${code})`}`
  }
}

function addressesOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}

/** What TLS says of the peer. The certificate is kept, for a closed socket has none any more; the rest is made when asked for. */
export function peerTlsOf(socket: TLSSocket, authorized: boolean): () => PeerTls {
  const certificate = socket.getPeerX509Certificate()
  let made: PeerTls | undefined
  return () => {
    made ??= Object.freeze({ authorized, certificate: certificate && plainCertificate(certificate) })
    return made
  }
}

function plainCertificate(certificate: X509Certificate): PeerCertificate {
  const { subject, issuer, fingerprint256, serialNumber, valid_from, valid_to } = certificate.toLegacyObject()
  return Object.freeze({
    subject: commonName(subject),
    names: Object.freeze(namesOf(certificate.subjectAltName ?? '')),
    issuer: commonName(issuer),
    serialNumber,
    fingerprint256,
    validFrom: valid_from,
    validTo: valid_to,
  })
}

function commonName(name: { readonly CN?: string | string[] | undefined } | undefined): string {
  const found = name?.CN ?? ''
  return Array.isArray(found) ? found.join(', ') : found
}

/** `DNS:a, URI:"b, c"` as its entries. Node quotes what could be taken for two. */
function namesOf(text: string): string[] {
  const entries = text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return entries.map((entry) => {
    const [, kind = '', quoted] = /^([^:]*:)(".*")$/s.exec(entry.trim()) ?? []
    return quoted === undefined ? entry.trim() : kind + String(JSON.parse(quoted))
  })
}

// What the user gave.

function requireIdentity(cert: Pem, key: Pem, passphrase: string | undefined): void {
  const [certificate] = requireCertificates('tls.cert', cert)
  const privateKey = readKey(textOf(key), passphrase)
  if (!certificate?.checkPrivateKey(privateKey)) throw misuse('tls.key does not belong to tls.cert')
}

function readKey(key: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (error) {
    if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key) || !/ENCRYPTED/.test(key)) {
      throw misuse('tls.key is no private key in PEM (-----BEGIN PRIVATE KEY-----)', error)
    }
    throw misuse(
      passphrase === undefined ? 'tls.key is encrypted: give tls.passphrase' : 'tls.passphrase does not open tls.key',
      error,
    )
  }
}

/** Each of them, because `node:tls` passes over what it cannot read. */
function requireCertificates(name: string, pem: Pem): X509Certificate[] {
  const blocks = textOf(pem).match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  try {
    const certificates = blocks.map((block) => new X509Certificate(block))
    if (certificates.length > 0) return certificates
  } catch (error) {
    throw misuse(`${name} has a certificate that cannot be read`, error)
  }
  throw misuse(`${name} is no certificate in PEM (-----BEGIN CERTIFICATE-----)`)
}

function attempt<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw misuse(`tls: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

function textOf(pem: Pem): string {
  return typeof pem === 'string' ? pem : new TextDecoder('latin1').decode(pem)
}

/** The options with every PEM as text, and without those that are `undefined`. */
function withTexts<T extends ServerTls | ClientTls>(tls: T): { [K in keyof T]: Exclude<T[K], Uint8Array> } {
  const entries = Object.entries(tls).filter(([, value]) => value !== undefined)
  const texts = entries.map(([name, value]) => [name, value instanceof Uint8Array ? textOf(value) : value])
  return Object.fromEntries(texts) // same names; bytes have become text
}
