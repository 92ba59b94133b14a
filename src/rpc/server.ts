/** A server that runs a router: its connections, its counters, and its end. */
import { NanowireError } from '../errors.ts'
import { type LimitOptions, limitMessage, resolveLimits } from '../limits.ts'
import { type Clock, wheelOf } from '../session/index.ts'
import type { Authenticate } from './authenticate.ts'
import type { CloseOptions } from './connection.ts'
import { CallCounters, type CallCounts } from './counters.ts'
import type { Host } from './host.ts'
import { QuietLog } from './log.ts'
import { drainMsOf } from './options.ts'
import type { Listener, OpenLink } from './place.ts'
import { requireTellable, tell } from './reflection.ts'
import { type Router, routerView } from './route.ts'
import { Serving, type ServingSide } from './serving.ts'

/** Plain numbers, for a metrics endpoint or a person. */
export interface ServerStats {
  readonly connections: number
  /** Calls whose handlers have not ended. */
  readonly inFlight: number
  /** How many calls ended how: `{ 'greeter/hello': { ok: 3, Banned: 1 } }`. */
  readonly calls: CallCounts
  /** How often each limit fired. */
  readonly refused: Readonly<Record<string, number>>
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly framesReceived: number
  readonly framesSent: number
  /** Frames for calls that were not, or no longer, in flight. */
  readonly unknownIds: number
}

export interface Server extends AsyncDisposable {
  /** Where it really listens: `tcp://127.0.0.1:41234`. */
  readonly url: string
  stats(): ServerStats
  /** Takes no new calls, lets those in flight end, then closes. The same promise each time. */
  close(options?: CloseOptions): Promise<void>
}

/** The router with its own counters, and limits of this place put over its own. */
export function withLimits(router: Router, limits: LimitOptions | undefined): Router {
  return routerView(router, {
    limits: limits ? resolveLimits({ ...router.limits, ...definedOnly(limits) }) : router.limits,
    counters: new CallCounters(),
  })
}

function definedOnly(limits: LimitOptions): LimitOptions {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}

type Listen = (
  context: { clock: Clock; limits: Router['limits'] },
  accept: (link: OpenLink) => void,
) => Promise<Listener>

export interface RouterServerOptions {
  readonly router: Router
  readonly clock: Clock
  /** Who calls, where no connection says it. */
  readonly principal?: unknown
  readonly authenticate?: Authenticate | undefined
  readonly reflection?: boolean | undefined
  /** What the services use, where they use something or start. */
  readonly host?: Host | undefined
}

export class RouterServer implements Server {
  readonly #options: RouterServerOptions
  readonly #quiet: QuietLog
  /** What all connections share, made when the first one comes. */
  #side: ServingSide | undefined
  readonly #servings = new Set<Serving>()
  /** Connections that are told that there is no room, and not closed yet. */
  #turnedAway = 0
  #listener: Listener | undefined
  /** While it starts; never rejects. */
  #starting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #closeUntil: number | undefined
  #allClosed: (() => void) | undefined
  /** Of connections that have ended. */
  #past = { bytesReceived: 0, bytesSent: 0, framesReceived: 0, framesSent: 0, unknownIds: 0 }

  constructor(options: RouterServerOptions) {
    const { router, clock } = options
    this.#options = options
    this.#quiet = new QuietLog(router.log, () => clock.now())
    requireTellable(router)
  }

  get url(): string {
    return this.#listener?.url ?? 'memory:'
  }

  /** Nobody on another machine can reach it. */
  get isLocal(): boolean {
    return this.#listener?.isLocal ?? true
  }

  /** @throws NanowireError `unavailable` where the server is closed meanwhile */
  async listen(listen: Listen): Promise<void> {
    const started = this.#start(listen)
    this.#starting = started.catch(() => {})
    await started
    this.#starting = undefined
    if (this.#closing === undefined) return
    await this.#closing
    throw closedError()
  }

  async #start(listen: Listen): Promise<void> {
    const { clock, router, host } = this.#options
    try {
      await host?.ready()
      if (this.#closing !== undefined) throw closedError()
      this.#listener = await listen({ clock, limits: router.limits }, (link) => this.accept(link))
    } catch (error) {
      await host?.close(this.#closeUntil ?? clock.now())
      throw error
    }
  }

  accept(link: OpenLink): void {
    this.#side ??= this.#makeSide()
    const serving = new Serving(link, this.#side)
    this.#servings.add(serving)
    link.attach(serving.session)
    const { limits } = this.#options.router
    if (this.#closing !== undefined) serving.session.end()
    else if (this.#servings.size - this.#turnedAway > limits.maxConnections) {
      this.#turnedAway++
      serving.isTurnedAway = true
      const message = limitMessage('maxConnections', limits, 'too many connections', link.peer)
      serving.session.turnAway('maxConnections', message)
      if (this.#turnedAway > limits.maxConnections) link.destroy() // they, too, are bounded
    }
  }

  stats(): ServerStats {
    const totals = { ...this.#past }
    for (const serving of this.#servings) {
      addTraffic(totals, serving)
    }
    const { counters } = this.#options.router
    return {
      connections: this.#servings.size - this.#turnedAway,
      inFlight: counters.inFlight,
      ...counters.counts(),
      ...totals,
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const drainMs = drainMsOf(options)
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(drainMs: number): Promise<void> {
    const { clock, host } = this.#options
    const until = clock.now() + drainMs
    this.#closeUntil = until
    if (this.#starting !== undefined) {
      host?.abandon(until)
      await this.#starting
    }
    const listenerClosed = this.#listener?.close()
    for (const serving of this.#servings) serving.session.drain(drainMs, 'the server is closing')
    if (this.#servings.size > 0) {
      await new Promise<void>((resolve) => {
        this.#allClosed = resolve
      })
    }
    await listenerClosed
    await this.#handlersEnded(until)
    await host?.close(until)
  }

  /** Handlers whose callers have gone away are waited for as well: what they clean up must not be cut off. */
  async #handlersEnded(until: number): Promise<void> {
    const { clock, router } = this.#options
    const { counters } = router
    const leftMs = until - clock.now()
    if (counters.inFlight === 0 || leftMs <= 0) return
    await new Promise<void>((resolve) => {
      const cancelTimer = clock.after(leftMs, resolve, true)
      counters.whenIdle = () => {
        cancelTimer()
        resolve()
      }
    })
  }

  #makeSide(): ServingSide {
    const { router, clock, principal, authenticate } = this.#options
    const { reflection = authenticate !== undefined || this.isLocal } = this.#options
    return {
      ...tell(router, reflection),
      url: this.url,
      clock,
      wheel: wheelOf(clock),
      principal,
      authenticate,
      quiet: this.#quiet,
      closed: (one) => this.#servingClosed(one),
    }
  }

  #servingClosed(serving: Serving): void {
    if (!this.#servings.delete(serving)) return
    if (serving.isTurnedAway) this.#turnedAway--
    addTraffic(this.#past, serving)
    if (this.#servings.size === 0) this.#allClosed?.()
  }
}

function closedError(): NanowireError {
  return new NanowireError('unavailable', 'the server was closed before it had started', { processed: 'no' })
}

function addTraffic(
  totals: { bytesReceived: number; bytesSent: number; framesReceived: number; framesSent: number; unknownIds: number },
  serving: Serving,
): void {
  const { link, session } = serving
  const { framesReceived, framesSent, unknownIds } = session.counters
  totals.bytesReceived += link.receivedBytes
  totals.bytesSent += link.flushedBytes
  totals.framesReceived += framesReceived
  totals.framesSent += framesSent
  totals.unknownIds += unknownIds
}
