/**
 * Subscriptions that stand at a server, so that what is published can be judged at once (spec/events.md). Invariant: when a
 * publisher returns, each of them has been given the body, unless it chose another key.
 */
import type { MethodRef } from '../../contract/index.ts'
import type { ItemTrack } from './items.ts'
import type { CallRecord } from './records.ts'

interface Feed {
  readonly method: MethodRef
  /** What its subscriber sent. */
  readonly filter: unknown
  readonly output: ItemTrack
}

type Properties = Readonly<Record<string, unknown>>

export class Feeds {
  readonly #feeds = new Map<CallRecord, Feed>()
  readonly #fail: (call: CallRecord, what: string) => void

  constructor(fail: (call: CallRecord, what: string) => void) {
    this.#fail = fail
  }

  /** A subscription stands. */
  add(call: CallRecord, filter: unknown): void {
    const { method, output } = call
    if (output) this.#feeds.set(call, { method, filter, output })
  }

  remove(call: CallRecord): void {
    this.#feeds.delete(call)
  }

  /** Publishes. */
  publish(method: MethodRef, body: unknown, publish: (body: unknown) => void): void {
    const before = [...this.#feeds]
      .filter(([, feed]) => feed.method.name === method.name)
      .map(([call, feed]) => ({ call, ...feed, given: feed.output.given }))
    publish(body)
    for (const { call, filter, output, given } of before) {
      const count = output.given - given
      const isChosen = chooses(method, filter, body)
      if (isChosen && count === 0 && this.#feeds.has(call))
        this.#fail(call, 'something was published, and it was not given it')
      if (!isChosen && count > 0) this.#fail(call, 'it was given what has another key than it chose')
    }
  }
}

function chooses({ event }: MethodRef, filter: unknown, body: unknown): boolean {
  const key = event?.key
  if (key === undefined) return true
  const chosen = (filter as Properties)[key] // what fits an event's schemas are objects
  return chosen === undefined || chosen === (body as Properties)[key] // likewise
}
