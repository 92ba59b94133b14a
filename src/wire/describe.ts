/**
 * Names every field of every frame in bytes that somebody has caught (spec/protocol.md), for people and not for a
 * connection. Invariant: it never throws; each byte up to the first breach of the framing belongs to exactly one frame,
 * and what breaks a rule is said at its place.
 */
import { defaultLimits } from '../limits.ts'
import { BodyDescriber, type DescribedProblem, type DescribeLimits, problemOf } from './describe-body.ts'
import { type DescribedField, describeHeader, length24 } from './describe-header.ts'
import { HEADER_BYTES, judgeHeader, type KindName, kindRules, kinds } from './frame.ts'
import { uint32At, uintAt } from './octets.ts'

export interface DescribedFrame {
  /** `unknown` where the kind is not in the table, or the input ends before it. */
  readonly kind: KindName | 'unknown'
  readonly offset: number
  /** With the header, as far as the input goes. */
  readonly length: number
  readonly fields: readonly DescribedField[]
  readonly problem: DescribedProblem | undefined
}

export interface Description {
  readonly frames: readonly DescribedFrame[]
  /** Bytes after a breach of the framing, where nobody can say where the next frame begins. */
  readonly unread: number
}

/**
 * Describes frames of one direction or of both, from a first frame or from the middle of a connection; so the order of
 * frames is not judged. A HELLO in the input raises `maxFrameBytes` to what it says. Fragments of DATA for one call that both
 * sides send at once cannot be told apart, so those belong into two inputs.
 *
 * @example `describeFrames(bytes).frames[0].fields // [{ name: 'length', offset: 0, length: 3, value: 8 }, …]`
 */
export function describeFrames(bytes: Uint8Array, limits: DescribeLimits = defaultLimits): Description {
  const describer = new Describer(bytes, limits)
  const frames: DescribedFrame[] = []
  let at = 0
  while (at < bytes.length && !describer.isLost) {
    const frame = describer.describe(at)
    frames.push(frame)
    at += frame.length
  }
  return { frames, unread: bytes.length - at }
}

class Describer {
  /** The framing is broken: no frame can be found any more. */
  isLost = false
  readonly #bytes: Uint8Array
  readonly #limits: DescribeLimits
  readonly #bodies: BodyDescriber

  constructor(bytes: Uint8Array, limits: DescribeLimits) {
    this.#bytes = bytes
    this.#limits = limits
    this.#bodies = new BodyDescriber(bytes, limits)
  }

  describe(offset: number): DescribedFrame {
    const bytes = this.#bytes
    // P8: no frame is so long, and what is no Nanowire at all shows here.
    if (offset === 0 && uintAt(bytes, 0, 1) > Math.max(1, this.#bodies.maxFrameBytes >> 16)) return this.#foreign()
    const fields = describeHeader(bytes, offset)
    const available = bytes.length - offset
    const number = available > 3 ? uintAt(bytes, offset + 3, 1) : 0
    const kind = kindRules[number]?.name ?? 'unknown'
    if (available < HEADER_BYTES) {
      const message = `the input ends after ${available} of the ${HEADER_BYTES} bytes of a header`
      return { kind, offset, length: available, fields, problem: truncatedAt(bytes.length, message) }
    }
    const whole = HEADER_BYTES + length24(bytes, offset)
    const length = Math.min(whole, available)
    const problem =
      this.#judge(offset) ??
      (whole > available
        ? this.#cut(offset, whole, fields)
        : this.#bodies.describe(number, offset + HEADER_BYTES, offset + whole, fields))
    return { kind, offset, length: this.isLost ? HEADER_BYTES : length, fields, problem }
  }

  #foreign(): DescribedFrame {
    this.isLost = true
    const shown = Array.from(this.#bytes.subarray(0, 40), (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    )
    const message = `this is no Nanowire: it begins with ${JSON.stringify(shown.join(''))}`
    return { kind: 'unknown', offset: 0, length: 0, fields: [], problem: { rule: 'not_nanowire', offset: 0, message } }
  }

  /** What the header breaks; after that no frame can be found. */
  #judge(offset: number): DescribedProblem | undefined {
    const bytes = this.#bytes
    const kind = uintAt(bytes, offset + 3, 1)
    const max = kind === kinds.HELLO ? this.#limits.maxHelloBytes : this.#bodies.maxFrameBytes
    try {
      judgeHeader(kind, length24(bytes, offset), uintAt(bytes, offset + 4, 1), uint32At(bytes, offset + 5), max)
      return undefined
    } catch (error) {
      this.isLost = true
      const places: Readonly<Record<string, number>> = { frame_kind: 3, frame_flags: 4, frame_id: 5 }
      return problemOf(error, (rule) => offset + (places[rule] ?? 0))
    }
  }

  #cut(offset: number, whole: number, fields: DescribedField[]): DescribedProblem {
    const end = this.#bytes.length
    const start = offset + HEADER_BYTES
    const value = this.#bytes.slice(start, end)
    if (end > start) fields.push({ name: 'cut body', offset: start, length: end - start, value })
    return truncatedAt(end, `the input ends after ${end - start} of the ${whole - HEADER_BYTES} bytes of the body`)
  }
}

function truncatedAt(offset: number, message: string): DescribedProblem {
  return { rule: 'truncated', offset, message }
}
