/**
 * One end of one connection: what may happen, and when (spec/session.md). The same machine serves both ends; a client
 * makes calls, a server takes them. Clock, chance and link come from outside. Invariants: each call ends exactly once;
 * a handler runs at most once for each request; a finished call leaves no state.
 */
import { NanowireError, type StatusCode } from '../errors.ts'
import { type LimitName, limitMessage } from '../limits.ts'
import {
  type Body,
  type Credentials,
  copyBytes,
  type FrameDecoder,
  flags,
  type Hello,
  type InPlace,
  kinds,
  ProtocolError,
  packCredentials,
  readCredentials,
  readError,
  readHello,
  readIncrement,
  readPriority,
  uint32At,
  type WireError,
} from '../wire/index.ts'
import { Callee } from './callee.ts'
import { Caller } from './caller.ts'
import { brokenBy, closedHere, codeFor, cut, goingAway, refusedBy, silent } from './causes.ts'
import type { Clock } from './clock.ts'
import type { Effects, OutgoingCall } from './effects.ts'
import { Farewell } from './farewell.ts'
import { LazyFlows } from './flows.ts'
import { Handshake, type HandshakeSession } from './handshake.ts'
import type { IncomingCall } from './incoming.ts'
import { updateReading } from './intake.ts'
import { Keepalive } from './keepalive.ts'
import type { LinkListener } from './link.ts'
import type { Role, SessionCounters, SessionOptions } from './options.ts'
import { isConnectionError, requireOrder } from './order.ts'
import type { ProgressEffects } from './progress.ts'
import { FrameSender } from './sender.ts'
import { ADMITTING, CLOSED, OPEN, OPENING, requireStep, type State, type Step } from './state.ts'

/** What the PING says that follows the announcement of a drain. */
const DRAIN_PING = new TextEncoder().encode('draining')

export class Session implements LinkListener, ProgressEffects, HandshakeSession {
  readonly #role: Role
  readonly #clock: Clock
  readonly #effects: Effects
  readonly #sender: FrameSender
  readonly #flows: LazyFlows
  /** A client's. */
  readonly #caller: Caller | undefined
  /** A server's, made with the first request: most connections are quiet. */
  #callee: Callee | undefined
  readonly #keepalive: Keepalive
  /** Until the session is open; of a server that asks for credentials, as long as it may be told new ones. */
  #handshake: Handshake | undefined
  #state: State = OPENING
  #framesReceived = 0
  /** A client's link keeps the process alive until its session is open. */
  #keepsProcess = true

  constructor(options: SessionOptions) {
    const { role, link, clock, limits, effects, firstId = 1 } = options
    this.#role = role
    this.#clock = clock
    this.#effects = effects
    this.#sender = new FrameSender(link, limits, effects)
    this.#flows = new LazyFlows(this.#sender, clock)
    this.#caller = role === 'client' ? new Caller(this.#sender, this.#flows, clock, firstId) : undefined
    this.#keepalive = new Keepalive(clock, this.#sender, this)
    this.#handshake = new Handshake(options, this.#sender, this)
  }

  /** The state's name, for statistics and tests. */
  get state(): State['name'] {
    return this.#state.name
  }

