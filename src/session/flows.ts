/**
 * Everything of one connection that is longer than a frame (spec/streams.md): streams by the ids of their calls, messages that
 * leave in fragments, what is acknowledged and what is not. Made when the first of them comes, as most connections have none.
 */
import { type BodyRest, type FrameDecoder, IdTable, type Kind, ProtocolError, Reassembler } from '../wire/index.ts'
import type { Clock } from './clock.ts'
import { type Flow, MessageRest } from './flow.ts'
import { Inflow } from './inflow.ts'
import { Outflow } from './outflow.ts'
import { Room } from './room.ts'
import { SendWindow } from './send-window.ts'
import type { FrameSender } from './sender.ts'
import { LEAST_PIECE_BYTES, type Priority, Turns } from './turns.ts'

/** Bulk is acknowledged when so much of it has come … */
const ACKNOWLEDGED_BYTES = 32_768
/** … or about a piece in one turn: a sender that has little under way learns by it how long a round trip takes. */
const ACKNOWLEDGED_IN_TURN_BYTES = 14_336

/** The half of a session whose calls these are. */
export interface FlowHalf {
  /**
   * Items, or their end, or credit for some, of a call that has no such stream. Of one that is over there may still come some.
   * @throws ProtocolError `stream` where the call is in flight
   */
  strayReceived(id: number): void
}

export class Flows {
  readonly #sender: FrameSender
  readonly #window: SendWindow
  readonly #turns: Turns
  readonly #reassembler: Reassembler
  readonly #flows = new IdTable<Flow>()
  readonly #room: Room
  /** In the order in which they came. */
  #rests: MessageRest[] = []
  /** Of those that take turns. */
  #restBytes = 0
  readonly #clock: Clock
  #unacknowledged = 0
  #turnIsDue = false
  /** Nothing is written any more. */
  #isOver = false
  /** All bulk that has come. */
  bulkCome = 0
  /** Of messages that have not left whole; what has left of them counts too. */
  unsentBytes = 0

  constructor(sender: FrameSender, clock: Clock) {
    this.#sender = sender
    this.#clock = clock
    this.#window = new SendWindow(clock)
    this.#turns = new Turns(sender.link, this.#window)
    const { maxMessageBytes, maxStreamBytes } = sender.limits
    this.#reassembler = new Reassembler({ maxMessageBytes, maxReassemblyBytes: Number.POSITIVE_INFINITY }) // the room bounds it
    this.#room = new Room(maxStreamBytes, maxMessageBytes)
  }

  get(id: number): Flow | undefined {
    return this.#flows.get(id)
  }

  /** All that the peer has acknowledged, where nothing more may be sent before it acknowledges more; `undefined` otherwise. */
  get awaited(): number | undefined {
    const isFull = this.#turns.isBusy && this.#window.free < LEAST_PIECE_BYTES && !this.#sender.link.isCongested
    return isFull ? this.#window.acknowledgedBytes : undefined
  }

