/**
 * The load of one client: operations in a fixed mix and order, at a rate or as fast as they go, and faults among them.
 * Latency counts from when a call was due, by a tick of a millisecond, so that a pause counts for all that it delays.
 * Invariant: each operation is entered into the tally once when it is made and once when it has ended.
 */
import { createHistogram } from 'node:perf_hooks'
import { NanowireError } from 'nanowire'
import { type Doing, leaveEarly, operations, type SoakClient } from './operations.ts'
import type { Kind } from './service.ts'
import { newTally, type Tally, tell } from './tally.ts'

/** Of a thousand operations. */
const MIX: Readonly<Record<Step, number>> = {
  small: 800,
  record: 90,
  blob: 20,
  note: 30,
  count: 20,
  gather: 10,
  mirror: 10,
  news: 9,
  thrown: 3,
  deadline: 3,
  cancelled: 3,
  left: 2,
}
type Step = Exclude<Kind, 'fail' | 'hang'> | 'thrown' | 'deadline' | 'cancelled' | 'left'

const FAULTY_KINDS: Readonly<Partial<Record<Step, Kind>>> = {
  thrown: 'fail',
  deadline: 'hang',
  cancelled: 'hang',
  left: 'count',
}
const HANG_MS = 20
/** Each step once. */
const WARM_OPERATIONS = 1_000
/** Of all others: only a call that is lost is so late. */
const TIMEOUT_MS = 60_000
/** So many operations at once are enough: what is due beyond that is left out, and counted. */
const MOST_AT_ONCE = 1_024
const TICK_MS = 1
/** For so long after a cut a call may still be given to the connection that was cut. */
const CUT_SHOWS_MS = 1_000

/** The thousand steps, in an order that looks like none. */
function stepsOf(mix: Readonly<Record<Step, number>>): Step[] {
  const steps = Object.entries(mix).flatMap(([step, times]) => Array<Step>(times).fill(step as Step)) // its own keys
  return steps.map((_, at) => steps[(at * 617) % steps.length] ?? 'small') // 617 and 1,000 have no common factor
}

export interface LoadOptions {
  readonly client: SoakClient
  /** Which client this is. */
  readonly number: number
  /** Breaks the connection there is. */
  readonly cut: () => void
}

export interface Latencies {
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}

export class Load {
  readonly tally: Tally = newTally()
  /** Calls of which their caller was told that they did not run, and that were not looked for yet. */
  notRun: number[] = []
  readonly #options: LoadOptions
  readonly #steps = stepsOf(MIX)
  readonly #histogram = createHistogram()
  #nonce = 0
  #inFlight = 0
  #lastCutAt = Number.NEGATIVE_INFINITY
  /** When notes of late were accepted. */
  #notesAt: number[] = []
  #stopped: (() => void) | undefined
  #isRunning = false
  #hasFaults = false

  constructor(options: LoadOptions) {
    this.#options = options
  }

