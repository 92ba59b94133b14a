/** What one call has under way besides whole messages: its streams, and a message of it that leaves in fragments. */
import type { BodyRest, Kind } from '../wire/index.ts'
import type { Inflow } from './inflow.ts'
import type { Outflow } from './outflow.ts'
import type { SendWindow } from './send-window.ts'
import { LEAST_PIECE_BYTES, PIECE_BYTES, type Priority, TurnTaker } from './turns.ts'

/** What one call has under way besides whole messages. */
export interface Flow {
  readonly id: number
  /** What comes in, for a call that has a stream in this direction. */
  readonly inflow: Inflow | undefined
  /** What goes out. */
  readonly outflow: Outflow | undefined
  priority: Priority
  /** At a server: the handler has ended, and what it answered with has not left whole. */
  isAnswered: boolean
  /** When a call with streams ends at the latest, on the clock's scale; `undefined` for never. */
  endsBy: number | undefined
  /** Stops waiting for that time. */
  cancelTimer: (() => void) | undefined
  /** A message of the call that has not left whole. */
  rest: MessageRest | undefined
}

/** Writes a further fragment. */
export interface FragmentSender {
  fragment(kind: Kind, id: number, rest: BodyRest, bytes: number): void
}

/** The fragments of a message after its first. */
export class MessageRest extends TurnTaker {
  readonly #sender: FragmentSender
  readonly #kind: Kind
  readonly #id: number
  readonly #rest: BodyRest
  readonly #left: () => void
  /** Of the whole message, with what has left already. */
  readonly bytes: number
  /** It has begun to take turns; until then it waits for others to end. */
  takesTurns = false
  #isStopped = false

  constructor(sender: FragmentSender, kind: Kind, id: number, rest: BodyRest, left: () => void) {
    super()
    this.#sender = sender
    this.#kind = kind
    this.#id = id
    this.#rest = rest
    this.bytes = rest.left + PIECE_BYTES
    this.#left = left
  }

  stop(): void {
    this.#isStopped = true
    this.#rest.drop()
  }

  override get isReady(): boolean {
    return !this.#isStopped && this.#rest.left > 0
  }

  override sendPiece(most: number, window: SendWindow): number {
    const bytes = Math.min(this.#rest.left, most, PIECE_BYTES)
    if (bytes < this.#rest.left && bytes < LEAST_PIECE_BYTES) return 0
    window.sent(bytes)
    this.#sender.fragment(this.#kind, this.#id, this.#rest, bytes)
    return bytes
  }

  override turnEnded(): void {
    if (!this.#isStopped && this.#rest.left === 0) this.#left()
  }
}
