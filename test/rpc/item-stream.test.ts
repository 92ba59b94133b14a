/** The consumer's side of a stream: the order of answers, its ends, and consumers that do odd things. */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { END, type ItemSource, Items, NONE } from '../../src/rpc/item-stream.ts'
import { nextTurn } from '../support/hand-clock.ts'
import { runs } from '../support/runs.ts'
import '../support/seed.ts'

/** A source that is filled by hand. */
class HandSource implements ItemSource {
  readonly items: Items = new Items(this)
  readonly waiting: unknown[] = []
  dropped = 0
  stops = 0
  takes = 0
  isEnded = false
  failure: unknown
  /** Called when it is asked, before it answers. */
  onTake: () => void = () => {}
  /** Called when it has taken an item out, before it is handed on. */
  onTaken: () => void = () => {}

  give(...items: unknown[]): this {
    this.waiting.push(...items)
    this.items.wake()
    return this
  }

  end(): this {
    this.isEnded = true
    this.items.wake()
    return this
  }

  fail(error: unknown): this {
    this.failure = error
    this.items.wake()
    return this
  }

  take(): unknown {
    this.takes++
    this.onTake()
    const item = this.waiting.length > 0 ? this.waiting.shift() : NONE
    if (item !== NONE) this.onTaken()
    if (item !== NONE) return item
    if (this.failure !== undefined) throw this.failure
    return this.isEnded ? END : NONE
  }

  stop(): void {
    this.stops++
  }
}

const value = (item: unknown) => ({ value: item, done: false })
const done = { value: undefined, done: true }

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = []
  for await (const item of items) taken.push(item)
  return taken
}

/** What became of a promise by now. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const pending = Symbol('pending')
  const state = await Promise.race([promise, nextTurn().then(() => pending)]).catch((error: unknown) => ({ error }))
  return state === pending ? 'pending' : state
}

describe('items', () => {
  it('that are there are taken in order, and then those that come', async () => {
    const source = new HandSource().give(1, undefined, null)
    const taken = all(source.items)
    await nextTurn()
    source.give(4).give(5, 6)
    await nextTurn()
    source.end()
    expect(await taken).toEqual([1, undefined, null, 4, 5, 6])
    expect(source.stops).toBe(0)
  })

  it('answer several that wait in the order in which they asked', async () => {
    const source = new HandSource()
    const asked = [1, 2, 3, 4].map(() => source.items.next())
    source.give('a', 'b')
    expect(await Promise.all(asked.slice(0, 2))).toEqual([value('a'), value('b')])
    expect(await stateOf(asked[2] as Promise<unknown>)).toBe('pending')
    source.give('c').end()
    expect(await Promise.all(asked.slice(2))).toEqual([value('c'), done])
  })

  it('are asked of the source only as far as somebody waits', async () => {
    const source = new HandSource().give(1, 2, 3)
    expect(source.takes).toBe(0)
    await source.items.next()
    expect(source.takes).toBe(1)
    source.items.wake()
    expect(source.takes).toBe(1)
  })

  it('are their own iterator, and tell how many were left out', () => {
    const source = new HandSource()
    expect(source.items[Symbol.asyncIterator]()).toBe(source.items)
    source.dropped = 7
    expect(source.items.dropped).toBe(7)
  })
})

describe('the end', () => {
  it('is told to all that wait, and to all that ask afterwards, without the source', async () => {
    const source = new HandSource()
    const waiting = [source.items.next(), source.items.next()]
    source.end()
    expect(await Promise.all(waiting)).toEqual([done, done])
    const { takes } = source
    source.give('late')
    expect(await source.items.next()).toEqual(done)
    expect(source.takes).toBe(takes)
  })

  it('by an error is told once: the first that waits gets it, others are done', async () => {
    const source = new HandSource()
    const [first, second] = [source.items.next(), source.items.next()]
    source.fail(new Error('lost'))
    await expect(first).rejects.toThrow('lost')
    expect(await second).toEqual(done)
    expect(await source.items.next()).toEqual(done)
  })

  it('by an error comes behind the items before it', async () => {
    const source = new HandSource().give(1, 2).fail(new Error('lost'))
    const taken: unknown[] = []
    await expect(
      (async () => {
        for await (const item of source.items) taken.push(item)
      })(),
    ).rejects.toThrow('lost')
    expect(taken).toEqual([1, 2])
  })

  it('by an error that nobody waits for disturbs nobody', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    new HandSource().fail(new Error('lost'))
    await nextTurn()
    await nextTurn()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('a consumer that wants no more', () => {
  it('stops the source once, by break, return and disposal together', async () => {
    const source = new HandSource().give(1, 2)
    for await (const item of source.items) if (item === 1) break
    expect(source.stops).toBe(1)
    expect(await source.items.return()).toEqual(done)
    await source.items[Symbol.asyncDispose]()
    expect(source.stops).toBe(1)
    expect(await source.items.next()).toEqual(done)
  })

  it('ends those that wait', async () => {
    const source = new HandSource()
    const waiting = [source.items.next(), source.items.next()]
    await source.items[Symbol.asyncDispose]()
    expect(await Promise.all(waiting)).toEqual([done, done])
    expect(source.stops).toBe(1)
  })

  it('does not stop a source that has ended or failed', async () => {
    const ended = new HandSource().end()
    await ended.items.next()
    await ended.items.return()
    const failed = new HandSource().fail(new Error('lost'))
    await failed.items.next().catch(() => {})
    await failed.items.return()
    expect([ended.stops, failed.stops]).toEqual([0, 0])
  })
})

describe('a source that calls back while it is asked', () => {
  it('keeps the order of its items, for one that waits and for one that asks', async () => {
    for (const waits of [true, false]) {
      const source = new HandSource()
      let given = 0
      source.onTake = () => {
        if (given < 5) source.give(++given)
      }
      const asked = waits ? [source.items.next(), source.items.next()] : []
      if (!waits) asked.push(source.items.next(), source.items.next())
      source.items.wake()
      expect(await Promise.all(asked)).toEqual([value(1), value(2)])
    }
  })

  it('loses nothing, whoever waits while an item is on its way', async () => {
    const source = new HandSource()
    let given = 1
    source.onTaken = () => {
      if (given < 6) source.give(++given)
    }
    const asked = [1, 2, 3].map(() => source.items.next())
    source.give(1)
    for (let n = 0; n < 3; n++) asked.push(source.items.next())
    expect(await Promise.all(asked)).toEqual([1, 2, 3, 4, 5, 6].map(value))
  })

  it('may ask for an item itself, and gets the one behind', async () => {
    const source = new HandSource()
    let inner: Promise<unknown> | undefined
    source.waiting.push('outer', 'inner')
    source.onTake = () => {
      inner ??= source.items.next()
    }
    expect(await source.items.next()).toEqual(value('outer'))
    expect(await inner).toEqual(value('inner'))
  })

  it('may leave, and then the item is nobody’s', async () => {
    for (const waits of [true, false]) {
      const source = new HandSource()
      const first = waits ? source.items.next() : undefined
      source.onTake = () => void source.items.return()
      source.give(1, 2)
      expect(await (first ?? source.items.next())).toEqual(done)
      expect(source.stops).toBe(1)
    }
  })
})

describe('streams of others', () => {
  it('can be made of items: Readable.from and ReadableStream.from', async () => {
    const source = () => new HandSource().give('a', 'b').end()
    expect(await all(Readable.from(source().items))).toEqual(['a', 'b'])
    const { ReadableStream: Web } = globalThis as unknown as {
      ReadableStream: { from(items: unknown): AsyncIterable<unknown> }
    } // the types of Node 20 lack it
    expect(await all(Web.from(source().items))).toEqual(['a', 'b'])
  })

  it('stop the source when they are destroyed or cancelled', async () => {
    const [one, other] = [new HandSource().give('a'), new HandSource().give('a')]
    const readable = Readable.from(one.items)
    for await (const _ of readable) break
    const { ReadableStream: Web } = globalThis as unknown as {
      ReadableStream: { from(items: unknown): ReadableStream }
    } // likewise
    const reader = Web.from(other.items).getReader()
    await reader.read()
    await reader.cancel()
    expect([one.stops, other.stops]).toEqual([1, 1])
  })

  it('fail as the source fails', async () => {
    const source = new HandSource().give('a').fail(new Error('lost'))
    await expect(all(Readable.from(source.items))).rejects.toThrow('lost')
  })
})

/** What a consumer sees, by the words of the header and nothing clever. */
class SlowModel {
  readonly answers: unknown[] = []
  readonly #items: unknown[] = []
  #asked = 0
  #end: 'end' | 'fail' | undefined
  #isOver = false

