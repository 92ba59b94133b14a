/** Where things are: what a place and an address scheme must be able to do. Chapters above add kinds of them. */
import { misuse } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { Clock, Link, LinkListener } from '../session/index.ts'

/** A link that waits for its session. */
export interface OpenLink extends Link {
  readonly receivedBytes: number
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

/** Somewhere that calls are taken. */
export interface Listener {
  /** With the port that was really taken. */
  readonly url: string
  /** Takes no new links; those that are open stay. */
  close(): Promise<void>
}

/** What an address's scheme can do. */
export interface Scheme {
  /** @throws NanowireError `invalid_argument` for an address that cannot be one of this scheme */
  placeOf(url: URL): Place
  listen(url: URL, context: PlaceContext, accept: (link: OpenLink) => void): Promise<Listener>
}

/** Schemes by name (`tcp`), loaded when they are first needed. */
export type Schemes = Readonly<Record<string, () => Promise<Scheme>>>

/**
 * The scheme of an address.
 * @throws NanowireError `invalid_argument`, naming the schemes that there are
 */
export function schemeOf(
  address: string,
  schemes: Schemes,
): { readonly url: URL; readonly load: () => Promise<Scheme> } {
  const name = /^([a-z][a-z0-9+.-]*):/.exec(address)?.[1]
  const load = name !== undefined && Object.hasOwn(schemes, name) ? schemes[name] : undefined
  if (load && URL.canParse(address)) return { url: new URL(address), load }
  const known = Object.keys(schemes).map((scheme) => `${scheme}://host:port`)
  throw misuse(`${JSON.stringify(address)} is no address; write ${known.join(' or ')}`)
}
