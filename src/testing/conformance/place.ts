/** What the suite asks of a place: how a router is opened there, and which cases do not hold (spec/testing.md). */
import { misuse } from '../../errors.ts'
import type { CloseOptions, Connection, ConnectOptions, Router, ServeOptions } from '../../rpc/index.ts'
import type { Clock } from '../../session/index.ts'
import { describeGiven, requireObject } from '../require.ts'

/**
 * Somewhere that services can be placed and called: a transport, or a way to place them.
 * @example
 * ```ts
 * const tcp: ConformancePlace = {
 *   name: 'tcp',
 *   async open(router, { server, client }) {
 *     const served = await serve(router, 'tcp://127.0.0.1:0', server)
 *     const connection = connect(served.url, client)
 *     return { connection, stats: () => served.stats(), close: (options) => served.close(options) }
 *   },
 * }
 * ```
 */
export interface ConformancePlace {
  /** What failures call it. */
  readonly name: string
  /** Opens services here for one case. The suite closes the connection, and calls `close` if it is there. */
  open(router: Router, setting: PlaceSetting): Promise<OpenedPlace>
  /** What does not hold here: the name of a case, or of a topic for all of its cases, and the reason. */
  readonly skips?: Readonly<Record<string, string>> | undefined
}

/** What one case wants: options to be passed on, whole. */
export interface PlaceSetting {
  /** Time for both sides, which the case moves by hand. It stands in all of the options too. */
  readonly clock: Clock
  /** For `serve`. */
  readonly server: ServeOptions
  /** For `connect` with an address or a place. */
  readonly client: ConnectOptions
  /** For `connect` with the router itself: who calls is said here, and not by `authenticate`. */
  readonly local: ConnectOptions
}

/** Services that were opened. */
export interface OpenedPlace {
  readonly connection: Connection
  /** What the side of the handlers has counted, where it can be asked. */
  readonly stats?: (() => HandlerStats) | undefined
  /** Closes the side of the handlers, where it can be closed by itself. */
  readonly close?: ((options?: CloseOptions) => Promise<void>) | undefined
}

/** What the side of the handlers counts; `Server.stats()` and, in memory, `Connection.stats()` have it. */
export interface HandlerStats {
  /** Calls whose handlers have not ended. */
  readonly inFlight: number
  /** How many calls ended how: `{ 'greeter/hello': { ok: 3, Banned: 1 } }`. */
  readonly calls: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** @throws NanowireError `invalid_argument` for what is no place */
export function requirePlace(who: string, place: ConformancePlace): void {
  if (typeof place !== 'object' || place === null || typeof place.name !== 'string' || typeof place.open !== 'function')
    throw misuse(`${who}: a place is { name, open }, with open(router, setting)`)
  requireObject(`${place.name}: skips`, place.skips)
}

/** Opens services in a place. */
export async function openIn(place: ConformancePlace, router: Router, setting: PlaceSetting): Promise<OpenedPlace> {
  const opened = await place.open(router, setting)
  if (typeof opened?.connection?.client === 'function') return opened
  throw misuse(`open resolves with { connection, stats, close }, not ${describeGiven(opened)}`)
}
