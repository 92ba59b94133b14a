/**
 * Reads the frames of one direction as a bystander, who knows nothing of sessions: each header, and the bodies that somebody wants
 * (spec/protocol.md, P1). Invariant: it only looks.
 */
import { HEADER_BYTES, type kinds } from '../../wire/index.ts'

type Kind = (typeof kinds)[keyof typeof kinds]

export interface FrameHooks {
  /** A frame begins. Returns whether its body is wanted. */
  begins(kind: Kind, id: number, length: number, flags: number): boolean
  /** A body that was wanted, whole. */
  body(kind: Kind, id: number, bytes: Uint8Array, start: number, end: number): void
}

export class FrameWatch {
  readonly #hooks: FrameHooks
  /** Of the frame that has not come whole. */
  #rest: Uint8Array = new Uint8Array(0)
  /** Its header was told. */
  #hasBegun = false
  /** Bytes of a frame that nobody looks at. */
  #skip = 0

  constructor(hooks: FrameHooks) {
    this.#hooks = hooks
  }

  /** Takes what passes. */
  passed(chunk: Uint8Array): void {
    let at = Math.min(this.#skip, chunk.length)
    this.#skip -= at
    if (at === chunk.length) return
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk)
    this.#rest = new Uint8Array(0)
    while (bytes.length - at >= HEADER_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at)
      const end = at + HEADER_BYTES + (view.getUint32(0) >>> 8)
      const [kind, id] = [view.getUint8(3) as Kind, view.getUint32(5)] // both ends are ours, and send no other
      const isWanted = this.#hasBegun || this.#hooks.begins(kind, id, end - at - HEADER_BYTES, view.getUint8(4))
      this.#hasBegun = isWanted && end > bytes.length
      if (this.#hasBegun) break
      if (end > bytes.length) {
        this.#skip = end - bytes.length
        return
      }
      if (isWanted) this.#hooks.body(kind, id, bytes, at + HEADER_BYTES, end)
      at = end
    }
    this.#rest = bytes.slice(at)
  }
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}
