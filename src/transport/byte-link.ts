/**
 * What all links of bytes share: when to flush, how much input one connection gets handled in a turn, and the decoder
 * (spec/architecture.md). A kind of link adds how bytes are sent and how its source is paused.
 */
import type { Limits } from '../limits.ts'
import type { Clock, Link, LinkListener } from '../session/index.ts'
import { FrameDecoder, ProtocolError } from '../wire/index.ts'
import { recycle, SlabWriter } from './slab.ts'
import type { PeerTls } from './tls-options.ts'

/** A batch of fewer bytes waits for the end of the turn, if more is to be expected; one of so many is sent at once. */
const SMALL_BATCH_BYTES = 512
const LARGE_BATCH_BYTES = 4_096
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

export abstract class ByteLink implements Link {
  readonly writer = new SlabWriter()
  readonly peer: string
  /** Who watches, from before `attach` on. */
  tap: LinkTap | undefined
  flushedBytes = 0
  receivedBytes = 0
  protected readonly clock: Clock
  protected readonly limits: Limits
  #listener: LinkListener | undefined
  readonly #decoder: FrameDecoder
  /** Input that came while reading was paused or its turn was over. */
  #backlog: Uint8Array[] = []
  #isPaused = false
  #isBroken = false
  #isReading = false
  #isSourcePaused = false
  #isClosed = false
  #flushIsDue = false
  #turnIsDue = false
  #turnBytes = 0
  #turnFrames = 0
  #batchFrames = 0
  readonly #flushLate = (): void => {
    this.#flushIsDue = false
    this.flush()
  }

  constructor(options: ByteLinkOptions) {
    this.clock = options.clock
    this.limits = options.limits
    this.peer = options.peer
    this.#decoder = new FrameDecoder(options.limits, { expectsHello: true })
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
  protected abstract send(chunks: Uint8Array[], done: () => void): void
  /** Closes this direction after what was sent, and says when that was taken. */
  protected abstract finish(flushed: () => void): void
  protected abstract pauseSource(): void
  protected abstract resumeSource(): void

  /** Says who listens, once, before any input. */
  attach(listener: LinkListener): void {
    this.#listener = listener
  }

  get writtenBytes(): number {
    return this.writer.writtenBytes
  }

  written(underway: number): void {
    this.#batchFrames++
    if (this.#isDue(underway)) this.flush()
    else if (!this.#flushIsDue) {
      this.#flushIsDue = true
      this.clock.turn(this.#flushLate)
    }
  }

  /** Whether what was written should leave at once. */
  #isDue(underway: number): boolean {
    if (underway === 0 && !this.#isReading) return true // nothing follows that could go along
    const { pendingBytes } = this.writer
    if (pendingBytes < SMALL_BATCH_BYTES) return false
    return pendingBytes >= LARGE_BATCH_BYTES || this.#batchFrames >= BATCH_SHARE * Math.max(underway, this.#turnFrames)
  }

  flush(): void {
    this.#batchFrames = 0
    if (this.writer.pendingBytes === 0 || this.#isClosed) return
    const chunks = this.writer.take()
    this.flushedBytes = this.writer.writtenBytes
    this.tap?.chunksFlushed(chunks)
    this.send(chunks, () => recycle(chunks))
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
    this.#waitForTurn()
  }

  /** Input from the source. */
  protected receive(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length
    this.#listener?.bytesReceived(chunk.length)
    if (this.#isBroken) return
    this.#backlog.push(chunk)
    if (!this.#turnIsDue || this.#hasTurn()) this.#read()
  }

  protected drained(): void {
    this.#listener?.linkDrained()
  }

  /** What came in is no frame; what still comes is discarded. */
  protected broken(error: ProtocolError): void {
    this.#isBroken = true
    this.#backlog = []
    this.#listener?.streamBroken(error)
  }

  protected closed(error: Error | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#backlog = []
    recycle(this.writer.take())
    this.#listener?.linkClosed(error)
  }

  /** Hands on what there is, as far as pause and turn allow. What that brought about leaves when all was read. */
  #read(): void {
    this.#isReading = true
    try {
      while (this.#turnFrames < this.limits.maxTurnFrames && !this.#isPaused) {
        if (this.#decoder.read()) {
          this.#turnFrames++
          this.tap?.frameReceived(this.#decoder)
          this.#listener?.frameReceived(this.#decoder)
        } else {
          const chunk = this.#hasTurn() ? this.#backlog.shift() : undefined
          if (!chunk) break
          this.#turnBytes += chunk.length
          this.#decoder.push(chunk)
          this.#waitForTurn()
        }
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#isBroken = true
      this.#backlog = []
      this.tap?.streamBroken(error)
      this.#listener?.streamBroken(error)
    }
    this.#isReading = false
    this.flush()
    if (!this.#hasTurn()) this.#waitForTurn()
    this.#updateSource()
  }

  #hasTurn(): boolean {
    return this.#turnBytes < this.limits.maxTurnBytes && this.#turnFrames < this.limits.maxTurnFrames
  }

  /** At the next turn the connection may go on, with what is left over first. */
  #waitForTurn(): void {
    if (this.#turnIsDue) return
    this.#turnIsDue = true
    this.clock.turn(() => {
      this.#turnIsDue = false
      this.#turnBytes = 0
      this.#turnFrames = 0
      if (!this.#isClosed && !this.#isBroken) this.#read()
    })
  }

  #updateSource(): void {
    const pause = !this.#isBroken && (this.#isPaused || !this.#hasTurn())
    if (pause === this.#isSourcePaused) return
    this.#isSourcePaused = pause
    if (pause) this.pauseSource()
    else this.resumeSource()
  }
}
