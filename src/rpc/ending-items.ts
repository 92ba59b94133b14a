/**
 * How items end, wherever they come from (spec/streams.md). Invariants: the end and an error come behind what waits to be taken;
 * the first error is the one that counts.
 */
import { END, type ItemSource, NONE } from './item-stream.ts'

export abstract class EndingItems implements ItemSource {
  /** There is something to take. */
  wake = (): void => {}
  /** Items that were left out before those that were taken. */
  dropped = 0
  /** What comes behind the last item, where that is an error. */
  protected failure: { readonly error: unknown } | undefined
  #hasEnded = false

  abstract take(): unknown
  abstract stop(): void
  /** Something waits to be taken. */
  abstract get isWaiting(): boolean

  /** The end comes behind what waits. */
  end(): void {
    this.#hasEnded = true
    this.wake()
  }

  /** An error comes behind what waits. */
  fail(error: unknown): void {
    this.failure ??= { error }
    this.wake()
  }

  /** All that waited was taken, and the end is asked for. Says what it is, by `fail`, if an error. */
  protected finished(): void {}

  /**
   * What there is to take where no item waits.
   * @throws what the items have ended with
   */
  protected takeEnd(): typeof END | typeof NONE {
    if (this.#hasEnded) this.finished()
    if (this.failure) throw this.failure.error
    return this.#hasEnded ? END : NONE
  }
}
