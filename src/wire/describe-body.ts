/**
 * Names every field of a frame's body (spec/protocol.md, spec/streams.md), for people. Messages in fragments are put together
 * meanwhile, and shown at their last one.
 */
import type { Limits } from '../limits.ts'
import { metadataEnd, readError, readMetadata, readRequestHead } from './body.ts'
import type { DescribedField } from './describe-header.ts'
import { flags as flagBits, kinds, ProtocolError } from './frame.ts'
import { readCredentials, readHello } from './hello.ts'
import { entriesOf } from './map-entries.ts'
import { decodeText, uint32At, uintAt } from './octets.ts'
import { itemsStart, readEnd, readGap, readIncrement, readPriority } from './stream-body.ts'
import { StrictError } from './strict.ts'
import { unpack, unpackedEnd, unpackFirst } from './unpack.ts'

export type DescribeLimits = Pick<
  Limits,
  'maxFrameBytes' | 'maxHelloBytes' | 'maxMetadataBytes' | 'maxDepth' | 'maxNodes'
>

/** A rule that the bytes break (spec/protocol.md, spec/msgpack.md), or `truncated` where the input ends too early. */
export interface DescribedProblem {
  readonly rule: string
  readonly offset: number
  readonly message: string
}

/** A message whose last fragment has not come. */
interface Unfinished {
  readonly fragments: Uint8Array[]
  bytes: number
}

export class BodyDescriber {
  /** What a HELLO of the input allows. */
  maxFrameBytes: number
  readonly #bytes: Uint8Array
  readonly #limits: DescribeLimits
  readonly #unfinished = new Map<string, Unfinished>()
  #fields: DescribedField[] = []
  /** Where the MessagePack that is being read begins in the input, if it lies there whole. */
  #valueAt: number | undefined

  constructor(bytes: Uint8Array, limits: DescribeLimits) {
    this.#bytes = bytes
    this.#limits = limits
    this.maxFrameBytes = limits.maxFrameBytes
  }

  /** Adds the fields of a whole body, and tells what it breaks. The frames after it can be found all the same. */
  describe(kind: number, start: number, end: number, fields: DescribedField[]): DescribedProblem | undefined {
    this.#fields = fields
    this.#valueAt = undefined
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
        return this.#message(kind, start, end)
      case kinds.END:
        return this.#end(start, end)
      case kinds.ERROR:
        this.#entries(start, end)
        readError(bytes, start, end, this.#limits)
        return
      case kinds.CREDIT:
        this.#add('increment', start, 4, uint32At(bytes, start))
        readIncrement(bytes, start)
        return
      case kinds.PRIORITY:
        this.#add('priority', start, 1, uintAt(bytes, start, 1))
        readPriority(bytes, start)
        return
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
    this.maxFrameBytes = Math.max(this.maxFrameBytes, limits.maxFrameBytes)
  }

  /** END: `[u16 length, metadata]`. */
  #end(start: number, end: number): void {
    const bits = uintAt(this.#bytes, start - 5, 1)
    const bodyStart = this.#metadata(bits, start, end)
    if (bodyStart < end) this.#bytesField('body', bodyStart, end)
    readEnd(bits, this.#bytes, start, end, this.#limits.maxMetadataBytes)
  }

  /** A REQUEST, RESPONSE or DATA, whole or a fragment of one. */
  #message(kind: number, start: number, end: number): void {
    const bits = uintAt(this.#bytes, start - 5, 1)
    const id = uint32At(this.#bytes, start - 4)
    const hasMore = (bits & flagBits.MORE) !== 0
    const key = `${kind}/${id}`
    const before = this.#unfinished.get(key)
    this.#unfinished.delete(key)
    // P32, F3: all but the first fragment have no flag but MORE, of a DATA WAIT as well.
    const further = kind === kinds.DATA ? flagBits.MORE | flagBits.WAIT : flagBits.MORE
    if (before && (bits & ~further) !== 0) throw new ProtocolError('fragment', 'a further fragment with flags')
    const bodyStart = before ? start : this.#head(kind, bits, start, end)
    if (!before && !hasMore) return this.#whole(kind, bits, bodyStart, end)
    this.#bytesField('fragment', bodyStart, end)
    const message = before ?? { fragments: [], bytes: 0 }
    message.fragments.push(this.#bytes.subarray(bodyStart, end))
    message.bytes += end - bodyStart
    if (hasMore) this.#unfinished.set(key, message)
    else if (kind === kinds.DATA) this.#joinedItems(joined(message), bodyStart)
    else this.#value(joined(message), 0, message.bytes, bodyStart)
  }

  /** What follows the head of a message of one frame. */
  #whole(kind: number, bits: number, start: number, end: number): void {
    if (kind === kinds.DATA) return this.#items(start, end)
    if (kind === kinds.REQUEST && (bits & flagBits.INPUT) !== 0) return // F1: it has none
    this.#valueAt = start
    this.#value(this.#bytes, start, end, start)
  }

  /** F3: the items of a DATA, one directly behind the other. */
  #items(start: number, end: number): void {
    for (let at = start; at < end; at = unpackedEnd()) {
      this.#valueAt = at
      const item = unpackFirst(this.#bytes, at, end, this.#limits)
      this.#add('item', at, unpackedEnd() - at, item)
    }
  }

  /** Items that came in fragments; each is shown at the last one. */
  #joinedItems(bytes: Uint8Array, offset: number): void {
    for (let at = 0; at < bytes.length; at = unpackedEnd()) {
      const item = unpackFirst(bytes, at, bytes.length, this.#limits)
      this.#add('item', offset, unpackedEnd() - at, item)
    }
  }

  /** What stands before a message's body. Returns where that begins. */
  #head(kind: number, bits: number, start: number, end: number): number {
    const bytes = this.#bytes
    if (kind === kinds.DATA) {
      const at = itemsStart(bits, start, end)
      if (at > start) this.#add('left out', start, 4, readGap(bits, bytes, at))
      return at
    }
    let at = start
    if (kind === kinds.REQUEST) {
      // `u32 tag, u32 timeoutMs, [16 bytes of hash], …`
      readRequestHead(bits & ~(flagBits.METADATA | flagBits.INPUT), bytes, start, end)
      this.#add('tag', start, 4, uint32At(bytes, start))
      this.#add('timeoutMs', start + 4, 4, uint32At(bytes, start + 4))
      at += 8
      if ((bits & flagBits.HASH) !== 0) {
        this.#bytesField('hash', at, at + 16)
        at += 16
      }
    }
    const bodyStart = this.#metadata(bits, at, end)
    if (kind === kinds.REQUEST && (bits & flagBits.INPUT) !== 0) {
      if (bodyStart < end) this.#bytesField('body', bodyStart, end)
      readRequestHead(bits, bytes, start, end)
    }
    return bodyStart
  }

  /** `…, [u16 length, metadata], body`. Returns where the body begins. */
  #metadata(bits: number, at: number, end: number): number {
    if ((bits & flagBits.METADATA) === 0) return at
    const bytes = this.#bytes
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

export function problemOf(error: unknown, offsetOf: (rule: string) => number): DescribedProblem {
  if (!(error instanceof ProtocolError || error instanceof StrictError)) throw error
  return { rule: error.rule, offset: offsetOf(error.rule), message: error.message }
}