  /** As fast as it goes with so many in flight, for so long and until all is warm, without faults. Returns operations a second. */
  async measure(inFlight: number, seconds: number): Promise<number> {
    const started = performance.now()
    const end = started + 1_000 * seconds
    const before = this.#nonce
    const worker = async () => {
      for (let now = started; now < end || this.#nonce - before < WARM_OPERATIONS; now = performance.now())
        await this.#do(this.#nextStep(), now)
    }
    await Promise.all(Array.from({ length: inFlight }, worker))
    return (1_000 * (this.#nonce - before)) / (performance.now() - started)
  }

  /** Until `stop`; a cut each `cutMs`. */
  start(perSecond: number, cutMs: number): void {
    this.#isRunning = true
    this.#hasFaults = true
    let tickAt = performance.now()
    let cutAt = tickAt + cutMs
    let due = 0
    const tick = () => {
      if (!this.#isRunning) return
      for (const now = performance.now(); tickAt <= now; tickAt += TICK_MS) {
        due += (perSecond * TICK_MS) / 1_000
        for (; due >= 1; due--) {
          if (this.#inFlight < MOST_AT_ONCE) void this.#do(this.#nextStep(), tickAt)
          else this.tally.leftOut++
        }
        if (tickAt >= cutAt) {
          cutAt += cutMs
          this.#cut()
        }
      }
      setTimeout(tick, TICK_MS)
    }
    tick()
  }

  /** Resolves when all that was begun has ended. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#hasFaults = false
    if (this.#inFlight === 0) return
    await new Promise<void>((resolve) => {
      this.#stopped = resolve
    })
  }

  /** Of the small calls since it was last asked. */
  takeLatencies(): Latencies {
    const [p50Us = 0, p99Us = 0, p999Us = 0] = [50, 99, 99.9].map((share) => this.#histogram.percentile(share) / 1_000)
    this.#histogram.reset()
    return { p50Us, p99Us, p999Us }
  }

  #nextStep(): Step {
    const step = this.#steps[this.#nonce % this.#steps.length] ?? 'small'
    return !this.#hasFaults && FAULTY_KINDS[step] ? 'small' : step
  }

  #cut(): void {
    this.#lastCutAt = performance.now()
    this.tally.faults.cut++
    this.tally.notesAtRisk += this.#notesAt.length
    this.#notesAt = []
    this.#options.cut()
  }

  async #do(step: Step, dueAt: number): Promise<void> {
    const kind = FAULTY_KINDS[step] ?? (step as Kind) // the others are kinds
    const nonce = ++this.#nonce
    const { tally } = this
    tally.made[kind]++
    this.#inFlight++
    const startedAt = performance.now()
    try {
      await this.#run(step, kind, nonce)
      tally.ok[kind]++
      if (step === 'small') this.#histogram.record(Math.max(1, Math.round(1e6 * (performance.now() - dueAt))))
      if (step === 'note') this.#noteAccepted()
    } catch (error) {
      this.#failed(step, kind, nonce, startedAt, error)
    }
    this.#inFlight--
    if (this.#inFlight === 0) this.#stopped?.()
  }

  async #run(step: Step, kind: Kind, nonce: number): Promise<void> {
    const { client, number } = this.#options
    const doing = (options: Doing['options']): Doing => ({ client, number, nonce, options })
    if (step === 'left') {
      this.tally.faults.left++
      await leaveEarly(doing({ timeoutMs: TIMEOUT_MS }))
    } else if (step === 'deadline') await operations.hang(doing({ timeoutMs: HANG_MS }))
    else if (step === 'cancelled') {
      const abort = new AbortController()
      setTimeout(() => abort.abort(), HANG_MS)
      await operations.hang(doing({ signal: abort.signal }))
    } else await operations[kind](doing({ timeoutMs: TIMEOUT_MS }))
    // At the deadline the server tells its handler, whose answer may still be in time.
    if (step === 'deadline') this.tally.faults.deadline++
    else if (kind === 'hang' || kind === 'fail') tell(this.tally.wrong, `a ${kind} was answered`)
  }

  #noteAccepted(): void {
    const now = performance.now()
    this.#notesAt.push(now)
    const [oldest = now] = this.#notesAt
    if (now - oldest > 2 * CUT_SHOWS_MS) this.#notesAt = this.#notesAt.filter((at) => now - at < CUT_SHOWS_MS)
  }

  #failed(step: Step, kind: Kind, nonce: number, startedAt: number, error: unknown): void {
    const { tally } = this
    if (!(error instanceof NanowireError)) {
      tally.maybe[kind]++
      tell(tally.wrong, error instanceof Error ? error.message : String(error))
      return
    }
    tally[error.processed][kind]++
    tell(tally.codes, error.code)
    if (error.processed === 'no') this.notRun.push(nonce)
    if (error.code === 'unavailable' && this.#lastCutAt > startedAt - CUT_SHOWS_MS) return
    if (step === 'thrown' && error.processed === 'yes' && (error.code === 'internal' || error.code === 'Refused'))
      tally.faults.thrown++
    else if (step === 'deadline' && error.code === 'deadline_exceeded') tally.faults.deadline++
    else if (step === 'cancelled' && error.code === 'cancelled') tally.faults.cancelled++
    else tell(tally.wrong, `a ${step} ended with ${error.code}, processed ${error.processed}: ${error.message}`)
  }
}
