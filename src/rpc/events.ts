/**
 * Events: what a service publishes, to whoever subscribes, by key or all of it (spec/events.md; spec/streams.md, F21 and F22).
 * Invariants: every subscriber is given what was published since it subscribed, in that order, also where it is published by
 * someone who is just being told; one that fails leaves, and holds up no other; who has left is not kept, nor is its key.
 */
import { type MethodRef, Misfit, type SlowRule } from '../contract/index.ts'
import { misuse, type NanowireError } from '../errors.ts'
import { limitRules } from '../limits.ts'
import { passInMemory } from '../wire/index.ts'
import { onAbort } from './abort.ts'
import type { Context } from './context.ts'
import type { ItemPump, ItemSink } from './item-pump.ts'
import { Items } from './item-stream.ts'
import { LocalItems } from './local-items.ts'
import { bodyOf, Published } from './published.ts'
import { SlowSink } from './slow.ts'

/** What puts items into a sink. */
export type Producer = Pick<ItemPump, 'start' | 'resume' | 'stop'>

/** Bounds no place can go beyond; each place has its own, and a subscriber there whose body they refuse is ended by that. */
const WIDEST = { maxDepth: limitRules.maxDepth.max, maxNodes: limitRules.maxNodes.max }

/** The subscribers of one event of one service, in whatever places they are. */
export class EventHub {
  readonly #method: MethodRef
  /** The event's key; `undefined` where there is none. */
  readonly #key: string | undefined
  /** What is done for slow subscribers. */
  readonly #slow: SlowRule
  /** Subscribers to everything. */
  readonly #all = new Set<EventPump>()
  readonly #byKey = new Map<unknown, Set<EventPump>>()
  /** How much was published. */
  #count = 0
  /** What was published while subscribers were told of something before it. */
  readonly #waiting: Published[] = []
  #isTelling = false

  constructor(method: MethodRef, slow: SlowRule) {
    this.#method = method
    this.#key = method.event?.key
    this.#slow = slow
  }

  /** The number of what was published last. */
  get count(): number {
    return this.#count
  }

