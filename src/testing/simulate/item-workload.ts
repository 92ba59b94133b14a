/** What callers do with items: give some, take some, leave, and publish events; in whatever form, at whatever pace. */
import type { MethodRef } from '../../contract/index.ts'
import type { ItemStream } from '../../rpc/index.ts'
import type { Chance } from './chance.ts'
import { UNTRAVELLED } from './handler-faults.ts'
import type { FaultKind } from './plan.ts'
import type { VirtualProcess } from './process.ts'
import type { World } from './world.ts'

export interface ItemWorkloadOptions {
  readonly world: World
  readonly chance: Chance
  /** Whether a fault happens now, of which it is one. */
  readonly goesWrong: (kind: FaultKind, share: number) => boolean
  /** Values of what a client or a server sends. */
  readonly drawValue: (method: MethodRef, side: 'request' | 'reply') => unknown
}

type Publish = (body: unknown) => void

/** Of a stream that does not end by itself. */
const MOST_ITEMS = 500
const MOST_EVENT_MS = 1_500

export class ItemWorkload {
  readonly #options: ItemWorkloadOptions
  /** Events that nobody but a publisher tells of. */
  readonly #published: readonly { readonly service: string; readonly key: string; readonly method: MethodRef }[]

  constructor(options: ItemWorkloadOptions) {
    this.#options = options
    this.#published = options.world.services.flatMap(({ contract, handlers }) =>
      Object.entries<MethodRef>(contract.methods)
        .filter(([key, { event }]) => event && Reflect.get(handlers, key) === undefined)
        .map(([key, method]) => ({ service: contract.name, key, method })),
    )
  }

  /** What a caller gives for its items. */
  give(method: MethodRef, isBad: boolean, process: VirtualProcess): unknown {
    const { chance, goesWrong, drawValue } = this.#options
    const count = chance.pick([0, 1, 3, 10, 40])
    const items = Array.from({ length: count }, () => drawValue(method, 'request'))
    if (isBad) items.splice(chance.between(0, count), 0, UNTRAVELLED)
    const failsAt = goesWrong('failingItems', 0.1) ? chance.between(0, items.length) : -1
    const form = chance.pick(['array', 'sync', 'async', 'async'])
    if (form === 'array' && failsAt < 0) return items
    if (form !== 'async') return giveSync(items, failsAt)
    const gapMs = chance.happens(0.4) ? chance.pick([0, 5, 50]) : -1
    const pauses = items.map(() => (gapMs < 0 || chance.happens(0.5) ? -1 : chance.between(0, gapMs)))
    return giveAsync(items, failsAt, (index) => {
      const ms = pauses[index] ?? -1
      return ms < 0 ? undefined : process.sleep(ms)
    })
  }

  /** Takes items, to their end or until it has enough. Whatever the stream ends with, the observer has seen. */
  async take(stream: ItemStream<unknown>, { event }: MethodRef, process: VirtualProcess): Promise<void> {
    const { chance, goesWrong } = this.#options
    const isLeaving = goesWrong('leave', 0.3)
    const most = isLeaving ? chance.between(0, 20) : MOST_ITEMS
    const atOnce = chance.happens(0.2) ? chance.between(2, 5) : 1
    const leaveMs = event
      ? chance.between(0, MOST_EVENT_MS)
      : isLeaving && chance.happens(0.3)
        ? chance.between(0, 200)
        : -1
    if (leaveMs >= 0) void process.sleep(leaveMs).then(() => stream.return())
    for (let taken = 0; taken < most; taken += atOnce) {
      const asked = Array.from({ length: atOnce }, () => stream.next())
      const results = await Promise.allSettled(asked)
      if (results.some((one) => one.status === 'rejected' || one.value.done)) return
    }
    await stream.return()
  }

  /** Tells the subscribers of some event, once or many times. */
  publish(): void {
    const { chance, drawValue, world } = this.#options
    if (this.#published.length === 0 || !chance.happens(0.6)) return
    const { service, key, method } = chance.pick(this.#published)
    const found = world.services.find(({ contract }) => contract.name === service) // as it is just now
    if (!found) return
    const publish = Reflect.get(found.publish, key) as Publish // one for each event
    for (let left = chance.pick([1, 1, 4, 30]); left > 0; left--)
      world.ledger.feeds.publish(method, drawValue(method, 'reply'), publish)
  }
}

function* giveSync(items: readonly unknown[], failsAt: number): Generator<unknown> {
  for (const [index, item] of items.entries()) {
    if (index === failsAt) break
    yield item
  }
  if (failsAt >= 0) throw new Error('what gives these items fails')
}

async function* giveAsync(
  items: readonly unknown[],
  failsAt: number,
  pause: (index: number) => Promise<void> | undefined,
): AsyncGenerator<unknown> {
  for (const [index, item] of items.entries()) {
    await pause(index)
    if (index === failsAt) break
    yield item
  }
  if (failsAt >= 0) throw new Error('what gives these items fails')
}