  /** Streams with an item that is half there, though its sender has credit. */
  get unfinished(): Inflow[] {
    const ids = this.#reassembler.wanted
    return ids.flatMap((id) => this.#flows.get(id)?.inflow ?? []).filter(({ mayGrow }) => mayGrow)
  }

  /** That of a call, made where it has no streams. */
  of(id: number): Flow {
    return this.#flows.get(id) ?? this.open(id, false, false)
  }

  /** A call begins that receives or sends items. Its priority may have come before all of its request. */
  open(id: number, receives: boolean, sends: boolean, priority = this.#flows.get(id)?.priority ?? 1): Flow {
    const inflow = receives ? new Inflow(id, this.#sender, this.#reassembler, this.#room) : undefined
    const outflow = sends ? new Outflow(id, this.#sender, this.#window, this.#turns) : undefined
    if (outflow) outflow.priority = priority
    const flow: Flow = {
      id,
      inflow,
      outflow,
      priority,
      rest: undefined,
      isAnswered: false,
      endsBy: undefined,
      cancelTimer: undefined,
    }
    if (this.#flows.get(id)) this.#flows.replace(flow)
    else this.#flows.add(flow)
    return flow
  }

  setPriority(id: number, priority: Priority): void {
    const flow = this.of(id)
    flow.priority = priority
    if (flow.outflow) flow.outflow.priority = priority
    if (flow.rest) flow.rest.priority = priority
  }

  /** Lets a message take turns whose first frame has left. `left` is called when all of it has. */
  sendRest(kind: Kind, id: number, rest: BodyRest, left: () => void): void {
    const flow = this.of(id)
    const leaving = new MessageRest(this.#sender, kind, id, rest, () => {
      this.#dropRest(flow)
      left()
    })
    leaving.priority = flow.priority
    flow.rest = leaving
    this.#rests.push(leaving)
    this.unsentBytes += leaving.bytes
    this.#addRests()
    if (rest.left > 0) rest.own() // what did not leave at once may change
  }

  /** Messages that have not left whole. */
  get unsent(): number {
    return this.#rests.length
  }

  /**
   * Those that came first take turns, twice the peer's longest message together: its room is not announced, and has at least twice
   * that (spec/protocol.md, P33).
   */
  #addRests(): void {
    const most = 2 * this.#sender.peerLimits.maxMessageBytes
    for (const rest of this.#rests) {
      if (this.#restBytes > 0 && this.#restBytes + rest.bytes > most) return
      if (rest.takesTurns) continue
      rest.takesTurns = true
      this.#restBytes += rest.bytes
      this.#turns.add(rest)
    }
  }

  #dropRest(flow: Flow): void {
    const { rest } = flow
    flow.rest = undefined
    if (!rest) return
    const place = this.#rests.indexOf(rest)
    if (place < 0) return // the connection is over
    this.#rests.splice(place, 1)
    rest.stop()
    this.unsentBytes -= rest.bytes
    if (rest.takesTurns) this.#restBytes -= rest.bytes
    this.#addRests()
  }

  /** What a call still had to send is dropped. Returns whether there was any. */
  cut(id: number): boolean {
    const flow = this.#flows.get(id)
    const isUnsent = flow?.rest !== undefined || (flow?.outflow !== undefined && !flow.outflow.isOver)
    flow?.outflow?.stop()
    if (flow) this.#dropRest(flow)
    return isUnsent
  }

  /** The call has ended; what has come of it may still be taken. */
  close(id: number): void {
    const flow = this.#flows.get(id)
    if (!flow) return
    this.cut(id)
    flow.inflow?.over()
    this.#flows.remove(id)
  }

  /** The connection is over: while its calls are told so, nothing more is written. */
  over(): void {
    this.#isOver = true
    this.#room.close()
    for (const rest of this.#rests) rest.stop()
    this.#rests = []
    for (const { outflow } of this.#flows.entries()) outflow?.stop()
  }

  closeAll(): void {
    for (const { id } of this.#flows.entries()) this.close(id)
  }

  /** Bulk has come, of whatever call. */
  bulkReceived(bytes: number): void {
    this.#unacknowledged += bytes
    this.bulkCome += bytes
    if (this.#unacknowledged >= ACKNOWLEDGED_BYTES) this.#acknowledge()
    else if (this.#unacknowledged >= ACKNOWLEDGED_IN_TURN_BYTES && !this.#turnIsDue) this.#acknowledgeInTurn()
  }

  #acknowledge(): void {
    this.#sender.credit(0, this.#unacknowledged)
    this.#unacknowledged = 0
  }

  #acknowledgeInTurn(): void {
    this.#turnIsDue = true
    this.#clock.turn(() => {
      this.#turnIsDue = false
      if (this.#unacknowledged >= ACKNOWLEDGED_IN_TURN_BYTES && !this.#isOver) this.#acknowledge()
    })
  }

  /** @throws ProtocolError for more than was sent */
  acknowledged(bytes: number): void {
    this.#window.acknowledged(bytes)
    this.#turns.pump()
  }

  /** The link takes more. */
  pump(): void {
    this.#turns.pump()
  }

  /** @throws ProtocolError */
  dataReceived(frame: FrameDecoder, half: FlowHalf): void {
    this.bulkReceived(frame.end - frame.start)
    const inflow = this.#flows.get(frame.id)?.inflow
    if (inflow) inflow.dataReceived(frame)
    else half.strayReceived(frame.id)
  }

  /**
   * @param id 0 for the connection
   * @throws ProtocolError
   */
  creditReceived(id: number, increment: number, half: FlowHalf): void {
    const flow = this.#flows.get(id)
    if (id === 0) this.acknowledged(increment)
    else if (flow?.outflow) flow.outflow.creditReceived(increment)
    else if (flow) throw new ProtocolError('stream', `credit for ${id}, which sends no items`)
    else half.strayReceived(id)
  }
}

/** The flows of a session, made when the first is asked for. */
export class LazyFlows {
  readonly #sender: FrameSender
  readonly #clock: Clock
  /** Where there was one. */
  made: Flows | undefined

  constructor(sender: FrameSender, clock: Clock) {
    this.#sender = sender
    this.#clock = clock
  }

  get all(): Flows {
    this.made ??= new Flows(this.#sender, this.#clock)
    return this.made
  }
}
