/** Two sessions on a bad network, with callers and handlers that tell the ledger all that they see. */
import { type LimitName, type LimitOptions, resolveLimits } from '../../src/limits.ts'
import { Deadline, type Flow, type IncomingCall, type Priority, Session, wheelOf } from '../../src/session/index.ts'
import { Lane, type LaneOptions } from '../../src/testing/simulate/lane.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { MemoryLink } from '../../src/transport/memory.ts'
import { RecordedCall, RecordedEffects } from '../support/calls.ts'
import { Ledger } from './ledger.ts'
import { ItemsOf, Putter, Taker } from './rig-items.ts'

export interface RigOptions {
  readonly seed: number
  readonly limits: { readonly client: LimitOptions; readonly server: LimitOptions }
  readonly lanes?: { readonly toServer?: LaneOptions; readonly toClient?: LaneOptions }
  readonly firstId?: number
  /** What a handler does when it begins; by default it runs until `endHandler`. */
  readonly handler?: (rig: Rig, number: number) => void
}

/** Which streams a call has. */
export interface StreamSettings {
  readonly input: boolean
  readonly output: boolean
  readonly priority?: Priority
}

/** The tag of a call with streams says its number, as its body need not. */
const STREAM_TAG = 1_000

/** The largest message that either side takes. */
export const MAX_MESSAGE_BYTES = 150_000

export class Rig {
  readonly ledger = new Ledger()
  readonly clock: VirtualClock
  readonly toServer: Lane
  readonly toClient: Lane
  readonly client: Session
  readonly server: Session
  readonly links: { readonly client: MemoryLink; readonly server: MemoryLink }
  readonly effects = { client: new RecordedEffects(), server: new RecordedEffects() }
  readonly calls: LedgerEntry[] = []
  /** Of calls with streams, as long as both of their ends may go on. */
  readonly putters = { client: new Map<number, Putter>(), server: new Map<number, Putter>() }
  readonly takers = { client: new Map<number, Taker>(), server: new Map<number, Taker>() }
  readonly #handlers = new Map<number, IncomingCall>()
  readonly #limits: { readonly client: LimitOptions; readonly server: LimitOptions }

  constructor(options: RigOptions) {
    const clock = new VirtualClock(options.seed)
    this.clock = clock
    this.#limits = options.limits
    const cut = () => this.cut()
    this.toServer = new Lane(clock, { ...options.lanes?.toServer, cut })
    this.toClient = new Lane(clock, { ...options.lanes?.toClient, cut })
    const limits = { client: resolveLimits(options.limits.client), server: resolveLimits(options.limits.server) }
    const client = new MemoryLink({ clock, limits: limits.client, peer: 'server' }, this.toServer.carry)
    const server = new MemoryLink({ clock, limits: limits.server, peer: 'client' }, this.toClient.carry)
    client.join(server)
    server.join(client)
    this.links = { client, server }
    const incarnation = new Uint8Array(16)
    const common = { clock, incarnation }
    const { effects, links } = this
    this.server = new Session({
      ...common,
      role: 'server',
      link: server,
      limits: limits.server,
      effects: effects.server,
    })
    const { firstId } = options
    this.client = new Session({
      ...common,
      role: 'client',
      link: client,
      limits: limits.client,
      effects: effects.client,
      firstId,
    })
    links.server.attach(this.server)
    links.client.attach(this.client)
    for (const side of ['client', 'server'] as const) {
      effects[side].onLimit = (name, message) => this.#limitFired(side, name, message)
    }
    effects.server.onRequest = ({ call, tag, body }) => this.#handlerBegan(call, tag, body, options.handler)
  }

  start(settings: {
    readonly oneWay?: boolean
    readonly bytes?: number
    readonly timeoutMs?: number | undefined
  }): LedgerEntry {
    const { oneWay = false, bytes = 4, timeoutMs } = settings
    const number = this.calls.length
    return this.#start(new LedgerEntry(this, number, oneWay, bodyOf(number, bytes), timeoutMs))
  }