  do(step: Step): void {
    if (step === 'next') this.#asked++
    else if (step === 'return') this.#over()
    else if (typeof step === 'number') this.#items.push(step)
    else this.#end ??= step
    while (this.#asked > 0 && this.#answer()) this.#asked--
  }

  #answer(): boolean {
    if (this.#isOver) this.answers.push('done')
    else if (this.#items.length > 0) this.answers.push(this.#items.shift())
    else if (this.#end === undefined) return false
    else {
      this.#isOver = true
      this.answers.push(this.#end === 'fail' ? 'error' : 'done')
    }
    return true
  }

  #over(): void {
    this.#isOver = true
  }
}

type Step = number | 'next' | 'return' | 'end' | 'fail'

it('whatever is done with them, in whatever order, they answer as the model does', async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.constant('next' as const) },
    { weight: 6, arbitrary: fc.nat(99) },
    { weight: 1, arbitrary: fc.constantFrom('end' as const, 'fail' as const, 'return' as const) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const source = new HandSource()
      const model = new SlowModel()
      const answers: unknown[] = []
      const asked: Promise<void>[] = []
      let hasEnd = false
      for (const one of [...steps, 'return' as const]) {
        if (one === 'next') {
          const index = asked.length
          const note = (answer: unknown): void => {
            answers[index] = answer
          }
          const answered = source.items.next().then((result) => note(result.done ? 'done' : result.value))
          asked.push(answered.catch(() => note('error')))
        } else if (one === 'return') void source.items.return()
        else if (typeof one === 'number') source.give(one)
        else if (!hasEnd) {
          hasEnd = true
          if (one === 'end') source.end()
          else source.fail(new Error('lost'))
        }
        model.do(one)
      }
      await Promise.all(asked)
      expect(answers).toEqual(model.answers)
      expect(source.stops).toBeLessThanOrEqual(1)
    }),
    runs(300),
  )
})
