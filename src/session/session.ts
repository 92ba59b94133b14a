/**
 * One end of one connection: what may happen, and when (spec/session.md). The same machine serves both ends; a client
 * makes calls, a server takes them. Clock, chance and link come from outside. Invariants: each call ends exactly once;
 * a handler runs at most once for each request; a finished call leaves no state.
 */
import { NanowireError, type StatusCode } from '../errors.ts'
import { type LimitName, type Limits, limitMessage } from '../limits.ts'
import {
  type FrameDecoder,
  flags as flag,
  type Hello,
  kinds,
  PROTOCOL_MAJOR,
  ProtocolError,
  packHello,
  readError,
  readHello,
  u32At,
  type WireError,
} from '../wire/index.ts'
import { Callee } from './callee.ts'
import { Caller } from './caller.ts'
import { type Clock, randomBytes } from './clock.ts'
import type { Effects, OutgoingCall } from './effects.ts'
import type { IncomingCall } from './incoming.ts'
import { Keepalive } from './keepalive.ts'
import type { Link, LinkListener } from './link.ts'
import { FrameSender } from './sender.ts'
import { requireStep, type State, type Step } from './state.ts'

export interface SessionOptions {
  readonly role: 'client' | 'server'
  readonly link: Link
  readonly clock: Clock
  readonly limits: Limits
  readonly effects: Effects
  /** Sixteen bytes, the same for all connections of a process. */
  readonly incarnation: Uint8Array
  /** The first call's id. Default 1; tests begin near the wrap. */
  readonly firstId?: number | undefined
}

/** Numbers that only rise. */
export interface SessionCounters {
  readonly framesReceived: number
  readonly framesSent: number
  /** Replies to calls whose callers had gone away. */
  readonly lateReplies: number
  /** Frames for ids that are not in flight. */
  readonly unknownIds: number
}

/** What the PING says that follows the announcement of a drain. */
const DRAIN_PING = new TextEncoder().encode('draining')

/** The code that calls in flight end with when this rule ends their connection. */
const codeOfRule: Readonly<Record<string, StatusCode>> = {
  not_nanowire: 'unavailable',
  version: 'failed_precondition',
  limit: 'resource_exhausted',
  timeout: 'unavailable',
}

export class Session implements LinkListener {
  readonly #role: 'client' | 'server'
  readonly #link: Link
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #effects: Effects
  readonly #incarnation: Uint8Array
  readonly #sender: FrameSender
  readonly #caller: Caller
  readonly #callee: Callee
  readonly #keepalive: Keepalive
  #state: State
  #framesReceived = 0
  #keepsProcess = false
  #readsRequests = true

