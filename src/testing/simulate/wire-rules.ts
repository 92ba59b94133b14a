/**
 * What the frames of a connection say that may not be, whatever both ends think of it (spec/testing.md): that the other end broke
 * a rule, which between two honest ends is a fault of one of them, and items beyond the credit that has come (spec/streams.md, F10).
 */
import { defaultLimits } from '../../limits.ts'
import { kinds, readError } from '../../wire/index.ts'
import { FrameWatch } from './frames.ts'

/** Rules by which a connection may end although both ends keep to the protocol. */
const lawful: ReadonlySet<string> = new Set(['limit', 'timeout', 'auth'])

/** What a sender may send without credit, in either direction of a stream (F10). */
export const FIRST_CREDIT_BYTES = 16_384

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
  readonly #sent: FrameWatch
  readonly #came: FrameWatch

  /** @param broken told what may not be */
  constructor(name: string, broken: (what: string) => void) {
    this.#name = name
    this.#broken = broken
    this.#sent = new FrameWatch({
      begins: (kind, id, length) => {
        if (kind === kinds.DATA) this.#sends(id, length)
        return kind === kinds.ERROR && id === 0
      },
      body: (_kind, _id, bytes, start, end) => this.#refuses(bytes, start, end),
    })
    this.#came = new FrameWatch({
      begins: (kind, id) => kind === kinds.CREDIT && id !== 0,
      body: (_kind, id, bytes, start) => {
        this.#streamOf(id).creditBytes += new DataView(bytes.buffer, bytes.byteOffset).getUint32(start)
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

  #refuses(bytes: Uint8Array, start: number, end: number): void {
    const { rule, message } = readError(bytes, start, end, defaultLimits)
    if (rule !== undefined && !lawful.has(rule))
      this.#broken(`${this.#name} says that the other end broke the rule ${rule}: ${message}`)
  }
}
