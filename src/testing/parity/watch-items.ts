/** Looks on while items are taken, by whoever takes them. Invariant: the taker gets what it would get anyway, in the same order. */
import { snapshot } from './snapshot.ts'

/** What is written down of a stream. */
export interface ItemsSeen {
  took(item: unknown): void
  /** Once: its end, an error, or the taker has left it. */
  ended(how: { readonly left: boolean } | { readonly error: unknown }): void
}

/** A stream as its taker sees it, with all of its members. */
export function watchStream<S extends AsyncIterableIterator<unknown>>(stream: S, seen: ItemsSeen): S {
  const once = onceOnly(seen)
  const members: Readonly<Record<PropertyKey, unknown>> = {
    [Symbol.asyncIterator]: () => proxy,
    async next() {
      const result = await stream.next().catch((error: unknown) => {
        once({ error })
        throw error
      })
      if (result.done) once({ left: false })
      else seen.took(result.value)
      return result
    },
    return() {
      once({ left: true })
      return stream.return?.()
    },
    async [Symbol.asyncDispose]() {
      once({ left: true })
      await stream.return?.()
    },
  }
  const proxy: S = new Proxy(stream, {
    get(target, name) {
      return Object.hasOwn(members, name) ? members[name] : Reflect.get(target, name, target)
    },
  })
  return proxy
}

/** Whatever can be iterated, as `watchStream`; all else as it is. */
export function watchIterable(given: unknown, seen: ItemsSeen): unknown {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = Object(given) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  > // any value may be asked
  const once = onceOnly(seen)
  if (typeof async === 'function') {
    return {
      [Symbol.asyncIterator]() {
        const iterator = async.call(given)
        return watchStream({ ...membersOf(iterator), [Symbol.asyncIterator]: () => iterator } as never, seen) // its own iterator
      },
    }
  }
  if (typeof sync !== 'function' || typeof given === 'string') return given
  return {
    *[Symbol.iterator]() {
      let how: Parameters<ItemsSeen['ended']>[0] = { left: true }
      try {
        for (const item of sync.call(given) as Iterable<unknown>) { // an iterator that is none throws here as it would there
          seen.took(item)
          yield item
        }
        how = { left: false }
      } catch (error) {
        how = { error }
        throw error
      } finally {
        once(how)
      }
    },
  }
}

function membersOf(iterator: AsyncIterator<unknown>): AsyncIterator<unknown> {
  return {
    next: async () => iterator.next(),
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  }
}

function onceOnly({ ended }: ItemsSeen): ItemsSeen['ended'] {
  let hasEnded = false
  return (how) => {
    if (hasEnded) return
    hasEnded = true
    ended(how)
  }
}

/** Items as they were when they were taken, and as they are. */
export class TakenItems {
  readonly snapshots: unknown[] = []
  readonly items: unknown[] = []

  take(item: unknown): void {
    this.snapshots.push(snapshot(item))
    this.items.push(item)
  }
}
