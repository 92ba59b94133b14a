/** How streams are measured, with a client in memory. */
import { describe, expect, it } from 'vitest'
import { FORMS, formsOf, measureStream } from './stream-load.ts'
import { answer, type Client, chunksOf, itemOf, itemsOf, type SmallReply, type Streams } from './work.ts'

const clientWith = (streams: Streams): Client => ({
  small: async (request) => answer(request),
  record: async (order) => order,
  bytes: async (bytes) => bytes,
  streams,
})

const push = async <T>(items: AsyncIterable<T>, take: (item: T) => void) => {
  for await (const item of items) take(item)
}

const whole = clientWith({
  items: itemsOf,
  chunks: chunksOf,
  pushItems: (count, take) => push(itemsOf(count), take),
  pushChunks: (count, take) => push(chunksOf(count), take),
})

async function* items(...ids: readonly number[]): AsyncGenerator<SmallReply> {
  for (const id of ids) yield itemOf(id)
}

describe.each(FORMS)('a stream in the form of %s', (form) => {
  it.each(['items', 'chunks'] as const)('is read to its end: %s', async (work) => {
    expect(await measureStream(whole, { work, form, count: 20 })).toBeGreaterThan(0)
  })

  it('is refused where an item is missing, twice there, or in the wrong place', async () => {
    const of = (...ids: readonly number[]) =>
      clientWith({ items: () => items(...ids), pushItems: (_count, take) => push(items(...ids), take) })
    const load = { work: 'items', form, count: 3 } as const
    await expect(measureStream(of(0, 2, 1), load)).rejects.toThrow('item 2 came in the place of 1')
    await expect(measureStream(of(0, 0, 1), load)).rejects.toThrow('item 0 came in the place of 1')
    await expect(measureStream(of(0, 1), load)).rejects.toThrow('2 of 3 items came')
    await expect(measureStream(of(0, 1, 2, 3), load)).rejects.toThrow('4 of 3 items came')
  })

  it('is refused where bytes are missing', async () => {
    const short = clientWith({ chunks: () => chunksOf(2), pushChunks: (_count, take) => push(chunksOf(2), take) })
    const problem = '2 of 3 chunks came'
    await expect(measureStream(short, { work: 'chunks', form, count: 3 })).rejects.toThrow(problem)
  })

  it('is an error of a client that does not have it', async () => {
    const problem = `it has no items to ${form}`
    await expect(measureStream(clientWith({}), { work: 'items', form, count: 1 })).rejects.toThrow(problem)
  })
})

it('a client says in which forms it has a stream', () => {
  expect(formsOf(whole, 'items')).toEqual(['pull', 'push'])
  expect(formsOf(clientWith({ items: itemsOf }), 'items')).toEqual(['pull'])
  expect(formsOf(clientWith({ items: itemsOf }), 'chunks')).toEqual([])
  expect(formsOf({ ...whole, streams: undefined }, 'items')).toEqual([])
})
