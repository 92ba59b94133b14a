/**
 * Puts messages together that travel in fragments (spec/protocol.md, chapter "Fragments"). Invariant: what unfinished
 * messages hold together stays under `maxReassemblyBytes`, and no buffer grows far ahead of what has come.
 */
import type { Limits } from '../limits.ts'
import { flags as flag, ProtocolError } from './frame.ts'
import { IdTable } from './id-table.ts'
import { uintAt } from './octets.ts'
import { keepSpare, keepUntouched, newLendable, takeSpare, wasKept } from './spare.ts'

/** A message that is whole: a body, and what its first fragment said. */
export interface Assembled {
  readonly flags: number
  readonly body: Uint8Array
  /** One value of bytes, which whoever decodes it may have been given. */
  readonly isLendable: boolean
}

/** Why the rest of a message is thrown away as it comes. */
export type TooLarge = 'maxMessageBytes' | 'maxReassemblyBytes'

const NOTHING = new Uint8Array(0)

class Unfinished {
  readonly id: number
  readonly flags: number
  /** How long it is, where it says so; 0 otherwise. */
  readonly announced: number
  /** What may be set aside on its word. */
  readonly ahead: number
  discarded: boolean
  bytes: Uint8Array = NOTHING
  length = 0
  isLendable = false
  /** What is counted for it; a spare buffer may be longer. */
  size = 0
  /** What has come of it, discarded or not. */
  came = 0
  fragments = 0

  constructor(id: number, flags: number, announced: number, ahead: number, discarded: boolean) {
    this.id = id
    this.flags = flags
    this.announced = announced
    this.ahead = ahead
    this.discarded = discarded
  }
}

/** What a message says of its length is believed when a share of it has come: memory that nobody has written to costs nothing yet. */
const BELIEVED_SHARE = 1 / 16

/** A longer message goes into a spare buffer, if there is one. */
const LONG_BYTES = 4_096

/** A message may come in so many fragments, and in one more for each KiB of it (spec/streams.md, F15). */
const MOST_FRAGMENTS = 1_024
const FRAGMENT_BYTES = 1_024

/** What stands before a body at most: number, time, hash and metadata. `maxMessageBytes` counts the body alone. */
const MAX_HEAD_BYTES = 26 + 65_535

export class Reassembler {
  /** Fragments that have come. */
  fragments = 0
  readonly #limits: Pick<Limits, 'maxMessageBytes' | 'maxReassemblyBytes'>
  /** Made when a message comes in fragments, as few connections ever have one. */
  #unfinished: IdTable<Unfinished> | undefined
  #heldBytes = 0
  #wantedNotifies = 0

  constructor(limits: Pick<Limits, 'maxMessageBytes' | 'maxReassemblyBytes'>) {
    this.#limits = limits
  }

  /** Messages that have begun and not ended. */
  get size(): number {
    return this.#unfinished?.size ?? 0
  }

  /** Bytes that they hold. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Messages of which more is wanted. */
  get wanted(): number[] {
    const unfinished = this.#unfinished?.entries() ?? []
    return unfinished.filter(({ discarded }) => !discarded).map(({ id }) => id)
  }

  /** Requests of which more is wanted, though nobody waits for an answer. */
  get wantedNotifies(): number {
    return this.#wantedNotifies
  }

  has(id: number): boolean {
    return this.#unfinished?.get(id) !== undefined
  }

  /**
   * Takes a fragment. `more` says whether others follow, `discards` of a first one that none of them are wanted, `announced`
   * of a first one what `announcedBytes` found, and `ahead` how much of that may be set aside before it has come.
   * @returns the message when this was its last fragment; the limit's name when this fragment broke it, once; otherwise
   * nothing. What follows a broken limit is discarded up to its last fragment.
   * @throws ProtocolError for too many of them
   */
  add(
    id: number,
    flags: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    more: boolean,
    discards = false,
    announced = 0,
    ahead = Number.POSITIVE_INFINITY,
  ): Assembled | TooLarge | undefined {
    this.#unfinished ??= new IdTable()
    let message = this.#unfinished.get(id)
    if (!message) {
      message = new Unfinished(id, flags, announced, ahead, discards)
      this.#unfinished.add(message)
      if (!discards) this.#wantedNotifies += notifiesIn(message)
    }
    this.fragments++
    countFragment(id, message, end - start)
    const broken = message.discarded ? undefined : this.#take(message, buffer, start, end)
    if (broken) this.#forget(message)
    if (more) return broken
    this.#unfinished.remove(id)
    if (message.discarded) return broken
    this.#heldBytes -= message.size
    this.#wantedNotifies -= notifiesIn(message)
    const { flags: firstFlags, bytes, length, isLendable } = message
    return { flags: firstFlags, body: length === bytes.length ? bytes : bytes.subarray(0, length), isLendable }
  }

