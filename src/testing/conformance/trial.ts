/**
 * One run of one case: opens services in the place, waits for effects and never for time, and closes what it opened.
 * Invariant: when the case is over nothing of it waits any more.
 */

import type { AnyContract, Method, MethodRef } from '../../contract/index.ts'
import type { LimitOptions } from '../../limits.ts'
import {
  type CallClient,
  type ClientMiddleware,
  type ClientOf,
  type Connection,
  type Logger,
  type Router,
  type RouterOptions,
  router,
  type Service,
} from '../../rpc/index.ts'
import { HandClock, nextTurn, passing } from '../hand-clock.ts'
import { quiet } from './assert.ts'
import { Feed } from './feed.ts'
import { Lab } from './lab.ts'
import { Mismatch } from './mismatch.ts'
import { type ConformancePlace, type HandlerStats, type OpenedPlace, openIn } from './place.ts'
import { RecordingLog } from './recording-log.ts'
import { type Identity, settingOf } from './setting.ts'

/** What a case opens services with. */
export interface OpenOptions extends Identity {
  /** Around the handlers. */
  readonly use?: RouterOptions['use']
  /** Around the client's calls. */
  readonly clientUse?: readonly ClientMiddleware[]
  /** Of both sides. */
  readonly limits?: LimitOptions
  /** Default: one that keeps what it is told, as `log` of what is opened. */
  readonly log?: Logger
  readonly authorize?: RouterOptions['authorize']
}

/** Services that a case has opened. */
export interface Opened {
  /** As the place gave it. */
  readonly connection: Connection
  /** The same, but a call that nobody waits for any more, because the case has failed, is no unhandled rejection. */
  readonly wire: Connection
  /** Of `Lab`, through `wire`. */
  readonly client: ClientOf<typeof Lab>
  /** Of `Feed`, likewise. */
  readonly feed: ClientOf<typeof Feed>
  readonly clock: HandClock
  readonly log: RecordingLog
  readonly router: Router
  /** What the handlers' side has counted; where it cannot be asked, what the client's side has. */
  counts(): HandlerStats
  /** Closes the handlers' side. */
  closeServer: OpenedPlace['close']
}

export class Trial {
  readonly #place: ConformancePlace
  readonly #opened: { readonly clock: HandClock; readonly place: OpenedPlace }[] = []
  #waitsFor = 'a call, or a handler'
  #isOver = false
  #isGivenUp = false

  constructor(place: ConformancePlace) {
    this.#place = place
  }

  /** Opens services here, until the case is over. */
  async open(services: Service | readonly Service[], options: OpenOptions = {}): Promise<Opened> {
    const { clientUse = [], limits = {}, use = [], authorize } = options
    const clock = new HandClock()
    const log = new RecordingLog()
    const list = Array.isArray(services) ? (services as readonly Service[]) : [services as Service] // isArray knows no readonly lists
    const served = router(list, { use, limits, log: options.log ?? log, authorize })
    const place = await openIn(this.#place, served, settingOf(options, { clock, use: clientUse, limits }))
    this.#opened.push({ clock, place })
    const { connection } = place
    const wire = quietConnection(connection)
    return {
      connection,
      wire,
      client: wire.client(Lab),
      feed: wire.client(Feed),
      clock,
      log,
      router: served,
      counts: () => place.stats?.() ?? connection.stats(),
      closeServer: place.close,
    }
  }

  /** Resolves in the first turn in which `condition` holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    this.#waitsFor = what
    while (!condition()) {
      if (this.#isOver) throw new Mismatch('the case', `${what}, in time`, 'its end')
      await nextTurn()
    }
  }

  /** Lets what is on its way arrive, as far as one can without knowing the place. */
  async turns(count = 1): Promise<void> {
    for (let turn = 0; turn < count; turn++) await nextTurn()
  }

  /** What it waits for, for somebody who waited too long. */
  describe(): string {
    const sides = this.#opened.map(({ place: { connection } }) => {
      const { inFlight, waiting, calls } = connection.stats()
      return `${inFlight} calls in flight, ${waiting} waiting, ended ${JSON.stringify(calls)}`
    })
    return [`last it waited for ${this.#waitsFor}`, ...sides].join('; ')
  }

  /** Closes both sides, and lets the time pass that handlers which never end would take. */
  async close(): Promise<void> {
    this.#isOver = true
    const closing = this.#opened.flatMap(({ place }) => [
      place.connection.close({ drainMs: 0 }),
      ...(place.close ? [place.close({ drainMs: 0 })] : []),
    ])
    const clocks = this.#opened.map(({ clock }) => clock)
    await passing(clocks, Promise.all(closing), () => this.#isGivenUp)
  }

  /** Nothing is to be waited for any more. */
  giveUp(): void {
    this.#isGivenUp = true
  }
}

function quietConnection(connection: Connection): Connection {
  return new Proxy(connection, {
    get(target, name) {
      if (name === 'client')
        return <C extends AnyContract>(contract: C) => quietClient(contract, target.client(contract))
      if (name === 'ready') return () => quiet(target.ready())
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** What is answered with items is quiet by itself. */
function quietClient<C extends AnyContract>(contract: C, client: ClientOf<C>): ClientOf<C> {
  const methods = Object.entries<unknown>(client).map(([name, method]) => {
    const { output } = (contract.methods as Readonly<Record<string, MethodRef>>)[name] as MethodRef // a client has what its contract has
    return [name, output ? method : quietMethod(method as CallClient<Method>)] // it has one answer, or none
  })
  return Object.fromEntries(methods)
}

function quietMethod(method: CallClient<Method>): CallClient<Method> {
  return Object.assign((...args: Parameters<typeof method>) => quiet(method(...args)), {
    try: (...args: Parameters<typeof method.try>) => quiet(method.try(...args)),
  })
}
