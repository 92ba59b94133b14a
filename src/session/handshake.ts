/**
 * How a session begins: both sides say HELLO in time, and a server that asks judges who the client is, then and whenever it is told
 * anew (spec/session.md, S1 and S29 to S31). Invariant: a client is let in once, by a server that has answered with its own HELLO.
 */
import type { StatusCode } from '../errors.ts'
import { limitMessage } from '../limits.ts'
import { type Credentials, type Hello, kinds, ProtocolError } from '../wire/index.ts'
import { Admission, type AdmissionEffects, type Refusal } from './admission.ts'
import type { Clock } from './clock.ts'
import type { SessionOptions } from './options.ts'
import { ownHello } from './own-hello.ts'
import type { FrameSender } from './sender.ts'

/** The session that begins. */
export interface HandshakeSession {
  /** The client has said who it is, and waits. */
  admitting(): void
  /** Both sides may go on. */
  admitted(step: 'helloReceived' | 'admitted', peer: Hello): void
  /** Judging has begun or ended, and with it what is read. */
  judgingChanged(): void
  /** The peer is told by which rule, and the connection ends. */
  refuseConnection(error: ProtocolError, code?: StatusCode): void
}

export class Handshake implements AdmissionEffects {
  readonly #session: HandshakeSession
  readonly #sender: FrameSender
  readonly #clock: Clock
  readonly #admission: Admission | undefined
  readonly #since: number
  /** Of which the HELLO is made; nobody needs them afterwards. */
  #options: SessionOptions | undefined
  #cancelTimer: () => void

  /** A client says HELLO at once, a server when it lets the client in. */
  constructor(options: SessionOptions, sender: FrameSender, session: HandshakeSession) {
    const { role, clock, limits, admit } = options
    this.#session = session
    this.#sender = sender
    this.#clock = clock
    this.#admission = admit && new Admission(admit, clock, this)
    this.#since = clock.now()
    this.#options = options
    this.#cancelTimer = clock.after(limits.handshakeTimeoutMs, () => this.#missed('the peer sent no HELLO in time'))
    if (role === 'client') this.#sayHello(options)
  }

  /** A server judges credentials, and reads nothing meanwhile. */
  get isJudging(): boolean {
    return this.#admission?.isJudging === true
  }

  /** Nothing is left to do when the session is open. */
  get isOver(): boolean {
    return this.#options === undefined && this.#admission === undefined
  }

  helloReceived(peer: Hello): void {
    this.#cancelTimer()
    if (!this.#admission) return this.#letIn('helloReceived', peer)
    this.#session.admitting()
    const leftMs = Math.max(1, this.#since + this.#sender.limits.handshakeTimeoutMs - this.#clock.now())
    this.#admission.judge(peer.credentials, leftMs, () => this.#letIn('admitted', peer))
  }

  /** A client says anew who it is. */
  authReceived(credentials: Credentials): void {
    this.#admission?.judge(credentials, this.#sender.limits.handshakeTimeoutMs, () => {})
  }

  /** Whatever comes or is answered from now on has no effect. */
  stop(): void {
    this.#cancelTimer()
    this.#admission?.stop()
  }

  judgingChanged(): void {
    this.#session.judgingChanged()
  }

  admissionRefused({ code, message }: Refusal): void {
    this.#session.refuseConnection(new ProtocolError('auth', message), code)
  }

  admissionLate(): void {
    this.#missed('the credentials were not judged in time')
  }

  #letIn(step: 'helloReceived' | 'admitted', peer: Hello): void {
    const options = this.#options
    this.#options = undefined
    this.#sender.helloReceived(peer.limits)
    if (options?.role === 'server') this.#sayHello(options)
    this.#session.admitted(step, peer)
  }

  #sayHello(options: SessionOptions): void {
    this.#sender.frame(kinds.HELLO, 0, ownHello(options))
  }

  #missed(what: string): void {
    const { limits, link } = this.#sender
    const message = limitMessage('handshakeTimeoutMs', limits, what, link.peer)
    this.#sender.limitFired('handshakeTimeoutMs', message)
    this.#session.refuseConnection(new ProtocolError('timeout', message))
  }
}
