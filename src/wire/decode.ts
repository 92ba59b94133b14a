/**
 * Finds frames in a stream of bytes, however it is cut (spec/protocol.md). Whole frames are read where they lie; only an
 * unfinished tail is copied, into one buffer that grows with what has come and not with what was announced. May not
 * allocate for a whole frame.
 */
import { defaultLimits, type Limits } from '../limits.ts'
import { HEADER_BYTES, judgeHeader, type Kind, kinds, ProtocolError } from './frame.ts'
import { copyBytes, uint32At } from './octets.ts'
import { keepSpare, takeSpare } from './spare.ts'

/** A frame by itself: the body is a copy. */
export interface Frame {
  readonly kind: Kind
  readonly flags: number
  readonly id: number
  readonly body: Uint8Array
}

const NOTHING = new Uint8Array(0)
const SMALLEST_TAIL = 256
/** A longer one goes into a spare buffer, if there is one. */
const LONG_TAIL = 4_096

/**
 * An incremental decoder of one direction of one connection.
 *
 * `push` a chunk, then `read` until it says `false`; after each `true`, `kind`, `flags`, `id`, `buffer`, `start` and
 * `end` tell the frame, until the next call. Or take `frames(chunk)`, which copies.
 */
export class FrameDecoder {
  kind: Kind = kinds.HELLO
  flags = 0
  id = 0
  /** What the body lies in, from `start` to `end`; it will be used again. */
  buffer: Uint8Array = NOTHING
  start = 0
  end = 0
  /** Frames of unknown kind that were skipped, as their sender allowed. */
  skipped = 0

  readonly #limits: Pick<Limits, 'maxFrameBytes' | 'maxHelloBytes'>
  #expectsHello: boolean
  #chunk: Uint8Array = NOTHING
  #at = 0
  #tail: Uint8Array = NOTHING
  #tailLength = 0
  #tailIsRead = false

  /**
   * @param options.expectsHello the first frame must be a HELLO, or an ERROR that refuses the connection, and anything
   * else is told as early as its first byte.
   * Default `false`.
   */
  constructor(
    limits: Pick<Limits, 'maxFrameBytes' | 'maxHelloBytes'> = defaultLimits,
    options: { readonly expectsHello?: boolean | undefined } = {},
  ) {
    this.#limits = limits
    this.#expectsHello = options.expectsHello ?? false
  }

