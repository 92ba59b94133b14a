/**
 * What all links of bytes share: when to flush, how much input one connection gets handled in a turn, and the decoder
 * (spec/architecture.md). A kind of link adds how bytes are sent and how its source is paused.
 */
import type { Limits } from '../limits.ts'
import type { Clock, Link, LinkListener } from '../session/index.ts'
import { type FrameDecoder, ProtocolError, weightOf } from '../wire/index.ts'
import { recycle, type SlabWriter } from './slab.ts'
import type { PeerTls } from './tls-options.ts'
import { giveBack, type Traffic, takeTraffic } from './traffic.ts'
import { type Turns, turnsOf } from './turns.ts'

/** A batch of fewer bytes waits for the end of the turn, if more is to be expected; one of so many is sent at once. */
const SMALL_BATCH_BYTES = 512
const LARGE_BATCH_BYTES = 4_096
/** Items of a stream, of which ever more follow. */
const STREAM_BATCH_BYTES = 16_384
/** What one read has brought about, while it goes on. */
const BULK_BATCH_BYTES = 65_536
/** Between them, a batch is sent when it holds this share of what is under way, so that the two ends work at once. */
const BATCH_SHARE = 1 / 4

export interface ByteLinkOptions {
  readonly clock: Clock
  readonly limits: Limits
  readonly peer: string
}

/** Watches what passes over a link (spec/debugging.md). It may keep nothing that it is shown, and must not throw. */
export interface LinkTap {
  /** A whole frame has come in; the session is told next. */
  frameReceived(decoder: FrameDecoder): void
  /** What comes in is no frame. */
  streamBroken(error: ProtocolError): void
  /** Bytes go out, cut anyhow. */
  chunksFlushed(chunks: readonly Uint8Array[]): void
}

/** As a socket calls it: with the error with which it was destroyed, if it was. */
export type Done = (error?: Error | null) => void

export abstract class ByteLink implements Link {
  readonly peer: string
  /** Who watches, from before `attach` on. */
  tap: LinkTap | undefined
  flushedBytes = 0
  receivedBytes = 0
  protected readonly clock: Clock
  protected readonly limits: Limits
  readonly #turns: Turns
  #listener: LinkListener | undefined
  /** While bytes come or go. */
  #traffic: Traffic | undefined
  #isPaused = false
  #isBroken = false
  #isSourcePaused = false
  #isClosed = false

  constructor(options: ByteLinkOptions) {
    this.clock = options.clock
    this.limits = options.limits
    this.#turns = turnsOf(options.clock)
    this.peer = options.peer
  }

  /** What TLS says of the peer, where there is TLS. */
  get tls(): PeerTls | undefined {
    return undefined
  }

  abstract readonly isCongested: boolean
  abstract readonly takenBytes: number
  abstract keepProcess(keeps: boolean): void
  abstract destroy(): void
  /** Sends chunks in order; `done` is called when nobody reads them any more. */
  protected abstract send(chunks: Uint8Array[], done: Done): void
  /** Closes this direction after what was sent, and says when that was taken. */
  protected abstract finish(flushed: () => void): void
  protected abstract pauseSource(): void
  protected abstract resumeSource(): void

  /** Says who listens, once, before any input. */
  attach(listener: LinkListener): void {
    this.#listener = listener
  }

  get writer(): SlabWriter {
    return this.#moving().writer
  }

