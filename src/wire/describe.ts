/**
 * Names every field of every frame in bytes that somebody has caught (spec/protocol.md), for people and not for a
 * connection. Invariant: it never throws; each byte up to the first breach of the framing belongs to exactly one frame,
 * and what breaks a rule is said at its place.
 */
import { defaultLimits, type Limits } from '../limits.ts'
import { metadataEnd, readError, readMetadata, readRequestHead } from './body.ts'
import { type DescribedField, describeHeader, length24 } from './describe-header.ts'
import {
  flags as flagBits,
  HEADER_BYTES,
  judgeHeader,
  type KindName,
  kindRules,
  kinds,
  ProtocolError,
} from './frame.ts'
import { readCredentials, readHello } from './hello.ts'
import { entriesOf } from './map-entries.ts'
import { unpack } from './msgpack.ts'
import { decodeText, uint32At, uintAt } from './octets.ts'
import { StrictError } from './strict.ts'

/** A rule that the bytes break (spec/protocol.md, spec/msgpack.md), or `truncated` where the input ends too early. */
export interface DescribedProblem {
  readonly rule: string
  readonly offset: number
  readonly message: string
}

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

type DescribeLimits = Pick<Limits, 'maxFrameBytes' | 'maxHelloBytes' | 'maxMetadataBytes' | 'maxDepth' | 'maxNodes'>

/**
 * Describes frames of one direction or of both, from a first frame or from the middle of a connection; so the order of
 * frames is not judged. A HELLO in the input raises `maxFrameBytes` to what it says.
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

/** A message whose last fragment has not come. */
interface Unfinished {
  readonly fragments: Uint8Array[]
  bytes: number
}

class Describer {
  /** The framing is broken: no frame can be found any more. */
  isLost = false
  readonly #bytes: Uint8Array
  readonly #limits: DescribeLimits
  readonly #unfinished = new Map<string, Unfinished>()
  #maxFrameBytes: number
  #fields: DescribedField[] = []
  /** Where the MessagePack that is being read begins in the input, if it lies there whole. */
  #valueAt: number | undefined

  constructor(bytes: Uint8Array, limits: DescribeLimits) {
    this.#bytes = bytes
    this.#limits = limits
    this.#maxFrameBytes = limits.maxFrameBytes
  }

