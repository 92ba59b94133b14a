/** What was published, on its way to any number of subscribers: checked once for each place, and encoded once at most. */
import type { MethodRef } from '../contract/index.ts'
import type { Limits } from '../limits.ts'
import { encodeBody, joinBody, passInMemory } from '../wire/index.ts'

export class Published {
  /** As the publisher's gate let it pass. */
  readonly body: unknown
  /** How many-th of its event it is. */
  readonly number: number
  readonly #method: MethodRef
  #passed: unknown
  #passedFor: Limits | undefined
  #bytes: Uint8Array | undefined
  #encodedFor: Limits | undefined

  constructor(method: MethodRef, body: unknown, number: number) {
    this.#method = method
    this.body = body
    this.number = number
  }

  /**
   * For a subscriber in memory, under the limits of its place; all of these get the same object.
   * @throws Misfit
   */
  inMemory(limits: Limits): unknown {
    if (this.#passedFor !== limits) {
      this.#passed = passInMemory(this.#method.reply, this.body, limits)
      this.#passedFor = limits
    }
    return this.#passed
  }

  /**
   * For a subscriber at the other end of a connection. Nobody may change them.
   * @throws Misfit
   */
  encoded(limits: Limits): Uint8Array {
    if (this.#bytes === undefined || this.#encodedFor !== limits) {
      this.#bytes = ownBytes(this.#method, this.body, limits)
      this.#encodedFor = limits
    }
    return this.#bytes
  }
}

/**
 * The bytes of an item, which share memory with nothing else, so that they can wait.
 * @throws Misfit
 */
export function ownBytes({ reply }: MethodRef, item: unknown, limits: Limits): Uint8Array {
  const body = encodeBody(reply, item, limits)
  if (!(body instanceof Uint8Array)) return joinBody(body)
  return body.byteLength === body.buffer.byteLength ? body : body.slice()
}

/** The body of what was published, any other item as it is. */
export function bodyOf(item: unknown): unknown {
  return item instanceof Published ? item.body : item
}