  startStream(settings: StreamSettings & { readonly timeoutMs?: number | undefined }): LedgerEntry {
    const number = this.calls.length
    const body = settings.input ? new Uint8Array(0) : bodyOf(number, 4)
    return this.#start(new LedgerEntry(this, number, false, body, settings.timeoutMs, settings))
  }

  #start(call: LedgerEntry): LedgerEntry {
    this.calls.push(call)
    this.ledger.made(call.number, call.oneWay)
    this.client.start(call)
    return call
  }

  /** A side has the streams of a call. */
  flowing(side: 'client' | 'server', entry: LedgerEntry, { inflow, outflow }: Flow): void {
    const { number, toServer, toClient } = entry
    const [received, sent] = side === 'client' ? [toClient, toServer] : [toServer, toClient]
    if (inflow) this.takers[side].set(number, new Taker(inflow, received))
    if (outflow) this.putters[side].set(number, new Putter(outflow, sent))
  }

  /** Ends a handler that runs: with `bytes` of reply, or an error. */
  endHandler(number: number, how: 'failed' | number): void {
    const call = this.#handlers.get(number)
    if (!call) throw new Error(`the handler of ${number} does not run`)
    this.#handlers.delete(number)
    const entry = this.calls[number]
    const isStream = entry?.output === true
    this.takers.server.delete(number)
    this.putters.server.delete(number)
    if (entry) entry.toClient.isEnded = true
    this.ledger.handlerEnded(number, how === 'failed' ? how : how > MAX_MESSAGE_BYTES && !isStream ? 'oversized' : 'ok')
    if (how === 'failed') this.server.refuse(call, { code: 'Failed', message: 'as told', processed: 'yes' })
    else if (isStream) this.server.endStream(call, undefined)
    else this.server.respond(call, undefined, bodyOf(number, how))
  }

  get handlers(): number[] {
    return [...this.#handlers.keys()]
  }

  cut(): void {
    this.ledger.connection = 'over'
    this.links.client.destroy(new Error('cut'))
  }

  /** Both directions carry everything, and time enough passes for that. */
  settle(): void {
    this.toServer.release()
    this.toClient.release()
    for (let round = 0; round < 50 && !this.isQuiet; round++) this.clock.advance(20)
    if (!this.isQuiet) throw new Error('the network never gets quiet')
  }

  get isQuiet(): boolean {
    this.clock.runTurns()
    return this.toServer.isEmpty && this.toClient.isEmpty
  }

  /** A limit of time that fires must have passed, and ends the connection. */
  #limitFired(side: 'client' | 'server', name: LimitName, message: string): void {
    if (name === 'idleTimeoutMs') {
      // Nothing came, or nothing that was sent has arrived.
      if (message.includes('of a message')) return this.#gaveUp(side, message)
      const isTaking = message.includes('was ')
      const lane = (side === 'client') === isTaking ? this.toServer : this.toClient
      const silentMs = this.clock.now() - lane.deliveredAt
      if (silentMs < (this.#limits[side].idleTimeoutMs ?? 30_000)) throw new Error(`${message} after ${silentMs} ms`)
      this.ledger.connection = 'over'
    } else if (name === 'handshakeTimeoutMs') {
      if (this.effects[side].hellos.length > 0) throw new Error(`${side}: ${name} after the HELLO`)
      this.ledger.connection = 'over'
    }
  }

  /** Right only where the sender heard of no credit, as nothing has come through to it. */
  #gaveUp(side: 'client' | 'server', message: string): void {
    const lane = side === 'client' ? this.toServer : this.toClient
    const silentMs = this.clock.now() - lane.deliveredAt
    if (silentMs < (this.#limits[side].idleTimeoutMs ?? 30_000) / 2) throw new Error(`${message} after ${silentMs} ms`)
    this.ledger.connection = 'over'
  }

  #handlerBegan(call: IncomingCall, tag: number, body: Uint8Array, handler: RigOptions['handler']): void {
    const number = tag >= STREAM_TAG ? tag - STREAM_TAG : numberOf(body)
    const entry = this.calls[number]
    if (!entry || !isSame(body, entry.body)) throw new Error(`call ${number} arrived with other bytes`)
    this.ledger.ran(number)
    this.#handlers.set(number, call)
    if (call.flow) this.flowing('server', entry, call.flow)
    handler?.(this, number)
  }
}

/** A call that tells the ledger. Its deadline is on the wheel, as that of every caller. */
export class LedgerEntry extends RecordedCall {
  readonly number: number
  /** Its items, in each direction. */
  readonly toServer: ItemsOf
  readonly toClient: ItemsOf
  readonly #rig: Rig
  readonly #deadline: Deadline | undefined

  constructor(
    rig: Rig,
    number: number,
    oneWay: boolean,
    body: Uint8Array,
    timeoutMs: number | undefined,
    streams?: StreamSettings,
  ) {
    const deadlineAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : rig.clock.now() + timeoutMs
    super({ tag: streams ? STREAM_TAG + number : 1, oneWay, body, deadlineAt, ...streams })
    this.number = number
    this.toServer = new ItemsOf(number)
    this.toClient = new ItemsOf(number)
    this.#rig = rig
    if (timeoutMs === undefined) return
    this.#deadline = new CallDeadline(() => this.#expired())
    wheelOf(rig.clock).add(this.#deadline, deadlineAt)
  }

  /** The caller goes away; of a deadline the server knows by itself. */
  abandon(tells = true): void {
    if (!this.#rig.ledger.waits(this.number)) return
    this.#stopWaiting()
    this.#rig.ledger.abandoned(this.number)
    this.#forgetStreams()
    this.#rig.client.abandon(this, tells)
  }

  override flowing(flow: Flow): void {
    super.flowing(flow)
    if (this.input || this.output) this.#rig.flowing('client', this, flow)
  }

  override left(): void {
    super.left()
    this.#rig.ledger.left(this.number)
    if (this.oneWay) this.#stopWaiting()
  }

  protected override ended(outcome: RecordedCall['outcomes'][number]): void {
    super.ended(outcome)
    this.#stopWaiting()
    const { ledger } = this.#rig
    this.#rig.takers.client.get(this.number)?.take() // what has come before the end
    this.#forgetStreams()
    const isAnswered = outcome.how === 'ended' || (outcome.how === 'refused' && outcome.error.processed === 'yes')
    if (this.output && isAnswered) this.toClient.requireWhole()
    if (outcome.how === 'lost') ledger.lost(this.number, outcome.error.processed)
    else if (outcome.how === 'refused') ledger.refused(this.number, outcome.error.code, outcome.error.processed)
    else if (outcome.how === 'replied') {
      if (!isSame(outcome.body, bodyOf(this.number, outcome.body.length)))
        throw new Error(`${this.number} got another's reply`)
      ledger.replied(this.number)
    } else ledger.replied(this.number)
  }

  #forgetStreams(): void {
    this.#rig.takers.client.delete(this.number)
    this.#rig.putters.client.delete(this.number)
  }

  #expired(): void {
    const lateMs = this.#rig.clock.now() - this.deadlineAt
    if (lateMs < 0 || lateMs > 8) throw new Error(`the deadline of ${this.number} came ${lateMs} ms late`)
    this.abandon(false)
  }

  #stopWaiting(): void {
    if (this.#deadline) wheelOf(this.#rig.clock).remove(this.#deadline)
  }
}

class CallDeadline extends Deadline {
  readonly #expired: () => void

  constructor(expired: () => void) {
    super()
    this.#expired = expired
  }

  override expire(): void {
    this.#expired()
  }
}

/** A body that says whose it is, in every byte. */
function bodyOf(number: number, bytes: number): Uint8Array {
  const body = new Uint8Array(Math.max(4, bytes)).fill(number % 251)
  new DataView(body.buffer).setUint32(0, number)
  return body
}

function numberOf(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset).getUint32(0)
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
