/**
 * What the session asks of whatever carries its bytes, and what it is told (spec/architecture.md). A link is not a list
 * of frames: the session writes into its buffer, and reads frames where the link's decoder found them.
 */
import type { FrameDecoder, FrameWriter, ProtocolError } from '../wire/index.ts'

/** A link's outbound half. */
export interface Link {
  readonly writer: FrameWriter
  /** Who is at the other end, for logs and errors: `127.0.0.1:7000`. */
  readonly peer: string
  /** Bytes that were written into `writer` so far. */
  readonly writtenBytes: number
  /** Bytes of them that were handed to the system; what is above has never left. */
  readonly flushedBytes: number
  /** Bytes of them that the system has taken. */
  readonly takenBytes: number
  /** More than `maxBacklogBytes` wait to be taken by the system. */
  readonly isCongested: boolean
  /**
   * A message was written; the link sends it when it sees fit, within this turn.
   * @param underway calls that others may follow from in this turn, so that it pays to wait for them; `Infinity` for an item of a
   * stream
   */
  written(underway: number): void
  /** No more frames, from this very moment, until `resumeReading`. */
  pauseReading(): void
  resumeReading(): void
  /** Sends what was written, then closes this direction; `flushed` is called when the system has taken all of it. */
  end(flushed?: () => void): void
  /** Closes both directions now. */
  destroy(): void
  /** Whether the process stays alive for this link. */
  keepProcess(keeps: boolean): void
}

/** What a link tells its session. Nothing is told before `attach` has returned, nor after `linkClosed`. */
export interface LinkListener {
  /** A whole frame; `decoder`'s fields tell it, until this returns. */
  frameReceived(decoder: FrameDecoder): void
  /** Bytes came in, whether or not they made a frame. */
  bytesReceived(count: number): void
  /** What came in is no frame. No more frames follow. */
  streamBroken(error: ProtocolError): void
  /** It is not congested any more. */
  linkDrained(): void
  /** Both directions are closed, by an error or not. */
  linkClosed(error: Error | undefined): void
}
