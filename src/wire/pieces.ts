/** Bodies: one piece or several, and what of them was not written yet, however it is cut. */
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
  const joined = new Uint8Array(body.length)
  let at = 0
  for (const piece of body.pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/** What of a body was not written yet. */
export class BodyRest {
  /** Bytes that are still to be written. */
  left: number
  #pieces: readonly Uint8Array[]
  #piece = 0
  #at = 0

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
  }

  /** Copies what is left out of memory that others may change. */
  own(): this {
    if (this.#pieces.length === 1) return this // encoded, and nobody else's
    const [first, ...others] = this.#pieces.slice(this.#piece)
    const pieces = first ? [first.subarray(this.#at), ...others] : []
    this.#pieces = [joinBody({ pieces, length: this.left })]
    this.#piece = 0
    this.#at = 0
    return this
  }
}