  describe(offset: number): DescribedFrame {
    const bytes = this.#bytes
    // P8: no frame is so long, and what is no Nanowire at all shows here.
    if (offset === 0 && uintAt(bytes, 0, 1) > Math.max(1, this.#maxFrameBytes >> 16)) return this.#foreign()
    this.#fields = describeHeader(bytes, offset)
    this.#valueAt = undefined
    const available = bytes.length - offset
    const number = available > 3 ? uintAt(bytes, offset + 3, 1) : 0
    const kind = kindRules[number]?.name ?? 'unknown'
    if (available < HEADER_BYTES) {
      const message = `the input ends after ${available} of the ${HEADER_BYTES} bytes of a header`
      return { kind, offset, length: available, fields: this.#fields, problem: truncatedAt(bytes.length, message) }
    }
    const whole = HEADER_BYTES + length24(bytes, offset)
    const length = Math.min(whole, available)
    const problem =
      this.#judge(offset) ??
      (whole > available ? this.#cut(offset, whole) : this.#body(number, offset + HEADER_BYTES, offset + whole))
    return { kind, offset, length: this.isLost ? HEADER_BYTES : length, fields: this.#fields, problem }
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
    const max = kind === kinds.HELLO ? this.#limits.maxHelloBytes : this.#maxFrameBytes
    try {
      judgeHeader(kind, length24(bytes, offset), uintAt(bytes, offset + 4, 1), uint32At(bytes, offset + 5), max)
      return undefined
    } catch (error) {
      this.isLost = true
      const places: Readonly<Record<string, number>> = { frame_kind: 3, frame_flags: 4, frame_id: 5 }
      return problemOf(error, (rule) => offset + (places[rule] ?? 0))
    }
  }

  #cut(offset: number, whole: number): DescribedProblem {
    const end = this.#bytes.length
    const start = offset + HEADER_BYTES
    if (end > start) this.#bytesField('cut body', start, end)
    return truncatedAt(end, `the input ends after ${end - start} of the ${whole - HEADER_BYTES} bytes of the body`)
  }

  /** The fields of a whole body, and what it breaks. The frames after it can be found all the same. */
  #body(kind: number, start: number, end: number): DescribedProblem | undefined {
    try {
      this.#bodyFields(kind, start, end)
      return undefined
    } catch (error) {
      const valueAt = this.#valueAt
      if (error instanceof StrictError && valueAt !== undefined) return problemOf(error, () => valueAt + error.offset)
      return problemOf(error, () => start)
    }
  }

  #bodyFields(kind: number, start: number, end: number): void {
    const bytes = this.#bytes
    switch (kind) {
      case kinds.HELLO:
        return this.#hello(start, end)
      case kinds.REQUEST:
      case kinds.RESPONSE:
      case kinds.DATA:
      case kinds.END:
        return this.#message(kind, start, end)
      case kinds.ERROR:
        this.#entries(start, end)
        readError(bytes, start, end, this.#limits)
        return
      case kinds.CREDIT:
        return this.#add('increment', start, 4, uint32At(bytes, start))
      case kinds.PING:
      case kinds.PONG:
        return this.#bytesField('payload', start, end)
      case kinds.GOAWAY:
        this.#add('last id', start, 4, uint32At(bytes, start))
        return this.#add('reason', start + 4, end - start - 4, decodeText(bytes, start + 4, end))
      case kinds.AUTH:
        return this.#add('credentials', start, end - start, readCredentials(bytes, start, end))
      case kinds.CANCEL:
        return
      default: // kinds that are to be skipped
        if (end > start) this.#bytesField('body', start, end)
    }
  }

  /** `NWIR, u8 major, map`. */
  #hello(start: number, end: number): void {
    const bytes = this.#bytes
    this.#add('magic', start, 4, decodeText(bytes, start, start + 4))
    this.#add('major', start + 4, 1, uintAt(bytes, start + 4, 1))
    this.#entries(start + 5, end)
    const { limits } = readHello(bytes, start, end)
    this.#maxFrameBytes = Math.max(this.#maxFrameBytes, limits.maxFrameBytes)
  }

  /** A REQUEST, RESPONSE, DATA or END, whole or a fragment of one. */
  #message(kind: number, start: number, end: number): void {
    const bits = uintAt(this.#bytes, start - 5, 1)
    const id = uint32At(this.#bytes, start - 4)
    const hasMore = kind !== kinds.END && (bits & flagBits.MORE) !== 0
    const key = `${kind}/${id}`
    const before = this.#unfinished.get(key)
    this.#unfinished.delete(key)
    // P32: all but the first fragment have no flag but MORE.
    if (before && (bits & ~flagBits.MORE) !== 0) throw new ProtocolError('fragment', 'a further fragment with flags')
    const bodyStart = before ? start : this.#head(kind, bits, start, end)
    if (!before && !hasMore) {
      this.#valueAt = bodyStart
      if (kind !== kinds.END || end > bodyStart) this.#value(this.#bytes, bodyStart, end, bodyStart)
      return
    }
    this.#bytesField('fragment', bodyStart, end)
    const message = before ?? { fragments: [], bytes: 0 }
    message.fragments.push(this.#bytes.subarray(bodyStart, end))
    message.bytes += end - bodyStart
    if (hasMore) this.#unfinished.set(key, message)
    else this.#value(joined(message), 0, message.bytes, bodyStart)
  }

  /** What stands before a message's body. Returns where that begins. */
  #head(kind: number, bits: number, start: number, end: number): number {
    const bytes = this.#bytes
    let at = start
    if (kind === kinds.REQUEST) {
      // `u32 tag, u32 timeoutMs, [16 bytes of hash], …`
      readRequestHead(bits & ~flagBits.METADATA, bytes, start, end)
      this.#add('tag', start, 4, uint32At(bytes, start))
      this.#add('timeoutMs', start + 4, 4, uint32At(bytes, start + 4))
      at += 8
      if ((bits & flagBits.HASH) !== 0) {
        this.#bytesField('hash', at, at + 16)
        at += 16
      }
    }
    if ((bits & flagBits.METADATA) === 0) return at
    // `…, [u16 length, metadata], body`
    const bodyStart = metadataEnd(bytes, at, end)
    this.#add('metadata length', at, 2, uintAt(bytes, at, 2))
    const metadata = readMetadata(bytes, at, bodyStart, this.#limits.maxMetadataBytes)
    this.#add('metadata', at + 2, bodyStart - at - 2, metadata)
    return bodyStart
  }

  /** The MessagePack of a message; of one in fragments it is shown at its last. */
  #value(bytes: Uint8Array, start: number, end: number, offset: number): void {
    this.#add('body', offset, end - start, unpack(bytes, start, end, this.#limits))
  }

  /** The entries of a map, each a field of its own; nothing where it cannot be read, which its reader says better. */
  #entries(start: number, end: number): void {
    for (const { key, offset, length } of entriesOf(this.#bytes, start, end, this.#limits)) {
      this.#add(key, offset, length, unpack(this.#bytes, offset, offset + length, this.#limits))
    }
  }

  #bytesField(name: string, start: number, end: number): void {
    this.#add(name, start, end - start, this.#bytes.slice(start, end))
  }

  #add(name: string, offset: number, length: number, value: unknown): void {
    this.#fields.push({ name, offset, length, value })
  }
}

function joined({ fragments, bytes }: Unfinished): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const fragment of fragments) {
    whole.set(fragment, at)
    at += fragment.length
  }
  return whole
}

function truncatedAt(offset: number, message: string): DescribedProblem {
  return { rule: 'truncated', offset, message }
}

function problemOf(error: unknown, offsetOf: (rule: string) => number): DescribedProblem {
  if (!(error instanceof ProtocolError || error instanceof StrictError)) throw error
  return { rule: error.rule, offset: offsetOf(error.rule), message: error.message }
}