  get writtenBytes(): number {
    return this.flushedBytes + (this.#traffic?.writer.pendingBytes ?? 0)
  }

  written(underway: number): void {
    const traffic = this.#moving()
    traffic.batchFrames++
    if (isDue(traffic, underway)) this.flush()
    else if (!traffic.flushIsDue && !traffic.isReading) this.#flushLater(traffic) // or at the end of reading
  }

  flush(): void {
    const traffic = this.#traffic
    if (!traffic) return
    traffic.batchFrames = 0
    const { pendingBytes } = traffic.writer
    if (pendingBytes > 0 && !this.#isClosed) {
      const chunks = traffic.writer.take()
      this.flushedBytes += pendingBytes
      this.tap?.chunksFlushed(chunks)
      this.#send(chunks)
    }
    this.#rest(traffic)
  }

  end(flushed: () => void = () => {}): void {
    this.flush()
    this.finish(flushed)
  }

  pauseReading(): void {
    this.#isPaused = true
    this.#updateSource()
  }

  resumeReading(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#waitForTurn(this.#moving())
  }

  /**
   * Input from the source.
   * @param isShared the chunk is used for something else when this has returned
   */
  protected receive(chunk: Uint8Array, isShared = false): void {
    const traffic = this.#isBroken ? undefined : this.#moving()
    this.receivedBytes += chunk.length
    this.#listener?.bytesReceived(chunk.length)
    if (!traffic || this.#isBroken) return
    const mayRead = !this.#isPaused && !traffic.isReading && this.#hasTurn(traffic)
    if (mayRead && traffic.decoder.unread === 0 && !traffic.hasBacklog) this.#take(traffic, chunk)
    else traffic.keep(chunk)
    try {
      if (mayRead) this.#read(traffic)
      else this.#leaveForLater(traffic)
    } finally {
      if (isShared) traffic.ownChunk(chunk)
    }
  }

  /** The system has taken a batch. */
  protected batchTaken(): void {}

  protected drained(): void {
    this.#listener?.linkDrained()
  }

  /** What came in is no frame; what still comes is discarded. */
  protected broken(error: ProtocolError): void {
    this.#isBroken = true
    this.#traffic?.forgetBacklog()
    this.#listener?.streamBroken(error)
  }

  protected closed(error: Error | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#traffic?.forgetBacklog()
    recycle(this.#traffic?.writer.take() ?? [])
    this.#listener?.linkClosed(error)
  }

  /** What is needed for bytes to come or go. */
  #moving(): Traffic {
    this.#traffic ??= takeTraffic(this.limits, this.receivedBytes === 0) // a quiet link has read the HELLO, or nothing
    return this.#traffic
  }

  /** A quiet link holds nothing that another can use. */
  #rest(traffic: Traffic): void {
    if (traffic !== this.#traffic || traffic.isBusy || this.tap) return
    this.#traffic = undefined
    giveBack(this.limits, traffic)
  }

  #take(traffic: Traffic, chunk: Uint8Array): void {
    traffic.turnBytes += chunk.length
    traffic.decoder.push(chunk)
    this.#waitForTurn(traffic)
  }

  /** Hands on what there is, as far as pause and turn allow. What that brought about leaves when all was read. */
  #read(traffic: Traffic): void {
    traffic.isReading = true
    try {
      this.#readFrames(traffic)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.tap?.streamBroken(error)
      this.broken(error)
    } finally {
      traffic.isReading = false
      if (!this.#hasTurn(traffic)) this.#waitForTurn(traffic) // before the flush, which gives back what is not busy
      this.flush()
      this.#updateSource()
    }
  }

  #readFrames(traffic: Traffic): void {
    const { decoder } = traffic
    const most = this.#turns.shareOf(this.limits.maxTurnFrames)
    while (traffic.turnFrames < most && !this.#isPaused) {
      if (decoder.read()) {
        traffic.turnFrames += weightOf(decoder)
        this.tap?.frameReceived(decoder)
        this.#listener?.frameReceived(decoder)
      } else {
        const chunk = this.#hasTurn(traffic) ? traffic.takeKept() : undefined
        if (!chunk) return
        this.#take(traffic, chunk)
      }
    }
  }

  #hasTurn({ turnBytes, turnFrames }: Traffic): boolean {
    const { maxTurnBytes, maxTurnFrames } = this.limits
    return turnBytes < maxTurnBytes && turnFrames < this.#turns.shareOf(maxTurnFrames)
  }

  #leaveForLater(traffic: Traffic): void {
    if (!this.#hasTurn(traffic)) this.#waitForTurn(traffic) // its share may have become smaller than what it has had
    this.#updateSource()
  }

  /** At the next turn the connection may go on, with what is left over first. */
  #waitForTurn(traffic: Traffic): void {
    if (!traffic.turnIsDue) this.#readLater(traffic)
  }

  #updateSource(): void {
    const waits = this.#traffic?.hasBacklog === true // most sources have nothing more before the next turn
    const pause = !this.#isBroken && (this.#isPaused || waits)
    if (pause === this.#isSourcePaused) return
    this.#isSourcePaused = pause
    if (pause) this.pauseSource()
    else this.resumeSource()
  }

  // Each callback is made in a function of its own: one that only may make it makes a scope for it whenever it is called.

  #flushLater(traffic: Traffic): void {
    traffic.flushIsDue = true
    this.clock.turn(() => {
      traffic.flushIsDue = false
      this.flush()
    })
  }

  #readLater(traffic: Traffic): void {
    traffic.turnIsDue = true
    this.#turns.busy++
    this.clock.turn(() => {
      traffic.turnIsDue = false
      this.#turns.busy--
      traffic.turnBytes = 0
      traffic.turnFrames = 0
      if (!this.#isClosed && !this.#isBroken) this.#read(traffic)
      this.#rest(traffic)
    })
  }

  #send(chunks: Uint8Array[]): void {
    this.send(chunks, (error) => {
      recycle(chunks)
      if (!error) this.batchTaken()
    })
  }
}

/** Whether what was written should leave at once. */
function isDue({ writer, batchFrames, isReading, turnFrames }: Traffic, underway: number): boolean {
  const { pendingBytes } = writer
  if (underway === 0) return !isReading || pendingBytes >= BULK_BATCH_BYTES // nothing follows but what reading brings about
  if (pendingBytes < SMALL_BATCH_BYTES) return false
  if (underway === Number.POSITIVE_INFINITY) return pendingBytes >= STREAM_BATCH_BYTES
  return pendingBytes >= LARGE_BATCH_BYTES || batchFrames >= BATCH_SHARE * Math.max(underway, turnFrames)
}
