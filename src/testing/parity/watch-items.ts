/** Looks on while items are taken, by whoever takes them. Invariant: the taker gets what it would get anyway, in the same order. */

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

/** Whatever can be iterated, likewise; all else as it is. */
export function watchIterable(given: unknown, seen: ItemsSeen): unknown {
  const source = Object(given) as Partial<AsyncIterable<unknown> & Iterable<unknown>> // any value may be asked
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = source
  if (typeof async === 'function')
    return { [Symbol.asyncIterator]: () => watchStream(streamOf(async.call(given)), seen) }
  if (typeof sync !== 'function' || typeof given === 'string') return given
  return { [Symbol.iterator]: () => watchSync(sync.call(given), seen) }
}

/** An iterator of a user's own may lack whatever is not asked of it. */
function streamOf(iterator: AsyncIterator<unknown>): AsyncIterableIterator<unknown> {
  return {
    next: async () => iterator.next(),
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function watchSync(iterator: Iterator<unknown>, seen: ItemsSeen): Iterator<unknown> {
  const once = onceOnly(seen)
  return {
    next() {
      try {
        const result = iterator.next()
        if (result.done) once({ left: false })
        else seen.took(result.value)
        return result
      } catch (error) {
        once({ error })
        throw error
      }
    },
    return() {
      once({ left: true })
      return iterator.return?.() ?? { done: true, value: undefined }
    },
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