  get counters(): SessionCounters {
    return {
      framesReceived: this.#framesReceived,
      framesSent: this.#sender.framesSent,
      lateReplies: this.#caller?.lateReplies ?? 0,
      unknownIds: (this.#caller?.unknownIds ?? 0) + (this.#callee?.unknownIds ?? 0),
    }
  }

  /** Calls of the peer whose handlers have not ended, and own calls that the peer has not ended. */
  get inFlight(): number {
    return (this.#callee?.inFlight ?? 0) + (this.#caller?.inFlight ?? 0)
  }

  /** Own calls that wait for a place. */
  get waiting(): number {
    return this.#caller?.waiting ?? 0
  }

  /** Whether new calls may be made here. */
  get takesCalls(): boolean {
    return this.#state.name === 'opening' || this.#state.name === 'open'
  }

  /** Sends a call, or lets it wait for its turn. It ends through its own methods, perhaps before this returns. */
  start(call: OutgoingCall): void {
    if (this.takesCalls && this.#caller) this.#caller.start(call)
    else call.lost(goingAway(this.#peer))
    this.#updateKeepsProcess()
  }

  /**
   * Sends a call whose request is written where it leaves: the contracts are known to be the same, or were judged.
   * @param timeoutMs what the peer is told, 0 for no deadline
   * @returns whether it did; nothing has happened otherwise, and `start` is to be asked
   */
  startInPlace(call: OutgoingCall & InPlace, timeoutMs: number): boolean {
    if (this.#state.name !== 'open' || this.#caller?.startInPlace(call, timeoutMs) !== true) return false
    if (this.#isOver)
      this.#loseCalls() // a getter of the request has closed the connection
    else this.#updateKeepsProcess()
    return true
  }

  /**
   * The caller has gone away: the peer is told if it has the request, and what it still answers is let be.
   * @param tells `false` for a deadline, which the peer was told beforehand
   */
  abandon(call: OutgoingCall, tells = true): void {
    if (this.#isOver) return
    this.#caller?.abandon(call, tells)
    this.#callEnded()
  }

  /** A client says anew who it is, once the server's HELLO is there. */
  renewCredentials(credentials: Credentials): void {
    if (!this.#isOver) this.#sender.frame(kinds.AUTH, 0, packCredentials(credentials))
  }

  /** Answers a call with a reply that is written where it leaves. Returns whether it did; nothing has happened otherwise. */
  respondInPlace(call: IncomingCall, metadata: Uint8Array | undefined, reply: InPlace): boolean {
    if (call.oneWay || this.#isOver || this.#callee?.answers.respondInPlace(call, metadata, reply) !== true)
      return false
    this.#handlerEnded()
    return true
  }

  /** Answers a call, whose handler has ended. Returns what the call ended with. */
  respond(call: IncomingCall, metadata: Uint8Array | undefined, body: Body): 'ok' | 'resource_exhausted' {
    let code: 'ok' | 'resource_exhausted' = 'ok'
    if (call.oneWay || this.#isOver) this.#callee?.answers.forget(call)
    else code = this.#callee?.answers.respond(call, metadata, body) ?? code
    this.#handlerEnded()
    return code
  }

  /** Ends a call that is answered by a stream, behind its last item; its handler has ended. */
  endStream(call: IncomingCall, metadata: Uint8Array | undefined): void {
    if (this.#isOver) this.#callee?.answers.forget(call)
    else this.#callee?.answers.end(call, metadata)
    this.#handlerEnded()
  }

  /** Answers a call with an error; its handler has ended, or never began. */
  refuse(call: IncomingCall, error: WireError): void {
    if (call.oneWay || this.#isOver) this.#callee?.answers.forget(call)
    else this.#callee?.answers.refuse(call, error)
    this.#handlerEnded()
  }

  /**
   * Takes no new calls, lets those in flight end, then closes. After `drainMs` what is left is cut off. A server first
   * says so, and settles the last id only when the client has shown that it knows, so that no request is lost between.
   */
  drain(drainMs: number, reason: string): void {
    const state = this.#state
    if (state.name === 'opening' || state.name === 'admitting') this.end()
    if (state.name !== 'open' && !(state.name === 'draining' && state.by === 'peer')) return
    const cancelTimer = this.#clock.after(drainMs, () => this.#drainTimeUp(), true)
    const step = this.#role === 'server' ? 'announced' : 'final'
    this.#become('drainBegun', { name: 'draining', by: 'self', step, cancelTimer })
    if (state.name === 'open') this.#effects.draining()
    if (this.#role === 'server') {
      this.#sender.goaway(false, 0, reason)
      this.#sender.frame(kinds.PING, 0, DRAIN_PING)
    }
    this.#caller?.loseWaiting(closedHere(this.#peer))
    this.#endIfDrained()
  }

  /** Closes now: calls in flight are lost, handlers are cancelled. */
  end(cause?: NanowireError): void {
    if (!this.#isOver) this.#close('ended', cause)
  }

  /** A server that has no room says so, and closes. */
  turnAway(limit: LimitName, message: string): void {
    this.#effects.limitFired(limit, message)
    this.refuseConnection(new ProtocolError('limit', message))
  }

  // What the link tells.

  bytesReceived(): void {
    this.#keepalive.bytesRead()
  }

  frameReceived(frame: FrameDecoder): void {
    if (this.#isOver) return
    this.#framesReceived++
    try {
      this.#dispatch(frame)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#violated(error)
    }
    this.#obeyLimits()
  }

  streamBroken(error: ProtocolError): void {
    if (!this.#isOver) this.#violated(error)
  }

  linkDrained(): void {
    this.#obeyLimits()
    if (this.#isOver) return
    this.#sender.sendOwedPongs()
    this.#flows.made?.pump()
    this.#callEnded()
  }

  linkClosed(error: Error | undefined): void {
    const state = this.#state
    if (state.name === 'closed') return
    const cause = state.name === 'closing' ? state.cause : this.#causeOfCut(error)
    if ('cancelTimer' in state) state.cancelTimer()
    this.#stopWatching()
    this.#become('linkClosed', CLOSED)
    this.#loseCalls(cause)
    this.#effects.closed(cause)
  }

  // What its own parts tell.

  peerSilent(what: string): void {
    const message = limitMessage('idleTimeoutMs', this.#sender.limits, what, this.#peer)
    this.#effects.limitFired('idleTimeoutMs', message)
    this.#close('ended', silent(message))
    this.#sender.link.destroy()
  }

  /** A client waits for ever, for this and for acknowledgements: its server may have stopped reading (session.md, S9, S17). */
  bulkCome(): number | undefined {
    if (this.#role === 'client') return undefined
    const messages = this.#callee?.messages
    const flows = this.#flows.made
    if (!messages?.wanted.length && !flows?.unfinished.length) return undefined
    return (messages?.fragments ?? 0) + (flows?.bulkCome ?? 0)
  }

  bulkAcknowledged(): number | undefined {
    return this.#role === 'server' ? this.#flows.made?.awaited : undefined
  }

  messagesStalled(ms: number): void {
    const what = `nothing more came of a message for ${Math.round(ms)} ms`
    const message = limitMessage('idleTimeoutMs', this.#sender.limits, what, this.#peer)
    this.#effects.limitFired('idleTimeoutMs', message)
    const error = new NanowireError('deadline_exceeded', message, { processed: 'yes' })
    for (const inflow of this.#flows.made?.unfinished ?? []) inflow.giveUp(error)
    this.#callee?.giveUpUnfinished(message)
    this.#endIfDrained()
  }

  admitting(): void {
    this.#become('credentialsReceived', ADMITTING)
  }

  admitted(step: 'helloReceived' | 'admitted', peer: Hello): void {
    this.#become(step, OPEN)
    if (this.#handshake?.isOver) this.#handshake = undefined
    this.#keepalive.start()
    this.#effects.opened(peer)
  }

  judgingChanged(): void {
    this.#obeyLimits()
  }

  refuseConnection(error: ProtocolError, code: StatusCode = codeFor(error)): void {
    const { message, rule } = error
    const lastId = this.#role === 'server' ? (this.#callee?.lastId ?? 0) : undefined
    this.#sender.error(0, { code, message, rule, lastId })
    this.#close('violated', brokenBy(this.#peer, error))
  }

  // Frames.

  #dispatch(frame: FrameDecoder): void {
    const { kind, id, buffer, start, end } = frame
    const role = this.#role
    requireOrder(frame, role, this.#state.name)
    if (kind === kinds.REQUEST) this.#takingCalls().requestReceived(frame)
    else if (kind === kinds.RESPONSE) this.#caller?.responseReceived(frame)
    else if (kind === kinds.DATA) this.#flows.all.dataReceived(frame, this.#half)
    else if (kind === kinds.CREDIT) this.#flows.all.creditReceived(id, readIncrement(buffer, start), this.#half)
    else if (kind === kinds.END) this.#half.endReceived(frame)
    else if (kind === kinds.HELLO)
      this.#helloReceived(readHello(buffer, start, end, role === 'client' ? 'server' : 'client'))
    else if (kind === kinds.AUTH) this.#authReceived(readCredentials(buffer, start, end))
    else if (kind === kinds.CANCEL) this.#takingCalls().cancelReceived(id)
    else if (kind === kinds.PRIORITY) this.#takingCalls().priorityReceived(id, readPriority(buffer, start))
    else if (isConnectionError(frame)) this.#connectionRefused(readError(buffer, start, end, this.#sender.limits))
    else if (kind === kinds.ERROR) this.#half.errorReceived(frame)
    else if (kind === kinds.PING) this.#sender.pong(copyBytes(buffer, start, end))
    else if (kind === kinds.PONG) this.#pongReceived(buffer, start)
    else if (kind === kinds.GOAWAY) this.#goawayReceived((frame.flags & flags.FINAL) !== 0, uint32At(buffer, start))
    if (role === 'client') this.#callEnded()
    else this.#endIfDrained()
  }

  get #half(): Caller | Callee {
    return this.#caller ?? this.#takingCalls()
  }

  /** The half that only a server has. */
  #takingCalls(): Callee {
    this.#callee ??= new Callee(this.#sender, this.#flows, this.#clock, this.#effects)
    return this.#callee
  }

  #helloReceived(peer: Hello): void {
    if (this.#state.name !== 'opening') throw new ProtocolError('second_hello', 'a second HELLO')
    this.#handshake?.helloReceived(peer)
  }

  /** Where nobody asks for credentials they are let be. */
  #authReceived(credentials: Credentials): void {
    this.#handshake?.authReceived(credentials)
  }

  #pongReceived(buffer: Uint8Array, start: number): void {
    const state = this.#state
    const isDrainPong = DRAIN_PING.every((byte, index) => buffer[start + index] === byte)
    if (!isDrainPong || state.name !== 'draining' || state.step !== 'announced') return
    this.#become('drainSettled', { ...state, step: 'final' })
    this.#sender.goaway(true, this.#takingCalls().settle(), 'no requests after this one run')
    this.#endIfDrained()
  }

  #goawayReceived(final: boolean, lastId: number): void {
    const state = this.#state
    if (state.name === 'open') {
      this.#become('goawayReceived', {
        name: 'draining',
        by: 'peer',
        step: 'announced',
        cancelTimer() {},
      })
      this.#effects.draining()
      this.#caller?.loseWaiting(goingAway(this.#peer))
    }
    if (final) this.#caller?.loseAfter(lastId, goingAway(this.#peer))
  }

  /** The peer says by which rule it ends the connection, and after which id it has run nothing. */
  #connectionRefused(error: WireError): void {
    const cause = refusedBy(this.#peer, error, this.#state.name === 'opening')
    if (error.lastId !== undefined) this.#caller?.loseAfter(error.lastId, cause)
    this.#close('ended', cause)
  }

  #violated(error: ProtocolError): void {
    this.#effects.peerViolated(error.rule, error.message)
    if (error.limit) this.#effects.limitFired(error.limit, `${error.message} (peer ${this.#peer})`)
    this.refuseConnection(error)
  }

  /** None where a client left as it was told to, with nothing in flight. */
  #causeOfCut(error: Error | undefined): NanowireError | undefined {
    const wasDone = this.#state.name === 'draining' && this.#isIdle
    return wasDone && !error ? undefined : cut(this.#peer, error)
  }

  // The end.

  #close(step: 'lastCallEnded' | 'violated' | 'ended', cause: NanowireError | undefined): void {
    const { limits, link } = this.#sender
    const before = this.#state
    const isDrained = step === 'lastCallEnded' // nothing hurries it but the end of its drain
    const cancelBefore = 'cancelTimer' in before ? before.cancelTimer : () => {}
    const farewell = new Farewell(link, this.#clock, limits)
    const cancelTimer = (): void => {
      cancelBefore()
      farewell.over()
    }
    this.#become(step, { name: 'closing', cause, cancelTimer })
    if (!isDrained) cancelBefore()
    this.#stopWatching()
    farewell.say(isDrained) // before calls are judged: what was written goes out, and may run
    this.#loseCalls(cause)
  }

  /** What is left is cut off. */
  #drainTimeUp(): void {
    if (this.#isOver) this.#sender.link.destroy()
    else this.end()
  }

  #loseCalls(cause: NanowireError = closedHere(this.#peer)): void {
    this.#flows.made?.over()
    this.#caller?.loseAll(cause)
    this.#callee?.cancelAll()
    this.#updateKeepsProcess()
  }

  #stopWatching(): void {
    this.#keepalive.stop()
    this.#handshake?.stop()
  }

  #handlerEnded(): void {
    this.#obeyLimits()
    this.#endIfDrained()
  }

  #callEnded(): void {
    if (this.takesCalls) this.#caller?.pump()
    this.#updateKeepsProcess()
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    const state = this.#state
    if (state.name !== 'draining' || !this.#isIdle) return
    if (this.#role === 'client' || state.step === 'final') this.#close('lastCallEnded', undefined)
  }

  #obeyLimits(): void {
    if (this.#role !== 'server' || this.#isOver) return
    const hasRoom = this.#callee?.isFullOfNotifies !== true && this.#handshake?.isJudging !== true
    updateReading(this.#sender.link, this.#keepalive, hasRoom)
  }

  /** No handler runs, nothing is half there, and nobody waits for anything. */
  get #isIdle(): boolean {
    return this.#callee?.isIdle !== false && this.#caller?.isIdle !== false
  }

  get #isOver(): boolean {
    return this.#state.name === 'closing' || this.#state.name === 'closed'
  }

  get #peer(): string {
    return this.#sender.link.peer
  }

  /** A client's connection keeps the process alive only while somebody waits for a reply. */
  #updateKeepsProcess(): void {
    const keeps = this.#state.name === 'opening' || this.#caller?.isIdle === false
    if (this.#isOver || keeps === this.#keepsProcess || this.#role === 'server') return
    this.#keepsProcess = keeps
    this.#sender.link.keepProcess(keeps)
  }

  /** The only place where the state changes. */
  #become(step: Step, to: State): void {
    requireStep(step, this.#state, to)
    this.#state = to
  }
}
