/** Where things are: what a place and an address scheme must be able to do. Chapters above add kinds of them. */
import { misuse } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { Clock, Link, LinkListener } from '../session/index.ts'
import type { ClientTls, LinkTap, PeerTls, ServerTls } from '../transport/index.ts'

export type { ClientTls, PeerCertificate, PeerTls, Pem, ServerTls } from '../transport/index.ts'

/** A link that waits for its session. */
export interface OpenLink extends Link {
  readonly receivedBytes: number
  /** What TLS says of the peer, from its first frame on; `undefined` without TLS. */
  readonly tls: PeerTls | undefined
  /** Who watches the frames, for `NANOWIRE_TRACE`. */
  tap?: LinkTap | undefined
  /** Says who listens, once, before any input. */
  attach(listener: LinkListener): void
}

export interface PlaceContext {
  readonly clock: Clock
  readonly limits: Limits
}

/** Somewhere that calls can be made to. */
export interface Place {
  /** How it is called in errors: `tcp://127.0.0.1:7000`. */
  readonly url: string
  /**
   * Makes a link to it.
   * @throws NanowireError `unavailable`, `processed: 'no'`, saying what was met
   */
  dial(context: PlaceContext): Promise<OpenLink>
}

export function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null || !('dial' in value && 'url' in value)) return false
  return typeof value.dial === 'function' && typeof value.url === 'string' // a client may have methods of these names
}

/** Somewhere that calls are taken. */
export interface Listener {
  /** With the port that was really taken. */
  readonly url: string
  /** Nobody on another machine can reach it: a unix socket, or an address of the loopback. */
  readonly isLocal: boolean
  /** Takes no new links; those that are open stay. */
  close(): Promise<void>
}

/** What an address's scheme can do. */
export interface Scheme {
  /** @throws NanowireError `invalid_argument` for an address that cannot be one of this scheme, or a bad certificate */
  placeOf(url: URL, tls?: ClientTls): Place
  listen(url: URL, context: ListenContext, accept: (link: OpenLink) => void): Promise<Listener>
}

export interface ListenContext extends PlaceContext {
  readonly tls?: ServerTls | undefined
}

/** A scheme before it is needed. */
export interface SchemeEntry {
  /** What an address of it looks like, for people: `tcp://host:port`. */
  readonly form: string
  readonly takesTls: boolean
  load(): Promise<Scheme>
}

/** Schemes by name (`tcp`), loaded when they are first needed. */
export type Schemes = Readonly<Record<string, SchemeEntry>>

/**
 * The scheme of an address.
 * @param hasTls whether the option `tls` was given for it
 * @throws NanowireError `invalid_argument`, naming the schemes that there are
 */
export function schemeOf(
  address: string,
  schemes: Schemes,
  hasTls = false,
): { readonly url: URL; readonly load: () => Promise<Scheme> } {
  const name = /^([a-z][a-z0-9+.-]*):/.exec(address)?.[1]
  const entry = name !== undefined && Object.hasOwn(schemes, name) ? schemes[name] : undefined
  if (!entry || !URL.canParse(address)) {
    const forms = Object.values(schemes).map(({ form }) => form)
    throw misuse(`${JSON.stringify(address)} is no address; write ${forms.join(' or ')}`)
  }
  if (hasTls && !entry.takesTls) throw misuse(`the option tls is not for ${entry.form}: such a connection has no TLS`)
  return { url: new URL(address), load: () => entry.load() }
}
