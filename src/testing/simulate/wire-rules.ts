/**
 * What the frames of a connection say that may not be, whatever both ends think of it (spec/testing.md): that the other end broke
 * a rule, which between two honest ends is a fault of one of them; items beyond the credit that has come (spec/streams.md, F10); and
 * more bulk under way than what was acknowledged allows (F9).
 */
import { defaultLimits } from '../../limits.ts'
import { flags as flag, kinds, readError } from '../../wire/index.ts'
import { FrameWatch } from './frames.ts'

/** Rules by which a connection may end although both ends keep to the protocol. */
const lawful: ReadonlySet<string> = new Set(['limit', 'timeout', 'auth'])

/** What a sender may send without credit, in either direction of a stream (F10). */
export const FIRST_CREDIT_BYTES = 16_384

/** What may be under way of a connection's bulk before any of it is acknowledged, and at most (F9). */
const LEAST_WINDOW_BYTES = 65_536
const MOST_WINDOW_BYTES = 16_777_216

/** What one end has sent of a call's items, and may have. */
interface Stream {
  sentBytes: number
  creditBytes: number
}

/** One end of a connection: what it sends, and what has come to it. */
export class EndRules {
  readonly #name: string
  readonly #broken: (what: string) => void
  readonly #streams = new Map<number, Stream>()
  /** Calls of which a request or reply has not left whole. */
  readonly #unfinished = new Set<number>()
  #bulkBytes = 0
  #acknowledgedBytes = 0
  readonly #sent: FrameWatch
  readonly #came: FrameWatch

  /** @param broken told what may not be */
  constructor(name: string, broken: (what: string) => void) {
    this.#name = name
    this.#broken = broken
    this.#sent = new FrameWatch({
      begins: (kind, id, length, flags) => {
        if (kind === kinds.DATA) this.#sends(id, length)
        if (this.#isBulk(kind, id, flags)) this.#sendsBulk(length)
        return kind === kinds.ERROR && id === 0
      },
      body: (_kind, _id, bytes, start, end) => this.#refuses(bytes, start, end),
    })
    this.#came = new FrameWatch({
      begins: (kind) => kind === kinds.CREDIT,
      body: (_kind, id, bytes, start) => {
        const increment = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start)
        if (id === 0) this.#acknowledgedBytes += increment
        else this.#streamOf(id).creditBytes += increment
      },
    })
  }

  sent(chunk: Uint8Array): void {
    this.#sent.passed(chunk)
  }

  /** It is about to read this. */
  came(chunk: Uint8Array): void {
    this.#came.passed(chunk)
  }

  #streamOf(id: number): Stream {
    const known = this.#streams.get(id) ?? { sentBytes: 0, creditBytes: FIRST_CREDIT_BYTES }
    this.#streams.set(id, known)
    return known
  }

  #sends(id: number, length: number): void {
    const stream = this.#streamOf(id)
    stream.sentBytes += length
    const { sentBytes, creditBytes } = stream
    if (sentBytes > creditBytes)
      this.#broken(
        `${this.#name} has sent ${sentBytes} bytes of items for the id ${id}, and has credit for ${creditBytes}`,
      )
  }

  /** Items, and what comes of a message behind its first frame (F8). */
  #isBulk(kind: number, id: number, flags: number): boolean {
    if (kind === kinds.DATA) return true
    if (kind !== kinds.REQUEST && kind !== kinds.RESPONSE) return false
    const isFurther = this.#unfinished.has(id)
    if ((flags & flag.MORE) !== 0) this.#unfinished.add(id)
    else this.#unfinished.delete(id)
    return isFurther
  }

  /** A sender's window is twice what is acknowledged within a round trip: no more than twice all that was. */
  #sendsBulk(length: number): void {
    this.#bulkBytes += length
    const underway = this.#bulkBytes - this.#acknowledgedBytes
    const most = Math.min(MOST_WINDOW_BYTES, Math.max(LEAST_WINDOW_BYTES, 2 * this.#acknowledgedBytes))
    if (underway > most)
      this.#broken(
        `${this.#name} has ${underway} bytes of bulk under way, and may have ${most} by what was acknowledged`,
      )
  }

  #refuses(bytes: Uint8Array, start: number, end: number): void {
    const { rule, message } = readError(bytes, start, end, defaultLimits)
    if (rule !== undefined && !lawful.has(rule))
      this.#broken(`${this.#name} says that the other end broke the rule ${rule}: ${message}`)
  }
}
