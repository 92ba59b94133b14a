/** The contract of streams and events that the suite calls, and what its cases need to look at streams (spec/streams.md). */
import Type, { type Static } from 'typebox'
import { Bytes, bidiStream, clientStream, contract, event, serverStream } from '../../contract/index.ts'
import { NanowireError } from '../../errors.ts'
import { type HandlersOf, type Service, stub } from '../../rpc/index.ts'
import { equal, quiet } from './assert.ts'
import { Mismatch } from './mismatch.ts'

const TickSchema = Type.Object({ n: Type.Integer(), text: Type.Optional(Type.String()) })
export type Tick = Static<typeof TickSchema>
const Placed = Type.Object({ id: Type.String(), n: Type.Integer() })
const errors = { Gone: Type.Object({ since: Type.String() }) }

export const Feed = contract('feed', {
  ticks: serverStream(Type.Object({ count: Type.Integer() }), TickSchema, { errors }),
  texts: serverStream(Type.Array(Type.String()), Type.String()),
  blobs: serverStream(Type.Object({ count: Type.Integer(), size: Type.Integer() }), Bytes()),
  /** Nothing in, and little time. */
  quick: serverStream(Type.Void(), TickSchema, { timeoutMs: 100 }),
  oldest: serverStream(Type.Void(), Bytes(), { slow: { policy: 'dropOldest', maxItems: 4 } }),
  newest: serverStream(Type.Void(), Bytes(), { slow: 'latest' }),
  strict: serverStream(Type.Void(), Bytes(), { slow: { policy: 'disconnect', maxItems: 4 } }),
  /** Items that say nothing. */
  beats: serverStream(Type.Integer(), Type.Void()),
  sum: clientStream(TickSchema, Type.Integer(), { errors }),
  store: clientStream(Bytes(), Type.Integer()),
  quickSum: clientStream(TickSchema, Type.Integer(), { timeoutMs: 100 }),
  chat: bidiStream(TickSchema, TickSchema, { errors }),
  placed: event(Placed, { key: 'id' }),
  /** To all or nobody. */
  rang: event(Type.Object({ n: Type.Integer() })),
  /** The newest of each key. */
  priced: event(Type.Object({ id: Type.String(), n: Type.Integer(), padding: Bytes() }), { key: 'id', slow: 'latest' }),
})

/** A service with these handlers only. */
export function feed(handlers: Partial<HandlersOf<typeof Feed>> = {}): Service<typeof Feed> {
  return stub(Feed, handlers)
}

/** So many items, numbered from 0, for one turn each where `pause` is given. */
export async function* numbers(count: number, pause?: () => Promise<void>): AsyncGenerator<Tick> {
  for (let n = 0; n < count; n++) {
    await pause?.()
    yield { n }
  }
}

/** All items of a stream. */
export function listOf<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  return quiet(list(stream))
}

async function list<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of stream) items.push(item)
  return items
}

/** The numbers of all items of a stream, and the error that it ended with. */
export function endOf(stream: AsyncIterable<Tick>): Promise<{ readonly items: number[]; readonly error: unknown }> {
  return quiet(end(stream))
}

async function end(stream: AsyncIterable<Tick>): Promise<{ readonly items: number[]; readonly error: unknown }> {
  const items: number[] = []
  try {
    for await (const { n } of stream) items.push(n)
  } catch (error) {
    if (error instanceof NanowireError) return { items, error }
    throw error
  }
  return { items, error: undefined }
}

/** The next item of a stream, which must have one. */
export function nextOf<Item>(stream: AsyncIterator<Item>): Promise<Item> {
  return quiet(next(stream))
}

async function next<Item>(stream: AsyncIterator<Item>): Promise<Item> {
  const { done, value } = await stream.next()
  if (done === true) throw new Mismatch('the stream', 'another item', 'its end')
  return value
}

/** Takes so many items, which must be numbered from `first` on. */
export async function takeNumbers(stream: AsyncIterator<Tick>, first: number, count: number): Promise<void> {
  for (let n = first; n < first + count; n++) equal((await nextOf(stream)).n, n, 'the number of an item')
}

/** The next thing that a stream says is its end. */
export async function isOver(stream: AsyncIterator<unknown>): Promise<void> {
  equal(await quiet(stream.next()), { done: true, value: undefined }, 'what comes after the last item')
}

/** 0, 1, 2 … */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}