  /** Makes room for all that a message announces of itself. Who asks has set so much aside. */
  expectWhole(id: number): void {
    const message = this.#unfinished?.get(id)
    if (!message || message.discarded) return
    const size = Math.min(message.announced, this.#limits.maxMessageBytes)
    if (size <= message.size) return
    this.#heldBytes += size - message.size
    message.size = size
    growBytes(message)
  }

  /** Says that nobody reads a message any more. */
  release({ body, isLendable }: Assembled): void {
    if (!isLendable || wasKept(body)) keepSpare(new Uint8Array(body.buffer))
  }

  /** Whether what comes of a message is thrown away. */
  isDiscarded(id: number): boolean {
    return this.#unfinished?.get(id)?.discarded ?? false
  }

  /** What a message's first fragment said, 0 where none has begun. */
  flagsOf(id: number): number {
    return this.#unfinished?.get(id)?.flags ?? 0
  }

  /** Forgets a message, of which no more will come. */
  remove(id: number): void {
    const message = this.#unfinished?.remove(id)
    if (message) this.#forget(message)
  }

  /** Forgets what has come of a message; the rest of it is discarded as it comes. */
  discard(id: number): void {
    const message = this.#unfinished?.get(id)
    if (message) this.#forget(message)
  }

  #take(message: Unfinished, buffer: Uint8Array, start: number, end: number): TooLarge | undefined {
    const length = message.length + end - start
    const maxBytes = this.#limits.maxMessageBytes + MAX_HEAD_BYTES
    if (length > maxBytes) return 'maxMessageBytes'
    if (length > message.size) {
      const free = this.#limits.maxReassemblyBytes - this.#heldBytes
      const size = sizeFor(message, length, Math.min(maxBytes, message.size + free))
      if (size < length) return 'maxReassemblyBytes'
      this.#heldBytes += size - message.size
      message.size = size
      if (size > message.bytes.length) growBytes(message)
    }
    message.bytes.set(buffer.subarray(start, end), message.length)
    message.length = length
    return undefined
  }

  #forget(message: Unfinished): void {
    if (message.discarded) return
    message.discarded = true
    this.#wantedNotifies -= notifiesIn(message)
    this.#heldBytes -= message.size
    keepUntouched(message.bytes)
    message.bytes = NOTHING
    message.size = 0
  }
}

const notifiesIn = (message: Unfinished) => ((message.flags & flag.ONE_WAY) === 0 ? 0 : 1)

/** All that it says it will have, or twice what it had; `most` at most. */
function sizeFor({ announced, ahead, size }: Unfinished, length: number, most: number): number {
  const isBelieved = length <= announced && length >= BELIEVED_SHARE * announced && announced <= Math.min(ahead, most)
  return isBelieved ? announced : Math.min(Math.max(length, 2 * size), most)
}

function countFragment(id: number, message: Unfinished, bytes: number): void {
  message.came += bytes
  message.fragments++
  const { came, fragments } = message
  // F15
  if (fragments > MOST_FRAGMENTS + came / FRAGMENT_BYTES)
    throw new ProtocolError('fragment', `${fragments} fragments of ${id} with ${came} bytes together`)
}

function growBytes(message: Unfinished): void {
  const { bytes, length, size, announced } = message
  const isWhole = size === announced
  const larger = isWhole
    ? newLendable(size)
    : ((size > LONG_BYTES ? takeSpare(size) : undefined) ?? new Uint8Array(size))
  larger.set(bytes.subarray(0, length))
  keepUntouched(bytes)
  message.bytes = larger
  message.isLendable = isWhole
}

/** How long a message is whose first fragment goes from `start` to `end`, where its value at `valueAt` is bytes; 0 for another. */
export function announcedBytes(buffer: Uint8Array, start: number, valueAt: number, end: number): number {
  const token = buffer[valueAt] ?? 0
  if (token < 0xc4 || token > 0xc6) return 0
  const lengthBytes = 1 << (token - 0xc4)
  const bytesAt = valueAt + 1 + lengthBytes
  return bytesAt <= end ? bytesAt - start + uintAt(buffer, valueAt + 1, lengthBytes) : 0
}
