/** `serve`: a router at an address. */
import { misuse, NanowireError } from '../errors.ts'
import type { LimitOptions } from '../limits.ts'
import { type Clock, systemClock } from '../session/index.ts'
import { onAbort } from './abort.ts'
import type { Authenticate } from './authenticate.ts'
import type { Connection } from './connection.ts'
import { hosted } from './host.ts'
import { LocalConnection } from './local-connection.ts'
import { requireOptions } from './options.ts'
import { outsideConnector } from './outside.ts'
import { type Schemes, type ServerTls, schemeOf } from './place.ts'
import type { GivenUses, Routable, Router } from './route.ts'
import { asRouter } from './router.ts'
import { RouterServer, type Server, withLimits } from './server.ts'
import { requireServerTls } from './tls-options.ts'

export interface ServeOptions {
  /** Judges each client before anything else of it is read. Default: whoever connects may call. */
  readonly authenticate?: Authenticate | undefined
  /** For `tcp://`: TLS, and nothing but TLS. With `clientCa` each client must show a certificate. Default: no TLS. */
  readonly tls?: ServerTls | undefined
  /**
   * Whether clients may ask what the contracts are. Default: where only this machine can connect, or `authenticate` is given.
   */
  readonly reflection?: boolean | undefined
  /**
   * Where what the services use is, over what the router was told: `{ users: 'tcp://users:7000' }`. Each is a service to run
   * in memory, an address, a connection or a client; or a function gives it for a contract.
   */
  readonly uses?: GivenUses | undefined
  /** Limits of this server, over the router's. */
  readonly limits?: LimitOptions | undefined
  /**
   * Gives up the start: what starts is told, what has started stops, and `serve` rejects with `cancelled`. Once the server
   * is there, this does nothing; `close` ends it.
   */
  readonly signal?: AbortSignal | undefined
  /** Where time and chance come from. Default: the process's. */
  readonly clock?: Clock | undefined
}

export type Serve = (routable: Routable, at: string, options?: ServeOptions) => Promise<Server>

/** As `Serve`, with the server before it starts: closing it then ends the start, and `serve` rejects. */
export type ServeEarly = (
  routable: Routable,
  at: string,
  options: ServeOptions,
  made: (server: Server) => void,
) => Promise<Server>

const OPTIONS = ['authenticate', 'tls', 'reflection', 'uses', 'limits', 'signal', 'clock']

/** `serve` for the schemes that there are. */
export function serveWith(schemes: Schemes): Serve {
  const serve = serveEarlyWith(schemes)
  return async (routable, at, options = {}) => {
    requireOptions('serve', options, OPTIONS)
    const { signal } = options
    if (signal === undefined) return await serve(routable, at, options, () => {})
    if (!(signal instanceof AbortSignal)) throw misuse('serve: signal is an AbortSignal')
    let stopListening = (): void => {}
    const made = (server: Server): void => {
      signal.throwIfAborted()
      stopListening = onAbort(signal, { cancel: () => void server.close() })
    }
    try {
      return await serve(routable, at, options, made)
    } catch (error) {
      if (!signal.aborted) throw error
      const message = `serve: the start at ${at} was given up, as the option signal asked`
      throw new NanowireError('cancelled', message, { processed: 'no', cause: signal.reason })
    } finally {
      stopListening()
    }
  }
}

/** Likewise, for whoever has looked at the options. */
export function serveEarlyWith(schemes: Schemes): ServeEarly {
  return async (routable, at, options, made) => {
    const { uses, limits } = options
    const own = withLimits(asRouter(routable), limits)
    const tls = options.tls && requireServerTls(options.tls)
    const { url, load } = schemeOf(at, schemes, tls !== undefined)
    const scheme = await load()
    const { clock = systemClock, authenticate, reflection } = options
    if (authenticate !== undefined && typeof authenticate !== 'function')
      throw misuse('serve: authenticate is a function')
    if (reflection !== undefined && typeof reflection !== 'boolean') throw misuse('serve: reflection is true or false')
    const connectInside = (inner: Router): Connection =>
      new LocalConnection(inner, { clock, principal: undefined, use: [] })
    const connectOutside = outsideConnector(schemes, clock, limits)
    const { router, host } = hosted({ router: own, uses, asRouter, clock, connectInside, connectOutside })
    const server = new RouterServer({ router, clock, authenticate, reflection, host })
    made(server)
    await server.listen((context, accept) => scheme.listen(url, { ...context, tls }, accept))
    if (!server.isLocal && !authenticate && !tls?.clientCa) router.log.warn({ url: server.url }, OPEN_TO_ALL)
    return server
  }
}

const OPEN_TO_ALL =
  'whoever reaches this address may call: give serve the option authenticate or tls.clientCa, or listen at 127.0.0.1 or unix:/path'
