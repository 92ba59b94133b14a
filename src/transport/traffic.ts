/**
 * What a link needs while bytes come or go: the decoder, the writer, and how far its turn is. It is taken from a pool and
 * given back, so that a quiet connection holds nothing of it (spec/architecture.md). Invariant: it is one link's or in the
 * pool, where nothing of a connection is left in it.
 */
import type { Limits } from '../limits.ts'
import { copyBytes, FrameDecoder } from '../wire/index.ts'
import { SlabWriter } from './slab.ts'

export class Traffic {
  readonly writer = new SlabWriter()
  readonly decoder: FrameDecoder
  /** Input that came while reading was paused or its turn was over. */
  #backlog: Uint8Array[] | undefined
  isReading = false
  flushIsDue = false
  turnIsDue = false
  turnBytes = 0
  turnFrames = 0
  /** Written since the last flush. */
  batchFrames = 0

  constructor(limits: Limits) {
    this.decoder = new FrameDecoder(limits, { expectsHello: true })
  }

  /** Something is half done, or will be asked for in this turn. */
  get isBusy(): boolean {
    const isUnderway = this.isReading || this.flushIsDue || this.turnIsDue
    return isUnderway || this.hasBacklog || this.writer.isLent || this.writer.pendingBytes > 0 || !this.decoder.isQuiet
  }

  get hasBacklog(): boolean {
    return this.#backlog !== undefined
  }

  keep(chunk: Uint8Array): void {
    this.#backlog ??= []
    this.#backlog.push(chunk)
  }

  /** The chunk that was kept longest. */
  takeKept(): Uint8Array | undefined {
    const chunk = this.#backlog?.shift()
    if (this.#backlog?.length === 0) this.#backlog = undefined
    return chunk
  }

  /** Copies what was not read yet of the chunk that came last, before it is used for something else. */
  ownChunk(chunk: Uint8Array): void {
    this.decoder.keepUnread()
    if (this.#backlog?.at(-1) === chunk) this.#backlog.splice(-1, 1, copyBytes(chunk, 0, chunk.length))
  }

  forgetBacklog(): void {
    this.#backlog = undefined
  }
}

/** By limits, which the decoders of one server share. */
const pools = new WeakMap<Limits, Traffic[]>()
/** More are seldom active in one turn. */
const MAX_POOLED = 256

/** @param expectsHello nothing was read of the connection yet */
export function takeTraffic(limits: Limits, expectsHello: boolean): Traffic {
  const traffic = pools.get(limits)?.pop() ?? new Traffic(limits)
  traffic.decoder.restart(expectsHello)
  return traffic
}

/** Takes back what is not busy. */
export function giveBack(limits: Limits, traffic: Traffic): void {
  traffic.turnBytes = 0
  traffic.turnFrames = 0
  traffic.batchFrames = 0
  traffic.decoder.restart(false)
  const pool = pools.get(limits)
  if (!pool) pools.set(limits, [traffic])
  else if (pool.length < MAX_POOLED) pool.push(traffic)
}
