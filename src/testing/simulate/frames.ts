/**
 * Looks at the frames that one end of a connection sends, as they were written: whether it says that the other one broke the
 * protocol, which between two honest ends is a fault of one of them.
 */
import { defaultLimits } from '../../limits.ts'
import { HEADER_BYTES, kinds, readError } from '../../wire/index.ts'

/** Rules by which a connection may end although both ends keep to the protocol. */
const lawful: ReadonlySet<string> = new Set(['limit', 'timeout', 'auth'])

export class FrameWatch {
  readonly #broken: (rule: string, message: string) => void
  /** Of the frame that has not come whole. */
  #rest: Uint8Array = new Uint8Array(0)
  /** Bytes of a frame that nobody looks at. */
  #skip = 0

  /** @param broken told of a rule that the other end is said to have broken */
  constructor(broken: (rule: string, message: string) => void) {
    this.#broken = broken
  }

  /** Takes what was sent. */
  sent(chunk: Uint8Array): void {
    let at = Math.min(this.#skip, chunk.length)
    this.#skip -= at
    if (at === chunk.length) return
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk)
    this.#rest = new Uint8Array(0)
    while (bytes.length - at >= HEADER_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at)
      const length = view.getUint32(0) >>> 8
      const isRefusal = view.getUint8(3) === kinds.ERROR && view.getUint32(5) === 0
      const end = at + HEADER_BYTES + length
      if (end > bytes.length && !isRefusal) {
        this.#skip = end - bytes.length
        return
      }
      if (end > bytes.length) break
      if (isRefusal) this.#refused(bytes, at + HEADER_BYTES, end)
      at = end
    }
    this.#rest = bytes.slice(at)
  }

  #refused(bytes: Uint8Array, start: number, end: number): void {
    const { rule, message } = readError(bytes, start, end, defaultLimits)
    if (rule !== undefined && !lawful.has(rule)) this.#broken(rule, message)
  }
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}
