/**
 * A link without an other end: the test feeds what comes in, and reads what goes out. It does nothing by itself but the
 * turns that every link of bytes has.
 */
import type { Limits } from '../../src/limits.ts'
import type { Clock } from '../../src/session/index.ts'
import { ByteLink } from '../../src/transport/index.ts'
import { framesIn, joined, type SlowFrame } from './slow-frames.ts'

export class TapLink extends ByteLink {
  /** Set by the test: whether more than `maxBacklogBytes` wait. */
  isCongested = false
  /** Set by the test: what the system has taken of it. */
  takenBytes = 0
  /** What the session asked of the link, in order. */
  readonly asked: ('pause' | 'resume' | 'end' | 'destroy')[] = []
  keepsProcess: boolean | undefined
  /** Set by the test: whether the system takes at once what is sent before the end. If not, `flushed` says when. */
  takesAtOnce = true
  flushed: () => void = () => {}
  readonly #sent: SlowFrame[] = []
  #framesTaken = 0

  constructor(clock: Clock, limits: Limits, peer = 'tap:1') {
    super({ clock, limits, peer })
  }

  /** Every frame that went out. */
  get sent(): SlowFrame[] {
    return [...this.#sent]
  }

  /** The frames that went out since the last look. */
  takeSent(): SlowFrame[] {
    const fresh = this.#sent.slice(this.#framesTaken)
    this.#framesTaken += fresh.length
    return fresh
  }

  /** Bytes from the peer. */
  feed(...chunks: Uint8Array[]): void {
    for (const chunk of chunks) this.receive(chunk)
  }

  /** The backlog has gone. */
  drain(): void {
    this.isCongested = false
    this.drained()
  }

  /** Both directions are closed. */
  close(error?: Error): void {
    this.closed(error)
  }

  keepProcess(keeps: boolean): void {
    this.keepsProcess = keeps
  }

  destroy(): void {
    this.asked.push('destroy')
  }

  protected send(chunks: Uint8Array[], done: () => void): void {
    for (const frame of framesIn(joined(chunks))) this.#sent.push(frame)
    done()
  }

  protected finish(flushed: () => void): void {
    this.asked.push('end')
    if (this.takesAtOnce) flushed()
    else this.flushed = flushed
  }

  protected pauseSource(): void {
    this.asked.push('pause')
  }

  protected resumeSource(): void {
    this.asked.push('resume')
  }
}
