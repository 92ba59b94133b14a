/**
 * Whether what was sent must have been heard by now: a handler that its caller has gone away, a caller that its handler has ended
 * (spec/testing.md). Invariant: it only ever judges, and where it cannot know, it finds nothing wrong.
 */
import type { SimulatedConnection } from './connection.ts'
import type { CallRecord, HandlerRecord, LedgerOptions } from './records.ts'

/** A reply of so many bytes fits into one frame, and waits for nothing. */
const SHORT_BYTES = 16_000

/** A deadline that is not short for a network of this kind. */
const LONG_MS = 5_000

/** What a call ends with in the ledger when its caller has left its stream, and may have been told no end of it. */
export const LEFT = 'left'

/** Ends that a client has made itself, and tells its server of by a CANCEL. */
const TOLD: ReadonlySet<string> = new Set(['cancelled', LEFT, 'invalid_argument', 'resource_exhausted', 'internal'])

export interface HearingOptions {
  readonly options: LedgerOptions
  /** Calls whose handlers run. */
  readonly running: ReadonlySet<CallRecord>
  /** Calls that have not ended for their callers. */
  readonly open: ReadonlySet<CallRecord>
  /** A deadline is no later. */
  readonly maxLateMs: number
}

export class Hearing {
  readonly #options: LedgerOptions
  readonly #running: ReadonlySet<CallRecord>
  readonly #open: ReadonlySet<CallRecord>
  readonly #maxLateMs: number

  constructor({ options, running, open, maxLateMs }: HearingOptions) {
    this.#options = options
    this.#running = running
    this.#open = open
    this.#maxLateMs = maxLateMs
  }

  /** What a handler that still runs should know, and does not. */
  findUntold(call: CallRecord): string | undefined {
    const { handler } = call
    const connection = handler && this.#options.network.connectionOf(handler.peer)
    if (!connection || handler.isAborted()) return undefined
    const { isSevered, server, toServer, toClient } = connection
    if (server.isGone) return 'its connection is over, and its handler was not told'
    const hasRead = !isSevered && toServer.isEmpty && toClient.isEmpty && !this.#mayBeDeaf(connection)
    return hasRead && this.#hasLeft(call, handler)
      ? 'its caller has gone away, and its handler was not told'
      : undefined
  }

  /** What a handler was told that ends just now, and should not have been: nobody has gone away, and it has time. */
  findWronglyTold(call: CallRecord, handler: HandlerRecord): string | undefined {
    const { mayHurry, mayRefuse, network, now, policyOf } = this.#options
    const { cancelledAt, deadlineAt, end, input, method, output } = call
    // A subscription ends when anything closes, and a server ends a stream itself that is against a limit, or has a bad item.
    const mayEnd = method.event || mayRefuse || output?.isMisfit === true || policyOf(method) === 'disconnect'
    if (mayEnd || mayHurry() || !handler.isAborted()) return undefined
    const isUnwanted = end !== undefined || cancelledAt !== undefined || now() >= deadlineAt
    if (isUnwanted || input?.givenEnd === 'threw' || input?.isMisfit === true) return undefined
    const connection = network.connectionOf(handler.peer)
    const isOpen = connection && !connection.isSevered && !connection.client.isOver && !connection.server.isOver
    return isOpen ? 'its handler was told to stop, and its caller waits' : undefined
  }

  /** What its caller has waited for in vain, although it has come. */
  findLost(call: CallRecord): string | undefined {
    const { mayLose, mayRefuse, network, now } = this.#options
    const { handler } = call
    if (!handler) {
      const isLong = call.end?.code === 'deadline_exceeded' && call.deadlineAt - call.madeAt >= LONG_MS
      const mayMove = mayLose() || mayRefuse || !network.connections.every((one) => this.#isQuiet(one))
      return isLong && !mayMove ? 'its request was lost, and nothing had happened' : undefined
    }
    const connection = network.connectionOf(handler.peer)
    if (!connection || handler.endedAt === undefined || handler.endedAt >= now()) return undefined
    const { client, isSevered, processes, server, toClient } = connection
    if (processes.client.clock.isBehind || processes.server.clock.isBehind) return undefined
    // What is long, and items, wait for credit, and for others.
    const isShort = !call.output && Number.parseInt(handler.digest ?? '0', 10) <= SHORT_BYTES
    const hasPassed = isShort ? toClient.underwaySince > handler.endedAt : this.#isQuiet(connection)
    const isOpen = !isSevered && !client.isOver && !server.isOver
    const isLost = isOpen && hasPassed && !(call.output && call.askedTrulyAt > handler.endedAt)
    return isLost ? `its handler ended ${now() - handler.endedAt} ms ago, and its reply was lost` : undefined
  }

  /** Nothing is under way, and nothing has come just now that is to be answered. */
  #isQuiet(connection: SimulatedConnection): boolean {
    const { client, server } = connection.processes
    if (this.#mayBeDeaf(connection) || client.clock.isBehind || server.clock.isBehind) return false
    return [connection.toServer, connection.toClient].every(
      (lane) => lane.isEmpty && lane.deliveredAt < this.#options.now(),
    )
  }

  /** Its caller has gone away, and its server should know: told by a CANCEL, or by its own deadline. */
  #hasLeft({ end, madeAt, deadlineAt, process }: CallRecord, handler: HandlerRecord): boolean {
    if (end?.processed === 'maybe' && TOLD.has(end.code)) return process.clock.now() > end.at
    const lateMs = handler.process.clock.now() - handler.beganAt - (deadlineAt - madeAt)
    return end?.code === 'deadline_exceeded' && lateMs > this.#maxLateMs
  }

  /** A server reads no more where no slot is free, and a notify holds one (spec/session.md, S9). */
  #mayBeDeaf({ name, processes }: SimulatedConnection): boolean {
    const here = [...this.#running].filter(({ handler }) => handler?.peer === name)
    if (!here.some(({ method }) => method.definition.kind === 'notify')) return false
    const others = [...this.#open].filter((call) => call.process === processes.client && !this.#running.has(call))
    return here.length + others.length >= this.#options.maxCallsInFlight
  }
}