  constructor(options: SessionOptions) {
    const { role, link, clock, limits, effects } = options
    this.#role = role
    this.#link = link
    this.#clock = clock
    this.#limits = limits
    this.#effects = effects
    this.#incarnation = options.incarnation
    this.#sender = new FrameSender(link, limits)
    this.#caller = new Caller(this.#sender, clock, options.firstId ?? 1, effects.limitFired)
    this.#callee = new Callee(this.#sender, effects)
    this.#keepalive = new Keepalive(clock, limits, {
      ping: () => this.#sender.frame(kinds.PING, 0, randomBytes(clock, 8)),
      lost: (silentMs) =>
        this.#lose(limitMessage('idleTimeoutMs', limits, `nothing came for ${Math.round(silentMs)} ms`, link.peer)),
    })
    this.#state = { name: 'opening', cancelTimer: clock.after(limits.handshakeTimeoutMs, () => this.#helloMissed()) }
    if (role === 'client') this.#sendHello()
  }

  /** The state's name, for statistics and tests. */
  get state(): State['name'] {
    return this.#state.name
  }

  get counters(): SessionCounters {
    return {
      framesReceived: this.#framesReceived,
      framesSent: this.#sender.framesSent,
      lateReplies: this.#caller.lateReplies,
      unknownIds: this.#caller.unknownIds + this.#callee.unknownIds,
    }
  }

  /** Calls of the peer whose handlers have not ended, and own calls that the peer has not ended. */
  get inFlight(): number {
    return this.#callee.inFlight + this.#caller.inFlight
  }

  /** Own calls that wait for a place. */
  get waiting(): number {
    return this.#caller.waiting
  }

  /** Whether new calls may be made here. */
  get takesCalls(): boolean {
    return this.#state.name === 'opening' || this.#state.name === 'open'
  }

  /** Sends a call, or lets it wait for its turn. It ends through its own methods, perhaps before this returns. */
  start(call: OutgoingCall): void {
    if (this.takesCalls) this.#caller.start(call)
    else
      call.lost(
        new NanowireError('unavailable', `the connection to ${this.#link.peer} takes no new calls`, {
          processed: 'no',
        }),
      )
    this.#updateKeepsProcess()
  }

  /** The caller has gone away: the peer is told if it has the request, and what it still answers is let be. */
  abandon(call: OutgoingCall): void {
    if (!this.#isOver()) this.#caller.abandon(call)
    this.#callEnded()
  }

  /** Answers a call, whose handler has ended. */
  respond(call: IncomingCall, metadata: Uint8Array | undefined, body: Uint8Array): void {
    if (call.oneWay || this.#isOver()) this.#callee.forget(call)
    else this.#callee.respond(call, metadata, body)
    this.#handlerEnded()
  }

  /** Answers a call with an error; its handler has ended, or never began. */
  refuse(call: IncomingCall, error: WireError): void {
    if (call.oneWay || this.#isOver()) this.#callee.forget(call)
    else this.#callee.refuse(call, error)
    this.#handlerEnded()
  }

  /**
   * Takes no new calls, lets those in flight end, then closes. After `drainMs` what is left is cut off. A server first
   * says so, and settles the last id only when the client has shown that it knows, so that no request is lost between.
   */
  drain(drainMs: number, reason: string): void {
    const state = this.#state
    if (state.name === 'opening' && this.#caller.isIdle) this.end()
    if (state.name !== 'open') return
    const cancelTimer = this.#clock.after(drainMs, () => this.end())
    const step = this.#role === 'server' ? 'announced' : 'final'
    this.#become('drainBegun', { name: 'draining', peer: state.peer, by: 'self', step, cancelTimer })
    this.#effects.draining()
    if (this.#role === 'server') {
      this.#sender.goaway(false, 0, reason)
      this.#sender.frame(kinds.PING, 0, DRAIN_PING)
    }
    this.#caller.loseWaiting(this.#closedError())
    this.#endIfDrained()
  }

  /** Closes now: calls in flight are lost, handlers are cancelled. */
  end(cause?: NanowireError): void {
    if (!this.#isOver()) this.#close('ended', cause)
  }

  /** A server that has no room: says so, and closes. */
  turnAway(limit: LimitName, message: string): void {
    this.#effects.limitFired(limit, message)
    this.#refuseConnection(new ProtocolError('limit', message))
  }

  // ---- what the link tells

  bytesReceived(): void {
    this.#keepalive.bytesRead()
  }

  frameReceived(frame: FrameDecoder): void {
    if (this.#isOver()) return
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
    if (!this.#isOver()) this.#violated(error)
  }

  linkDrained(): void {
    this.#obeyLimits()
    if (!this.#isOver()) this.#caller.pump()
  }

  linkClosed(error: Error | undefined): void {
    const state = this.#state
    if (state.name === 'closed') return
    const cause = state.name === 'closing' ? state.cause : this.#lostError(error)
    if (!this.#isOver()) this.#loseCalls(cause ?? this.#closedError())
    if ('cancelTimer' in state) state.cancelTimer()
    this.#keepalive.stop()
    this.#become('linkClosed', { name: 'closed' })
    this.#effects.closed(cause)
  }

  // ---- frames

  #dispatch(frame: FrameDecoder): void {
    const { kind, buffer, start, end } = frame
    if (this.#state.name === 'opening' && kind !== kinds.HELLO && kind !== kinds.ERROR) {
      throw new ProtocolError('frame_order', 'a frame before the HELLO')
    }
    switch (kind) {
      case kinds.HELLO:
        return this.#helloReceived(readHello(buffer, start, end))
      case kinds.REQUEST:
        if (this.#role === 'client') break
        return this.#callee.requestReceived(frame)
      case kinds.CANCEL:
        if (this.#role === 'client') break
        return this.#callee.cancelReceived(frame.id)
      case kinds.RESPONSE:
        if (this.#role === 'server') break
        this.#caller.responseReceived(frame)
        return this.#callEnded()
      case kinds.ERROR:
        if (frame.id === 0) return this.#connectionRefused(readError(buffer, start, end, this.#limits))
        if (this.#role === 'server') break
        this.#caller.errorReceived(frame)
        return this.#callEnded()
      case kinds.PING:
        return this.#sender.frame(kinds.PONG, 0, buffer.slice(start, end))
      case kinds.PONG:
        return this.#pongReceived(buffer, start)
      case kinds.GOAWAY:
        return this.#goawayReceived((frame.flags & flag.FINAL) !== 0, u32At(buffer, start))
    }
    // AUTH, DATA, END and CREDIT belong to features, which both HELLOs must name first.
    throw new ProtocolError('frame_order', `a frame of kind ${kind}, which a ${this.#role} does not take`)
  }

  #sendHello(): void {
    const { limits } = this.#sender
    this.#sender.frame(
      kinds.HELLO,
      0,
      packHello({ major: PROTOCOL_MAJOR, limits, features: [], incarnation: this.#incarnation }),
    )
  }

  #helloReceived(peer: Hello): void {
    const { peerLimits } = this.#sender
    if (this.#state.name !== 'opening') throw new ProtocolError('second_hello', 'a second HELLO')
    this.#state.cancelTimer()
    this.#sender.peerLimits = {
      ...peer.limits,
      maxFrameBytes: Math.min(peer.limits.maxFrameBytes, this.#limits.maxFrameBytes),
    }
    if (this.#role === 'server') this.#sendHello()
    this.#become('helloReceived', { name: 'open', peer })
    this.#keepalive.start()
    this.#effects.opened(peer)
    if (peer.limits.maxCallsInFlight !== peerLimits.maxCallsInFlight) this.#caller.pump()
  }

  #helloMissed(): void {
    const message = limitMessage('handshakeTimeoutMs', this.#limits, 'the peer sent no HELLO in time', this.#link.peer)
    this.#effects.limitFired('handshakeTimeoutMs', message)
    this.#refuseConnection(new ProtocolError('timeout', message))
  }

  #pongReceived(buffer: Uint8Array, start: number): void {
    const state = this.#state
    const isDrainPong = DRAIN_PING.every((byte, index) => buffer[start + index] === byte)
    if (!isDrainPong || state.name !== 'draining' || state.step !== 'announced') return
    this.#become('drainSettled', { ...state, step: 'final' })
    this.#sender.goaway(true, this.#callee.settle(), 'no requests after this one run')
    this.#endIfDrained()
  }

  #goawayReceived(final: boolean, lastId: number): void {
    if (this.#role === 'server') throw new ProtocolError('frame_order', 'a GOAWAY from a client')
    const state = this.#state
    if (state.name === 'open') {
      this.#become('goawayReceived', {
        name: 'draining',
        peer: state.peer,
        by: 'peer',
        step: 'announced',
        cancelTimer: () => {},
      })
      this.#effects.draining()
      this.#caller.loseWaiting(
        new NanowireError('unavailable', `${this.#link.peer} is going away`, { processed: 'no' }),
      )
    }
    if (final) this.#caller.loseAfter(lastId, `${this.#link.peer} is going away and did not take this call`)
    this.#callEnded()
  }

  /** The peer says by which rule it ends the connection, and after which id it has run nothing. */
  #connectionRefused(error: WireError): void {
    const { code, rule, message, lastId } = error
    const cause = new NanowireError(
      code,
      `${this.#link.peer} ended the connection${rule ? ` by the rule ${rule}` : ''}: ${message}`,
      {
        processed: this.#state.name === 'opening' ? 'no' : 'maybe',
      },
    )
    if (lastId !== undefined) this.#caller.loseAfter(lastId, cause.message)
    this.#close('ended', cause)
  }

  #violated(error: ProtocolError): void {
    this.#effects.peerViolated(error.rule, error.message)
    this.#refuseConnection(error)
  }

  /** The peer is told by which rule, and the connection ends. */
  #refuseConnection(error: ProtocolError): void {
    const code = codeOfRule[error.rule] ?? 'internal'
    const lastId = this.#role === 'server' ? this.#callee.lastId : undefined
    this.#sender.error(0, { code, message: error.message, rule: error.rule, lastId })
    const processed = this.#state.name === 'opening' ? 'no' : 'maybe'
    this.#close(
      'violated',
      new NanowireError(code, `${error.message} (peer ${this.#link.peer}, rule ${error.rule})`, { processed }),
    )
  }

  // ---- the end

  #close(step: 'lastCallEnded' | 'violated' | 'ended', cause: NanowireError | undefined): void {
    const before = this.#state
    const cancelTimer = this.#clock.after(this.#limits.lingerMs, () => this.#link.destroy())
    this.#become(step, { name: 'closing', cause, cancelTimer })
    if ('cancelTimer' in before) before.cancelTimer()
    this.#keepalive.stop()
    this.#loseCalls(cause ?? this.#closedError())
    this.#link.resumeReading()
    this.#link.end()
  }

  #lose(message: string): void {
    if (this.#isOver()) return
    this.#close('ended', new NanowireError('unavailable', message, { processed: 'maybe' }))
    this.#link.destroy()
  }

  #loseCalls(cause: NanowireError): void {
    this.#caller.loseAll(cause)
    this.#callee.cancelAll()
    this.#updateKeepsProcess()
  }

  #handlerEnded(): void {
    this.#obeyLimits()
    this.#endIfDrained()
  }

  #callEnded(): void {
    if (this.takesCalls) this.#caller.pump()
    this.#updateKeepsProcess()
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    const state = this.#state
    if (state.name !== 'draining' || !this.#callee.isIdle || !this.#caller.isIdle) return
    if (this.#role === 'client' || state.step === 'final') this.#close('lastCallEnded', undefined)
  }

  /** A server stops reading while its replies back up, or while notifies hold every slot. A client queues instead. */
  #obeyLimits(): void {
    if (this.#role === 'client' || this.#isOver()) return
    const reads = !this.#link.isCongested && !this.#callee.isFullOfNotifies
    if (reads === this.#readsRequests) return
    this.#readsRequests = reads
    if (reads) {
      this.#keepalive.resume()
      this.#link.resumeReading()
    } else {
      this.#keepalive.pause()
      this.#link.pauseReading()
    }
  }

  #isOver(): boolean {
    return this.#state.name === 'closing' || this.#state.name === 'closed'
  }

  #updateKeepsProcess(): void {
    const keeps = !this.#caller.isIdle
    if (keeps === this.#keepsProcess) return
    this.#keepsProcess = keeps
    this.#link.keepProcess(keeps)
  }

  /** The only place where the state changes. */
  #become(step: Step, to: State): void {
    requireStep(step, this.#state, to)
    this.#state = to
  }

  #closedError(): NanowireError {
    return new NanowireError('unavailable', `the connection to ${this.#link.peer} was closed`, { processed: 'maybe' })
  }

  #lostError(error: Error | undefined): NanowireError {
    const why = error ? `: ${error.message}` : ' by the peer'
    return new NanowireError('unavailable', `the connection to ${this.#link.peer} was cut${why}`, {
      processed: 'maybe',
      cause: error,
    })
  }
}
