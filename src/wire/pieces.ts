/** Bodies: one piece or several, and what of them was not written yet, however it is cut. */
import { keepSpare, roomFor } from './spare.ts'
import { type FrameWriter, writeBytes } from './writer.ts'

/** A value as MessagePack: large bytes of it may stand between its other pieces, not yet copied. */
export type Body = Uint8Array | Pieces

export interface Pieces {
  readonly pieces: readonly Uint8Array[]
  /** Of all pieces together. */
  readonly length: number
}

/** Whether a body is as it was made: memory that was transferred since is empty. */
export function isWhole(body: Body): boolean {
  return body instanceof Uint8Array || body.pieces.reduce((sum, { length }) => sum + length, 0) === body.length
}

/** A body in one piece, copied together where it is none. */
export function joinBody(body: Body): Uint8Array {
  if (body instanceof Uint8Array) return body
  return joinInto(new Uint8Array(body.length), body.pieces)
}

function joinInto(joined: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array {
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/** What waits may lie in memory that is twice as long, and so much longer still. */
const SLACK_BYTES = 65_536

/** What of a body was not written yet. It is dropped, or written to its end. */
export class BodyRest {
  /** Bytes that are still to be written. */
  left: number
  #pieces: readonly Uint8Array[]
  #piece = 0
  #at = 0
  /** Memory that is to be given back. */
  #room: Uint8Array | undefined

  constructor(body: Body) {
    this.left = body.length
    this.#pieces = body instanceof Uint8Array ? [body] : body.pieces
  }

  /** Writes the next `bytes` of it. */
  write(writer: FrameWriter, bytes: number): void {
    this.left -= bytes
    for (let toCome = bytes; toCome > 0; ) {
      const piece = this.#pieces[this.#piece] as Uint8Array // there are as many bytes as `length` said
      const end = Math.min(piece.length, this.#at + toCome)
      writeBytes(writer, this.#at === 0 && end === piece.length ? piece : piece.subarray(this.#at, end))
      toCome -= end - this.#at
      this.#at = end
      if (end < piece.length) continue
      this.#piece++
      this.#at = 0
    }
    if (this.left === 0) this.drop()
  }

  /** Nothing more of it is written. */
  drop(): void {
    const room = this.#room
    this.#room = undefined
    this.#pieces = []
    if (room) keepSpare(room)
  }

  /** Copies what is left out of memory that others may change, or of which it takes little. */
  own(): this {
    const [first, ...others] = this.#pieces.slice(this.#piece)
    const isEncoded = this.#pieces.length === 1 // which is nobody else's
    if (!first || (isEncoded && first.buffer.byteLength <= 2 * this.left + SLACK_BYTES)) return this
    this.#room = roomFor(this.left)
    const joined = joinInto(this.#room, [first.subarray(this.#at), ...others])
    this.#pieces = [joined.subarray(0, this.left)]
    this.#piece = 0
    this.#at = 0
    return this
  }
}
