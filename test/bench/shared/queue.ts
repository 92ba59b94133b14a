/** What turns pushed items into an iterator, as users of a system that only pushes would write it. */

export interface Source {
  pause(): unknown
  resume(): unknown
  /** The consumer wants no more. */
  cancel(): void
}

export class Queue<T> implements AsyncIterableIterator<T> {
  readonly #source: Source
  readonly #most: number
  #items: T[] = []
  #next = 0
  #isPaused = false
  #isDone = false
  #waiting: ((result: IteratorResult<T>) => void) | undefined

  /** @param most items that wait for their consumer before the source is paused */
  constructor(source: Source, most: number) {
    this.#source = source
    this.#most = most
  }

  push(item: T): void {
    const take = this.#waiting
    if (take !== undefined) {
      this.#waiting = undefined
      take({ value: item, done: false })
    } else if (this.#items.push(item) > this.#most && !this.#isPaused) {
      this.#isPaused = true
      this.#source.pause()
    }
  }

  end(): void {
    this.#isDone = true
    this.#waiting?.({ value: undefined, done: true })
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#next < this.#items.length) {
      const value = this.#items[this.#next++] as T // there is one
      if (this.#next === this.#items.length) this.#drained()
      return Promise.resolve({ value, done: false })
    }
    if (this.#isDone) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  async return(): Promise<IteratorResult<T>> {
    if (!this.#isDone) this.#source.cancel()
    this.#isDone = true
    this.#next = this.#items.length
    this.#drained()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #drained(): void {
    this.#items = []
    this.#next = 0
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#source.resume()
  }
}