  /** Takes more input. What was pushed before must have been read. */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) throw new Error('push() before read() said false')
    this.#chunk = chunk
    this.#at = 0
  }

  /** Copies what was not looked at yet, before the chunk that it lies in is used for something else. */
  keepUnread(): void {
    if (this.unread === 0) return
    this.#chunk = copyBytes(this.#chunk, this.#at, this.#chunk.length)
    this.#at = 0
  }

  /** Begins with another connection, after a quiet one. */
  restart(expectsHello: boolean): void {
    this.#expectsHello = expectsHello
    this.skipped = 0
    this.#chunk = NOTHING
    this.#at = 0
    this.buffer = NOTHING
  }

  /** Nothing is left of the input, nor of a frame, and the HELLO has come. */
  get isQuiet(): boolean {
    return this.unread === 0 && this.#tailLength === 0 && !this.#expectsHello
  }

  /** How many bytes of the input were not looked at yet. */
  get unread(): number {
    return this.#chunk.length - this.#at
  }

  /**
   * Goes to the next frame, if it is there whole.
   * @throws ProtocolError; the decoder is of no further use then.
   */
  read(): boolean {
    if (this.#tailIsRead) this.#forgetTail()
    for (;;) {
      const found = this.#tailLength > 0 ? this.#readFromTail() : this.#readInPlace()
      if (found !== 'skipped') return found
      this.skipped++
      if (this.#tailIsRead) this.#forgetTail()
    }
  }

  /** The frames that are whole with this chunk, each with a copy of its body. */
  *frames(chunk: Uint8Array): Generator<Frame, void, undefined> {
    this.push(chunk)
    while (this.read())
      yield { kind: this.kind, flags: this.flags, id: this.id, body: copyBytes(this.buffer, this.start, this.end) }
  }

  #readInPlace(): boolean | 'skipped' {
    const chunk = this.#chunk
    const at = this.#at
    const available = chunk.length - at
    if (available === 0) {
      this.#chunk = NOTHING
      this.#at = 0
      this.buffer = NOTHING // a quiet connection holds no input
      return false
    }
    if (this.#expectsHello) requireHelloStart(chunk, at, chunk.length, this.#limits.maxHelloBytes)
    if (available < HEADER_BYTES) return this.#keepTail(HEADER_BYTES)
    const whole = HEADER_BYTES + lengthAt(chunk, at)
    const known = this.#judge(chunk, at)
    if (available < whole) return this.#keepTail(whole)
    this.buffer = chunk
    this.start = at + HEADER_BYTES
    this.end = at + whole
    this.#at = this.end
    return known || 'skipped'
  }

  #readFromTail(): boolean | 'skipped' {
    if (this.#tailLength < HEADER_BYTES) {
      this.#copyToTail(HEADER_BYTES)
      if (this.#expectsHello) requireHelloStart(this.#tail, 0, this.#tailLength, this.#limits.maxHelloBytes)
      if (this.#tailLength < HEADER_BYTES) return false
    }
    const whole = HEADER_BYTES + lengthAt(this.#tail, 0)
    const known = this.#judge(this.#tail, 0)
    this.#copyToTail(whole)
    if (this.#tailLength < whole) return false
    this.buffer = this.#tail
    this.start = HEADER_BYTES
    this.end = whole
    this.#tailIsRead = true
    return known || 'skipped'
  }

  /** Reads a header into the fields; `false` for a frame to skip. */
  #judge(bytes: Uint8Array, at: number): boolean {
    const length = lengthAt(bytes, at)
    const kind = bytes[at + 3] ?? 0
    this.flags = bytes[at + 4] ?? 0
    this.id = uint32At(bytes, at + 5)
    const max = kind === kinds.HELLO ? this.#limits.maxHelloBytes : this.#limits.maxFrameBytes
    const rule = judgeHeader(kind, length, this.flags, this.id, max)
    if (!rule) return false
    this.#expectsHello = false
    this.kind = kind as Kind // judged: it has a rule
    return true
  }

  #keepTail(whole: number): false {
    this.#copyToTail(whole)
    return false
  }

  /** Copies input until the tail holds `whole` bytes or the input is used up. */
  #copyToTail(whole: number): void {
    const wanted = Math.min(whole - this.#tailLength, this.#chunk.length - this.#at)
    const length = this.#tailLength + wanted
    if (length > this.#tail.length) this.#growTail(whole, length)
    this.#tail.set(this.#chunk.subarray(this.#at, this.#at + wanted), this.#tailLength)
    this.#tailLength = length
    this.#at += wanted
  }

  #growTail(whole: number, length: number): void {
    const before = this.#tail
    const size = Math.min(Math.max(whole, SMALLEST_TAIL), Math.max(length, 2 * before.length, SMALLEST_TAIL))
    this.#tail = (length > LONG_TAIL ? takeSpare(whole) : undefined) ?? new Uint8Array(size)
    this.#tail.set(before.subarray(0, this.#tailLength))
    keepSpare(before)
  }

  /** A quiet connection holds no large buffer. */
  #forgetTail(): void {
    this.#tailIsRead = false
    this.#tailLength = 0
    if (this.#tail.length <= SMALLEST_TAIL) return
    keepSpare(this.#tail)
    this.#tail = NOTHING
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
}

/** The first frame's length is at most 64 KiB, so its first byte is 0 or 1, and no protocol of text begins so. */
function requireHelloStart(bytes: Uint8Array, at: number, end: number, maxHelloBytes: number): void {
  const first = bytes[at] ?? 0
  if (first > 1) throw notNanowire(bytes, at, end)
  if (end - at < 4) return
  if (bytes[at + 3] !== kinds.HELLO && bytes[at + 3] !== kinds.ERROR) throw notNanowire(bytes, at, end)
  const length = lengthAt(bytes, at)
  if (length > maxHelloBytes) {
    throw new ProtocolError(
      'frame_size',
      `a first frame of ${length} bytes: maxHelloBytes is ${maxHelloBytes} (option limits.maxHelloBytes)`,
      'maxHelloBytes',
    )
  }
}

function notNanowire(bytes: Uint8Array, at: number, end: number): ProtocolError {
  const shown = bytes.subarray(at, Math.min(end, at + 40))
  const text = Array.from(shown, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
  return new ProtocolError('not_nanowire', `the peer does not speak Nanowire: it began with ${JSON.stringify(text)}`)
}