  /** How many subscribe, and to how many keys. */
  get size(): { readonly subscribers: number; readonly keys: number } {
    let subscribers = this.#all.size
    for (const some of this.#byKey.values()) subscribers += some.size
    return { subscribers, keys: this.#byKey.size }
  }

  /**
   * Gives the body to all who subscribe now.
   * @throws NanowireError `invalid_argument` for a body that does not fit; nobody is told of it then
   */
  publish(body: unknown): void {
    const passed = this.#check(body)
    this.#count++
    this.#waiting.push(new Published(this.#method, passed, this.#count))
    if (this.#isTelling) return // who is telling goes on with it
    this.#isTelling = true
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#tell(next)
    } finally {
      this.#isTelling = false
    }
  }

  /** What the handler of the event returns to a caller that sent `filter`. */
  feed(filter: unknown, ctx: FeedContext): EventFeed {
    const key = this.#key === undefined ? undefined : (filter as Readonly<Record<string, unknown>>)[this.#key] // it fits, so it is an object
    return new EventFeed(this, key, { slow: this.#slow, method: this.#method, ctx })
  }

  /** @param key what to choose by; `undefined` for everything */
  add(one: EventPump, key: unknown): void {
    if (key === undefined) {
      this.#all.add(one)
      return
    }
    const some = this.#byKey.get(key)
    if (some) some.add(one)
    else this.#byKey.set(key, new Set([one]))
  }

  remove(one: EventPump, key: unknown): void {
    this.#all.delete(one)
    const some = this.#byKey.get(key)
    if (some?.delete(one) && some.size === 0) this.#byKey.delete(key)
  }

  #tell(published: Published): void {
    const { body } = published
    const some =
      this.#key === undefined ? undefined : this.#byKey.get((body as Readonly<Record<string, unknown>>)[this.#key]) // a key's body is an object
    if (some) for (const one of some) one.take(published)
    for (const one of this.#all) one.take(published)
  }

  #check(body: unknown): unknown {
    try {
      return passInMemory(this.#method.reply, body, WIDEST)
    } catch (error) {
      throw refusal(this.#method, error)
    }
  }
}

function refusal({ name }: MethodRef, error: unknown): NanowireError {
  if (error instanceof Misfit) return misuse(`${name}: what is published does not fit: ${error.describe()}`)
  const what = error instanceof Error ? `${error.name}: ${error.message}` : `a ${typeof error}, not an Error`
  return misuse(`${name}: the check of what is published threw ${what}`, error)
}

/** The context of the call that subscribes. */
type FeedContext = Pick<Context, 'signal'>

interface FeedOptions {
  readonly slow: SlowRule
  readonly method: MethodRef
  readonly ctx: FeedContext
}

/**
 * What the handler of an event returns. Whoever knows it has the bodies put into a sink as they are published, without a promise
 * for each; for middleware that looks at them, it is an async iterable.
 */
export class EventFeed implements AsyncIterable<unknown> {
  readonly hub: EventHub
  readonly #key: unknown
  readonly #options: FeedOptions

  constructor(hub: EventHub, key: unknown, options: FeedOptions) {
    this.hub = hub
    this.#key = key
    this.#options = options
  }

  /** Subscribes by its `start`. The sink takes whatever it is given: `put` may answer nothing but `true`. */
  pumpInto(sink: ItemSink): Producer {
    return new EventPump(this.hub, this.#key, sink)
  }

  /** Subscribes until it is left, or until the caller has gone away: a generator that waits for it could not be told to return. */
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const { slow, method, ctx } = this.#options
    const slot = new LocalItems(bodyOf)
    const queue = new SlowSink(slot, slow, method)
    const pump = this.pumpInto(queue)
    const items = new Items(slot)
    slot.wake = () => items.wake()
    slot.taken = () => queue.resume()
    slot.left = () => pump.stop()
    const cancel = (reason: unknown): void => {
      slot.stop()
      slot.fail(reason)
    }
    pump.start()
    const { signal } = ctx
    onAbort(signal, { cancel })
    if (signal.aborted) cancel(signal.reason)
    return items
  }
}

/**
 * Calls back when a subscription stands that is answered by what a handler returned: at once, but of a subscription to an event
 * elsewhere, which is passed on, when that one stands. Never, where it fails.
 */
export function whenReady(returned: unknown, stands: () => void): void {
  const isObject = typeof returned === 'object' && returned !== null
  const ready = isObject && 'ready' in returned ? returned.ready : undefined
  if (ready instanceof Promise)
    ready.then(stands, () => {}) // that it fails is told by the stream itself
  else stands()
}

/** One subscriber: puts what is published into its sink, in place of an `ItemPump`. */
class EventPump implements Producer {
  readonly #hub: EventHub
  readonly #key: unknown
  readonly #sink: ItemSink
  /** What had been published before it subscribed. */
  #after = 0
  #hasLeft = false

  constructor(hub: EventHub, key: unknown, sink: ItemSink) {
    this.#hub = hub
    this.#key = key
    this.#sink = sink
  }

  /** Subscribes. */
  start(): void {
    if (this.#hasLeft) return
    this.#after = this.#hub.count
    this.#hub.add(this, this.#key)
  }

  /** Nothing waits here. */
  resume(): void {}

  stop(done?: (error: unknown) => void): void {
    this.#leave()
    done?.(undefined)
  }

  take(published: Published): void {
    if (published.number <= this.#after) return
    try {
      this.#sink.put(published)
    } catch (error) {
      this.#leave()
      this.#sink.fail(error)
    }
  }

  #leave(): void {
    this.#hasLeft = true
    this.#hub.remove(this, this.#key)
  }
}
