/** Places that break one promise of streams or events each. */
import type { AnyContract, ClientCall, ClientMiddleware, Connection, Subscription } from '../../src/index.ts'
import { type Mutant, mutant } from './mutants.ts'

type ItemsOf = AsyncIterable<unknown>

const IN_ORDER = 'brings items in the order in which the handler gave them, and then the end'
const UP_IN_ORDER = 'takes items from a caller in order, and answers once'

/** What answers with items, as `change` makes it; all else as it is. */
const answering =
  (change: (items: ItemsOf, call: ClientCall) => unknown): ClientMiddleware =>
  async (call, next) => {
    const answer = await next(call)
    return call.method.output ? change(answer as ItemsOf, call) : answer // of such a method
  }

/** What a caller gives as items, as `change` makes it. */
const giving =
  (change: (items: ItemsOf) => unknown): ClientMiddleware =>
  (call, next) =>
    next(call.method.input ? { ...call, request: change(call.request as ItemsOf) } : call) // of such a method

/** The items without the means to leave them. */
function withoutReturn(items: ItemsOf): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = items[Symbol.asyncIterator]()
      return {
        next: () => iterator.next(),
        [Symbol.asyncIterator]() {
          return this
        },
      }
    },
  }
}

/** Takes what there is, whether or not somebody wants it, up to a number from which on nobody can miss it. */
async function* eagerly(items: ItemsOf): ItemsOf {
  const taken: unknown[] = []
  let wake = (): void => {}
  let isOver = false
  const taking = (async () => {
    let count = 0
    for await (const item of items) {
      taken.push(item)
      wake()
      if (++count === 2_000) return
    }
  })().finally(() => {
    isOver = true
    wake()
  })
  taking.catch(() => {})
  for (;;) {
    while (taken.length > 0) yield taken.shift()
    if (isOver) return await taking
    await new Promise<void>((resolve) => (wake = resolve))
  }
}

async function* withoutSeventh(items: ItemsOf): ItemsOf {
  let count = 0
  for await (const item of items) if (++count % 7 !== 0) yield item
}

/** A connection whose streams end for who leaves them, and for nobody else. */
function neverLeaving(connection: Connection): Connection {
  type Call = (...args: unknown[]) => unknown
  const withoutLeaving = (method: Call): Call => {
    const call: Call = (...args) => {
      const answer = method(...args)
      const isStream = typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer
      return isStream ? withoutReturn(answer as ItemsOf)[Symbol.asyncIterator]() : answer // it has items
    }
    return Object.assign(call, { try: Reflect.get(method, 'try') })
  }
  return new Proxy(connection, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name !== 'client') return member.bind(target)
      return (contract: AnyContract) => {
        const methods = Object.entries<unknown>(target.client(contract))
        return Object.fromEntries(methods.map(([key, method]) => [key, withoutLeaving(method as Call)])) // each is a function
      }
    },
  })
}

export const streamMutants: readonly Mutant[] = [
  mutant('drops every seventh item', [IN_ORDER], () => answering(withoutSeventh)),
  mutant('gives an item twice', [IN_ORDER], () =>
    answering(async function* (items) {
      let count = 0
      for await (const item of items) {
        yield item
        if (++count === 100) yield item
      }
    }),
  ),
  mutant('swaps two items', ['carries many small items'], () =>
    answering(async function* (items) {
      const held: unknown[] = []
      let count = 0
      for await (const item of items) {
        if (++count === 100) held.push(item)
        else {
          yield item
          yield* held.splice(0)
        }
      }
      yield* held
    }),
  ),
  mutant('ends a stream before its last item', ['can be made into a ReadableStream'], () =>
    answering(async function* (items) {
      let count = 0
      for await (const item of items) {
        if (++count === 299) return
        yield item
      }
    }),
  ),
  mutant('ends a stream without its error', ['ends a stream with a status, after the items before it'], () =>
    answering(async function* (items) {
      try {
        yield* items
      } catch {}
    }),
  ),
  mutant('loses the items before an error', ['ends a stream with a declared error, after the items before it'], () =>
    answering(async function* (items) {
      const taken: unknown[] = []
      for await (const item of items) taken.push(item)
      yield* taken
    }),
  ),
  mutant(
    'forgets to leave a stream',
    ["runs a handler's finally when its caller leaves by break; its slot is free when that has ended"],
    () => (call, next) => next(call),
    (connection) => ({ connection: neverLeaving(connection) }),
  ),
  mutant(
    'takes items that nobody asked for',
    [
      'asks a handler for no more than is taken, and a little ahead',
      'leaves out the oldest items that wait, and counts them',
    ],
    () => answering(eagerly),
  ),
  mutant(
    'forgets the deadlines of streams',
    ['ends a stream at its deadline, and tells its handler'],
    () => (call, next) =>
      next(call.method.output ? { ...call, options: { ...call.options, timeoutMs: Number.POSITIVE_INFINITY } } : call),
  ),
  mutant(
    'gives each stream a deadline',
    ['has no deadline where neither the method nor the caller names one'],
    () => (call, next) =>
      next(call.method.output ? { ...call, options: { timeoutMs: 30_000, ...call.options } } : call),
  ),
  mutant(
    'loses metadata behind items',
    ['carries metadata to a stream’s handler, and back behind the last item'],
    () =>
      ({ options: { onMetadata: _, ...options }, ...call }, next) =>
        next({ ...call, options }),
  ),
  mutant('loses an item of an upload', [UP_IN_ORDER], () => giving(withoutSeventh)),
  mutant(
    'asks a caller for all of its items',
    ['asks a caller for no more items than the handler takes, and a little ahead'],
    () => giving(eagerly),
  ),
  mutant(
    'never ends a generator of the caller',
    ['ends a caller’s generator when the handler answers before its last item'],
    () => giving(withoutReturn),
  ),
  mutant('does not count what was left out', ['leaves out the oldest items that wait, and counts them'], () =>
    answering(async function* (items) {
      yield* items
    }),
  ),
  mutant(
    'is ready before it subscribes',
    ['gives a subscriber what is published from when it is ready, in order'],
    () => {
      return (call, next) => {
        if (!call.method.event) return next(call)
        return (async function* () {
          yield* (await next(call)) as ItemsOf // of an event
        })()
      }
    },
  ),
  mutant(
    'tells every subscriber everything',
    ['gives those who name a key what has it, and the others everything'],
    () => {
      return (call, next) => next(call.method.event ? { ...call, request: {} } : call)
    },
  ),
  mutant(
    'numbers bodies by what is taken',
    ['drops old bodies of an event for a slow subscriber alone, and numbers show it'],
    () =>
      answering((items, { method }) => {
        if (!method.event) return items
        const { ready } = items as Subscription<unknown> // of an event
        const copy = (async function* () {
          yield* items
        })()
        return Object.assign(copy, { ready })
      }),
  ),
]
