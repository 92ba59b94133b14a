/**
 * The start and stop of services (spec/app.md). Invariant: however many places run a service in a process, it is started by the
 * first and stopped by the last, and never both at a time.
 */
import { NanowireError } from '../errors.ts'
import { type Limits, limitMessage } from '../limits.ts'
import { type Clock, perClock } from '../session/index.ts'
import { childLog, type Logger } from './log.ts'
import type { Service, StartContext } from './service.ts'

/** Where a service runs, as far as its start and stop need it. */
export interface LifecyclePlace {
  readonly clock: Clock
  readonly limits: Limits
  readonly log: Logger
  /** Clients of what the service uses. */
  readonly uses: object
}

/** What a place that starts a service tells of itself. */
export interface StartSignals {
  /** Nobody wants the start any more. */
  readonly closed: AbortSignal
  /** Nobody waits for it any more either. */
  readonly left: AbortSignal
}

const PEER = 'memory'

class Lifecycle {
  readonly #service: Service
  /** Places that run the service. */
  #holders = 0
  /** Starts and stops take turns. */
  #turn: Promise<unknown> = Promise.resolve()
  /** A start that nobody waits for any more, and that has not ended. */
  #late: Promise<void> | undefined

  constructor(service: Service) {
    this.#service = service
  }

  acquire(place: LifecyclePlace, signals: StartSignals): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#holders === 0) await this.#start(place, signals)
      this.#holders++
    })
  }

  release(place: LifecyclePlace): Promise<void> {
    return this.#inTurn(async () => {
      this.#holders--
      if (this.#holders === 0) await this.#stop(place)
    })
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step)
    this.#turn = done.catch(() => {})
    return done
  }

  async #start(place: LifecyclePlace, { closed, left }: StartSignals): Promise<void> {
    const { contract, options } = this.#service
    const controller = new AbortController()
    const abort = (): void => controller.abort(closed.reason)
    if (closed.aborted) abort()
    else closed.addEventListener('abort', abort, { once: true })
    const run = (this.#late ?? Promise.resolve()).then(() => {
      controller.signal.throwIfAborted() // an earlier start has held it up until nobody waited any more
      return options.start?.(this.#contextOf(place, controller.signal))
    })
    try {
      const late = await bounded(run, place, `the start of the service ${contract.name} takes too long`, left)
      if (!late) return
      controller.abort(late)
      this.#stopLater(run, place)
      throw late
    } catch (cause) {
      if (cause instanceof NanowireError && controller.signal.reason === cause) throw cause
      const message = `the service ${contract.name} did not start: ${describe(cause)}`
      throw new NanowireError('unavailable', message, { processed: 'no', cause })
    } finally {
      closed.removeEventListener('abort', abort)
    }
  }

  /** What starts after all has to be stopped. */
  #stopLater(run: Promise<unknown>, place: LifecyclePlace): void {
    const late: Promise<void> = run
      .then(
        () => this.#stop(place),
        () => {},
      )
      .then(() => {
        if (this.#late === late) this.#late = undefined
      })
    this.#late = late
  }

  /** Never rejects. */
  async #stop(place: LifecyclePlace): Promise<void> {
    const { contract, options } = this.#service
    const controller = new AbortController()
    const context = this.#contextOf(place, controller.signal)
    try {
      const run = Promise.resolve().then(() => options.stop?.(context))
      const late = await bounded(run, place, `the stop of the service ${contract.name} takes too long`)
      if (!late) return
      run.catch(() => {}) // it was waited for long enough
      controller.abort(late)
      throw late
    } catch (error) {
      place.log.error({ service: contract.name, err: error }, 'a service did not stop as it should')
    }
  }

  #contextOf({ log, uses }: LifecyclePlace, signal: AbortSignal): StartContext<never> {
    const { name } = this.#service.contract
    return { uses: uses as never, signal, log: childLog(log, { service: name }) } // the types of the clients are the author's
  }
}

/**
 * Waits for `run`, at most `startTimeoutMs`; resolves to the error of one that takes longer.
 * @param left aborted when nobody waits any more: the process need not stay for the rest of the time
 */
async function bounded(
  run: Promise<unknown>,
  { clock, limits }: LifecyclePlace,
  what: string,
  left?: AbortSignal,
): Promise<NanowireError | undefined> {
  const until = clock.now() + limits.startTimeoutMs
  let cancelTimer = (): void => {}
  let letGo = (): void => {}
  const late = new Promise<NanowireError>((resolve) => {
    const message = limitMessage('startTimeoutMs', limits, what, PEER)
    const tell = (): void => resolve(new NanowireError('unavailable', message, { processed: 'no' }))
    cancelTimer = clock.after(limits.startTimeoutMs, tell, !left?.aborted)
    letGo = () => {
      cancelTimer()
      cancelTimer = clock.after(Math.max(0, Math.ceil(until - clock.now())), tell)
    }
  })
  left?.addEventListener('abort', letGo)
  try {
    return await Promise.race([run.then(() => undefined), late])
  } finally {
    left?.removeEventListener('abort', letGo)
    cancelTimer()
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : `it threw a ${typeof cause}, not an Error`
}

/** A clock stands for its process: one that crashes in the simulator has never stopped its services, and the next one starts them. */
const lifecyclesOf = perClock(() => new WeakMap<Service, Lifecycle>())

function lifecycleOf(service: Service, { clock }: LifecyclePlace): Lifecycle {
  const lifecycles = lifecyclesOf(clock)
  const known = lifecycles.get(service)
  if (known) return known
  const lifecycle = new Lifecycle(service)
  lifecycles.set(service, lifecycle)
  return lifecycle
}

export function hasLifecycle({ options }: Service): boolean {
  return options.start !== undefined || options.stop !== undefined
}

/**
 * Starts a service unless it runs already.
 * @throws NanowireError `unavailable`, with what `start` threw as its cause
 */
export function acquire(service: Service, place: LifecyclePlace, signals: StartSignals): Promise<void> {
  return lifecycleOf(service, place).acquire(place, signals)
}

/** Stops a service unless another place runs it. Never rejects: a `stop` that throws is logged. */
export function release(service: Service, place: LifecyclePlace): Promise<void> {
  return lifecycleOf(service, place).release(place)
}
